"""The practice Google's push channels: how they open, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from google_world import WATCH, Receiver, World, milliseconds, watch
from werkzeug.test import EnvironBuilder, run_wsgi_app


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.stop()


def test_a_channel_opens_with_a_sync_message_and_then_tells_of_every_change(
    world: World, receiver: Receiver
) -> None:
    token = world.token()
    expiration = milliseconds(world, hours=2)
    opened = watch(world, token, receiver.address, token="secret", expiration=expiration).json()
    assert opened.pop("resourceUri").startswith(f"{world.server.url}/drive/v3/changes?pageToken=")
    resource_id = opened.pop("resourceId")
    assert opened == {
        "kind": "api#channel",
        "id": "channel-1",
        "token": "secret",
        "expiration": expiration,
    }
    file = world.google.add_file("alice", "Report.pdf")
    world.google.trash(file)
    world.google.add_file("bob", "Not yours.txt")
    world.google.settle()
    assert receiver.states == ["sync", "change", "change"]
    numbers = [int(headers["x-goog-message-number"]) for headers in receiver.got]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers)) and numbers[2] > numbers[1] + 1  # not in sequence
    for headers in receiver.got:
        assert (headers["method"], headers["length"]) == ("POST", "0")
        assert headers["user-agent"].startswith("APIs-Google;")
        assert headers["x-goog-channel-id"] == "channel-1"
        assert headers["x-goog-channel-token"] == "secret"
        assert headers["x-goog-channel-expiration"] == "Tue, 24 Nov 2026 14:00:00 GMT"
        assert headers["x-goog-resource-id"] == resource_id
        assert "/drive/v3/changes?pageToken=" in headers["x-goog-resource-uri"]


def test_all_channels_of_one_account_share_a_resource_id_and_no_others_do(
    world: World, receiver: Receiver
) -> None:
    alice, bob = world.token(), world.token(who="bob")
    ids = [
        watch(world, token, receiver.address, id=name).json()["resourceId"]
        for token, name in ((alice, "a"), (alice, "b"), (bob, "c"))
    ]
    assert ids[0] == ids[1] != ids[2]
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    told = [h["x-goog-channel-id"] for h in receiver.got if h["x-goog-resource-state"] == "change"]
    assert sorted(told) == ["a", "b"]
    assert "x-goog-channel-token" not in receiver.got[0]


def test_the_sync_message_can_come_before_the_answer_to_the_watch_request(
    world: World, receiver: Receiver
) -> None:
    world.google.push.sync_first = True
    token = world.token()
    seen: list[dict[str, Any]] = []
    # The receiver calls the API, and only then answers.
    receiver.first = lambda: seen.append(world.drive(token, "files"))
    assert watch(world, token, receiver.address).status_code == 200
    assert receiver.states == ["sync"]
    assert [answer["files"] for answer in seen] == [[]]


def test_else_it_waits_until_the_answer_has_left(world: World, receiver: Receiver) -> None:
    token = world.token()
    place = world.drive(token, "changes/startPageToken")["startPageToken"]
    request = EnvironBuilder(
        path=f"{WATCH}?pageToken={place}",
        method="POST",
        json={"id": "channel-1", "type": "web_hook", "address": receiver.address},
        headers=[("Authorization", f"Bearer {token}")],
    )
    answer, status, _ = run_wsgi_app(world.google.wsgi, request.get_environ())
    assert status == "200 OK"
    assert not world.google.push.is_idle(0.05)
    assert receiver.states == []
    answer.close()  # type: ignore[attr-defined]
    world.google.settle()
    assert receiver.states == ["sync"]


def test_a_change_while_a_channel_opens_is_told_after_its_sync_message(
    world: World, receiver: Receiver
) -> None:
    token = world.token()
    add = world.google.add_file

    def busy() -> None:
        for number in range(20):
            add("alice", str(number))

    thread = Thread(target=busy)
    thread.start()
    watch(world, token, receiver.address)
    thread.join()
    world.google.settle()
    assert receiver.states == ["sync"] + ["change"] * (len(receiver.got) - 1)
