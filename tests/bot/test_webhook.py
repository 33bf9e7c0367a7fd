"""The webhook: who may deliver, what is made of a delivery, and what is answered."""

from __future__ import annotations

import json
import logging
import threading

import pytest

from botkit.errors import StorageError


def deliver(client, kit, envelope, token=None):
    if token is None:
        token = kit.storage.find_bot(kit.bot_id).data["verificationToken"]
    body = envelope if isinstance(envelope, str) else json.dumps(envelope)
    return client.post("/bot/webhook", data=body, headers={"Verification-Token": token})


def message(kit, text="profile", **changes):
    alice = kit.world.ringcentral.person("Alice")
    direct = kit.world.ringcentral.find_chat("direct", alice)
    body = {"eventType": "PostAdded", "groupId": direct.id, "creatorId": alice.id, "text": text}
    return {"uuid": "u", "ownerId": kit.bot_id, "body": body | changes}


def test_the_handshake_returns_the_validation_token_and_little_else(client):
    answer = client.post("/bot/webhook", headers={"Validation-Token": "abc"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Validation-Token"] == "abc"
    assert answer.headers["Content-Type"] == "application/json"
    assert len(str(answer.headers)) < 1024


def test_a_validation_token_of_any_length_is_not_sent_back(client):
    for length, echoed in [(256, True), (257, False), (100_000, False)]:
        answer = client.post("/bot/webhook", headers={"Validation-Token": "x" * length})
        assert answer.status_code == 200
        assert ("Validation-Token" in answer.headers) is echoed


def test_a_delivery_is_acted_on(kit, client):
    kit.alice.reads()
    assert deliver(client, kit, message(kit)).status_code == 200
    assert "not connected yet" in kit.alice.reads().text


def test_a_delivery_that_carries_a_validation_token_is_acted_on_too(kit, client):
    kit.alice.reads()
    token = kit.storage.find_bot(kit.bot_id).data["verificationToken"]
    headers = {"Verification-Token": token, "Validation-Token": "again"}
    answer = client.post("/bot/webhook", json=message(kit), headers=headers)
    assert answer.headers["Validation-Token"] == "again"
    assert "not connected yet" in kit.alice.reads().text


def test_a_delivery_with_a_wrong_token_is_refused(kit, client):
    kit.alice.reads()
    for token in ("", "wrong", "ü", "x" * 10_000):
        assert deliver(client, kit, message(kit), token).status_code == 401
    assert kit.alice.reads().messages == []


def test_a_delivery_for_a_bot_that_is_not_here_is_refused(kit, client):
    answer = deliver(client, kit, message(kit) | {"ownerId": "4711"})
    assert answer.status_code == 404
    assert "not installed here" in answer.get_json()["error"]


def test_a_delivery_that_is_none_is_refused(kit, client):
    for body in ("not json", "[]", "7", "null", '{"ownerId'):
        assert deliver(client, kit, body).status_code == 400, body


ODD = {
    "an unknown event": {"eventType": "Something"},
    "no event": {"eventType": None},
    "its own message": {"creatorId": "the bot"},
    "no text": {"text": None},
    "a text that is none": {"text": {"a": 1}},
    "no chat": {"groupId": None},
    "a removed message": {"eventType": "PostRemoved"},
}


def test_an_event_that_means_nothing_is_accepted_and_left_at_that(kit, client):
    kit.alice.reads()
    for number, (what, odd) in enumerate(ODD.items()):
        changes = {k: kit.bot_id if v == "the bot" else v for k, v in odd.items()}
        envelope = message(kit, **changes) | {"uuid": f"odd-{number}"}
        assert deliver(client, kit, envelope).status_code == 200
        assert kit.alice.reads().messages == [], what


def test_a_body_that_is_none_is_accepted_and_left_at_that(kit, client):
    kit.alice.reads()
    assert deliver(client, kit, {"ownerId": kit.bot_id, "body": None}).status_code == 200
    assert kit.alice.reads().messages == []


def test_the_answer_comes_before_the_work(kit, client, monkeypatch):
    kit.alice.reads()
    gate = threading.Event()
    monkeypatch.setattr(kit.chat, "is_for_bot", lambda event: gate.wait(25))
    assert deliver(client, kit, message(kit)).status_code == 200
    assert kit.worker.settle(seconds=0) is False  # the answer is there, the work is not done
    gate.set()
    assert "not connected yet" in kit.alice.reads().text


@pytest.mark.parametrize("part", ["[]", "{}", '{"a":[]}'])
def test_of_a_delivery_with_very_many_lists_or_objects_nothing_is_read(
    client, kit, part, monkeypatch
):
    """Before a body is read, nobody knows whether RingCentral has sent it."""
    envelope = json.dumps(message(kit))
    many = envelope[:-1] + f', "more": [{",".join([part] * 20_000)}]}}'
    with monkeypatch.context() as patched:
        patched.setattr("botkit.bot.webhook.json.loads", lambda _: pytest.fail("It was read."))
        answer = deliver(client, kit, many, "anything")
    assert answer.status_code == 400 and "not a JSON object" in answer.get_json()["error"]


def test_the_longest_message_may_consist_of_brackets(client, kit):
    assert deliver(client, kit, message(kit, "[" * 10_000)).status_code == 200


def test_a_body_too_large_is_refused(client):
    assert client.post("/bot/webhook", data=b"x" * (1024 * 1024 + 1)).status_code == 413


def test_of_what_means_nothing_the_trace_is_silent(kit, client):
    kit.alice.say("help")  # the bot's own answer is delivered to it too
    deliveries = [one for one in kit.trace if one.path == "/bot/webhook"]
    assert [dict(one.fields)["text"] for one in deliveries] == ["help"]
    kit.trace.clear()
    kit.world.ringcentral.webhooks.publish(kit.bot_id, "posts", {"eventType": "PostRemoved"})
    kit.settle()
    assert list(kit.trace) == []


# ---- what goes wrong after the answer


def test_an_apology_is_in_the_log_too(kit, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise StorageError("The database did not do what was asked.")

    caplog.set_level(logging.WARNING, "botkit")
    monkeypatch.setattr(kit.storage, "find_service", fail)
    assert kit.alice.say("profile").text == (
        "The database did not do what was asked. Nothing was lost. Please try again in a moment."
    )
    assert "A message was answered with an apology: The database did not do" in caplog.text


def test_an_error_of_our_own_is_in_the_log_with_all_that_helps_to_find_it(kit, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(kit.storage, "find_service", fail)
    assert kit.alice.say("profile").text.startswith("Something went wrong inside the bot.")
    assert "Work left undone" in caplog.text and "ZeroDivisionError: planted" in caplog.text


def test_an_error_of_our_own_harms_no_later_message(kit, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(kit.storage, "find_service", None)
        kit.alice.say("profile")
    assert "not connected yet" in kit.alice.say("profile").text


# ---- who may deliver


def test_the_secret_of_a_subscription_is_random_and_each_has_its_own(kit):
    def secret():
        return kit.storage.find_bot(kit.bot_id).data["verificationToken"]

    secrets = [secret()]
    for number in range(3):
        kit.storage.update_bot(kit.bot_id, {"eventFilters": [str(number)]})
        kit.use_address(kit.address)  # which makes the subscription anew
        secrets.append(secret())
    assert len(set(secrets)) == 4 and all(len(one) == 32 for one in secrets)


def test_the_secret_of_one_bot_opens_nothing_for_another(kit, client):
    kit.alice.reads()
    kit.storage.save_bot("another", token={"access_token": "t"}, data={"verificationToken": "its"})
    assert deliver(client, kit, message(kit), "its").status_code == 401
    mine = kit.storage.find_bot(kit.bot_id).data["verificationToken"]
    assert deliver(client, kit, message(kit) | {"ownerId": "another"}, mine).status_code == 401
    assert kit.alice.reads().messages == []


def test_a_bot_that_has_not_subscribed_hears_nobody(kit, client):
    kit.storage.save_bot("another", token={"access_token": "t"}, data={})
    for token in ("", "None"):
        answer = deliver(client, kit, message(kit) | {"ownerId": "another"}, token)
        assert answer.status_code == 401
