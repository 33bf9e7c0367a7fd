"""Say what each test needs, and share the tests between processes.

conftest.py takes pytest's hooks from here.  Nobody writes at a test what it needs: a fixture, or a
name in its code, leads to a browser, to PostgreSQL or to another process.  A test that needs none
of them is `quick`, and `pytest -m quick` is the command for the minute before a commit.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from sizes import Size

MARKERS = {
    "browser": "needs Chromium",
    "postgresql": "needs PostgreSQL",
    "process": "starts another process, as each notebook does",
    "slow": "tries many inputs or many rounds: few on each commit, all of them at night",
    "quick": "needs none of these",
}
FIXTURES = {"chromium": "browser", "postgresql": "postgresql"}
# Names that lead to another process.  A drill and a look at the tunnel start one in a way that is
# not seen otherwise.
STARTS = {
    "subprocess",
    "python_process",
    "fork",
    "open_tunnel",
    "NotebookClient",
    "typed",
    "find_bot_address",
}
TESTS = Path(__file__).parents[1]
FEW = 10  # files, for which more processes cost more than they save
# The longest files begin first.
EARLY = ("tests/docs/test_commands", "tests/system/", "tests/lessons/", "notebooks/")


# ---- what a test needs ---------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name in needs(item) or {"quick"}:
            item.add_marker(name)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(EARLY))


def needs(item: pytest.Item) -> set[str]:
    """Return the names of the markers that a test needs; none for a quick one."""
    if not isinstance(item, pytest.Function):
        return {"process"}  # a notebook's cell
    found = {FIXTURES[name] for name in item.fixturenames if name in FIXTURES}
    params = item.callspec.params if hasattr(item, "callspec") else {}
    found |= {"postgresql"} & {one for one in params.values() if isinstance(one, str)}
    definitions = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    fixtures = [one.func for name in item.fixturenames for one in used(definitions.get(name, ()))]
    names = set().union(*map(names_of, [item.function, *fixtures]))
    if names & STARTS:
        found.add("process")
    if "Size" in names or getattr(item.function, "is_hypothesis_test", False):
        found.add("slow")
    return found


def used(definitions: Sequence[Any]) -> Iterator[Any]:
    """Yield the fixture that a test gets by a name, and those that it is built on."""
    for one in reversed(definitions):
        yield one
        if one.argname not in one.argnames:
            return


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """With `-m quick`, let no test start a process."""
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.pop()


_running: list[pytest.Item] = []


def _watch(event: str, _: Any) -> None:
    if event in ("subprocess.Popen", "os.fork") and _running:
        assert _running[-1].config.option.markexpr != "quick", (
            "This test starts a process, and tiers.py has not seen it. Add a name to STARTS."
        )


sys.addaudithook(_watch)


_names: dict[Any, set[str]] = {}


def names_of(thing: Any) -> set[str]:
    """Return all names in the code of a function or class, and in what of the tests it uses."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if thing not in _names:
        names = _names[thing] = set[str]()  # known from now on, also to what leads back here
        for function in functions_of(thing):
            here = set(names_in(function.__code__))
            names |= here
            for name in here & function.__globals__.keys():
                used = function.__globals__[name]
                used = inspect.unwrap(used) if callable(used) else used  # such as a cached function
                if isinstance(used, FunctionType | type) and is_of_the_tests(used):
                    names |= names_of(used)
                names |= {"Size"} if isinstance(used, Size) else set()
    return _names[thing]


def functions_of(thing: Any) -> Iterator[FunctionType]:
    classes = (
        [one for one in thing.__mro__ if is_of_the_tests(one)] if inspect.isclass(thing) else []
    )
    for one in [thing, *(value for kind in classes for value in vars(kind).values())]:
        if isinstance(one, FunctionType):
            yield inspect.unwrap(one)


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def is_of_the_tests(thing: Any) -> bool:
    file = getattr(sys.modules.get(thing.__module__), "__file__", None)
    return file is not None and Path(file).is_relative_to(TESTS)


# ---- more than one process -----------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads its options
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Without `-n`, start as many processes as there are cores, if it pays."""
    option = config.option
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return
    if option.numprocesses is None and option.capture != "no" and files_in(config) > FEW:
        option.numprocesses = "auto"
    if option.numprocesses and option.dist == "no":
        option.dist = "loadgroup"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, because some tests wait for others."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1


def files_in(config: pytest.Config) -> int:
    """Return how many test files and notebooks are meant."""
    patterns = ["test_*.py", "*.ipynb"] if getattr(config.option, "nbval", False) else ["test_*.py"]
    places = [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]
    below = (place.rglob(pattern) for place in places for pattern in patterns)
    return len({place for place in places if place.is_file()}.union(*below))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each file to one process, in its order, and each group of tests, too."""
    if config.option.dist != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return str(super()._split_scope(nodeid)).partition("::")[0]

    config.option.loadscopereorder = False  # `pytest_collection_modifyitems` has put them in order
    return ByFile(config, log)
