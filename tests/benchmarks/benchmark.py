"""How fast botkit is, beside its peers, and where a callback's time goes; as a note in Markdown.

    pip install -r requirements.txt -r tests/requirements.txt
    cd tests/benchmarks
    python benchmark.py --quick           a try, of a minute
    python benchmark.py > benchmark.md    the whole; the first time makes the databases
    python benchmark.py --postgresql postgresql+psycopg://me@host/postgres

No part of the test run.  Nothing else should be busy on the machine.  Filled databases are kept in
the folder `--keep` (about 3 GB), or on the PostgreSQL server, as databases `benchmark_...`.
What is compared are medians.  In every round all contestants take their turn, in another order each
time, so that a disturbance hits all of them.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # as pytest does

from benchmark_contestants import OURS, Contestant, botkits_pragmas
from benchmark_peers import PEERS
from benchmark_web import callback_profile, callbacks_per_second

ROWS, QUICK_ROWS = (100, 10_000, 1_000_000), (100, 2_000, 10_000)
TURN_SECONDS, QUICK_TURN_SECONDS = 0.4, 0.1
FEWEST, MOST = 3, 1_000  # of operations in one turn
FLAT = 1.5  # times, from the fewest rows to the most
TASKS = {
    "state": "a state: issue it, claim it (ms for both)",
    "service": "a service: save it, find it (ms for both)",
}
PACKAGES = ("SQLAlchemy", "slack_sdk", "Flask-Dance", "Flask", "gunicorn", "cryptography")
Key = tuple[str, str, int]  # task, name, rows


def main() -> None:
    options = _options()
    logging.disable(logging.WARNING)
    rows = QUICK_ROWS if options.quick else ROWS
    place = _Place(options.postgresql, options.keep)
    print(f"## Benchmark of {datetime.now(UTC):%Y-%m-%d}\n\n{_machine(place)}\n")
    runners = list(_runners(place, rows))
    times = race(runners, options.repeat, QUICK_TURN_SECONDS if options.quick else TURN_SECONDS)
    for _, one in runners:
        one.close()
    print(storage_table(times, rows), "\n")
    print(place.settings, "\n")
    print(aims(times, rows), "\n", flush=True)
    if not options.storage_only:
        count = 80 if options.quick else 400
        print(callbacks_per_second(count, 3 if options.quick else options.repeat), "\n", flush=True)
        print(callback_profile(count))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for trying")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="rounds (default: 9)")
    parser.add_argument("--storage-only", action="store_true", help="no callbacks, no profile")
    parser.add_argument("--postgresql", metavar="URL", help="there, and not in SQLite files")
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
        pragmas = self.pragmas if tuned else None
        one = kind(self._url(name), rows, pragmas)
        if not one.is_full():
            _say(f"Filling {name}")
            one.close()
            self._drop(name)
            one = kind(self._url(name), rows, pragmas)
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
    def settings(self) -> str:
        if self._server is not None:
            return "All contestants: the server's own settings."
        ours = ", ".join(f"{name}={value}" for name, value in self.pragmas.items())
        return (
            f"“Same PRAGMAs” are those that botkit sets by itself on SQLite: {ours}. So after a "
            "power failure the last commits may be missing, and the file is whole. As they come, "
            "peers have SQLite's defaults (journal_mode=delete, synchronous=2), which write to "
            "the disk at every commit."
        )


def _runners(place: _Place, sizes: tuple[int, ...]) -> Any:
    for rows in sizes:
        for kind in (*OURS, *PEERS):
            yield kind.product, place.open(kind, rows, tuned=False)
            if place.pragmas and kind in PEERS:
                yield f"{kind.product}, same PRAGMAs", place.open(kind, rows, tuned=True)


def race(
    runners: list[tuple[str, Contestant]], rounds: int, seconds: float
) -> dict[Key, list[float]]:
    """Seconds for one operation: of each contestant as many medians' worth as there are rounds."""
    counts = {}
    for name, one in runners:  # which warms them up, too
        _turn(one, FEWEST)
        counts[one] = min(MOST, max(FEWEST, int(seconds / _turn(one, FEWEST))))
        _say(f"{one.task}, {name}, {one.rows} rows: {counts[one]} operations a turn")
    times = defaultdict(list)
    for number in range(rounds):
        _say(f"Round {number + 1} of {rounds}")
        for name, one in random.Random(number).sample(runners, len(runners)):
            times[one.task, name, one.rows].append(_turn(one, counts[one]))
            one.clean()
    return times


def _turn(one: Contestant, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        one.once()
    return (time.perf_counter() - began) / count


# ---- what it says ------------------------------------------------------------------------------


def storage_table(times: dict[Key, list[float]], sizes: tuple[int, ...]) -> str:
    """Medians, and how many times as long as botkit's sealed storage each of them is."""
    heads = [f"{rows:,} rows" for rows in sizes]
    lines = [f"| | {' | '.join(heads)} | most rows : fewest |", f"|---|{'---|' * (len(sizes) + 1)}"]
    for task, title in TASKS.items():
        lines.append(f"| **{title}** |{' |' * (len(sizes) + 1)}")
        ours = [_median(times, task, "botkit, sealed", rows) for rows in sizes]
        for name in _names(times, task):
            medians = [_median(times, task, name, rows) for rows in sizes]
            cells = [
                f"{median * 1000:.2f} ({median / our:.2f})"
                for median, our in zip(medians, ours, strict=True)
            ]
            lines.append(f"| {name} | {' | '.join(cells)} | {medians[-1] / medians[0]:.2f} |")
    rounds = len(next(iter(times.values())))
    lines.append(f"\nMedians of {rounds} rounds; in brackets: times that of botkit, sealed.")
    return "\n".join(lines)


def aims(times: dict[Key, list[float]], sizes: tuple[int, ...]) -> str:
    """Whether botkit is flat with the number of rows, and no slower than the fastest peer."""
    lines = []
    for task in TASKS:
        names = _names(times, task)
        peers = {
            name: _median(times, task, name, sizes[0])
            for name in names
            if not name.startswith("botkit")
        }
        fastest = min(peers, key=lambda name: peers[name])
        for name in names:
            if not name.startswith("botkit"):
                continue
            least, most = (_median(times, task, name, rows) for rows in (sizes[0], sizes[-1]))
            grows, ratio = most / least, least / peers[fastest]
            as_it_comes = min(peers[name] for name in peers if "same" not in name)
            lines += [
                f"- {_verdict(grows < FLAT)} {task}, {name}: flat; "
                f"{grows:.2f} times from {sizes[0]:,} to {sizes[-1]:,} rows (aim: under {FLAT})",
                f"- {_verdict(ratio <= 1)} {task}, {name}: no slower than the fastest peer at "
                f"{sizes[0]} rows ({fastest}); {ratio:.2f} times as long as that, "
                f"{least / as_it_comes:.2f} times as long as the fastest as it comes",
            ]
    return "\n".join(lines)


def _names(times: dict[Key, list[float]], task: str) -> list[str]:
    """Who did the task: botkit, then the peers."""
    names = {name for what, name, _ in times if what == task}
    return sorted(names, key=lambda name: (not name.startswith("botkit"), name))


def _verdict(reached: bool) -> str:
    return "reached:" if reached else "**MISSED:**"


def _median(times: dict[Key, list[float]], task: str, name: str, rows: int) -> float:
    return statistics.median(times[task, name, rows])


def _machine(place: _Place) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    with place.open(OURS[0], 100, tuned=False).engine.connect() as connection:
        database = ".".join(map(str, connection.dialect.server_version_info or ()))
        database = f"{'SQLite' if place.pragmas else 'PostgreSQL'} {database}"
    load = f"load {os.getloadavg()[0]:.1f} at the beginning" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.platform()}, {os.cpu_count()} cores, {load}. "
        f"Python {platform.python_version()}, {database}, {versions}."
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
