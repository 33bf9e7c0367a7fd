"""What the fuzz tests have found, each in its smallest form: it must not come back."""

from __future__ import annotations

import json
import os

import pytest

if os.environ.get("CI") != "true":  # there it has to be installed
    pytest.importorskip("hypothesis", reason="tests/requirements.txt installs hypothesis")
from fuzz_inputs import ALICE, BOT, BOT_TOKEN, CODE, DIRECT, REFRESH, TOKEN, VERIFY
from fuzz_world import World, as_json

from botkit.oauth import missing_scopes

NOW = "2026-11-24 09:00:00.000 +00:00"
INSERT = (
    "INSERT INTO services (name, botId, groupId, userId, data, createdAt, updatedAt)"
    f" VALUES (?, '{BOT}', '{DIRECT}', ?, ?, '{NOW}', '{NOW}')"
)


@pytest.fixture
def world(tmp_path, clock, monkeypatch):
    world = World(tmp_path, clock, monkeypatch)
    world.fresh()
    yield world
    world.close()


@pytest.mark.parametrize("path", ["/github/oauth", "/bot/oauth"])
def test_a_query_whose_bytes_are_no_utf8_is_a_bad_request(world, path):
    response = world.client.get(path, environ_overrides={"QUERY_STRING": "\xf2=\x80"})
    world.check(response)
    assert response.status_code == 400


@pytest.mark.parametrize("location", ["http://[", "http://\xe4[::"])
@pytest.mark.parametrize("step", ["token", "account"])
def test_a_redirect_to_an_address_that_is_none_is_trouble_of_the_provider(world, step, location):
    world.answers[step] = [(302, {"Location": location}, b"")]
    query = {"state": world.state_for("GitHub"), "code": CODE}
    response = world.client.get("/github/oauth", query_string=query)
    world.check(response)
    assert response.status_code == 504
    assert "GitHub sent an answer that cannot be read." in response.get_data(as_text=True)


@pytest.mark.parametrize("data", [1, True, [1], "text"])
@pytest.mark.parametrize(
    ("name", "text"),
    [("RingCentral", "personal info"), ("GoogleSheets", "sheet read"), ("GoogleDrive", "bind")],
)
def test_a_row_whose_data_is_no_object_is_like_an_empty_one(world, name, text, data):
    world.execute(INSERT, name, "" if name == "GoogleDrive" else ALICE, json.dumps(data))
    assert world.say(text).status_code == 200
    world.check()
    assert len(world.posts) == 1


def test_data_that_is_no_object_is_kept_when_the_row_is_sealed(world):
    world.execute(INSERT, "GitHub", ALICE, '["kept"]')
    assert list(world.storage.reseal())
    assert "kept" not in str(world.tables())
    assert world.storage.find_services()[0].data == {"unreadable": ["kept"]}


@pytest.mark.parametrize("scope", [None, 7, "read:user", [["read:user"], {}], {"read:user": 1}])
def test_scopes_that_cannot_be_read_are_scopes_that_were_not_granted(world, scope):
    world.execute(INSERT, "GitHub", ALICE, json.dumps({"accessToken": TOKEN, "scope": scope}))
    row = world.storage.find_services()[0]
    assert missing_scopes(world.bot.provider("GitHub"), row) == ["read:user"]


@pytest.mark.parametrize("written", ["2026-11-24", "0001-01-01", "0001-01-01T00:00+14:00"])
def test_an_end_without_a_time_zone_or_at_the_beginning_of_time_can_be_compared(world, written):
    world.connect("GitHub", expiresAt=written, refreshToken=REFRESH)
    world.say("profile")
    world.check()
    assert "Here is your GitHub profile" in world.posts[-1][1]


@pytest.mark.parametrize("claim", [5, "zz", "9999-12-31T00:00:00+00:00", "2026-11-25", ["a"]])
def test_a_claim_of_an_older_version_holds_nobody_up(world, claim):
    world.connect("GitHub", expiresAt=NOW, refreshToken=REFRESH, claimedUntil=claim)
    world.say("profile")
    world.check()
    assert "Here is your GitHub profile" in world.posts[-1][1]


@pytest.mark.parametrize(
    "data", [1, [VERIFY], {"next": 5}, {"verificationToken": 7}, {"verificationToken": "\ud800"}]
)
def test_a_bot_whose_data_is_odd_believes_nobody(world, data):
    world.execute("UPDATE bots SET data = ? WHERE id = ?", json.dumps(data), BOT)
    response = world.say("help")
    world.check(response)
    assert response.status_code == 401 and world.posts == []


def test_a_bot_whose_token_is_no_object_has_none(world):
    world.execute("UPDATE bots SET token = 'true' WHERE id = ?", BOT)
    assert world.say("help").status_code == 200
    world.check()
    assert world.posts == [] and "This bot is not installed here." in str(world.log)


def test_the_chat_may_list_subscriptions_in_any_shape(world):
    me = as_json(200, {"id": BOT, "type": "Bot"})
    for records in (
        7,
        [7],
        [{"id": "s", "status": "Active", "deliveryMode": "x"}],
        [{"status": "Active"}],
    ):
        world.chat_answers = [me, as_json(200, {"records": records}), as_json(200, {"id": "new"})]
        response = world.client.post("/bot/oauth", json={"access_token": BOT_TOKEN})
        world.check(response)
        assert world.storage.find_bot(BOT).data["subscriptionId"] == "new"
