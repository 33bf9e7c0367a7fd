"""The life of a bot: it subscribes, stays subscribed, leaves chats and is deleted."""

from __future__ import annotations

import logging
import re

import pytest
from serve_world import wait_until

from botkit.errors import ChatError, InstallRefused, StateUnknown

MANY = 16  # people


def subscriptions(kit):
    return kit.world.ringcentral.webhooks.of(kit.bot_id)


def connect(person, chat="direct"):
    person.say("@bot profile" if chat == "Team" else "profile", chat=chat)
    assert person.browser.visit(person.link).approve().heading == "Connected"


# ---- the subscription --------------------------------------------------------------------------


def reinstall(kit):
    kit.world.ringcentral.install_bot(f"{kit.address}/bot/oauth")
    kit.settle()


def let_ten_seconds_pass(kit):
    kit.clock.advance(minutes=10.1 / 60)
    kit.settle()


def test_a_bot_user_that_is_not_ready_is_tried_again_every_ten_seconds(kit):
    kit.world.ringcentral.subscription_not_ready = 4
    reinstall(kit)
    for left in (3, 2, 1, 0):
        assert kit.world.ringcentral.subscription_not_ready == left
        let_ten_seconds_pass(kit)
    (one,) = subscriptions(kit)
    data = kit.storage.find_bot(kit.bot_id).data
    assert one.status == "Active" and data["subscriptionId"] == one.id
    assert one.verification_token == data["verificationToken"]
    assert data["subscriptionEnds"].startswith(one.expires.isoformat()[:16])
    assert "I understand" in kit.alice.say("help").text


def test_it_is_tried_a_bounded_number_of_times_and_then_said_in_the_log(kit, caplog):
    kit.world.ringcentral.subscription_not_ready = 1000
    reinstall(kit)
    for _ in range(35):
        let_ten_seconds_pass(kit)
    assert kit.world.ringcentral.subscription_not_ready == 1000 - 1 - 30
    assert "Work left undone: The chat did not accept this (it answered 403)" in caplog.text


def test_the_reminder_renews_and_only_when_the_end_is_near(kit):
    chat, (one,) = kit.world.ringcentral, subscriptions(kit)
    before = one.expires
    chat.remind()
    kit.settle()
    assert one.expires == before
    kit.clock.advance(days=6, hours=23)
    chat.remind()
    kit.settle()
    assert subscriptions(kit) == [one] and (one.expires - before).days == 6
    ends = kit.storage.find_bot(kit.bot_id).data["subscriptionEnds"]
    assert ends.startswith(one.expires.isoformat()[:16])


def test_an_address_that_does_not_answer_is_named_and_the_old_one_goes_on(kit):
    nowhere = kit.world.github.address
    sentence = f"RingCentral called {nowhere}/bot/webhook and was not answered"
    with pytest.raises(ChatError, match=re.escape(sentence)):
        kit.use_address(nowhere)
    (one,) = subscriptions(kit)
    assert one.status == "Active" and "I understand" in kit.alice.say("help").text


def during_the_handshake(kit, monkeypatch, happens):
    """Call `happens(token)` while RingCentral asks the new address whether it is ours."""
    webhooks = kit.world.ringcentral.webhooks
    shake_hands = webhooks.shake_hands

    def watched(address, token):
        happens(token)
        return shake_hands(address, token)

    monkeypatch.setattr(webhooks, "shake_hands", watched)


def test_while_a_new_subscription_takes_the_place_of_an_old_one_both_may_deliver(kit, monkeypatch):
    (old,) = subscriptions(kit)
    good = []

    def look(token):
        bot = kit.storage.find_bot(kit.bot_id)
        tokens = (old.verification_token, token, "another")
        good.append([kit.chat.is_from_ringcentral(bot, one) for one in tokens])

    during_the_handshake(kit, monkeypatch, look)
    kit.use_address(kit.open_tunnel().public_url)
    assert good == [[True, True, False]]
    (new,) = subscriptions(kit)
    bot = kit.storage.find_bot(kit.bot_id)
    assert not kit.chat.is_from_ringcentral(bot, old.verification_token)
    assert kit.chat.is_from_ringcentral(bot, new.verification_token)


def test_a_bot_that_is_deleted_meanwhile_stays_deleted(kit, monkeypatch):
    during_the_handshake(kit, monkeypatch, lambda _: kit.storage.delete_bot(kit.bot_id))
    kit.use_address(kit.open_tunnel().public_url)
    assert kit.storage.find_bots() == []


def test_nobody_waits_for_a_bot_that_is_not_here(kit):
    with pytest.raises(InstallRefused, match="not installed here"):
        kit.bot.installation.subscribe("nobody")
    assert kit.storage.messages.next_due(3600) == {}


@pytest.mark.parametrize("works", [True, False])
def test_one_that_works_is_given_up_after_the_new_one_is_there_and_a_dead_one_before(kit, works):
    if not works:
        kit.world.ringcentral.blacklist()
    kit.trace.clear()
    kit.use_address(kit.open_tunnel().public_url)
    asked = [one.method for one in kit.trace if "/subscription" in one.path]
    assert asked == (["GET", "POST", "DELETE"] if works else ["GET", "DELETE", "POST"])


def test_one_that_lacks_an_event_is_made_anew(kit):
    (old,) = subscriptions(kit)
    kit.storage.update_bot(kit.bot_id, {"eventFilters": ["/team-messaging/v1/posts"]})
    kit.use_address(kit.address)
    (new,) = subscriptions(kit)
    assert new.id != old.id and len(new.filters) == 4


def test_a_subscription_that_works_is_left_alone(kit):
    before = [one.id for one in subscriptions(kit)]
    kit.use_address(kit.address)
    assert [one.id for one in subscriptions(kit)] == before


# ---- a bot goes --------------------------------------------------------------------------------


def test_a_chat_that_the_bot_leaves_takes_its_connections_and_links_with_it(kit):
    connect(kit.bob, chat="Team")
    kit.alice.say("@bot profile", chat="Team")
    state = re.search(r"state=([\w-]+)", kit.alice.link)[1]
    connect(kit.mallory, chat="Team")
    kit.world.ringcentral.remove_bot_from_team()
    kit.settle()
    assert kit.storage.find_services(bot_id=kit.bot_id) == []
    assert repr(kit.world.github).endswith("0 grants>")
    with pytest.raises(StateUnknown):
        kit.storage.claim_authorization(state, provider="GitHub")
    kit.world.ringcentral.add_bot_to_team()
    kit.bob.reads(chat="Team")
    assert "not connected yet" in kit.bob.say("@bot profile", chat="Team").text


def test_an_account_that_is_connected_elsewhere_too_keeps_its_grant(kit):
    connect(kit.alice)
    connect(kit.alice, chat="Team")
    kit.world.ringcentral.remove_bot_from_team()
    kit.settle()
    assert len(kit.storage.find_services(bot_id=kit.bot_id)) == 1
    assert "Here is your GitHub profile" in kit.alice.say("profile").text


def test_a_deleted_bot_is_forgotten_with_all_that_was_connected(kit, caplog):
    connect(kit.alice)
    connect(kit.bob)
    caplog.set_level(logging.WARNING, "botkit")
    kit.world.github.trouble.next(path="/api/v3/applications", status=500)
    kit.world.ringcentral.delete_bot()
    kit.settle()
    assert kit.storage.find_bots() == kit.storage.find_services() == []
    assert repr(kit.world.github).endswith("1 grants>")  # the one that GitHub did not confirm
    assert "A connection was removed here, but: GitHub did not confirm" in caplog.text


def test_a_class_that_asks_at_the_same_time_waits_for_its_service_together(kit):
    """GitHub answers none of them yet, and each of them has been asked about."""
    user, chat = "/api/v3/user", kit.world.ringcentral
    kit.world.github.trouble.next(times=MANY, path=user, status=500, delay=60)
    for number in range(MANY):
        person, place = chat.add_person(f"Learner {number}")
        owner = {"bot_id": kit.bot_id, "group_id": place.id, "user_id": person.id}
        kit.storage.save_service("GitHub", **owner, data={"accessToken": "x"})
        chat.say(person.name, "profile", "direct")
    seen = kit.world.github.requests_seen
    wait_until(lambda: sum(one.path == user for one in seen) == MANY)
    kit.world.github.trouble.clear()
