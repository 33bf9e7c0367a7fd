"""A hold: one worker at a time, for a while, whatever becomes of the one who has it."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture
def messages(storage):
    return storage.messages


def test_a_hold_keeps_others_away_until_it_is_dropped(messages):
    mine = messages.hold("refresh:1", 60)
    assert mine and messages.hold("refresh:1", 60) is None
    messages.drop("refresh:1", "another holder")
    assert messages.hold("refresh:1", 60) is None
    messages.drop("refresh:1", mine)
    assert messages.hold("refresh:1", 60)


def test_of_many_that_want_it_at_once_one_alone_has_it(messages):
    start, found = threading.Barrier(8), []

    def hold() -> None:
        start.wait()
        found.append(messages.hold("refresh:1", 60))

    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(list(filter(None, found))) == 1


def test_a_hold_lapses_at_its_end_and_then_belongs_to_the_next(messages, clock):
    first = messages.hold("refresh:1", 60)
    clock.advance(seconds=59.999)
    assert messages.hold("refresh:1", 60) is None and not messages.has_lapsed("refresh:1")
    clock.advance(seconds=0.001)
    assert messages.has_lapsed("refresh:1")
    second = messages.hold("refresh:1", 60)
    assert second and second != first and not messages.has_lapsed("refresh:1")
    messages.drop("refresh:1", first)  # it comes late, and drops nothing
    assert messages.hold("refresh:1", 60) is None
    messages.drop("refresh:1", second)
    assert not messages.has_lapsed("refresh:1")  # it was dropped


def test_who_has_a_hold_may_keep_it_for_longer_and_nobody_else(messages, clock):
    mine = messages.hold("refresh:1", 60)
    clock.advance(seconds=30)
    assert messages.hold("refresh:1", 60, holder="another holder") is None
    assert messages.hold("refresh:1", 60, holder=mine) == mine
    clock.advance(seconds=59)
    assert messages.hold("refresh:1", 60) is None  # else it would have lapsed
    clock.advance(minutes=5)
    assert messages.hold("refresh:1", 60, holder=mine)  # it has lapsed, and nobody has taken it


@pytest.mark.parametrize("left", ["held", "free"])
def test_a_hold_that_was_dropped_or_taken_cannot_be_kept(messages, left):
    mine = messages.hold("refresh:1", 60)
    messages.drop("refresh:1", mine)
    if left == "held":
        assert messages.hold("refresh:1", 90)
    assert messages.hold("refresh:1", 60, holder=mine) is None


def test_two_kinds_of_work_do_not_keep_each_other_away(messages):
    assert messages.hold("refresh:1", 60) and messages.hold("drive:1", 60)
    assert messages.hold("drive:1", 60) is None
