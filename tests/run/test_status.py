"""What the operator is shown of the bots and of what people have connected."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa
from connections import connect, services

from botkit.run.maintenance import maintain
from botkit.run.status import status
from botkit.storage import COUNTED, authorizations, reply_job, tables


def test_the_status_of_a_bot_and_its_connections(kit):
    connect(kit.alice)
    kit.bob.say("profile")
    (subscription,) = kit.world.ringcentral.webhooks.of(kit.bot_id)
    (bot,) = status(kit.bot)
    assert (bot["id"], bot["name"], bot["trouble"]) == (kit.bot_id, "Practice Bot", "")
    assert (bot["subscription"], bot["address"]) == ("Active", kit.bot.webhook_url)
    assert bot["ends"].startswith(subscription.expires.isoformat()[:16])
    assert bot["waiting_links"] == 3  # two greetings and Bob's
    (service,) = bot["services"]
    (row,) = services(kit)
    assert service == {
        "id": 1,
        "trouble": "",
        "service": "GitHub",
        "account": "alice-practice",
        "chat": row.group_id,
        "person": kit.world.ringcentral.person("Alice").id,
        "since": row.created_at.isoformat(timespec="seconds"),
        "expires": None,
    }
    assert bot["connections"] == 1
    assert json.loads(json.dumps(status(kit.bot))) == [bot]


def test_the_status_says_what_is_wrong(kit):
    kit.world.ringcentral.blacklist()
    assert status(kit.bot)[0]["subscription"] == "Blacklisted"
    kit.clock.advance(days=8)
    assert status(kit.bot)[0]["subscription"] == "none"
    kit.world.ringcentral.trouble.next(path="/restapi", status=503)
    (bot,) = status(kit.bot)
    assert bot["subscription"] == "unknown" and "it answered 503" in bot["trouble"]


def test_the_status_as_text_is_for_people(kit):
    connect(kit.alice, chat="Team")
    text = str(status(kit.bot)).replace(kit.address, "ADDRESS")
    first, second, third, fourth, fifth = text.splitlines()
    assert first == "Bot 2109001 (Practice Bot)"
    assert second.startswith("  subscription: Active, until 20")
    assert second.endswith(", to ADDRESS/bot/webhook")
    assert (third, fourth) == ("  waiting auth links: 1", "  connections: 1")
    assert fifth.startswith("    GitHub, account alice-practice: person 2101001 in chat ")
    assert ", connection 1, since " in fifth and fifth.endswith(", does not expire")
    kit.storage.delete_bot(kit.bot_id)
    assert str(status(kit.bot)) == "No bot is installed."


def test_many_connections_are_counted_and_the_oldest_shown(kit):
    for number in range(5):
        owner = {"bot_id": kit.bot_id, "group_id": "chat", "user_id": str(number)}
        kit.storage.save_service("GitHub", **owner, data={})
    (bot,) = status(kit.bot, most=2)
    assert bot["connections"] == 5 and [one["person"] for one in bot["services"]] == ["0", "1"]
    last = str(status(kit.bot, most=2)).splitlines()[-1]
    assert last == "    and 3 more. To see all, run: python -m botkit status --all"
    assert len(status(kit.bot, most=None)[0]["services"]) == 5
    assert " more" not in str(status(kit.bot, most=None))


def test_no_more_than_ten_thousand_are_counted_unless_all_are_shown(kit):
    owner = {"bot_id": kit.bot_id, "group_id": "chat"}
    now = kit.storage.now()
    moments = {"created_at": now, "updated_at": now}
    with kit.storage._writing() as connection:
        rows = [{**owner, "name": "GitHub", "user_id": str(n), **moments} for n in range(COUNTED)]
        connection.execute(sa.insert(tables.services), rows)
    assert "  connections: 10000" in str(status(kit.bot, most=2)).splitlines()
    kit.storage.save_service("GitHub", **owner, user_id="one more", data={})
    assert kit.storage.count_services(kit.bot_id) == COUNTED + 1
    kit.storage.save_service("GitHub", **owner, user_id="and another", data={})
    (bot,) = status(kit.bot, most=2)
    assert bot["connections"] == COUNTED + 1
    lines = str(status(kit.bot, most=2)).splitlines()
    assert "  connections: more than 10,000" in lines
    assert lines[-1].startswith("    and more than 9,998 more. To see all")
    everything = status(kit.bot, most=None)
    assert everything[0]["connections"] == COUNTED + 2
    assert f"  connections: {COUNTED + 2}" in str(everything).splitlines()


def test_no_more_than_ten_thousand_links_are_counted_either(kit):
    now = kit.storage.now()
    place = {"bot_id": "bot", "group_id": "chat", "user_id": "", "redirect_uri": "", "verifier": ""}
    moments = {"created_at": now, "expires_at": now + timedelta(minutes=1)}
    with kit.storage._writing() as connection:
        link = {"provider": "GitHub", **place, **moments}
        rows = [{**link, "state_hash": str(n)} for n in range(COUNTED + 2)]
        connection.execute(sa.insert(authorizations), rows)
    assert kit.storage.count_waiting_links("bot") == COUNTED + 1
    kit.storage.save_bot("bot", data={})
    assert "  waiting auth links: more than 10,000" in str(status(kit.bot)).splitlines()


def test_neither_shows_a_secret(kit):
    connect(kit.alice)
    bot, (row,) = kit.storage.find_bot(kit.bot_id), services(kit)
    secrets = [bot.token["access_token"], bot.data["verificationToken"], row.access_token]
    shown = str(status(kit.bot)) + json.dumps(status(kit.bot))
    kit.world.ringcentral.blacklist()
    kit.world.ringcentral.delete_bot()
    shown += str(status(kit.bot)) + "".join(maintain(kit.bot))
    assert "alice-practice" in shown and not [one for one in secrets if one in shown]


def test_what_waits_and_a_penalty_are_shown(kit):
    kit.bot.worker.stop()
    kit.storage.messages.put([reply_job(kit.bot_id, "7", "Hello!")] * 2)
    kit.storage.messages.pause(kit.bot_id, 42.0)
    kit.clock.advance(minutes=0.2)
    (bot,) = status(kit.bot)
    assert (bot["waiting"], round(bot["oldest"]), round(bot["silent"])) == (2, 12, 30)
    lines = str(status(kit.bot)).splitlines()
    assert "  messages without an answer, and replies: 2, the oldest for 12 seconds" in lines
    assert "  RingCentral wants it to be silent for 30 seconds" in lines
    kit.storage.save_bot("1", token={"access_token": "x"}, data={})
    other, _ = status(kit.bot)
    assert (other["waiting"], other["silent"]) == (0, 0)
