"""What the practice chat delivers to a bot, held against RingCentral's pages, through real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from chat_world import World

PATH = "/restapi/v1.0/subscription"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_a_post_is_delivered_in_the_real_envelope_with_the_secret_in_a_header(
    world: World,
) -> None:
    world.install()
    post = world.chat.say("Alice", "profile", chat="direct")
    world.chat.settle()
    envelope, headers = world.app.deliveries[-1], world.app.headers[-1]
    assert set(envelope) == {"uuid", "event", "timestamp", "subscriptionId", "ownerId", "body"}
    assert envelope["event"] == "/team-messaging/v1/posts"
    assert envelope["subscriptionId"] == world.subscription()["id"]
    assert envelope["ownerId"] == "2109001"
    assert envelope["timestamp"] == "2026-11-24T09:00:00.000Z"
    assert envelope["body"] == post.shape() | {"eventType": "PostAdded"}
    assert (envelope["body"]["creatorId"], envelope["body"]["text"]) == ("2101001", "profile")
    assert headers["Verification-Token"] == "a secret"
    assert headers["User-Agent"] == "RingCentral-WebHook"
    assert "Validation-Token" not in headers


def test_the_bot_hears_its_own_posts_and_may_post_from_inside_a_delivery(world: World) -> None:
    world.install()

    def answer_once() -> None:
        body = world.app.deliveries[-1]["body"]
        if body["creatorId"] != "2109001":
            path = f"/team-messaging/v1/chats/{body['groupId']}/posts"
            world.api("POST", path, json={"text": "Hello!"}).raise_for_status()

    world.app.on_delivery = answer_once
    world.chat.say("Alice", "hi", chat="direct")
    assert [body["creatorId"] for body in world.bodies("PostAdded")] == ["2101001", "2109001"]


def test_the_bot_hears_nothing_of_chats_that_it_is_not_in(world: World) -> None:
    world.install()
    world.chat.say("Alice", "among us")
    assert world.bodies("PostAdded") == []


def test_deliveries_keep_their_order_and_come_twice_when_told_to(world: World) -> None:
    world.install()
    world.chat.deliver_twice = True
    for number in range(20):
        world.chat.say("Alice", str(number), chat="direct")
    texts = [body["text"] for body in world.bodies("PostAdded")]
    assert texts == [str(number) for number in range(20) for _ in range(2)]
    assert world.app.deliveries[-1]["uuid"] == world.app.deliveries[-2]["uuid"]
    assert world.app.deliveries[-1]["uuid"] != world.app.deliveries[-3]["uuid"]


def test_posts_from_many_threads_are_all_there_and_delivered_in_the_order_of_their_ids(
    world: World,
) -> None:
    world.install()

    def talk(person: str) -> None:
        for _ in range(25):
            world.chat.say(person, "hi", chat="direct")

    threads = [threading.Thread(target=talk, args=(one,)) for one in ("Alice", "Bob") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [int(body["id"]) for body in world.bodies("PostAdded")]
    assert len(set(ids)) == 200
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [({"status": 500}, "500"), ({"status": 204}, "204"), ({"slow": True}, "Read timed out")],
    ids=str,
)
def test_one_bad_answer_blacklists_the_subscription_for_good(
    world: World, flaw: dict[str, Any], reason: str
) -> None:
    world.install()
    world.chat.webhooks.timeout = 0.2 if "slow" in flaw else 3.0
    for name, value in flaw.items():
        setattr(world.app, name, value)
    before = len(world.app.deliveries)
    world.chat.say("Alice", "one", chat="direct")
    world.chat.say("Alice", "one more, already on its way", chat="direct")
    world.chat.settle()
    assert len(world.app.deliveries) == before + 1
    listed = world.subscription()
    assert listed["status"] == "Blacklisted"
    assert reason in listed["blacklistedData"]["reason"]
    assert listed["blacklistedData"]["blacklistedAt"] == "2026-11-24T09:00:00.000Z"
    world.app.status, world.app.slow, world.chat.webhooks.timeout = 200, False, 30.0
    world.app.released.set()
    assert world.api("POST", f"{PATH}/{listed['id']}/renew").json()["status"] == "Blacklisted"
    world.chat.say("Alice", "two", chat="direct")
    world.chat.settle()
    assert len(world.app.deliveries) == before + 1
    world.api("DELETE", f"{PATH}/{listed['id']}")
    assert world.subscribe().json()["status"] == "Active"  # the same address is allowed


def test_the_knob_blacklists_as_an_outage_would(world: World) -> None:
    world.install()
    world.chat.blacklist()
    assert world.subscription()["status"] == "Blacklisted"


def test_settle_says_when_the_bot_does_not_answer(world: World) -> None:
    world.install()
    world.app.slow = True
    world.chat.say("Alice", "hi", chat="direct")
    with pytest.raises(TimeoutError, match="still under way"):
        world.chat.settle(timeout=0.1)


@pytest.mark.parametrize(
    ("filters", "event"),
    [
        (["/team-messaging/v1/chats"], "/team-messaging/v1/chats"),
        (["/restapi/v1.0/glip/groups"], "/restapi/v1.0/glip/posts"),  # yes, posts
    ],
)
def test_chat_events_come_by_either_name_of_the_filter(
    world: World, filters: list[str], event: str
) -> None:
    world.install(subscribed=False)
    world.subscribe(eventFilters=filters)
    world.chat.add_bot_to_team()
    assert len(world.bodies("GroupJoined")) == 1
    assert world.app.deliveries[-1]["event"] == event
