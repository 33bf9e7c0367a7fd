"""The practice chat's subscriptions and their handshake, held against RingCentral's pages."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from chat_world import FILTERS, World, error_code

PATH = "/restapi/v1.0/subscription"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


# ---- the handshake -----------------------------------------------------------------------------


def test_a_subscription_is_made_after_a_handshake_without_a_body(world: World) -> None:
    world.install(subscribed=False)
    answer = world.subscribe()
    (handshake,) = world.app.handshakes
    assert handshake["Content-Length"] == "0"
    assert handshake["Verification-Token"] == "a secret"
    assert handshake["User-Agent"] == "RingCentral-WebHook"
    made = answer.json()
    assert (answer.status_code, made["status"], made["eventFilters"]) == (200, "Active", FILTERS)
    assert (made["expiresIn"], made["expirationTime"]) == (604800, "2026-12-01T09:00:00.000Z")
    assert made["deliveryMode"]["address"] == world.app.server.url + "/bot/webhook"
    assert made["uri"] == f"{world.server.url}{PATH}/{made['id']}"
    assert "a secret" not in answer.text


@pytest.mark.parametrize(
    "flaw",
    [
        {"status": 404},
        {"status": 204},
        {"echo": ""},
        {"echo": "something else"},
        {"content_type": "text/html"},
        {"padding": 1024},
        {"slow": True},
    ],
    ids=str,
)
def test_an_address_that_answers_the_handshake_badly_gets_no_subscription(
    world: World, flaw: dict[str, Any]
) -> None:
    world.install(subscribed=False)
    world.chat.webhooks.timeout = 0.2 if "slow" in flaw else 3.0
    for name, value in flaw.items():
        setattr(world.app, name, value)
    assert error_code(world.subscribe()) == (400, "SUB-525")
    assert world.api("GET", PATH).json()["records"] == []


def test_the_answer_to_the_handshake_has_1024_bytes_and_not_one_more(world: World) -> None:
    world.install(subscribed=False)
    bare = size_of_a_handshake(world)
    world.app.padding = 1024 - bare
    assert world.subscribe().status_code == 200
    world.app.padding += 1
    assert error_code(world.subscribe()) == (400, "SUB-525")


def size_of_a_handshake(world: World) -> int:
    """The bytes of the app's whole answer, counted on the wire."""
    request = [
        "POST /bot/webhook HTTP/1.0",
        "Content-Length: 0",
        f"Validation-Token: {uuid.uuid4()}",
        "",
        "",
    ]
    with socket.create_connection(("127.0.0.1", world.app.server.port)) as connection:
        connection.sendall("\r\n".join(request).encode())
        return sum(len(part) for part in iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"eventFilters": []}, "CMN-101"),
        ({"eventFilters": ["/restapi/v1.0/nonsense"]}, "SUB-508"),
        ({"expiresIn": 0}, "CMN-101"),
        ({"expiresIn": "a week"}, "CMN-101"),
        ({"deliveryMode": {"transportType": "PubNub"}}, "CMN-101"),
        ({"deliveryMode": {"address": "ftp://example.org"}}, "CMN-101"),
        ({"deliveryMode": {"address": "http://[broken"}}, "CMN-101"),
        ({"deliveryMode": {"verificationToken": "a\r\nb"}}, "CMN-101"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    world.install(subscribed=False)
    assert error_code(world.subscribe(**changes)) == (400, code)
    assert world.app.handshakes == []


def test_a_bot_that_is_too_new_is_told_so_as_often_as_the_knob_says(world: World) -> None:
    world.install(subscribed=False)
    world.chat.subscription_not_ready = 2
    assert error_code(world.subscribe()) == error_code(world.subscribe()) == (403, "SUB-406")
    assert world.subscribe().status_code == 200


# ---- subscriptions -----------------------------------------------------------------------------


def test_a_subscription_is_read_renewed_changed_and_deleted(world: World) -> None:
    world.install()
    path = f"{PATH}/{world.subscription()['id']}"
    world.time += timedelta(days=1)
    assert world.api("GET", path).json()["expiresIn"] == 518400
    assert world.api("POST", f"{path}/renew").json()["expiresIn"] == 604800
    world.time += timedelta(days=1)
    assert world.api("PUT", path).json()["expiresIn"] == 604800
    changed = world.api("PUT", path, json={"eventFilters": FILTERS[:1]}).json()
    assert changed["eventFilters"] == FILTERS[:1]
    assert world.api("DELETE", path).status_code == 204
    assert error_code(world.api("GET", path)) == (404, "CMN-102")
    world.chat.say("Alice", "hi", chat="direct")
    assert world.bodies("PostAdded") == []


def test_a_change_to_an_address_that_does_not_shake_hands_changes_nothing(world: World) -> None:
    world.install()
    before = world.subscription()
    wish = {"deliveryMode": {"transportType": "WebHook", "address": world.server.url + "/none"}}
    answer = world.api("PUT", f"{PATH}/{before['id']}", json=wish)
    assert error_code(answer) == (400, "SUB-525")
    assert world.subscription() == before


def test_an_expired_subscription_is_gone_and_gets_nothing(world: World) -> None:
    world.install()
    world.time += timedelta(days=7)
    world.chat.say("Alice", "hi", chat="direct")
    assert world.bodies("PostAdded") == []
    assert world.api("GET", PATH).json()["records"] == []
