"""How many messages a bot takes and answers, and what waiting messages cost.

    python tests/benchmarks/benchmark_messages.py             a bot that is served, on SQLite
    python tests/benchmarks/benchmark_messages.py --gunicorn  the same in two worker processes
    python tests/benchmarks/benchmark_messages.py --waiting   the queue: 100 to 1,000,000 messages
    python tests/benchmarks/benchmark_messages.py --waiting 100 100000 --url postgresql+psycopg://...
                                                              the same in a database for each size,
                                                              whose name has {} for the size in it

A bot runs as a process of its own.  The chat is a small server that only counts what the bot says,
so that the figures are the bot's.  So many clients deliver messages, each over a connection of its
own, the next one as soon as the last one is accepted.  Each message is in one of a hundred chats
and is answered by the help text.  Told for each number of clients: messages accepted a second,
until the last one is accepted; milliseconds until a delivery was answered; replies a second, until
the last reply was said; milliseconds of processor time that the bot spent on a message in all.
Then the bot's memory.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # as pytest does

from benchmark_processes import family, let_rest, memory, processor
from benchmark_stand_in import BOT, StandIn
from serve_world import KEY, NEEDED, ServeAt, answers, wait_until

from botkit.chat.subscription import EVENT_FILTERS
from botkit.storage import Job, Seal, Storage, do_job, new_key
from botkit.storage.messages import reply_job
from botkit.storage.seal import seal_row
from botkit.storage.tables import jobs, lanes

TOKEN, CHATS = "verification-of-the-bench", 100
MESSAGES = 2_000  # at each number of clients
CLIENTS = (1, 8, 64)
ROUNDS = 7
SIZES = (100, 10_000, 1_000_000)


# ---- a bot that is served ----------------------------------------------------------------------


def served(messages: int, gunicorn: bool) -> None:
    """Run a bot, deliver, and print a line for each number of clients."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        serve = stack.enter_context(closing(ServeAt(Path(folder))))
        url = f"sqlite:///{folder}/bot.sqlite"
        with closing(Storage(url, seal=Seal([KEY]))) as storage:
            storage.set_up()
            data = {"subscriptionId": "sub", "eventFilters": EVENT_FILTERS}
            data |= {"verificationToken": TOKEN}
            storage.save_bot(BOT, token={"access_token": "of-the-bench"}, data=data)
        other = stack.enter_context(closing(StandIn(f"{serve.address}/bot/webhook")))
        said = other.said
        settings = NEEDED | {
            "BOTKIT_SECRET_KEY": KEY,
            "RINGCENTRAL_SERVER": other.address,
            "RINGCENTRAL_CHATBOT_SERVER": serve.address,
            "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": url,
        }
        command = ["-m", "gunicorn", "-c", "python:botkit.run.gunicorn", "botkit.run.serve:app()"]
        more = {"command": [*command, "--bind", f"127.0.0.1:{serve.port}"]} if gunicorn else {}
        bot = serve(**more, **settings)
        wait_until(lambda: answers(serve.address))
        numbers = itertools.count(1)
        deliver(serve.port, 8, numbers, 200)  # everything has been used once
        wait_until(lambda: said.value >= 200)
        print("| clients | accepted/s | ms: median | 99 of 100 | replies/s | CPU ms a message |")
        print("|---|---|---|---|---|---|")
        for clients in CLIENTS:
            print(line(serve.port, clients, numbers, messages, said, bot.process.pid), flush=True)
        pids = family(bot.process.pid)
        print(
            f"\nAfter {next(numbers) - 1:,} messages: {memory(pids)} MB in {len(pids)} processes."
        )


def line(
    port: int, clients: int, numbers: itertools.count[int], count: int, said: Any, pid: int
) -> str:
    """Deliver so many messages, wait for all replies, and say how long it took."""
    pids, before = family(pid), said.value
    worked, began = processor(pids), time.perf_counter()
    seconds = deliver(port, clients, numbers, count)
    accepted = time.perf_counter() - began
    while said.value < before + count:
        time.sleep(0.005)
    replied = time.perf_counter() - began
    let_rest(pids)
    worked = processor(pids) - worked
    late = statistics.quantiles(seconds, n=100)[-1]
    return (
        f"| {clients} | {count / accepted:.0f} | {statistics.median(seconds) * 1000:.1f} | "
        f"{late * 1000:.0f} | {count / replied:.0f} | {worked / count * 1000:.2f} |"
    )


def deliver(port: int, clients: int, numbers: itertools.count[int], count: int) -> list[float]:
    """Deliver messages as RingCentral would; the seconds until each was answered with 200."""
    waiting = [next(numbers) for _ in range(count)]
    seconds: list[float] = []

    def client() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while True:
                try:
                    number = waiting.pop()
                except IndexError:
                    return
                headers = {"Verification-Token": TOKEN, "Content-Type": "application/json"}
                began = time.perf_counter()
                connection.request("POST", "/bot/webhook", delivery(number), headers)
                answer = connection.getresponse()
                answer.read()
                seconds.append(time.perf_counter() - began)
                assert answer.status == 200, answer.status

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seconds) == count
    return seconds


def delivery(number: int) -> bytes:
    body = {
        "id": str(number),
        "eventType": "PostAdded",
        "groupId": str(6_000_000 + number % CHATS),
        "creatorId": "5000001",
        "text": "help",
        "creationTime": datetime.now(UTC).isoformat(),
    }
    event = "/team-messaging/v1/posts"
    return json.dumps({"uuid": str(number), "event": event, "ownerId": BOT, "body": body}).encode()


# ---- the queue while much waits ------------------------------------------------------------------


class Queue:
    """A database in which so many messages wait, ten in a chat, of a hundred bots."""

    def __init__(self, url: str, size: int) -> None:
        self.size = size
        self.storage = Storage(url, seal=Seal([new_key()]))
        self.storage.set_up()
        self._fill()
        self._numbers = itertools.count()
        self._claimed: list[Any] = []
        full = [f"bot-{number}" for number in range(0, 100, 2)]
        queue = self.storage.messages
        self.operations: dict[str, Callable[[], object]] = {
            "put": lambda: queue.put([self._new()]),
            "claim": self._claim,
            "finish, with a reply": self._finish,
            "claim, and later": lambda: queue.later(queue.claim("turn"), 0.0),
            "pause a bot": lambda: queue.pause(f"bot-{next(self._numbers) % 100}", 0.0),
            "plan a job": self._plan,
            "what is due next": lambda: queue.next_due(60.0),
            "what is due now": queue.count_due,
            "how much waits": queue.how,
            "claim, past 50 bots": lambda: queue.later(queue.claim("turn", full=full), 0.0),
        }

    def _fill(self) -> None:
        """All wait since now; what they say is not read."""
        now = int(datetime.now(UTC).timestamp() * 1000)
        with self.storage._writing() as connection:
            for begin in range(0, self.size, 20_000):
                numbers = range(begin, min(begin + 20_000, self.size))
                places = {
                    number // 10: f"in:bot-{number // 10 % 100}:{number // 10}"
                    for number in numbers
                }
                rows = [
                    {
                        "name": lane,
                        "pool": "turn",
                        "bot_id": lane.split(":")[1],
                        "due": now,
                        "claim": None,
                        "tries": 0,
                    }
                    for lane in places.values()
                ]
                connection.execute(sa.insert(lanes), rows)
                job = {"body": {"text": "x"}, "due": now, "began": None, "created_at": now}
                waiting = [
                    seal_row(self.storage.seal, jobs, job | {"lane": places[number // 10]})
                    for number in numbers
                ]
                connection.execute(sa.insert(jobs), waiting)

    def _new(self) -> Job:
        number = next(self._numbers)
        return Job("turn", f"in:bot-0:new-{number}", "bot-0", {"text": "x"}, key=f"k{number}")

    def _claim(self) -> None:
        self._claimed.append(self.storage.messages.claim("turn"))

    def _finish(self) -> None:
        done = self._claimed.pop()
        _, bot, chat = done.lane.split(":")
        self.storage.messages.finish(done, [reply_job(bot, chat, "x")])

    def _plan(self) -> None:
        self.storage.messages.put([do_job("maintain", str(next(self._numbers)), seconds=60)])


def waiting(sizes: list[int], url: str | None) -> None:
    """Print the milliseconds of each operation at each size, of the clock and of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        url = url or f"sqlite:///{folder}/{{}}.sqlite"
        queues = [Queue(url.format(size), size) for size in sizes]
        times: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for _ in range(ROUNDS * 3):
            for queue in queues:
                for name, once in queue.operations.items():
                    began, worked = time.perf_counter(), time.process_time()
                    once()
                    took = time.perf_counter() - began, time.process_time() - worked
                    times.setdefault((name, queue.size), []).append(took)
        print("| operation |", " | ".join(f"{size:,}" for size in sizes), "| last : first |")
        print("|---|" + "---|" * len(sizes) + "---|")
        for name in queues[0].operations:
            found = [
                [
                    statistics.median(one[kind] for one in times[name, size]) * 1000
                    for kind in (0, 1)
                ]
                for size in sizes
            ]
            shown = " | ".join(f"{clock:.2f} ({work:.2f})" for clock, work in found)
            print(f"| {name} | {shown} | {found[-1][1] / found[0][1]:.2f} |")
        for queue in queues:
            queue.storage.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--gunicorn", action="store_true")
    parser.add_argument("--url")
    parser.add_argument("--waiting", type=int, nargs="*", metavar="SIZE")
    chosen = parser.parse_args()
    if chosen.waiting is not None:
        waiting(chosen.waiting or list(SIZES), chosen.url)
    else:
        served(chosen.messages, chosen.gunicorn)


if __name__ == "__main__":
    main()
