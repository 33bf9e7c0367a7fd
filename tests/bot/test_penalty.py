"""A bot that RingCentral makes wait is silent, and nobody else is; then it says everything."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from serve_world import wait_until
from sizes import Size

from botkit.bot.turns import job_for
from botkit.bot.worker import Delivery
from botkit.chat import Event

WAITING = Size(40, nightly=400)  # messages of the bot that must be silent, each in its own chat
SECONDS = 60  # that RingCentral asks for


def replies(kit, place):
    posts = kit.world.ringcentral.posts_in(place)
    return sum(post.creator_id == kit.bot_id for post in posts)


@pytest.mark.slow
def test_the_penalty_of_one_bot_keeps_no_other_waiting_and_all_is_said_after_it(kit):
    chat = kit.world.ringcentral
    people = [chat.add_person(f"Person {number}") for number in range(WAITING + 1)]
    *silenced, (other, others_place) = people
    # To RingCentral both bots are the same one, but it refuses only the chats of the first.
    kit.storage.save_bot("another", token=kit.storage.find_bot(kit.bot_id).token, data={})
    token = {"verificationToken": "the other's"}
    kit.storage.update_bot("another", token)
    for _, place in silenced:
        chat.trouble.next(
            times=10_000,
            path=f"/team-messaging/v1/chats/{place.id}/posts",
            status=429,
            headers={"Retry-After": str(SECONDS)},
        )
    for person, place in silenced:
        chat.write(place, person, "help")
    chat.settle()
    wait_until(lambda: kit.storage.messages.how()["penalties"].get(kit.bot_id, 0) > SECONDS / 2)

    began = time.monotonic()
    event = Event("Message4Bot", "another", others_place.id, other.id, "help")
    kit.worker.accept(Delivery("another", token["verificationToken"], job_for(event, "key"), 100))
    wait_until(lambda: replies(kit, others_place) == 1)
    assert time.monotonic() - began < 1.0
    assert kit.worker.settle() and not any(replies(kit, place) for _, place in silenced)
    asked = Counter(one.path for one in chat.requests_seen)
    refused = sum(asked[f"/team-messaging/v1/chats/{one.id}/posts"] for _, one in silenced)
    assert refused <= 20  # those that were under way when the first one was refused

    chat.trouble.clear()
    kit.clock.advance(minutes=SECONDS / 60)
    assert kit.worker.settle()
    assert {replies(kit, place) for _, place in silenced} == {1}
    assert kit.storage.messages.how()["waiting"] == 0
