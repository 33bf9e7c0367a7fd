"""The other half of the benchmark: whole callbacks under gunicorn, memory, and where time goes.

The bot runs as the README says, with botkit's settings for gunicorn: two processes with threads.
It does everything that it does by default, sealed, on SQLite.  Workers of the class sync, which the
bot refuses now, would have one callback each, and wait for GitHub with it.  A small server stands
for GitHub and the chat.  It is a process of its own, and shares the cores with the bot, and so do
the clients.
"""

from __future__ import annotations

import cProfile
import http.client
import itertools
import pstats
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import benchmark_express
from benchmark_processes import family, let_rest, memory, processor
from benchmark_stand_in import BOT, StandIn
from serve_world import KEY, NEEDED, ServeAt, answers, free_port, wait_until

from botkit.bot import Bot
from botkit.chat.subscription import EVENT_FILTERS
from botkit.oauth import Provider, auth_link
from botkit.providers import github as github_provider
from botkit.settings import Registration, Settings
from botkit.storage import Seal, Storage

CLIENTS = 8
SHOWN = 14  # rows of the profile
CLIENT = "Ov23liSomething", "planted"


def _callback(storage: Storage, github: Provider, address: str, person: int) -> str:
    """Path and query with which a browser comes back, for a link that was made a moment ago."""
    back, place = f"{address}/github/oauth", {"bot_id": BOT, "group_id": "6000001"}
    asked = auth_link(storage, github, **place, user_id=str(person), redirect_uri=back)
    (state,) = parse_qs(urlsplit(asked).query)["state"]
    return f"/github/oauth?{urlencode({'code': f'code-{person}', 'state': state})}"


# ---- callbacks a second ------------------------------------------------------------------------


class _Runner:
    """A bot that runs, and what was measured of it: a round has a rate and processor times.

    `link(person)` is the address to which the browser would go back with a code.
    """

    def __init__(self, name: str, port: int, pid: int, link: Callable[[int], str]) -> None:
        self.name, self._port, self._pid, self._link = name, port, pid, link
        self._people = itertools.count(9_000_000)
        self.rates: list[float] = []
        self.worked: list[float] = []  # seconds of the processor for a callback, of the bot alone
        self.seconds: list[float] = []
        self._send(10 * CLIENTS)  # to warm up
        self.memory_before = memory(family(pid))

    def run(self, count: int) -> None:
        before = processor(family(self._pid))
        seconds, took = self._send(count)
        self.rates.append(count / took)
        self.seconds += seconds
        let_rest(family(self._pid))  # what a bot does after the answer counts, too
        self.worked.append((processor(family(self._pid)) - before) / count)

    def line(self, express: _Runner | None) -> str:
        late = statistics.quantiles(self.seconds, n=100)[-1]
        return (
            f"| {self.name} | {statistics.median(self.rates):.0f} | {self._share(express)} | "
            f"{statistics.median(self.seconds) * 1000:.0f}, {late * 1000:.0f} | "
            f"{statistics.median(self.worked) * 1000:.1f} | "
            f"{self.memory_before} | {memory(family(self._pid))} |"
        )

    def _share(self, express: _Runner | None) -> str:
        if express is None:
            return ""
        pairs = zip(self.rates, express.rates, strict=True)
        return f"{statistics.median(ours / theirs for ours, theirs in pairs):.2f}"

    def _send(self, count: int) -> tuple[list[float], float]:
        waiting = [self._link(next(self._people)) for _ in range(count)]
        began = time.perf_counter()
        return _all_at_once(self._port, waiting), time.perf_counter() - began


def callbacks_per_second(count: int, rounds: int, keep: Path) -> str:
    """Medians of `rounds` rounds of `count` callbacks, as a table; with and without confirming.

    All run from the beginning to the end and take turns.
    """
    with ExitStack() as stack:
        runners = [
            _botkit(stack, "botkit, confirm in chat (default)"),
            _botkit(stack, "botkit, BOTKIT_CONFIRM=0", BOTKIT_CONFIRM="0"),
        ]
        folder, missing = benchmark_express.install(keep)
        express = _express(stack, folder) if folder else None
        runners += [express] if express else []
        for number in range(rounds):
            for one in random.Random(number).sample(runners, len(runners)):
                one.run(count)
        lines = [
            "| callbacks, SQLite | a second | to Express | ms: median, 99th of 100 | "
            "CPU ms each | MB (threads) before | after |",
            "|---|---|---|---|---|---|---|",
            *(one.line(express) for one in runners),
            f"\n{rounds} rounds of {count} callbacks each, {CLIENTS} at a time; medians, and the "
            "median of the ratios in each round. botkit runs under gunicorn with its own settings "
            "and seals. Its callback is whole: claim the state, exchange the code, ask whose "
            "account it is, store, answer with the page. Express makes one of the two requests, "
            "and does not wait for its write. A small server stands for GitHub and the chat; it "
            "and the clients use the same cores. Of the processor: what the bot's processes "
            "spent on a callback, with what they do after the answer. Memory is what `ps` calls "
            "RSS, and the number of threads, of the first process and of each worker.",
            missing,
        ]
    return "\n".join(lines).rstrip()


def _botkit(stack: ExitStack, name: str, **more: str) -> _Runner:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    serve = stack.enter_context(closing(ServeAt(Path(folder))))
    other = stack.enter_context(closing(StandIn(f"{serve.address}/bot/webhook")))
    url = f"sqlite:///{folder}/botkit.sqlite"
    storage = stack.enter_context(closing(Storage(url, seal=Seal([KEY]))))
    storage.set_up()
    data = {"subscriptionId": "sub", "eventFilters": EVENT_FILTERS, "verificationToken": "it"}
    storage.save_bot(BOT, token={"access_token": "of-the-bench"}, data=data)
    settings = NEEDED | {
        "GITHUB_SERVER": other.address,
        "RINGCENTRAL_SERVER": other.address,
        "RINGCENTRAL_CHATBOT_SERVER": serve.address,
        "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": url,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:botkit.run.gunicorn"]
    command += ["--bind", f"127.0.0.1:{serve.port}", "botkit.run.serve:app()"]
    bot = serve(command=command[1:], **settings, **more)
    wait_until(lambda: answers(serve.address))
    github = github_provider(*CLIENT, server=other.address)

    def link(person: int) -> str:
        return _callback(storage, github, serve.address, person)

    return _Runner(name, serve.port, bot.process.pid, link)


def _express(stack: ExitStack, folder: Path) -> _Runner:
    port = free_port()
    other = stack.enter_context(closing(StandIn()))
    settings = NEEDED | {"GITHUB_SERVER": other.address}
    database = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "express.sqlite"
    server = benchmark_express.ExpressServer(folder, port, database, settings)
    stack.enter_context(closing(server))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}"))

    def link(person: int) -> str:
        query = {"code": f"code-{person}", "state": f"{person}:2109001"}
        return f"/github/oauth?{urlencode(query)}"

    return _Runner("the original's, in Express", port, server.process.pid, link)


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


# ---- where the time goes -----------------------------------------------------------------------


def callback_profile(count: int) -> str:
    """`count` callbacks in this process, one after another, under cProfile; as a table of rooms."""
    with tempfile.TemporaryDirectory() as folder, closing(StandIn()) as other:
        address = "http://127.0.0.1:9"  # nobody is there: the callbacks go to the app directly
        bot = Bot(
            Settings(
                practice=False,
                skills=("github",),
                registrations={
                    "github": Registration(*CLIENT, other.address),
                    "chat": Registration("nobody", "nothing", other.address),
                },
                public_address=address,
                database=f"sqlite:///{folder}/botkit.sqlite",
                secret_keys=(KEY,),
            )
        )
        github = bot.providers[0]
        waiting = [_callback(bot.storage, github, address, n) for n in range(count + 20)]
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
