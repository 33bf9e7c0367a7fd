"""POST /google/webhook: what Google sends is believed, and what anybody else sends is not."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from drive_world import CHANGES, DriveWorld

from botkit.run.maintenance import maintain


@pytest.fixture(scope="module")
def quiet():
    """For tests that leave everything as it is."""
    world = DriveWorld()
    world.bind()
    yield world
    world.close()


def test_a_channel_is_hard_to_guess_and_not_too_long(quiet):
    (channel,) = quiet.push.channels.values()
    assert channel.address == f"{quiet.kit.address}/google/webhook"
    assert len(channel.id) <= 64 and 43 <= len(channel.token) <= 256
    assert channel.id.startswith(f"{quiet.row.id}-")
    assert channel.expires - quiet.kit.clock() > timedelta(days=6.9)


@pytest.mark.parametrize("state", ["change", "changed"])
def test_a_notification_is_answered_and_leads_to_a_look(quiet, state):
    before = quiet.asked(CHANGES)
    assert quiet.notify(X_Goog_Resource_State=state) == 200
    assert quiet.asked(CHANGES) == before + 1


def test_sync_is_answered_and_leads_to_nothing(quiet):
    before = len(quiet.google.requests_seen)
    assert quiet.notify(X_Goog_Resource_State="sync") == 200
    assert len(quiet.google.requests_seen) == before


FORGED = [
    {"X_Goog_Channel_ID": "absent"},
    {"X_Goog_Channel_Token": "absent"},
    {"X_Goog_Channel_Token": ""},
    {"X_Goog_Channel_Token": "guessed"},
    {"X_Goog_Channel_Token": "\xe9\xff"},
    {"X_Goog_Channel_Token": "x" * 20_000},
    {"X_Goog_Channel_ID": ""},
    {"X_Goog_Channel_ID": "1"},
    {"X_Goog_Channel_ID": "1-" + "x" * 32},
    {"X_Goog_Channel_ID": "77-" + "x" * 32},
    {"X_Goog_Channel_ID": "99999999999999999999-" + "x" * 32},
    {"X_Goog_Channel_ID": "\xb2-" + "x" * 32},
    {"X_Goog_Channel_ID": "../../1", "X_Goog_Channel_Token": "' OR 1=1"},
    {"X_Goog_Channel_ID": "x" * 20_000},
]


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_what_google_did_not_send_is_not_acted_on(quiet, forged, caplog):
    before = len(quiet.google.requests_seen)
    with caplog.at_level(logging.DEBUG):
        assert quiet.notify(**forged) == 404
    assert len(quiet.google.requests_seen) == before
    token = quiet.row.data["channels"][0]["token"]
    assert token not in caplog.text and "guessed" not in caplog.text


@pytest.mark.parametrize(
    "odd",
    [
        {"X_Goog_Message_Number": "absent", "X_Goog_Resource_ID": "absent"},
        {"X_Goog_Message_Number": "minus one", "X_Goog_Resource_ID": "another"},
        {"X_Goog_Resource_State": "absent"},
        {"X_Goog_Resource_State": "x" * 5000, "X_Goog_Message_Number": "9" * 500},
    ],
)
def test_the_other_headers_do_not_matter(quiet, odd):
    assert quiet.notify(**odd) == 200


def test_the_token_of_one_connection_does_not_open_another(bound):
    bound.bind("bob", chat="Team")
    first, second = (row.data["channels"][0] for row in bound.storage.find_services())
    status = bound.kit.app.test_client().post(
        "/google/webhook",
        headers={"X-Goog-Channel-ID": first["id"], "X-Goog-Channel-Token": second["token"]},
    )
    assert status.status_code == 404


def test_a_channel_past_its_end_or_replaced_is_not_believed(bound):
    old = bound.row.data["channels"][0]
    bound.kit.clock.advance(days=5.5)
    maintain(bound.kit.bot)
    stale = {"X_Goog_Channel_ID": old["id"], "X_Goog_Channel_Token": old["token"]}
    assert bound.notify(**stale) == 404 and bound.notify() == 200
    bound.kit.clock.advance(days=8)
    assert bound.notify() == 404


def test_a_connection_that_is_gone_is_not_believed(bound):
    channel = bound.row.data["channels"][0]
    bound.say("unbind")
    headers = {"X-Goog-Channel-ID": channel["id"], "X-Goog-Channel-Token": channel["token"]}
    answer = bound.kit.app.test_client().post("/google/webhook", headers=headers)
    assert answer.status_code == 404


def test_no_secret_of_a_channel_is_shown(bound):
    bound.google.add_file("alice", "plan.txt")
    bound.kit.settle()
    (channel,) = bound.row.data["channels"]
    shown = f"{bound.kit.trace!r} {bound.kit.trace.diagram()!r} {bound.row!r} {bound.skill!r}"
    shown += f"{bound.skill.watch!r} {bound.kit.alice.reads()!r} {bound.skill.maintain(bound.row)}"
    assert "google/webhook" in shown and channel["token"] not in shown
