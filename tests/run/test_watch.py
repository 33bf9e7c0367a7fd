"""The thread that looks whether the chat still delivers, and whether a full disk has room."""

from __future__ import annotations

import logging

import pytest
from serve_world import (
    QUICK_LOOKS,
    SECONDS,
    Alice,
    chat_settings,
    github_settings,
    wait_until,
)

from botkit.errors import ChatBusy, DatabaseFull
from botkit.run import watch as watching
from botkit.run.watch import ENSURE_SECONDS, Watch


@pytest.fixture
def moment():
    """A clock that only moves when told."""

    class Moment:
        seconds = 0.0

        def __call__(self) -> float:
            return self.seconds

    return Moment()


@pytest.fixture
def watch(kit, moment):
    """A watch that has looked once."""
    watch = Watch(kit.bot, now=moment)
    watch.look()
    return watch


def status(kit):
    """What RingCentral says of the bot's subscriptions."""
    chat = kit.world.ringcentral
    return [one.status for one in chat.webhooks.of(chat.bot.id)]


def test_a_blacklisted_subscription_is_replaced_at_the_next_look(kit, watch):
    kit.world.ringcentral.blacklist()
    watch.look()
    assert status(kit) == ["Active"]
    assert "shows your GitHub profile" in str(kit.alice.say("help"))


def test_a_good_subscription_is_only_asked_about(kit, watch):
    chat = kit.world.ringcentral
    del chat.requests_seen[:]
    watch.look()
    assert [(one.method, one.path) for one in chat.requests_seen] == [
        ("GET", "/restapi/v1.0/subscription")
    ]


def test_from_time_to_time_one_that_ends_soon_is_renewed(kit, watch, moment):
    kit.clock.advance(days=6)
    chat = kit.world.ringcentral
    del chat.requests_seen[:]
    watch.look()
    moment.seconds += ENSURE_SECONDS
    assert not any(one.path.endswith("/renew") for one in chat.requests_seen)
    watch.look()
    assert any(one.path.endswith("/renew") for one in chat.requests_seen)


def test_trouble_with_one_bot_is_logged_once_and_does_not_stop_the_others(kit, watch, caplog):
    caplog.set_level(logging.INFO)
    kit.storage.save_bot("1", token={"access_token": "of nobody"}, data={})  # the first one
    kit.world.ringcentral.blacklist()
    watch.look()
    watch.look()
    assert status(kit) == ["Active"]
    assert caplog.text.count("The subscription of bot 1 has to wait.") == 1


def test_a_look_that_fails_is_not_the_last(kit, monkeypatch, caplog):
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    looks = []

    def look():
        looks.append(1)
        raise (DatabaseFull("No room."), ChatBusy("Not now."), ZeroDivisionError)[len(looks) % 3]

    watch = Watch(kit.bot)
    watch.look = look
    watch.start()
    wait_until(lambda: len(looks) > 6)
    watch.stop()
    watch._thread.join(SECONDS)
    assert not watch._thread.is_alive()
    assert "The subscriptions could not be checked. No room." in caplog.text


def test_a_full_disk_that_has_room_again_is_noticed(kit, watch):
    kit.storage._is_full = True
    with pytest.raises(DatabaseFull):
        kit.storage.check()
    watch.look()
    kit.storage.check()


def test_a_bot_that_runs_hears_again(serve, github_process, ringcentral_process):
    """Within half a minute, and here at the next look, which comes sooner."""
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    bot = serve(limits=QUICK_LOOKS, **settings)
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    ringcentral_process.call("settle")
    ringcentral_process.call("blacklist")
    wait_until(lambda: hears(ringcentral_process))
    assert "shows your GitHub profile" in alice.say("help")
    wait_until(lambda: "was made" in bot.errors)


def test_half_a_minute_passes_between_two_looks(watch, monkeypatch):
    waits = []

    def wait(seconds):
        waits.append(seconds)
        watch._stopped.set()

    monkeypatch.setattr(watch._stopped, "wait", wait)
    watch._run()
    assert len(waits) == 1 and waits[0] <= 30


def hears(chat):
    """Whether the chat delivers to the bot."""
    subscriptions = chat.call("webhooks.of", chat.call("bot.id"))
    return any(one["status"] == "Active" for one in subscriptions)
