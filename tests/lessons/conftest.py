"""What the tests of the lessons share: the presenter's view, and the attack lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from presenter_world import Presented, Room

from botkit.lessons.kit import Kit
from botkit.lessons.lab import Lab
from botkit.settings import PLACE_OF


@pytest.fixture
def presented() -> Iterator[Presented]:
    """The presenter's view of GitHub."""
    presented = Presented()
    yield presented
    presented.close()


@pytest.fixture(scope="module")
def presented_to_all() -> Iterator[Presented]:
    """The same, for tests of a module that leave it as it is; the next kit ends the one in it."""
    presented = Presented()
    yield presented
    presented.close()


@pytest.fixture
def presented_in_full() -> Iterator[Presented]:
    """The presenter's view, with all skills."""
    presented = Presented(skills=tuple(PLACE_OF))
    yield presented
    presented.close()


@pytest.fixture
def room(chromium: Any, presented_in_full: Presented) -> Iterator[Room]:
    """The presenter's view on the wall; the browser must have had nothing to complain of."""
    room = Room(chromium, presented_in_full).open()
    yield room
    room.context.close()
    assert room.troubles == []


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The attack lab, in one kit for all tests of a module."""
    kit = Kit()
    yield Lab(kit)
    kit.close()
