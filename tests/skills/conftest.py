"""Kits with one skill alone, as several files of this folder use them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from assistant_world import assistant_kit, connect
from drive_world import DriveWorld
from sheets_world import Desk, sheets_kit

from botkit.lessons.kit import Kit


@pytest.fixture
def world() -> Iterator[DriveWorld]:
    """Drive alone; nothing is bound yet."""
    world = DriveWorld()
    yield world
    world.close()


@pytest.fixture
def bound(world: DriveWorld) -> DriveWorld:
    """Drive alone, and Alice's is bound to her chat."""
    world.bind()
    return world


@pytest.fixture(scope="module")
def connected_sheets() -> Iterator[Kit]:
    """Google Sheets alone, for all tests of a file."""
    with sheets_kit() as kit:
        yield kit


@pytest.fixture
def desk(connected_sheets: Kit) -> Iterator[Desk]:
    """Alice has a new spreadsheet, and has chosen it."""
    desk = Desk(connected_sheets)
    desk.say(f"sheet use {desk.link}")
    yield desk
    desk.google.trouble.clear()


@pytest.fixture(scope="module")
def connected() -> Iterator[Kit]:
    """The RingCentral assistant alone, with Alice connected, for all tests of a file."""
    kit = assistant_kit()
    connect(kit.alice)
    yield kit
    kit.close()
