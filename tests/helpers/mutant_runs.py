"""Run the tests of the core with a mutant, and only those that reach it.

Start with `Runner.try_out`.  A mutant is written into a copy of the repository, so processes that a
test starts have it, too.  For each run this process forks: all packages are loaded before, and only
botkit and the tests are imported again.

The order is: tests on SQLite in one process, the fastest first; if none of them notices the mutant,
the tests that start a process or need PostgreSQL.  A test that noticed another mutant of this file
goes first.  What each test reaches is found out once, by coverage.py.

Not here: which mutants there are (mutant_list.py).  Nothing of botkit may be imported here.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mutant_list import ROOT, Mutant

SECONDS = 10.0  # that a test may take with a mutant, and ten times what it takes without
LATER = {"process", "postgresql"}  # the markers of tests that come later
REMEMBERED = 5  # tests that noticed a mutant of a file
CACHED = type(cache(len))  # a function with a cache


@dataclass
class Known:
    """What is known of a test: how long it takes, what it needs, and the lines that it reaches."""

    seconds: float = 0.0
    needs: list[str] = field(default_factory=list)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def reaches(self, mutant: Mutant) -> bool:
        lines = self.lines.get(mutant.file, [])
        first, last = mutant.lines
        if "process" in self.needs:  # coverage sees nothing of the processes that a test starts
            return bool(lines)
        return any(first <= line <= last for line in lines)


@dataclass(frozen=True)
class Verdict:
    """`by` is the test that noticed the mutant, or what else did; "" if nothing did."""

    by: str
    seconds: float


class Runner:
    """Try mutants in a copy of the repository at `folder`."""

    def __init__(self, folder: Path, known: dict[str, Known], *, sqlite_only: bool) -> None:
        self._folder, self._known, self._sqlite_only = folder, known, sqlite_only
        self._noticed: dict[str, list[str]] = {}  # by file
        self._moment = int(time.time())

    def try_out(self, mutant: Mutant, code: str) -> Verdict:
        began, file = time.monotonic(), self._folder / mutant.file
        original = file.read_text(encoding="utf-8")
        try:
            self._write(file, code)
            by = next(filter(None, map(self._run, self._rounds(mutant))), "")
        finally:
            self._write(file, original)
        if "::" in by:
            others = [one for one in self._noticed.get(mutant.file, ()) if one != by]
            self._noticed[mutant.file] = [by, *others][:REMEMBERED]
        return Verdict(by, time.monotonic() - began)

    def _write(self, file: Path, code: str) -> None:
        """Write the file with its own time, or Python would use what it compiled before."""
        file.write_text(code, encoding="utf-8")
        self._moment += 10
        os.utime(file, (self._moment, self._moment))

    def _rounds(self, mutant: Mutant) -> Iterator[list[str]]:
        reach = [name for name, known in self._known.items() if known.reaches(mutant)]
        first = self._noticed.get(mutant.file, [])
        reach.sort(key=lambda name: (name not in first, self._known[name].seconds))
        yield [name for name in reach if not LATER & set(self._known[name].needs)]
        if not self._sqlite_only:
            yield [name for name in reach if LATER & set(self._known[name].needs)]

    def _run(self, names: Sequence[str]) -> str:
        """Return what noticed the mutant; "" if all is as before."""
        if not names:
            return ""
        # What a test in one process leaves needs no tidying up, so the fork ends at once.
        at_once = not any(self._known[name].needs for name in names)
        seconds = {name: SECONDS + 10 * self._known[name].seconds for name in names}
        chosen = Chosen(seconds, at_once=at_once)
        files = sorted({name.partition("::")[0] for name in names})
        end = run_pytest(self._folder, [*files, "-x"], chosen)
        if os.WIFSIGNALED(end):
            return f"time: {chosen.told().get('running', 'the import')}"
        status = os.WEXITSTATUS(end)
        return "" if status == 0 else chosen.told().get("failed", f"pytest ends with {status}")


class Chosen:
    """A plugin for pytest: run these tests in this order, each within its time.

    With `at_once` the process ends with the first failure, or the last test.
    """

    def __init__(self, seconds: dict[str, float], *, at_once: bool) -> None:
        self._seconds, self._at_once = seconds, at_once
        self._read, self._write = os.pipe()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        place = {name: number for number, name in enumerate(self._seconds)}
        items[:] = sorted(
            (item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid]
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._tell(running=item.nodeid)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process
        signal.setitimer(signal.ITIMER_REAL, self._seconds[item.nodeid])
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._tell(failed=report.nodeid)
            if self._at_once:
                os._exit(1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self._at_once:
            os._exit(exitstatus)

    def _tell(self, **words: str) -> None:
        os.write(self._write, json.dumps(words).encode() + b"\n")

    def told(self) -> dict[str, str]:
        os.close(self._write)
        with os.fdopen(self._read) as lines:
            words: dict[str, str] = {}
            for line in lines:
                words |= json.loads(line)
        return words


class Observer:
    """A plugin for pytest: find out how long each test takes, what it needs and what it reaches.

    What runs on import is reached by every test that reaches anything of the file.  What is done
    once and kept, such as building a statement, is done again for each test that needs it.
    """

    def __init__(self, folder: Path, folders: Sequence[str], into: Path) -> None:
        import coverage

        self._folder, self._into = folder, into
        self.known: dict[str, Known] = {}
        self._forget: list[Callable[[], None]] = []
        sources = [str(folder / one) for one in folders]
        self.coverage = coverage.Coverage(data_file=None, source=sources, config_file=False)
        self.coverage.start()

    def pytest_collection_finish(self) -> None:
        self._forget = [
            forget
            for name, module in list(sys.modules.items())
            if name.partition(".")[0] == "botkit"
            for value in vars(module).values()
            if (forget := forgetting(value)) is not None
        ]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        for forget in self._forget:
            forget()
        self.coverage.switch_context(item.nodeid)
        needs = [one for one in ("process", "postgresql") if item.get_closest_marker(one)]
        known = self.known[item.nodeid] = Known(needs=needs)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            known.seconds = time.monotonic() - began
            self.coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        for name in data.measured_files():
            file = Path(name).relative_to(self._folder).as_posix()
            reached = data.contexts_by_lineno(name)
            for test in {one for contexts in reached.values() for one in contexts if one}:
                self.known[test].lines[file] = [
                    line for line, contexts in reached.items() if {test, ""} & set(contexts)
                ]
        modules = [
            name
            for name, module in sys.modules.items()
            if not str(getattr(module, "__file__", "")).startswith(str(self._folder))
        ]
        tests = {name: vars(known) for name, known in self.known.items()}
        self._into.write_text(json.dumps({"tests": tests, "modules": modules}))


def forgetting(value: Any) -> Callable[[], None] | None:
    """Return what empties a cache: that of a function, or a dictionary that is filled later."""
    if type(value) is dict and not value:
        return value.clear
    return value.cache_clear if type(value) is CACHED else None


def observe(folder: Path, tests: str, folders: Sequence[str], into: Path) -> bool:
    """Run all tests without a mutant, and write what is found out; return whether they pass."""
    pid = os.fork()
    if not pid:
        with ending():
            status = pytest_here(folder, [tests], Observer(folder, folders, into))
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def load(file: Path) -> dict[str, Known]:
    """Read what was found out, and import all packages that the tests use."""
    found = json.loads(file.read_text())
    for name in found["modules"]:
        if name.partition(".")[0] not in ("__main__", "__mp_main__", "botkit"):
            with suppress(Exception):
                importlib.import_module(name)
    gc.freeze()  # forks need not look at all that again
    return {name: Known(**known) for name, known in found["tests"].items()}


def run_pytest(folder: Path, arguments: Sequence[str], plugin: object) -> int:
    """Run pytest in a process of its own; return how it ended, as `os.wait` says it."""
    pid = os.fork()
    if not pid:
        with ending():
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            quiet = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(quiet, number)
            status = pytest_here(folder, arguments, plugin)
            os._exit(status)
    try:
        return os.waitpid(pid, 0)[1]
    finally:
        with suppress(ProcessLookupError):  # what a test has started and not ended
            os.killpg(pid, signal.SIGKILL)


class ending:
    """End this process, whatever happens: it is a fork, and must not go on as if it were not."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if error is not None:
            traceback.print_exception(error)
        os._exit(70)


def pytest_here(folder: Path, arguments: Sequence[str], plugin: object) -> int:
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)
    # The virtual environment may be inside of the project.
    ours = [one for one in sys.path if Path(one).is_relative_to(ROOT)]
    ours = [one for one in ours if not Path(one).is_relative_to(sys.prefix)]
    sys.path[:] = [str(folder), *(one for one in sys.path if one not in ours)]
    for name in [one for one in sys.modules if one in ("mutant_list", "mutant_runs")]:
        del sys.modules[name]
    temporary = folder / "temporary"  # emptied with each run
    options = ["-q", "-n", "0", "--tb=no", "-p", "no:cacheprovider", f"--basetemp={temporary}"]
    return int(pytest.main([*options, *arguments], plugins=[plugin]))
