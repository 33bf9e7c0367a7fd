"""Does anything take longer when the tables are longer?  Medians at 100, 10,000 and more rows.

    python tests/benchmarks/benchmark_growth.py                  100, 10,000 and 1,000,000 rows
    python tests/benchmarks/benchmark_growth.py 100 10000        other sizes
    python tests/benchmarks/benchmark_growth.py --url postgresql+psycopg://...   an empty database

The rows are connections of different accounts: a hundred people in a chat, ten chats of a bot.  The
sizes take turns, so that a busy neighbour slows all of them alike.  One line for each operation:
milliseconds at each size, in brackets those of the processor, and how many times as long the last
size takes as the first.

Then the same where one bot has all the rows: its status, which shows a hundred and counts the rest,
and what `maintain` and `remove-bot` do with some hundred rows at a time.  RingCentral and the
providers are not asked.  `--one-bot` measures nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import random
import resource
import secrets
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from botkit.run.status import MOST_SHOWN
from botkit.storage import Seal, Storage, new_key, services
from botkit.storage.seal import grant_of, seal_row

CHUNK = 20_000  # rows in one transaction, when the table is filled
PEOPLE, CHATS = 100, 10  # in a chat, of a bot
SMALL_PIECE = 50
ROUNDS = 21


class Table:
    """A storage with so many connections, and what is measured in it."""

    chats = CHATS  # of a bot
    keys: Sequence[str] = (new_key(),)

    def __init__(self, url: str, rows: int) -> None:
        self.rows = rows
        self.seal = Seal(self.keys)
        self.storage = Storage(url, seal=self.seal)
        self.storage.set_up()
        self._numbers = itertools.count(rows)
        self._random = random.Random(rows)
        for begin in range(0, rows, CHUNK):
            self._fill(range(begin, min(begin + CHUNK, rows)))
        with self.storage._engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        self._ending = self.storage.each_service(bot_id="bot-0")
        self.operations = self._operations()

    def _operations(self) -> dict[str, Callable[[], object]]:
        return {
            "find": lambda: self.storage.find_service("GitHub", **self._anybody()),
            "save": self._save,
            "issue and claim": self._claim,
            "shares account": self._shares,
            "disconnect": self._disconnect,
            "leave a chat": self._leave,
            "count links": lambda: self.storage.count_waiting_links("bot-0"),
            "check": self.storage.check,
            "set up": self.storage.set_up,
            **self._of_a_bot(),
        }

    def _of_a_bot(self) -> dict[str, Callable[[], object]]:
        """What is done with all the rows of a bot, which is at most a piece at a time."""
        return {
            "status of a bot": self._status,
            "read a piece": self._read_piece,
            "next chat": lambda: next(self.storage.each_group("bot-0")),
            "remove, each": self._remove_one,
        }

    def _status(self) -> None:
        self.storage.count_waiting_links("bot-0")
        self.storage.count_services("bot-0")
        self.storage.find_services(bot_id="bot-0", limit=MOST_SHOWN)

    def _read_piece(self) -> None:
        """Some rows from the middle of the bot's; no more than the smallest table has."""
        middle = min(self.rows, PEOPLE * self.chats) // 2 - SMALL_PIECE // 2
        found = self.storage.find_services(bot_id="bot-0", after=middle, limit=SMALL_PIECE)
        assert len(found) == SMALL_PIECE

    def _remove_one(self) -> None:
        """End the next connection of a bot, as `remove-bot` does."""
        service = next(self._ending)
        self.storage.shares_account(service, ["GitHub"], leaving={"bot_id": "bot-0"})
        assert self.storage.delete_service(service)

    def _fill(self, numbers: range) -> None:
        now = datetime.now(UTC)
        with self.storage._engine.begin() as connection:
            rows = []
            for number in numbers:
                row = {"name": "GitHub", **self._owner(number), "data": data(number)}
                grant = grant_of(self.seal, "GitHub", row["data"])
                row |= {"created_at": now, "updated_at": now}
                rows.append(seal_row(self.seal, services, row) | {"grant": grant})
            connection.execute(sa.insert(services), rows)

    def _anybody(self) -> dict[str, str]:
        """Somebody who is not among the first, which `_remove_one` ends."""
        return self._owner(self._random.randrange(ROUNDS, self.rows))

    def _owner(self, number: int) -> dict[str, str]:
        chat = number // PEOPLE
        where = {"bot_id": f"bot-{chat // self.chats}", "group_id": f"chat-{chat}"}
        return where | {"user_id": f"person-{number}"}

    def _new(self) -> dict[str, str]:
        """Somebody new, in a chat of their own: so each size stays as long as it is."""
        number = next(self._numbers)
        return {"bot_id": "bot-0", "group_id": f"new-{number}", "user_id": f"person-{number}"}

    def _save(self) -> None:
        self.storage.save_service("GitHub", **self._anybody(), data={"seen": secrets.token_hex(4)})

    def _claim(self) -> None:
        state = secrets.token_urlsafe(32)
        link = {"provider": "GitHub", "redirect_uri": "https://bot.example.com/github/oauth"}
        self.storage.add_authorization(state, **link, **self._anybody(), verifier=state)
        self.storage.claim_authorization(state, provider="GitHub")

    def _shares(self) -> None:
        service = self.storage.find_service("GitHub", **self._anybody())
        assert service and not self.storage.shares_account(service, ["GitHub"])

    def _disconnect(self) -> None:
        new = self.storage.save_service("GitHub", **self._new(), data=data(-1))
        assert self.storage.delete_service(new)

    def _leave(self) -> None:
        new = self._new()
        self.storage.save_service("GitHub", **new, data=data(-1))
        self.storage.delete_group(new["bot_id"], new["group_id"])


class OneBot(Table):
    """One bot has all the rows.  They are not sealed: to fill the table takes long enough."""

    chats, keys = 1_000_000, ()

    def _operations(self) -> dict[str, Callable[[], object]]:
        return self._of_a_bot()


def data(number: int) -> dict[str, object]:
    account = {"id": str(number), "name": f"name-{number}"}
    return {"accessToken": f"token-{number}", "scope": ["read:user"], "account": account}


def measure(tables: list[Table]) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds by the clock and of the processor: for each operation the medians by table."""
    times: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for _ in range(ROUNDS):
        for table in tables:
            for name, once in table.operations.items():
                began, worked = time.perf_counter(), time.process_time()
                once()
                rested = time.process_time() - worked
                times[name, table.rows].append((time.perf_counter() - began, rested))
    return {
        name: [
            (_median(times[name, table.rows], 0), _median(times[name, table.rows], 1))
            for table in tables
        ]
        for name in tables[0].operations
    }


def _median(turns: list[tuple[float, float]], of: int) -> float:
    return statistics.median(turn[of] for turn in turns) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[100, 10_000, 1_000_000])
    parser.add_argument("--url", help="an empty database, for one size only")
    parser.add_argument("--one-bot", action="store_true", help="only what one bot with all has")
    chosen = parser.parse_args()
    kinds = (OneBot,) if chosen.one_bot else (Table, OneBot)
    for kind in kinds[:1] if chosen.url else kinds:
        with tempfile.TemporaryDirectory() as folder:
            show(kind, chosen.rows, chosen.url or f"sqlite:///{Path(folder)}/{{}}.sqlite")


def show(kind: type[Table], sizes: Sequence[int], url: str) -> None:
    """Fill the tables, measure, and print a line for each operation."""
    tables = [kind(url.format(rows), rows) for rows in sizes]
    print(kind.__name__.ljust(16), *(f"{rows:>16,}" for rows in sizes), "   times")
    for name, found in measure(tables).items():
        shown = (f"{f'{clock:.2f} ({processor:.2f})':>16}" for clock, processor in found)
        times = (last / first for first, last in zip(found[0], found[-1], strict=True))
        print(name.ljust(16), *shown, "{:>8.2f} ({:.2f})".format(*times))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"Never more than {memory:.0f} MB of memory, {CHUNK:,} rows for filling included.\n")
    for table in tables:
        table.storage.close()


if __name__ == "__main__":
    main()
