"""Whatever RingCentral delivers or answers is read within bounds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from any_json import fields, texts, thoroughly, values
from hypothesis import given
from hypothesis import strategies as st

from botkit.bot.webhook import LONGEST_ID, delivery_key
from botkit.chat import Event, group_members, read_event, read_id, read_text, refusal_of
from botkit.chat.installation import _account_of
from botkit.chat.ringcentral import LONGEST_NAME, _group_info, chat_path
from botkit.chat.subscription import Subscription, _is_good, _path_of, webhook_of
from botkit.storage import Bot

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BODY = ("eventType", "id", "groupId", "creatorId", "text", "type", "extensionId", "creationTime")
KINDS = st.sampled_from(["PostAdded", "GroupJoined", "GroupLeft", "Delete", None, 7])
RECORD = ("id", "status", "expirationTime", "expiresIn", "deliveryMode", "address")


@thoroughly
@given(fields("uuid", "event", "ownerId", "timestamp"), fields(*BODY), KINDS)
def test_a_delivery_is_an_event_of_texts_or_nothing(envelope, body, kind):
    event = read_event(envelope | {"body": body | {"eventType": kind}})
    delivery_key(read_id(envelope.get("ownerId")), envelope | {"body": body})
    if event is not None:
        assert all(type(one) is str for one in (event.bot_id, event.group_id, event.user_id))
        assert event.bot_id and event.bot_id not in ("None", "True", "False")
        assert event.group_type == "" or event.group_type == body.get("type") or event.group_type
        assert type(event.command) is str and "\n" not in event.text


@thoroughly
@given(values(*BODY))
def test_whatever_the_body_is_it_is_read(body):
    assert isinstance(read_event({"ownerId": "1", "event": "x", "body": body}), Event | None)


@thoroughly
@given(texts)
def test_a_text_that_was_read_is_read_as_itself(typed):
    once = read_text(typed)
    assert read_text(once) == once and once == once.strip()


@thoroughly
@given(fields("id", "name", "type", "members"))
def test_a_chat_has_a_short_name_and_members_with_ids(answer):
    info = _group_info(answer)
    assert type(info.name) is str and len(info.name) <= LONGEST_NAME and "\n" not in info.name
    assert all(type(one) is str and one and one != "None" for one in info.members)
    assert info.members == group_members(answer) and type(info.type) is str
    assert info.is_direct in (True, False)


@thoroughly
@given(fields(*RECORD))
def test_a_subscription_lasts_no_longer_than_ringcentral_says_and_no_shorter_than_nothing(record):
    here = SimpleNamespace(_storage=SimpleNamespace(now=lambda: NOW))
    left = Subscription._left(here, record)
    assert isinstance(left, timedelta) and left <= timedelta(days=366 * 32)
    seconds = record.get("expiresIn")
    if isinstance(seconds, int | float) and 0 <= seconds <= 1e9:
        assert left <= timedelta(seconds=seconds)
    assert type(webhook_of(record)) is str
    assert _is_good(record, Bot("1", data={}), "") in (True, False)


@thoroughly
@given(texts)
def test_an_id_in_a_path_leads_nowhere_else(text):
    text = text.encode("utf-8", "replace").decode()
    for path, prefix in ((chat_path(text), 4), (_path_of({"id": text}), 4)):
        assert path.count("/") == prefix and not set(path) & set("?#\\ ")


@thoroughly
@given(values("refused", "code", "since", "asked"))
def test_what_a_row_remembers_of_a_refusal_can_be_counted_with(data):
    refusal = refusal_of(data if isinstance(data, dict) else None)
    assert refusal is None or NOW - refusal.since >= timedelta(days=-365 * 9000)


@thoroughly
@given(values("account", "id"))
def test_an_account_is_a_short_text_or_none(owner):
    account = _account_of(owner if isinstance(owner, dict) else {})
    assert type(account) is str and len(account) <= 64 and account != "None"


@pytest.fixture(scope="module")
def bot():
    from botkit.lessons.kit import Kit

    kit = Kit()
    yield kit
    kit.close()


def test_any_delivery_is_answered_and_the_bot_lives(bot):
    """One kit, and many deliveries with the right secret."""
    token = bot.storage.find_bot(bot.bot_id).data["verificationToken"]
    client = bot.app.test_client()

    @thoroughly
    @given(fields("uuid", "event", "ownerId"), fields(*BODY), KINDS)
    def deliver(envelope, body, kind):
        sent = {"ownerId": bot.bot_id, **envelope, "body": body | {"eventType": kind}}
        answer = client.post(
            "/bot/webhook",
            data=json.dumps(sent).encode("utf-8", "surrogatepass"),
            headers={"Verification-Token": token},
        )
        assert answer.status_code in (200, 400, 401, 404), answer.data

    deliver()
    bot.settle()
    assert "I understand" in bot.alice.say("help").text
    assert LONGEST_ID == 128  # what a group's id may have in the database's lanes
