"""A provider that is slow has only some of the threads that answer messages."""

from __future__ import annotations

import pytest
from serve_world import wait_until

from botkit.bot import hosts
from botkit.bot.hosts import TURNS_PER_HOST, Hosts
from botkit.errors import HostCrowded
from botkit.lessons.check.teapot import describe_teapot
from botkit.lessons.kit import Kit
from botkit.skills import Skill, command
from botkit.storage import Turn, in_turn

USER = "/api/v3/user"
PEOPLE = TURNS_PER_HOST + 6  # more than one bot has threads


# ---- the places --------------------------------------------------------------------------------


@pytest.fixture
def called(monkeypatch):
    monkeypatch.setattr(hosts, "TURNS_PER_HOST", 2)
    return []


@pytest.fixture
def places(called):
    return Hosts(called.append)


def test_at_one_host_are_only_some_turns_and_at_another_one_others(places):
    assert [places.enter("slow") for _ in range(3)] == [True, True, False]
    assert places.enter("quick")
    places.leave(["slow", "quick"])
    assert places.enter("slow") and not places.enter("slow")


def test_who_leaves_calls_the_one_that_has_waited_for_the_longest(places, called):
    assert places.enter("slow") and places.enter("slow")
    for lane in ("a", "b", "a"):  # the first one has looked again
        places.wait("slow", lane)
    assert called == []
    places.leave(["slow"])
    assert called == ["a"]
    places.leave(["slow"])
    assert called == ["a", "b"]
    places.leave([])
    assert called == ["a", "b"]


def test_a_place_that_became_free_before_the_message_waits_calls_it_too(places, called):
    places.wait("slow", "a")
    assert called == ["a"]


def test_a_turn_has_one_place_at_each_host_and_none_when_it_cannot_start_again(places):
    with in_turn(Turn(lambda: None, places.enter)) as turn:
        turn.visit("slow"), turn.visit("slow"), turn.visit("quick")
    assert turn.hosts == {"slow", "quick"}
    crowded = Turn(lambda: None, lambda host: False)
    with pytest.raises(HostCrowded) as caught:
        crowded.visit("slow")
    assert caught.value.host == "slow" and crowded.hosts == set()
    crowded.changes()
    crowded.visit("slow")
    assert crowded.hosts == set()


# ---- a whole bot -------------------------------------------------------------------------------


class TeaSkill(Skill):
    """I make tea."""

    word = "teapot"

    @command("tea", "makes tea")
    def tea(self, call):
        return f"{call.get('/brew', params={'drink': 'tea'})['minutes']} minutes"


@pytest.fixture
def kit():
    """Alice has connected GitHub and Teapot, and many other people GitHub."""
    kit = Kit()
    kit.bot.add(TeaSkill, describe_teapot(*kit.world.start_service("teapot")))
    kit.register_callback()
    for word in ("teapot", "github"):
        kit.alice.connects(word)
    yield kit
    kit.world.github.trouble.clear()
    kit.close()


@pytest.fixture
def people(kit):
    """Each of them with a chat."""
    row = next(one for one in kit.storage.find_services() if one.name == "GitHub")
    people = [kit.world.ringcentral.add_person(f"Person {n}") for n in range(PEOPLE)]
    for person, chat in people:
        where = {"bot_id": kit.bot_id, "group_id": chat.id, "user_id": person.id}
        kit.storage.save_service("GitHub", **where, data=row.data)
    return people


def replies(kit, chat):
    posts = kit.world.ringcentral.posts_in(chat)
    return [post.text for post in posts if post.creator_id == kit.bot_id]


def test_who_ends_a_connection_needs_a_place_too(kit):
    (skill,) = [one for one in kit.bot.services if one.word == "github"]
    (row,) = [one for one in kit.storage.find_services() if one.name == "GitHub"]
    with in_turn(Turn(lambda: None, lambda host: False)), pytest.raises(HostCrowded):
        skill.end(row)
    assert row in kit.storage.find_services()


def test_a_slow_provider_leaves_threads_to_the_others(kit, people, monkeypatch):
    monkeypatch.setattr("botkit.storage.turn.CROWDED_AGAIN", 3000.0)  # who leaves must call them
    github, chat = kit.world.github, kit.world.ringcentral
    del github.requests_seen[:]
    github.trouble.next(times=100, path=USER, status=None, delay=60)
    for person, place in people:
        chat.write(place, person, "profile")
    wait_until(lambda: len(github.requests_seen) == TURNS_PER_HOST)
    alice = chat.find_chat("direct", chat.person("Alice"))
    chat.say("Alice", "tea", "direct")
    wait_until(lambda: "4 minutes" in replies(kit, alice))
    assert len(github.requests_seen) == TURNS_PER_HOST
    github.trouble.clear()
    wait_until(lambda: all(replies(kit, place) for _, place in people))
    assert kit.worker.settle()  # a reply is in the chat a moment before that is written down
    assert {len(replies(kit, place)) for _, place in people} == {1}
    assert kit.storage.messages.how()["waiting"] == 0
