"""The other half of the benchmark: whole callbacks under gunicorn, memory, and where time goes.

The bot runs as the README says, with everything it does by default: sealed, on SQLite, two workers,
GitHub and the chat in processes of their own.  They share the cores with it, and so do the clients.
"""

from __future__ import annotations

import cProfile
import http.client
import pstats
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from live_world import PracticeProcess
from serve_world import KEY, Alice, ServeAt, answers, chat_settings, github_settings, wait_until

from botkit.bot import Bot
from botkit.oauth import Provider, auth_link
from botkit.practice.browser.browser import Browser
from botkit.providers import github as github_provider
from botkit.settings import Registration, Settings
from botkit.storage import Seal, Storage, authorizations

CLIENTS = 8
SHOWN = 14  # rows of the profile


class _Trip:
    """Brings people to where the browser would go back to the bot: many callbacks, not yet made."""

    def __init__(self, storage: Storage, provider: Provider, address: str) -> None:
        self._storage, self._provider, self._address = storage, provider, address
        self._browser = Browser(cookies={"github_account": "alice"})
        self._browser.stop_before = address
        self._people = 0

    def callbacks(self, count: int, **chat: str) -> list[str]:
        """Paths and queries, each with a fresh code and state of another person in the chat."""
        return [self._approved(chat).removeprefix(self._address) for _ in range(count)]

    def _approved(self, chat: dict[str, str]) -> str:
        self._people += 1
        link = auth_link(
            self._storage,
            self._provider,
            **chat,
            user_id=str(9_000_000 + self._people),
            redirect_uri=f"{self._address}/github/oauth",
        )
        return self._browser.visit(link).approve().url


# ---- callbacks a second ------------------------------------------------------------------------


def callbacks_per_second(count: int, rounds: int) -> str:
    """Medians of `rounds` rounds of `count` callbacks, as a table; with and without confirming."""
    lines = [
        "| gunicorn, 2 workers, SQLite, sealed | callbacks a second | ms: median, 99th of 100 | "
        "MB (threads) before | after |",
        "|---|---|---|---|---|",
        _measured("confirm in chat (default)", count, rounds),
        _measured("BOTKIT_CONFIRM=0", count, rounds, BOTKIT_CONFIRM="0"),
        f"\n{rounds} rounds of {count} callbacks, {CLIENTS} at a time. A callback is whole: claim "
        "the state, exchange the code, ask whose account it is, store, answer with the page. The "
        "practice GitHub, the chat and the clients use the same cores. Memory is what `ps` calls "
        "RSS, with the number of threads: of gunicorn's own process, then of each worker.",
    ]
    return "\n".join(lines)


def _measured(name: str, count: int, rounds: int, **more: str) -> str:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(PracticeProcess("github")) as github,
        closing(PracticeProcess("ringcentral")) as chat,
        closing(ServeAt(Path(folder))) as serve,
    ):
        settings = github_settings(github, serve.address) | chat_settings(chat) | more
        settings["RINGCENTRAL_CHATBOT_SERVER"] = serve.address
        command = [sys.executable, "-m", "gunicorn", "--workers", "2", "botkit.run.serve:app()"]
        bot = serve(command=[*command, "--bind", f"127.0.0.1:{serve.port}"], **settings)
        wait_until(lambda: answers(serve.address))
        chat.call("install_bot", f"{serve.address}/bot/oauth")
        Alice(chat).approve()  # one link through the chat: everything has been used once
        storage = Storage(f"sqlite:///{folder}/botkit.sqlite", seal=Seal([KEY]))
        trip = _Trip(storage, _github(github, settings), serve.address)
        place = {"bot_id": storage.find_bots()[0].id, "group_id": _direct_chat(storage)}
        _all_at_once(serve.port, trip.callbacks(5 * CLIENTS, **place))  # to warm up
        before = _memory(bot.process.pid)
        rates, seconds = [], []
        for _ in range(rounds):
            waiting = trip.callbacks(count, **place)
            began = time.perf_counter()
            seconds += _all_at_once(serve.port, waiting)
            rates.append(count / (time.perf_counter() - began))
        after = _memory(bot.process.pid)
        storage.close()
    middle, late = statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1]
    return (
        f"| {name} | {statistics.median(rates):.0f} | {middle * 1000:.0f}, {late * 1000:.0f} | "
        f"{before} | {after} |"
    )


def _github(process: PracticeProcess, settings: dict[str, str]) -> Provider:
    client = settings["GITHUB_CLIENT_ID"], settings["GITHUB_CLIENT_SECRET"]
    return github_provider(*client, server=process.address)


def _direct_chat(storage: Storage) -> str:
    """The chat from which Alice has just asked for a link."""
    link = authorizations.c
    with storage._reading() as connection:
        newest = sa.select(link.group_id).order_by(link.created_at.desc())
        return connection.scalars(newest.limit(1)).one()


def _all_at_once(port: int, waiting: list[str]) -> list[float]:
    """Send the callbacks, several at a time; the seconds that each took.  All must be welcome."""
    seconds: list[float] = []
    statuses: Counter[int] = Counter()
    waiting = list(waiting)

    def client() -> None:
        while True:
            try:
                path = waiting.pop()
            except IndexError:
                return
            began = time.perf_counter()
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
            seconds.append(time.perf_counter() - began)
            statuses[answer.status] += 1

    count = len(waiting)
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {200: count}, statuses
    return seconds


def _memory(pid: int) -> str:
    """Megabytes and threads of a process and its children."""
    command = ["ps", "-o", "rss=,nlwp=", "-p", str(pid), "--ppid", str(pid)]  # as Linux has it
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    each = [line.split() for line in shown.splitlines()]
    return " + ".join(f"{int(kilobytes) / 1024:.0f} ({threads})" for kilobytes, threads in each)


# ---- where the time goes -----------------------------------------------------------------------


def callback_profile(count: int) -> str:
    """`count` callbacks in this process, one after another, under cProfile; as a table of rooms."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(PracticeProcess("github")) as github,
    ):
        address = "http://127.0.0.1:9"  # nobody is there: the callbacks go to the app directly
        settings = github_settings(github, address)
        client = settings["GITHUB_CLIENT_ID"], settings["GITHUB_CLIENT_SECRET"]
        bot = Bot(
            Settings(
                practice=False,
                skills=("github",),
                registrations={
                    "github": Registration(*client, github.address),
                    "chat": Registration("nobody", "nothing", "http://127.0.0.1:9"),
                },
                public_address=address,
                database=f"sqlite:///{folder}/botkit.sqlite",
                secret_keys=(KEY,),
            )
        )
        trip = _Trip(bot.storage, bot.providers[0], address)
        waiting = trip.callbacks(count + 20, bot_id="bot", group_id="chat")
        browser = bot.app.test_client()
        for path in waiting[count:]:
            assert browser.get(path).status_code == 200
        profile = cProfile.Profile()
        began = time.perf_counter()
        profile.enable()
        for path in waiting[:count]:
            assert browser.get(path).status_code == 200
        profile.disable()
        took = (time.perf_counter() - began) / count
        bot.close()
    return _by_room(profile, count, took)


def _by_room(profile: cProfile.Profile, count: int, took: float) -> str:
    """Of each room its own time, and the time of what botkit calls there, with all below."""
    stats: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own: dict[str, float] = defaultdict(float)
    below: dict[str, float] = defaultdict(float)
    for function, (_, _, alone, _, callers) in stats.items():
        room = _room(function)
        own[room] += alone
        for caller, (_, _, _, together) in callers.items():
            if _counts(room, caller, stats):
                below[room] += together
    total = sum(own.values())
    lines = ["| where a callback's time goes | with all it calls | by itself |", "|---|---|---|"]
    for room in sorted(own, key=lambda room: -max(below[room], own[room]))[:SHOWN]:
        whole = f"{below[room] / total:.0%}" if below[room] else ""
        lines.append(f"| {room} | {whole} | {own[room] / total:.0%} |")
    lines.append(
        f"\n{count} callbacks in one process, {took * 1000:.1f} ms each under cProfile, which "
        "makes Python's part look larger than it is. Of others' packages: what botkit calls there."
    )
    return "\n".join(lines)


def _counts(room: str, caller: Any, stats: dict[Any, Any]) -> bool:
    """Whether a call from `caller` enters the room from outside; what comes back to it does not."""
    comes_back = any(_room(before) == room for before in stats[caller][4])
    outside = _room(caller) != room and not comes_back and not room.startswith("Python")
    return outside and (room.startswith("botkit/") or _room(caller).startswith("botkit/"))


def _room(function: tuple[str, int, str]) -> str:
    """A module of botkit, or a package of somebody else, or what is built in."""
    file, _, name = function
    if file == "~":
        if "sqlite3" in name:
            return "SQLite itself"
        return "waiting for GitHub (sockets)" if "socket" in name else "Python, built in"
    parts = Path(file).parts
    if "botkit" in parts:
        return "botkit/" + "/".join(parts[len(parts) - parts[::-1].index("botkit") :])
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return f"Python, {Path(file).stem}" if file.endswith(".py") else "Python, built in"
