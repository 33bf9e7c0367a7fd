"""What the tests of the room run share."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from started_processes import Started


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Every process that is started from here on."""
    started = Started()

    class Watched(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            started.event.set()
            started.hold.wait(10)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    return started
