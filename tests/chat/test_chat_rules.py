"""What the bot makes of events, and how it keeps to the chat's rules about asking."""

from __future__ import annotations

import json

import pytest

from botkit.chat import EXTENSION, Event, SeenDeliveries, read_event
from botkit.errors import ChatBusy, ChatError

PERSON = "![:Person](7)"


def envelope(body, **changes):
    return {
        "uuid": "u",
        "event": "/team-messaging/v1/posts",
        "ownerId": "7",
        "body": body,
    } | changes


def post(**changes):
    body = {"eventType": "PostAdded", "id": "1", "type": "TextMessage", "groupId": "g"}
    return body | {"creatorId": "2", "text": "hi"} | changes


# ---- events, in all their shapes ---------------------------------------------------------------

MEANING = {
    "a message": (post(), Event("Message4Bot", "7", "g", "2", "hi")),
    "numbers as ids": (post(groupId=5, creatorId=2), Event("Message4Bot", "7", "5", "2", "hi")),
    "a mention": (post(text=f"{PERSON} hi"), Event("Message4Bot", "7", "g", "2", "hi", True)),
    "a mention at the end": (
        post(text=f"hi  there {PERSON}"),
        Event("Message4Bot", "7", "g", "2", "hi there", True),
    ),
    "somebody else mentioned": (
        post(text="![:Person](8) hi"),
        Event("Message4Bot", "7", "g", "2", "![:Person](8) hi"),
    ),
    "its own message": (post(creatorId="7"), None),
    "an edit": (post(eventType="PostChanged"), None),
    "somebody came": (post(type="PersonJoined", text="Bob came"), None),
    "it joined, in the old words": (
        {"eventType": "GroupJoined", "id": "g", "type": "PersonalChat", "members": ["7"]},
        Event("BotJoinGroup", "7", "g", group_type="PersonalChat"),
    ),
    "it joined, in the new words": (
        {"eventType": "GroupJoined", "id": 5, "type": "Personal", "members": [{"id": "7"}]},
        Event("BotJoinGroup", "7", "5", group_type="PersonalChat"),
    ),
    "it joined, in short": (
        {"eventType": "GroupJoined", "id": "g"},
        Event("BotJoinGroup", "7", "g"),
    ),
    "it left": ({"eventType": "GroupLeft", "id": "g"}, Event("BotLeftGroup", "7", "g")),
    "it left nowhere": ({"eventType": "GroupLeft"}, None),
    "it was renamed with others": ({"eventType": "GroupRenamed", "id": "g"}, None),
    "it was deleted": ({"eventType": "Delete", "extensionId": 7}, Event("BotRemoved", "7")),
    "another was deleted": ({"eventType": "Delete", "extensionId": "8"}, None),
    "it was changed": ({"eventType": "Update", "extensionId": "7"}, None),
}


@pytest.mark.parametrize("what", MEANING)
def test_an_event_means_the_same_in_the_old_and_the_new_shape(what):
    body, event = MEANING[what]
    for name in ("/team-messaging/v1/groups", "/restapi/v1.0/glip/posts"):  # it may say anything
        assert read_event(envelope(body, event=name)) == event


def test_a_reminder_is_known_by_its_name_alone():
    name = "/restapi/v1.0/subscription/~?threshold=60&interval=15"
    assert read_event(envelope({"expiresIn": 60}, event=name)) == Event("SubscriptionEnds", "7")


def deliver(kit, body, **changes):
    token = kit.storage.find_bot(kit.bot_id).data["verificationToken"]
    delivery = envelope(body, ownerId=kit.bot_id, **changes)
    headers = {"Verification-Token": token}
    answer = kit.app.test_client().post("/bot/webhook", json=delivery, headers=headers)
    assert answer.status_code == 200
    kit.settle()


def test_what_is_delivered_twice_is_answered_once(kit):
    kit.alice.reads()
    kit.world.ringcentral.deliver_twice = True
    assert [who for who, _ in kit.alice.say("help").messages] == ["Alice", "Practice Bot"]


def test_one_message_in_two_deliveries_is_answered_once(kit):
    kit.alice.reads()
    alice = kit.world.ringcentral.person("Alice")
    direct = kit.world.ringcentral.find_chat("direct", alice)
    body = post(groupId=direct.id, creatorId=alice.id, text="help")
    deliver(kit, body, uuid="first")
    deliver(kit, body, uuid="second")
    deliver(kit, body | {"eventType": "PostChanged", "text": "profile"}, uuid="third")
    assert len(kit.alice.reads().messages) == 1
    deliver(kit, body | {"id": "2"}, uuid="fourth")
    assert len(kit.alice.reads().messages) == 1


def test_what_is_remembered_is_bounded_and_two_bots_do_not_share_it():
    seen = SeenDeliveries()
    for number in range(5_000):
        assert not seen.seen_before(envelope(post(id=str(number)), uuid=str(number)))
    assert not seen.seen_before(envelope(post(id="3998"), uuid="3998"))  # 1,000 are remembered
    assert seen.seen_before(envelope(post(id="4999"), uuid="new"))
    assert not seen.seen_before(envelope(post(id="4998"), uuid="4998", ownerId="8"))
    assert not seen.seen_before({"body": None}) and not seen.seen_before({"body": None})


def test_nobody_is_greeted_in_everybodys_chat_also_when_the_event_is_short(kit):
    chat = kit.world.ringcentral
    everyone = chat.find_chat("All Employees", chat.person("Alice"))
    team = chat.find_chat("Team", chat.person("Alice"))
    (alone,) = [one for one in chat.chats_of(chat.bot) if one.type == "Personal"]
    kit.alice.reads(chat="Team")
    for number, group in enumerate((everyone, alone, team)):
        deliver(kit, {"eventType": "GroupJoined", "id": group.id}, uuid=str(number))
    assert chat.posts_in(everyone) == chat.posts_in(alone) == []
    assert "Mention me" in kit.alice.reads(chat="Team").text
    deliver(kit, {"eventType": "GroupJoined", "id": team.id}, uuid="2")  # the same once more
    assert kit.alice.reads(chat="Team").messages == []


# ---- how often the chat may be asked -----------------------------------------------------------


@pytest.fixture
def waits(kit):
    """The seconds that the bot waited; the clock moves by as much."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(round(seconds))
        kit.clock.advance(minutes=seconds / 60)

    kit.chat._sleep = sleep
    return waited


def spoil(kit, status, times=1, body="", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    kit.world.ringcentral.trouble.next(
        path="/team-messaging", status=status, times=times, body=body, headers=names
    )


def say(kit):
    """The bot writes into Alice's chat."""
    chat = kit.world.ringcentral
    kit.chat.send(kit.bot_id, chat.find_chat("direct", chat.person("Alice")).id, "news")


def requests_to_the_chat(kit):
    return sum(exchange.receiver == "chat" for exchange in kit.trace)


def test_a_short_penalty_is_waited_out_and_the_message_arrives(kit, waits):
    kit.alice.reads()
    spoil(kit, 429, Retry_After="5")
    say(kit)
    assert waits == [5] and kit.alice.reads().text == "news"


def test_during_a_long_penalty_nobody_knocks(kit, waits):
    kit.alice.reads()
    spoil(kit, 429, Retry_After="60")
    with pytest.raises(ChatBusy, match="asks us to wait 60 seconds"):
        say(kit)
    before = requests_to_the_chat(kit)
    kit.clock.advance(minutes=0.5)
    with pytest.raises(ChatBusy, match="asks us to wait 30 seconds"):
        say(kit)
    assert (waits, requests_to_the_chat(kit)) == ([], before)
    token = kit.storage.find_bot(kit.bot_id).token
    kit.storage.save_bot("another", token=token, data={})
    kit.chat.call("another", "GET", EXTENSION)  # the penalty is this one bot's
    kit.clock.advance(minutes=0.5)
    say(kit)
    assert kit.alice.reads().text == "news"


def test_a_penalty_without_a_length_lasts_thirty_seconds(kit, waits):
    spoil(kit, 429)
    with pytest.raises(ChatBusy, match="asks us to wait 30 seconds"):
        say(kit)


def test_a_chat_that_says_zero_seconds_for_ever_does_not_hold_us_for_ever(kit, waits):
    spoil(kit, 429, times=1000, Retry_After="0")
    with pytest.raises(ChatBusy):
        say(kit)
    assert waits == [1] * 10


def test_the_daily_limit_is_never_tried_again(kit, waits):
    body = {"errorCode": "CMN-201", "message": "You have exceeded your limits for this action."}
    spoil(kit, 500, body=json.dumps(body))
    kit.alice.reads()
    with pytest.raises(ChatError, match="as many messages today as RingCentral allows") as caught:
        say(kit)
    assert caught.value.advice == "It can write again tomorrow."
    assert (waits, kit.alice.reads().messages) == ([], [])


def test_a_message_is_tried_again_when_the_chat_has_trouble_of_its_own(kit, waits):
    kit.alice.reads()
    spoil(kit, 502, times=2)
    say(kit)
    assert waits == [2, 4] and len(kit.alice.reads().messages) == 1
    spoil(kit, 502, times=3)
    with pytest.raises(ChatBusy, match="it answered 502"):
        say(kit)


def test_nothing_else_is_tried_again(kit, waits):
    spoil(kit, 400)
    with pytest.raises(ChatError, match="it answered 400"):
        say(kit)
    kit.world.ringcentral.trouble.next(path="/restapi", status=500)
    with pytest.raises(ChatBusy):
        kit.chat.call(kit.bot_id, "GET", EXTENSION)
    assert waits == []
