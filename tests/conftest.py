"""What the tests share: a clock that only moves when told, and a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from botkit.storage import Storage


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


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'botkit.sqlite'}"


@pytest.fixture
def storage(database_url: str, clock: Clock) -> Iterator[Storage]:
    storage = Storage(database_url, now=clock)
    storage.set_up()
    yield storage
    storage.close()
