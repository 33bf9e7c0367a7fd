"""What the tests need is found, they are shared between processes, and a failure shows the chat."""

from __future__ import annotations

import pytest
import tiers
from sizes import NIGHTLY, Size

from botkit.lessons import pytest_plugin

pytest_plugins = ["pytester"]

NEEDS = """
import subprocess
import pytest
from sizes import Size

class Starter:
    def __init__(self):
        self.process = subprocess.Popen(["true"])

def starts():
    Starter().process.wait()

MANY = Size(2, nightly=3)

@pytest.fixture
def chromium(): pass

@pytest.fixture
def room(chromium): pass

@pytest.fixture
def served(): starts()

@pytest.fixture(params=["sqlite", "postgresql"])
def url(request): return request.param

def test_quick(): pass
def test_browser(room): pass
def test_database(url): pass
def test_process(): starts()
class TestOther:
    @pytest.fixture
    def served(self): pass
    @pytest.fixture
    def room(self, room): pass
    def test_other(self, served): pass
    def test_same(self, room): pass
def test_fixture(served): pass
def test_nested():
    (lambda: starts())()
def test_slow(): assert range(MANY)
"""
FOUND = {
    "quick": ["test_quick", "test_database[sqlite]", "test_other"],
    "browser": ["test_browser", "test_same"],
    "postgresql": ["test_database[postgresql]"],
    "process": ["test_process", "test_fixture", "test_nested"],
    "slow": ["test_slow"],
}


@pytest.mark.parametrize(("marker", "names"), FOUND.items(), ids=FOUND)
def test_a_marker_says_what_a_test_needs(pytester, monkeypatch, marker, names):
    monkeypatch.setattr(tiers, "TESTS", pytester.path)
    pytester.makepyfile(NEEDS)
    run = inline_run(pytester, "--collect-only", "-m", marker)
    (collected,) = run.getcalls("pytest_collection_finish")
    assert [item.name for item in collected.session.items] == names


def inline_run(pytester, *arguments):
    return pytester.inline_run(*arguments, plugins=[tiers, pytest_plugin])


def test_a_quick_test_starts_no_process(pytester):
    pytester.makepyfile(
        """
        import importlib
        def test_hidden():
            importlib.import_module("sub" + "process").run(["true"])
        """
    )
    (report,) = inline_run(pytester, "-m", "quick").getfailures()
    assert "tiers.py has not seen it" in str(report.longrepr)


def test_sizes_are_small_on_a_commit_and_large_at_night(monkeypatch):
    monkeypatch.setattr("sizes.NIGHTLY", not NIGHTLY)
    other = Size(2, nightly=3)
    monkeypatch.setattr("sizes.NIGHTLY", NIGHTLY)
    assert {Size(2, nightly=3), other} == {2, 3}


@pytest.mark.parametrize(
    ("arguments", "workers"),
    [(["tests"], True), (["tests/test_one.py"], False), (["tests", "-s"], False)],
)
def test_more_processes_are_started_only_where_it_pays(pytester, arguments, workers):
    pytest.importorskip("xdist")
    for n in range(tiers.FEW + 1):
        file = pytester.path / "tests" / f"test_{n or 'one'}.py"
        file.parent.mkdir(exist_ok=True)
        file.touch()
    config = pytester.parseconfig(*arguments)
    tiers.pytest_cmdline_main(config)
    assert (config.option.numprocesses == "auto") == workers
    assert (config.option.dist == "loadgroup") == workers


def test_who_says_how_many_processes_is_obeyed_and_a_file_stays_whole(pytester):
    scheduler = pytest.importorskip("xdist.scheduler")
    config = pytester.parseconfig("-n", "3")
    tiers.pytest_cmdline_main(config)
    assert (config.option.numprocesses, config.option.dist) == (3, "loadgroup")
    config.option.tx = ["popen"] * 3
    by_file = tiers.pytest_xdist_make_scheduler(config, None)
    assert isinstance(by_file, scheduler.LoadGroupScheduling)
    scopes = {by_file._split_scope(f"tests/a.py::{one}") for one in ("test_b[x::y]", "C::test_c")}
    assert scopes == {"tests/a.py"}


FAILS = """
import pytest
from botkit.lessons.kit import Kit

@pytest.fixture
def world():
    class World: pass
    world = World()
    world.kit = Kit()
    yield world
    world.kit.close()

def test_in_a_fixture(world):
    world.kit.alice.say("profile")
    assert False
def test_green(world): pass
def test_in_a_variable():
    kit = Kit()
    try:
        kit.bob.say("what is this?")
        assert False
    finally:
        kit.close()
"""


def test_a_failure_shows_what_was_said_and_sent_without_secrets(pytester):
    pytester.makepyfile(FAILS)
    reports = inline_run(pytester)
    first, second = reports.getfailures()
    said, sent = (dict(first.sections)[f"What was {one}"] for one in ("said", "sent"))
    assert "  Alice: profile\n" in said and "  Practice Bot: Hello" in said
    assert "state=‹state·1›" in said
    assert "POST /bot/webhook" in sent
    assert "  Bob: what is this?" in dict(second.sections)["What was said"]
    (green,) = (
        one for one in reports.getreports() if one.nodeid.endswith("green") and one.when == "call"
    )
    assert "What was said" not in dict(green.sections)
