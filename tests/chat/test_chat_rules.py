"""What the bot makes of events, and how it keeps to the chat's rules about asking."""

from __future__ import annotations

import json

import pytest

from botkit.bot.webhook import delivery_key
from botkit.chat import EXTENSION, Event, read_event
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


def test_two_bots_do_not_share_the_name_of_a_message():
    first, second = (delivery_key(bot_id, envelope(post(), uuid="u")) for bot_id in "78")
    assert first != second
    assert delivery_key("7", envelope(post(), uuid="another")) == first
    assert delivery_key("7", envelope(post(id="2"))) != first
    later = post(creationTime="later")  # a practice chat counts from 1 again
    assert delivery_key("7", envelope(later)) != first
    assert delivery_key("7", {"body": None}) == ""


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


def spoil(kit, status, times=1, body="", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    kit.world.ringcentral.trouble.next(
        path="/team-messaging", status=status, times=times, body=body, headers=names
    )


def write(kit, text="news"):
    """The bot writes into Alice's chat, and nobody waits for it."""
    chat = kit.world.ringcentral
    kit.chat.send(kit.bot_id, chat.find_chat("direct", chat.person("Alice")).id, text)


def pass_by(kit, seconds):
    kit.clock.advance(minutes=seconds / 60)
    kit.worker.settle()


def requests_to_the_chat(kit):
    return sum(exchange.receiver == "chat" for exchange in kit.trace)


def test_what_is_said_in_a_penalty_arrives_after_it_in_order(kit):
    kit.alice.reads()
    spoil(kit, 429, Retry_After="60")
    for text in ("one", "two", "three"):
        write(kit, text)
    kit.worker.settle()
    asked = requests_to_the_chat(kit)
    pass_by(kit, 30)
    assert requests_to_the_chat(kit) == asked  # nobody knocks
    assert kit.storage.messages.how()["penalties"][kit.bot_id] == pytest.approx(30, abs=5)
    pass_by(kit, 31)
    assert [text for _, text in kit.alice.reads().messages] == ["one", "two", "three"]
    assert kit.storage.messages.how()["penalties"] == {}


def test_a_penalty_is_of_one_bot_and_of_all_its_requests(kit):
    spoil(kit, 429, Retry_After="60")
    write(kit)
    kit.worker.settle()
    with pytest.raises(ChatBusy, match="asks us to wait 60 seconds") as caught:
        kit.chat.call(kit.bot_id, "GET", EXTENSION)
    assert caught.value.seconds == pytest.approx(60, abs=5)
    token = kit.storage.find_bot(kit.bot_id).token
    kit.storage.save_bot("another", token=token, data={})
    kit.chat.call("another", "GET", EXTENSION)
    kit.clock.advance(minutes=1)
    kit.chat.call(kit.bot_id, "GET", EXTENSION)


def test_a_message_that_comes_in_a_penalty_is_answered_after_it(kit):
    kit.alice.reads()
    kit.chat._groups.clear()  # so that the bot has to ask whether the message is for it
    spoil(kit, 429, Retry_After="60")
    assert [who for who, _ in kit.alice.say("help").messages] == ["Alice"]
    pass_by(kit, 61)
    assert "I understand" in kit.alice.reads().text


@pytest.mark.parametrize(("headers", "seconds"), [({}, 30), ({"Retry_After": "0"}, 1)])
def test_a_penalty_lasts_half_a_minute_if_the_chat_does_not_say_and_a_second_at_least(
    kit, headers, seconds
):
    spoil(kit, 429, **headers)
    with pytest.raises(ChatBusy) as caught:
        kit.chat.group(kit.bot_id, "1")
    assert caught.value.seconds == pytest.approx(seconds, abs=0.9)


def test_who_has_patience_waits_in_the_call(kit):
    waits = []

    def sleep(seconds):
        waits.append(round(seconds))
        kit.clock.advance(minutes=seconds / 60)

    kit.chat._sleep = sleep
    kit.world.ringcentral.trouble.next(
        path="/restapi", status=429, times=1000, headers={"Retry-After": "0"}
    )
    with pytest.raises(ChatBusy):
        kit.chat.call(kit.bot_id, "GET", EXTENSION, patience=10)
    assert waits == [1] * 10


def test_the_daily_limit_is_never_tried_again(kit, caplog):
    body = {"errorCode": "CMN-201", "message": "You have exceeded your limits for this action."}
    kit.alice.reads()
    spoil(kit, 500, body=json.dumps(body))
    write(kit)
    pass_by(kit, 60)
    assert kit.alice.reads().messages == []
    assert "Work left undone: This bot has sent as many messages today" in caplog.text
    with pytest.raises(ChatError, match="as many messages today as RingCentral allows") as caught:
        spoil(kit, 500, body=json.dumps(body))
        kit.chat.say(kit.bot_id, "1", "news")
    assert caught.value.advice == "It can write again tomorrow."


def test_a_message_is_tried_again_when_the_chat_has_trouble_of_its_own(kit):
    kit.alice.reads()
    spoil(kit, 502, times=4)
    write(kit)
    kit.worker.settle()
    for seconds in (2, 4, 8, 16):
        assert kit.alice._news("direct") == []
        pass_by(kit, seconds + 0.1)
    assert [text for _, text in kit.alice.reads().messages] == ["news"]


def test_a_message_that_was_taken_before_the_trouble_is_not_said_twice(kit, monkeypatch):
    kit.alice.reads()
    write(kit)  # the same words before: that was another message
    kit.worker.settle()
    kit.clock.advance(minutes=1)
    call, lost = kit.chat.call, []

    def loses_the_answer(bot_id, method, *rest, **more):
        answer = call(bot_id, method, *rest, **more)
        if method == "POST" and not lost:
            lost.append(answer)
            raise ChatBusy("The chat did not answer in time.")
        return answer

    monkeypatch.setattr(kit.chat, "call", loses_the_answer)
    write(kit)
    kit.worker.settle()
    pass_by(kit, 3)
    assert len(lost) == 1
    assert [text for _, text in kit.alice.reads().messages] == ["news", "news"]


def test_a_message_is_given_up_after_six_hours_and_the_log_says_so(kit, caplog):
    spoil(kit, 502, times=1000)
    write(kit)
    kit.worker.settle()
    pass_by(kit, 3 * 3600)
    assert "given up" not in caplog.text
    pass_by(kit, 4 * 3600)
    assert "A reply was given up after six hours" in caplog.text
    kit.world.ringcentral.trouble.clear()
    assert kit.storage.messages.how()["waiting"] == 0


def test_nothing_else_is_tried_again(kit, caplog):
    kit.alice.reads()
    spoil(kit, 400)
    write(kit)
    pass_by(kit, 60)
    assert "Work left undone: The chat did not accept this (it answered 400)" in caplog.text
    assert kit.alice.reads().messages == []
    kit.world.ringcentral.trouble.next(path="/restapi", status=500)
    with pytest.raises(ChatBusy):
        kit.chat.call(kit.bot_id, "GET", EXTENSION)
