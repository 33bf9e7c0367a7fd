"""The practice Google's push channels: how long they live, who stops them, which are refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import requests
from google_world import CALLBACK, STOP, WATCH, Receiver, World, milliseconds, reason_of, watch


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


def test_a_channel_lives_an_hour_by_default_and_seven_days_at_most(
    world: World, receiver: Receiver
) -> None:
    token = world.token()

    def granted(name: str, expiration: Any) -> timedelta:
        answer = watch(world, token, receiver.address, id=name, expiration=expiration).json()
        now = world.time.timestamp()
        return timedelta(seconds=int(answer["expiration"]) / 1000 - now)

    assert granted("default", None) == timedelta(hours=1)
    assert granted("day", milliseconds(world, days=1)) == timedelta(days=1)
    assert granted("number", int(milliseconds(world, days=1))) == timedelta(days=1)
    assert granted("year", milliseconds(world, days=365)) == timedelta(days=7)
    world.google.push.longest_life = timedelta(minutes=10)
    assert granted("short", milliseconds(world, days=1)) == timedelta(minutes=10)
    assert granted("shorter", None) == timedelta(minutes=10)


def test_an_expired_channel_tells_nothing_more_and_cannot_be_stopped(
    world: World, receiver: Receiver
) -> None:
    token = world.token()
    channel = watch(world, token, receiver.address).json()
    world.google.settle()
    world.time += timedelta(minutes=59)
    world.google.add_file("alice", "In time.txt")
    world.google.settle()
    world.time += timedelta(minutes=1)
    world.google.push.drop_next_notifications = 1
    world.google.add_file("alice", "Too late.txt")
    world.google.settle()
    assert receiver.states == ["sync", "change"]
    assert world.google.push.drop_next_notifications == 1  # there was none to drop
    fresh = world.token()
    body = {"id": channel["id"], "resourceId": channel["resourceId"]}
    assert reason_of(world.call(fresh, "POST", STOP, body))[:2] == (404, "notFound")


def test_a_stopped_channel_tells_nothing_more(world: World, receiver: Receiver) -> None:
    token = world.token()
    channel = watch(world, token, receiver.address).json()
    world.google.settle()
    body = {"id": channel["id"], "resourceId": channel["resourceId"]}
    answer = world.call(token, "POST", STOP, body)
    assert (answer.status_code, answer.content) == (204, b"")
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    assert receiver.states == ["sync"]
    again = world.call(token, "POST", STOP, body)
    sentence = "Channel 'channel-1' not found for project 'practice-project'"
    assert reason_of(again) == (404, "notFound", sentence)


def test_what_was_waiting_for_a_stopped_channel_is_not_sent(
    world: World, receiver: Receiver
) -> None:
    token, all_added = world.token(), Event()
    channel = watch(world, token, receiver.address).json()
    world.google.settle()
    body = {"id": channel["id"], "resourceId": channel["resourceId"]}

    def stop_while_others_wait() -> None:
        assert all_added.wait(5)
        assert world.call(token, "POST", STOP, body).status_code == 204

    receiver.first = stop_while_others_wait
    for number in range(3):
        world.google.add_file("alice", str(number))
    all_added.set()
    world.google.settle()
    assert receiver.states == ["sync", "change"]


def test_only_the_same_person_through_the_same_client_can_stop_a_channel(
    world: World, receiver: Receiver
) -> None:
    token = world.token()
    channel = watch(world, token, receiver.address).json()
    body = {"id": channel["id"], "resourceId": channel["resourceId"]}
    other_id, other_secret = world.google.register_client("Other", [CALLBACK])
    code = world.decide(client_id=other_id)["code"]
    other = world.exchange(code, client_id=other_id, client_secret=other_secret).json()
    for stranger in (world.token(who="bob"), other["access_token"]):
        assert world.call(stranger, "POST", STOP, body).status_code == 404
    for wrong in ({"id": channel["id"]}, body | {"resourceId": "another"}, {}):
        assert world.call(token, "POST", STOP, wrong).status_code == 404
    assert world.call(token, "POST", STOP, body).status_code == 204


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        ({"id": None}, "required"),
        ({"id": ""}, "required"),
        ({"id": "x" * 65}, "invalid"),
        ({"id": "white space"}, "invalid"),
        ({"id": 7}, "invalid"),
        ({"type": None}, "required"),
        ({"type": "carrier_pigeon"}, "push.channelTypeNotSupported"),
        ({"address": None}, "required"),
        ({"address": "http://bot.example/google/webhook"}, "push.webhookUrlNotHttps"),
        ({"address": "https://[broken"}, "push.webhookUrlNotHttps"),
        ({"token": "x" * 257}, "invalid"),
        ({"expiration": "tomorrow"}, "invalid"),
        ({"expiration": True}, "invalid"),
        ({"expiration": "1"}, "invalid"),
        ({"expires": "1"}, "badRequest"),
    ],
)
def test_a_channel_that_google_would_not_open_is_refused(
    world: World, receiver: Receiver, channel: dict[str, Any], reason: str
) -> None:
    answer = watch(world, world.token(), receiver.address, **channel)
    assert reason_of(answer)[:2] == (400, reason)
    world.google.settle()
    assert receiver.got == []


def test_the_id_of_a_channel_is_used_once(world: World, receiver: Receiver) -> None:
    token = world.token()
    longest = {"id": "x" * 64, "token": "t" * 256}
    assert watch(world, token, receiver.address, **longest).status_code == 200
    again = watch(world, world.token(who="bob"), receiver.address, **longest)
    assert reason_of(again)[:2] == (400, "channelIdNotUnique")


def test_a_watch_needs_a_page_token_and_a_body_that_can_be_read(world: World) -> None:
    token = world.token()
    body = {"id": "c", "type": "web_hook", "address": "https://bot.example/"}
    assert reason_of(world.call(token, "POST", WATCH, body))[:2] == (400, "required")
    place = world.drive(token, "changes/startPageToken")["startPageToken"]
    answer = requests.post(
        f"{world.server.url}{WATCH}",
        params={"pageToken": place},
        data="{no json",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    assert reason_of(answer)[:2] == (400, "parseError")
