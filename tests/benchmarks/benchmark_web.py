"""The other half of the benchmark: whole callbacks under gunicorn, memory, and where time goes.

The bot runs as the README says, with botkit's settings for gunicorn: two processes with 16 threads
each.  It does everything that it does by default, sealed, on SQLite.  Workers of the class sync,
which the bot refuses now, would have one callback each, and wait for GitHub with it.  GitHub and
the chat are processes of their own.  They share the cores with it, and so do the clients.
"""

from __future__ import annotations

import cProfile
import http.client
import itertools
import pstats
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import benchmark_express
import sqlalchemy as sa
from live_world import PracticeProcess
from serve_world import (
    KEY,
    Alice,
    ServeAt,
    answers,
    chat_settings,
    free_port,
    github_settings,
    wait_until,
)

from botkit.bot import Bot
from botkit.oauth import Provider, auth_link
from botkit.practice.browser.browser import Browser
from botkit.providers import github as github_provider
from botkit.settings import Registration, Settings
from botkit.storage import Seal, Storage, authorizations

CLIENTS = 8
SHOWN = 14  # rows of the profile


class _Trip:
    """Brings people to where the browser would go back to the bot: many callbacks, not yet made.

    `link` makes an auth link for the person with this number.
    """

    def __init__(self, address: str, link: Callable[[int], str]) -> None:
        self._address, self._link = address, link
        # GitHub ends the oldest of ten tokens of one person, maybe before it was used at all.
        self._browsers = itertools.cycle(
            [Browser(cookies={"github_account": name}) for name in ("alice", "bob", "mallory")]
        )
        self._people = itertools.count(9_000_000)

    def callbacks(self, count: int) -> list[str]:
        """Paths and queries, each with a fresh code and state of another person."""
        return [self._approved().removeprefix(self._address) for _ in range(count)]

    def _approved(self) -> str:
        browser = next(self._browsers)
        browser.stop_before = self._address
        return browser.visit(self._link(next(self._people))).approve().url


def _botkits_links(
    storage: Storage, provider: Provider, address: str, **chat: str
) -> Callable[[int], str]:
    back = f"{address}/github/oauth"

    def link(person: int) -> str:
        return auth_link(storage, provider, **chat, user_id=str(person), redirect_uri=back)

    return link


# ---- callbacks a second ------------------------------------------------------------------------


class _Runner:
    """A bot that runs, and what was measured of it: a rate for each round, and all the seconds."""

    def __init__(self, name: str, port: int, pid: int, trip: _Trip) -> None:
        self.name, self._port, self._pid, self._trip = name, port, pid, trip
        self.rates: list[float] = []
        self.seconds: list[float] = []
        self._send(5 * CLIENTS)  # to warm up
        self.memory_before = _memory(pid)

    def run(self, count: int) -> None:
        seconds, took = self._send(count)
        self.rates.append(count / took)
        self.seconds += seconds

    def line(self, express: _Runner | None) -> str:
        late = statistics.quantiles(self.seconds, n=100)[-1]
        return (
            f"| {self.name} | {statistics.median(self.rates):.0f} | {self._share(express)} | "
            f"{statistics.median(self.seconds) * 1000:.0f}, {late * 1000:.0f} | "
            f"{self.memory_before} | {_memory(self._pid)} |"
        )

    def _share(self, express: _Runner | None) -> str:
        if express is None:
            return ""
        pairs = zip(self.rates, express.rates, strict=True)
        return f"{statistics.median(ours / theirs for ours, theirs in pairs):.2f}"

    def _send(self, count: int) -> tuple[list[float], float]:
        waiting = self._trip.callbacks(count)
        began = time.perf_counter()
        return _all_at_once(self._port, waiting), time.perf_counter() - began


def callbacks_per_second(count: int, rounds: int, keep: Path) -> str:
    """Medians of `rounds` rounds of `count` callbacks, as a table; with and without confirming.

    All run from the beginning to the end and take turns.
    """
    with ExitStack() as stack:
        github = stack.enter_context(closing(PracticeProcess("github")))
        github.set("rate_limit_remaining", 1_000_000)
        runners = [
            _botkit(stack, github, "botkit, confirm in chat (default)"),
            _botkit(stack, github, "botkit, BOTKIT_CONFIRM=0", BOTKIT_CONFIRM="0"),
        ]
        folder, missing = benchmark_express.install(keep)
        express = _express(stack, github, folder) if folder else None
        runners += [express] if express else []
        for number in range(rounds):
            for one in random.Random(number).sample(runners, len(runners)):
                one.run(count)
        lines = [
            "| callbacks, SQLite | a second | to Express | ms: median, 99th of 100 | "
            "MB (threads) before | after |",
            "|---|---|---|---|---|---|",
            *(one.line(express) for one in runners),
            f"\n{rounds} rounds of {count} callbacks each, {CLIENTS} at a time; medians, and the "
            "median of the ratios in each round. botkit runs under gunicorn with 2 workers of 16 "
            "threads and seals. Its callback is whole: claim the state, exchange the code, ask "
            "whose account it is, store, answer with the page. Express makes one of the two "
            "requests, and does not wait for its write. The practice GitHub, the chat and the "
            "clients use the same cores. Memory is what `ps` calls RSS, and the number of "
            "threads, of the first process and of each worker.",
            missing,
        ]
    return "\n".join(lines).rstrip()


def _botkit(stack: ExitStack, github: PracticeProcess, name: str, **more: str) -> _Runner:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    chat = stack.enter_context(closing(PracticeProcess("ringcentral")))
    serve = stack.enter_context(closing(ServeAt(Path(folder))))
    settings = github_settings(github, serve.address) | chat_settings(chat) | more
    settings["RINGCENTRAL_CHATBOT_SERVER"] = serve.address
    command = [sys.executable, "-m", "gunicorn", "-c", "python:botkit.run.gunicorn"]
    command += ["--bind", f"127.0.0.1:{serve.port}", "botkit.run.serve:app()"]
    bot = serve(command=command, **settings)
    wait_until(lambda: answers(serve.address))
    chat.call("install_bot", f"{serve.address}/bot/oauth")
    Alice(chat).approve()  # one link through the chat: everything has been used once
    url = f"sqlite:///{folder}/botkit.sqlite"
    storage = stack.enter_context(closing(Storage(url, seal=Seal([KEY]))))
    place = {"bot_id": storage.find_bots()[0].id, "group_id": _direct_chat(storage)}
    links = _botkits_links(storage, _github(github, settings), serve.address, **place)
    return _Runner(name, serve.port, bot.process.pid, _Trip(serve.address, links))


def _express(stack: ExitStack, github: PracticeProcess, folder: Path) -> _Runner:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = github_settings(github, address)
    database = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "express.sqlite"
    server = benchmark_express.ExpressServer(folder, port, database, settings)
    stack.enter_context(closing(server))
    wait_until(lambda: answers(address))

    def link(person: int) -> str:
        query = {
            "client_id": settings["GITHUB_CLIENT_ID"],
            "redirect_uri": f"{address}/github/oauth",
            "scope": "read:user",
            "state": f"{person}:2109001",
        }
        return f"{github.address}/login/oauth/authorize?{urlencode(query)}"

    return _Runner("the original's, in Express", port, server.process.pid, _Trip(address, link))


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
    refused: list[str] = []
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
                page = answer.read().decode()
            refused.extend([page] if answer.status != 200 else [])
            seconds.append(time.perf_counter() - began)
            statuses[answer.status] += 1

    count = len(waiting)
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {200: count}, (statuses, refused)
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
        place = {"bot_id": "bot", "group_id": "chat"}
        trip = _Trip(address, _botkits_links(bot.storage, bot.providers[0], address, **place))
        waiting = trip.callbacks(count + 20)
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
