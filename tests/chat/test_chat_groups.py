"""What the bot knows about a chat, for how long, and what it asks RingCentral for."""

from __future__ import annotations

import pytest

from botkit.chat.ringcentral import GroupInfo, _group_info
from botkit.errors import InstallRefused


@pytest.mark.parametrize(
    "type_, members, direct",
    [
        ("PrivateChat", ("1", "2"), True),
        ("PrivateChat", (), True),
        ("Group", ("1", "2"), True),
        ("Team", ("1", "2"), True),
        ("Team", ("1", "2", "3"), False),
        ("Team", ("1",), False),
        ("PersonalChat", ("1",), False),
        ("Everyone", ("1", "2", "3"), False),
        ("", (), False),
    ],
)
def test_a_chat_of_two_is_one_whatever_it_is_called(type_, members, direct):
    assert GroupInfo("", members, type_).is_direct is direct


OLD = {"id": "5", "name": "Two", "type": "PrivateChat", "members": ["1", "2"]}
NEW = {"id": "5", "name": "Two", "type": "Direct", "members": [{"id": "1"}, {"id": 2}]}


@pytest.mark.parametrize("answer", [OLD, NEW])
def test_a_chat_is_read_in_the_old_and_in_the_new_shape(answer):
    assert _group_info(answer) == GroupInfo("Two", ("1", "2"), "PrivateChat")


@pytest.mark.parametrize("answer", [{}, {"members": None, "name": None, "type": None}])
def test_an_answer_that_says_nothing_is_a_chat_of_nobody(answer):
    assert _group_info(answer) == GroupInfo("", (), "")


def team_of(kit):
    chat = kit.world.ringcentral
    return chat.find_chat("Team", chat.person("Alice"))


def test_what_is_known_about_a_chat_is_believed_for_ten_minutes(kit):
    team = team_of(kit)
    kit.chat._groups.clear()
    assert kit.chat.group(kit.bot_id, team.id).name == "Team"
    team.name = "Another name"
    kit.clock.advance(minutes=9)
    assert kit.chat.group(kit.bot_id, team.id).name == "Team"
    kit.clock.advance(minutes=2)
    assert kit.chat.group(kit.bot_id, team.id).name == "Another name"


def test_what_one_bot_knows_about_a_chat_is_not_known_to_another(kit):
    team = team_of(kit)
    kit.chat.group(kit.bot_id, team.id)
    with pytest.raises(InstallRefused, match="This bot is not installed here"):
        kit.chat.group("another", team.id)


@pytest.mark.parametrize("token", [None, {}, {"access_token": ""}, {"access_token": None}])
def test_a_bot_without_a_token_does_not_even_ask(kit, token):
    kit.storage.save_bot("another", token=token, data={})
    kit.trace.clear()
    with pytest.raises(InstallRefused, match="This bot is not installed here"):
        kit.chat.say("another", team_of(kit).id, "hello")
    assert list(kit.trace) == []


def test_the_subscription_is_asked_for_with_all_that_it_needs(kit, monkeypatch):
    asked, call = [], kit.chat.call

    def watched(bot_id, method, path, body=None, **options):
        asked.append((method, path, body))
        return call(bot_id, method, path, body, **options)

    monkeypatch.setattr(kit.chat, "call", watched)
    kit.storage.update_bot(kit.bot_id, {"subscriptionId": None})
    kit.use_address(kit.address)
    ((path, wish),) = [(path, body) for method, path, body in asked if method == "POST"]
    mode = wish["deliveryMode"]
    secret = kit.storage.find_bot(kit.bot_id).data["verificationToken"]
    assert path == "/restapi/v1.0/subscription"
    assert wish["expiresIn"] == 7 * 24 * 60 * 60  # seconds
    assert mode == {
        "transportType": "WebHook",
        "address": f"{kit.address}/bot/webhook",
        "verificationToken": secret,
    }
    assert wish["eventFilters"] == [
        "/team-messaging/v1/posts",
        "/team-messaging/v1/groups",
        "/restapi/v1.0/account/~/extension/~",
        "/restapi/v1.0/subscription/~?threshold=60&interval=15",
    ]
