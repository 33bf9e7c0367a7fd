"""How fast botkit is, beside its peers, and where a callback's time goes; as a note in Markdown.

    pip install -r requirements.txt -r tests/requirements.txt
    cd tests/benchmarks
    python benchmark.py --quick           a try, of a minute
    python benchmark.py > benchmark.md    the whole; the first time makes the databases
    python benchmark.py --postgresql postgresql+psycopg://me@host/postgres
    python benchmark.py --postgresql      on the server that the tests start

One part of it, which takes some minutes:

    python benchmark.py --only storage --aims --rows 100 10000
    python benchmark.py --only storage --aims --rows 1000000 --task state
    python benchmark.py --only callbacks --count 200

No part of the test run.  Nothing else should be busy on the machine.  Filled databases are kept in
the folder `--keep` (about 3 GB), or on the PostgreSQL server, as databases `benchmark_...`.
What is compared are medians.  In every round all contestants take their turn, in another order each
time, so that a disturbance hits all of them.
"""

from __future__ import annotations

import argparse
import atexit
import logging
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # as pytest does

from benchmark_contestants import LIMITS, OURS, Contestant, botkits_pragmas
from benchmark_instructions import instructions_table
from benchmark_peers import PEERS
from benchmark_web import callback_profile, callbacks_per_second
from postgresql_server import PostgreSQL

ROWS, QUICK_ROWS = (100, 10_000, 1_000_000), (100, 1_000)
TURN_SECONDS, QUICK_TURN_SECONDS = 0.4, 0.1
FEWEST, MOST = 3, 1_000  # of operations in one turn
FLAT = 1.5  # times, from the fewest rows to the most
TASKS = {
    "state": "a state: issue it, claim it (ms for both)",
    "service": "a service: save it, find it (ms for both)",
}
PACKAGES = ("SQLAlchemy", "slack_sdk", "Flask-Dance", "Flask", "gunicorn", "cryptography")
SEALED = "botkit, sealed"
TUNED = ", botkit's settings"
# At most so many times as long as slack_sdk; on SQLite as slack_sdk with the settings of botkit.
AIMS = {
    "SQLite": {"state": (0.8, TUNED), "service": (0.5, TUNED)},
    "PostgreSQL": {"state": (1.0, ""), "service": (1.0, "")},
}
CLOCK, PROCESSOR = 0, 1
OWN = "a server of our own"
Turn = tuple[float, float]  # seconds for an operation: by the clock, of the processor
Times = dict[tuple[str, str, int], list[Turn]]  # by task, name and rows: a turn for each round


def main() -> None:
    options = _options()
    logging.disable(logging.WARNING)
    if options.postgresql == OWN:
        server = PostgreSQL()
        atexit.register(server.close)
        options.postgresql = server.url("postgres")
    place = _Place(options.postgresql, options.keep)
    print(f"## Benchmark of {datetime.now(UTC):%Y-%m-%d}\n\n{_machine(place)}\n", flush=True)
    count = options.count or (80 if options.quick else 400)
    rounds = min(3, options.repeat) if options.quick else options.repeat
    parts: dict[str, Callable[[], object]] = {
        "storage": lambda: storage(place, options),
        "callbacks": lambda: print(callbacks_per_second(count, rounds, options.keep), "\n"),
        "profile": lambda: print(callback_profile(count), "\n"),
        "instructions": lambda: print(instructions_table()),
    }
    for name, part in parts.items():
        if options.only in (name, None):
            part()
            sys.stdout.flush()


def storage(place: _Place, options: argparse.Namespace) -> None:
    """Race the storages, and print who was how fast."""
    rows = tuple(options.rows or (QUICK_ROWS if options.quick else ROWS))
    runners = list(_runners(place, rows, options))
    times = race(runners, options.repeat, QUICK_TURN_SECONDS if options.quick else TURN_SECONDS)
    for _, one in runners:
        one.close()
    print(storage_table(times, rows), "\n")
    print(place.settings, "\n")
    print(aims(times, rows, place.kind), "\n", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for trying")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="sizes of the tables")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="rounds (default: 9)")
    parts = ("storage", "callbacks", "profile", "instructions")
    parser.add_argument("--only", choices=parts, help="one part of it")
    parser.add_argument("--task", choices=TASKS, help="one task of the storages")
    parser.add_argument("--aims", action="store_true", help="only botkit and slack_sdk")
    parser.add_argument("--count", type=int, metavar="N", help="callbacks in each round")
    there = "there, and not in SQLite files"
    parser.add_argument("--postgresql", metavar="URL", nargs="?", const=OWN, help=there)
    default = Path(tempfile.gettempdir()) / "botkit-benchmark"
    parser.add_argument("--keep", type=Path, default=default, help=f"default: {default}")
    return parser.parse_args()


# ---- the race ----------------------------------------------------------------------------------


class _Place:
    """Where the databases are: one for each contestant and number of rows, filled once."""

    def __init__(self, server: str | None, folder: Path) -> None:
        self._folder, self._server = folder, sa.make_url(server) if server else None
        self.pragmas: dict[str, Any] = {}
        if self._server is None:
            folder.mkdir(parents=True, exist_ok=True)
            self.pragmas = botkits_pragmas(f"sqlite:///{folder}/pragmas.sqlite")

    def open(self, kind: type[Contestant], rows: int, tuned: bool) -> Contestant:
        """The contestant, with as many rows as it should have."""
        name = f"benchmark_{kind.__name__.lower()}{'_tuned' if tuned else ''}_{rows}"
        one = kind(self._url(name), rows, tuned)
        if not one.is_full():
            _say(f"Filling {name}")
            one.close()
            self._drop(name)
            one = kind(self._url(name), rows, tuned)
            one.fill()
            assert one.is_full()
        return one

    def _url(self, name: str) -> str:
        if self._server is None:
            return f"sqlite:///{self._folder}/{name}.sqlite"
        if not self._run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self._run(f"CREATE DATABASE {name}")
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _drop(self, name: str) -> None:
        if self._server is not None:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")
            return
        for file in self._folder.glob(f"{name}.sqlite*"):
            file.unlink()

    def _run(self, statement: str) -> list[Any]:
        assert self._server is not None
        with sa.create_engine(self._server, isolation_level="AUTOCOMMIT").connect() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result) if result.returns_rows else []

    @property
    def kind(self) -> str:
        return "SQLite" if self._server is None else "PostgreSQL"

    @property
    def settings(self) -> str:
        if self._server is not None:
            return "All contestants: the server's own settings."
        ours = ", ".join(f"{name}={value}" for name, value in self.pragmas.items())
        return (
            f"“botkit's settings” come from the same function, `botkit.storage.connect`: {ours}, "
            "and BEGIN IMMEDIATE for what writes. So after a power failure the last commits may be "
            "missing, and the file is whole. As they come, peers have SQLite's defaults "
            "(journal_mode=delete, synchronous=2), which write to the disk at every commit."
        )


def _runners(
    place: _Place, sizes: tuple[int, ...], options: argparse.Namespace
) -> Iterator[tuple[str, Contestant]]:
    aim = (SEALED, f"slack_sdk{TUNED if place.pragmas else ''}")
    for rows in sizes:
        for kind in (*OURS, *PEERS, *(LIMITS if place.pragmas else ())):
            for tuned in (False, True) if place.pragmas and kind in PEERS else (False,):
                name = f"{kind.product}{TUNED if tuned else ''}"
                if options.task in (kind.task, None) and (name in aim or not options.aims):
                    yield name, place.open(kind, rows, tuned)


def race(runners: list[tuple[str, Contestant]], rounds: int, seconds: float) -> Times:
    """Seconds for one operation, by the clock and of the processor: a pair for each round.

    Those with the same task and the same number of rows follow each other, in another order each
    time, because what is compared should meet the same neighbours.
    """
    counts = {}
    groups = defaultdict(list)
    for name, one in runners:  # which warms them up, too
        _turn(one, FEWEST)
        counts[one] = min(MOST, max(FEWEST, int(seconds / _turn(one, FEWEST)[0])))
        groups[one.task, one.rows].append((name, one))
        _say(f"{one.task}, {name}, {one.rows} rows: {counts[one]} operations a turn")
    times = defaultdict(list)
    for number in range(rounds):
        _say(f"Round {number + 1} of {rounds}")
        for group in groups.values():
            for name, one in random.Random(number).sample(group, len(group)):
                times[one.task, name, one.rows].append(_turn(one, counts[one]))
                one.clean()
    return times


def _turn(one: Contestant, count: int) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    for _ in range(count):
        one.once()
    ended, rested = time.perf_counter(), time.process_time()
    return (ended - began) / count, (rested - worked) / count


# ---- what it says ------------------------------------------------------------------------------


def storage_table(times: Times, sizes: tuple[int, ...]) -> str:
    """Medians, and how many times as long as botkit's sealed storage each of them is."""
    heads = [f"{rows:,} rows" for rows in sizes]
    lines = [f"| | {' | '.join(heads)} | most rows : fewest |", f"|---|{'---|' * (len(sizes) + 1)}"]
    for task, title in _tasks(times):
        lines.append(f"| **{title}** |{' |' * (len(sizes) + 1)}")
        for name in _names(times, task):
            medians = [_median(times[task, name, rows], CLOCK) * 1000 for rows in sizes]
            cells = [
                f"{median:.2f} ({ratio(times[task, name, rows], times[task, SEALED, rows]):.2f})"
                for median, rows in zip(medians, sizes, strict=True)
            ]
            lines.append(f"| {name} | {' | '.join(cells)} | {medians[-1] / medians[0]:.2f} |")
    rounds = len(next(iter(times.values())))
    lines.append(
        f"\nMedians of {rounds} rounds. In brackets: how many times as long as botkit, sealed; the "
        "median of the ratios in each round."
    )
    return "\n".join(lines)


def aims(times: Times, sizes: tuple[int, ...], on: str) -> str:
    """Whether botkit, sealed, is flat with the number of rows, and fast enough beside slack_sdk."""
    lines = []
    for task, _ in _tasks(times):
        ours = [times[task, SEALED, rows] for rows in sizes]
        grows = _median(ours[-1], CLOCK) / _median(ours[0], CLOCK)
        lines.append(
            f"- {_verdict(grows < FLAT)} {task}: {grows:.2f} times as long with {sizes[-1]:,} rows "
            f"as with {sizes[0]:,} (aim: under {FLAT})"
        )
        most, tuned = AIMS[on][task]
        for rows, our in zip(sizes, ours, strict=True):
            theirs = times[task, f"slack_sdk{tuned}", rows]
            by_clock, of_processor = ratio(our, theirs), ratio(our, theirs, PROCESSOR)
            lines.append(
                f"- {_verdict(by_clock <= most)} {task}, {rows:,} rows: {by_clock:.2f} times as "
                f"long as slack_sdk{tuned} (aim: at most {most}); {of_processor:.2f} times as much "
                "of the processor"
            )
    return "\n".join(lines)


def ratio(ours: list[Turn], theirs: list[Turn], of: int = CLOCK) -> float:
    """The median, over the rounds, of ours to theirs."""
    return statistics.median(our[of] / their[of] for our, their in zip(ours, theirs, strict=True))


def _tasks(times: Times) -> list[tuple[str, str]]:
    return [(task, title) for task, title in TASKS.items() if _names(times, task)]


def _names(times: Times, task: str) -> list[str]:
    """Who did the task: botkit, then the peers, then the limit."""
    names = {name for what, name, _ in times if what == task}
    return sorted(names, key=lambda name: (name.startswith("raw"), name.lower()))


def _verdict(reached: bool) -> str:
    return "reached:" if reached else "**MISSED:**"


def _median(turns: list[Turn], of: int) -> float:
    return statistics.median(turn[of] for turn in turns)


def _machine(place: _Place) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    with place.open(OURS[0], 100, tuned=False).engine.connect() as connection:
        database = ".".join(map(str, connection.dialect.server_version_info or ()))
        database = f"{place.kind} {database}"
    load = f"load {os.getloadavg()[0]:.1f} at the beginning" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.platform()}, {os.cpu_count()} cores, {load}. "
        f"Python {platform.python_version()}, {database}, {versions}."
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
