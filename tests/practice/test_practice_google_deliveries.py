"""How the practice Google delivers: again on some statuses, twice or not at all when told to."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest
from google_world import Receiver, World, watch

from botkit.practice.google.push import TRIES


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    """A receiver that has been told of the opening of a channel for Alice."""
    receiver = Receiver()
    watch(world, world.token(), receiver.address)
    world.google.settle()
    assert receiver.states == ["sync"]
    receiver.got.clear()
    yield receiver
    receiver.server.stop()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_these_statuses_ask_for_another_try(world: World, receiver: Receiver, status: int) -> None:
    waits: list[float] = []
    world.google.push.wait = waits.append
    receiver.statuses = [status, status]
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    numbers = {headers["x-goog-message-number"] for headers in receiver.got}
    assert (len(receiver.got), len(numbers)) == (3, 1)
    assert waits == [1.0, 2.0]
    tries = [delivery.status for delivery in world.google.push.deliveries[1:]]
    assert tries == [status, status, 200]


def test_the_number_of_tries_is_bounded_and_the_next_notification_follows(
    world: World, receiver: Receiver
) -> None:
    receiver.statuses = [503] * TRIES
    world.google.add_file("alice", "Never told.pdf")
    world.google.add_file("alice", "Told.pdf")
    world.google.settle()
    numbers = [headers["x-goog-message-number"] for headers in receiver.got]
    assert (len(numbers), len(set(numbers))) == (TRIES + 1, 2)


@pytest.mark.parametrize("status", [201, 202, 204, 302, 400, 401, 404, 410, 501])
def test_any_other_status_is_final(world: World, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    assert [delivery.status for delivery in world.google.push.deliveries[1:]] == [status]
    assert len(receiver.got) == 1


def test_an_address_at_which_nobody_answers_is_not_tried_again(world: World) -> None:
    gone = Receiver()
    gone.server.stop()
    watch(world, world.token(), gone.address)
    world.google.settle()
    assert [delivery.status for delivery in world.google.push.deliveries] == [None]


def test_notifications_arrive_in_the_order_of_the_changes(world: World, receiver: Receiver) -> None:
    for number in range(50):
        world.google.add_file("alice", str(number))
    world.google.settle()
    numbers = [int(headers["x-goog-message-number"]) for headers in receiver.got]
    assert len(numbers) == 50 and numbers == sorted(numbers)


def test_a_notification_can_come_twice(world: World, receiver: Receiver) -> None:
    world.google.push.deliver_twice = True
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    assert receiver.states == ["change", "change"]
    assert receiver.got[0] == receiver.got[1]


def test_notifications_can_get_lost(world: World, receiver: Receiver) -> None:
    world.google.push.drop_next_notifications = 2
    for number in range(3):
        world.google.add_file("alice", str(number))
    world.google.settle()
    assert receiver.states == ["change"]


def test_every_kind_of_change_is_told_of_and_so_is_an_edited_sheet(
    world: World, receiver: Receiver
) -> None:
    google = world.google
    file = google.add_file("alice", "Report.pdf")
    google.rename(file, "Final.pdf")
    google.trash(file)
    google.restore(file)
    google.remove(file)
    book = google.add_spreadsheet("alice", "Plans")
    google.type_cells(book, "A1", [["x"]])
    google.settle()
    assert receiver.states == ["change"] * 7


def test_a_channel_outlives_the_grant_so_that_its_receiver_may_notice(
    world: World, receiver: Receiver
) -> None:
    world.google.revoke("alice")
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    assert receiver.states == ["change"]


def test_settling_has_an_end(world: World, receiver: Receiver) -> None:
    answer_now = Event()
    receiver.first = lambda: assert_set(answer_now)
    world.google.add_file("alice", "Report.pdf")
    with pytest.raises(TimeoutError, match=r"still under way after 0\.05 seconds"):
        world.google.settle(0.05)
    answer_now.set()
    world.google.settle()
    assert receiver.states == ["change"]


def assert_set(event: Event) -> None:
    assert event.wait(5)


def test_a_channel_does_not_show_its_secrets(world: World, receiver: Receiver) -> None:
    (channel,) = world.google.push.channels.values()
    channel.token = "a-secret"
    shown = repr((channel, world.google.push.deliveries))
    assert "channel-1" in shown
    assert "a-secret" not in shown and "127.0.0.1" not in shown
