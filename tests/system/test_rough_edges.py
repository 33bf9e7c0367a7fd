"""What a sceptical reviewer found: rough input that once got further than it should."""

from __future__ import annotations

import json
import logging
import sqlite3

import pytest
import requests
from elsewhere_world import ALICE, Elsewhere, call_back

from botkit.chat import plain
from botkit.chat.ringcentral import GroupInfo
from botkit.errors import ProviderError, ProviderNonsense, ReconnectNeeded
from botkit.lessons.kit import Kit
from botkit.oauth import ApiSession, error_name
from botkit.oauth.tokens import revoke_token
from botkit.settings import Settings
from botkit.storage import Storage, setup_database
from botkit.trace import Labels

DEEP = "[" * 200_000
ODD_TOKENS = ["t\n", "t\r\nX: y", "💥", "a b", "\ud800"]


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


def null_row(url: str, written: str, data: str = "{}") -> None:
    """What the original framework writes when it is still running beside us."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "INSERT INTO services (name, botId, groupId, userId, data, createdAt, updatedAt)"
            " VALUES ('GitHub', 'b', 'g', NULL, ?, ?, ?)",
            (data, written, written),
        )


def test_set_up_may_run_again_after_the_original_has_written_twice(sqlite_url):
    setup_database(sqlite_url)
    null_row(sqlite_url, "2026-01-01 00:00:00.000 +00:00", '{"accessToken": "old"}')
    null_row(sqlite_url, "2026-02-01 00:00:00.000 +00:00", '{"accessToken": "new"}')
    assert len(setup_database(sqlite_url)) == 2
    assert setup_database(sqlite_url) == []
    found = Storage(sqlite_url).find_service("GitHub", bot_id="b", group_id="g")
    assert found.access_token == "new"


def test_a_row_of_ours_and_a_newer_one_without_an_owner_become_one(sqlite_url):
    setup_database(sqlite_url)
    storage = Storage(sqlite_url)
    storage.save_service("GitHub", bot_id="b", group_id="g", data={"accessToken": "ours"})
    null_row(sqlite_url, "2099-01-01 00:00:00.000 +00:00", '{"accessToken": "theirs"}')
    saved = storage.save_service("GitHub", bot_id="b", group_id="g", data={"more": 1})
    assert saved.data == {"accessToken": "theirs", "more": 1}
    assert len(storage.find_services(bot_id="b")) == 1


@pytest.mark.parametrize("data", ["[1]", '"text"', "5", '{"account": 7, "expiresAt": []}'])
def test_data_of_another_shape_is_no_obstacle(sqlite_url, data):
    setup_database(sqlite_url)
    null_row(sqlite_url, "", data)
    storage = Storage(sqlite_url)
    (row,) = storage.find_services(bot_id="b")
    assert (row.access_token, row.account, row.expires_at, row.created_at) == (None, {}, None, None)
    saved = storage.save_service("GitHub", bot_id="b", group_id="g", data={"accessToken": "t"})
    assert saved.access_token == "t"


def test_health_looks_at_every_table(sqlite_url):
    setup_database(sqlite_url)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TABLE authorizations")
    with pytest.raises(Exception, match="does not have the tables yet"):
        Storage(sqlite_url).check()


@pytest.mark.parametrize("token", ODD_TOKENS)
def test_a_token_that_is_none_is_refused_and_not_quoted(kit, caplog, token):
    client = kit.app.test_client()
    secret = "-".join(["planted", "secret"])
    answer = client.post("/bot/oauth", json={"access_token": secret + token})
    assert answer.status_code == 400
    assert secret not in answer.text + caplog.text


@pytest.mark.parametrize("token", ODD_TOKENS)
def test_a_provider_that_sends_such_a_token_is_refused(storage, elsewhere, token):
    elsewhere.answers(200, json.dumps({"access_token": token}))
    with pytest.raises(ProviderNonsense):
        call_back(storage, elsewhere.provider())
    with pytest.raises(ReconnectNeeded, match="cannot be sent"):
        ApiSession("Elsewhere", elsewhere.server.url, token)


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_token_to_be_revoked_is_not_carried_on_to_another_host(elsewhere, status):
    other = Elsewhere()
    provider = elsewhere.provider()
    elsewhere.answers(status, headers={"Location": other.server.url})
    with pytest.raises(ProviderNonsense, match="did not confirm"):
        revoke_token(provider, provider.revocation, "t0ken")
    assert other.seen == []
    other.close()


@pytest.mark.parametrize("expires_in", [10**30, "9" * 5000, -5, "soon", None, "1.5s"])
def test_a_life_that_is_none_is_left_out(storage, elsewhere, expires_in):
    elsewhere.answers(200, json.dumps({"access_token": "t", "expires_in": expires_in}))
    assert "expiresAt" not in call_back(storage, elsewhere.provider()).data


def test_json_without_bottom_is_nonsense(storage, elsewhere):
    elsewhere.answers(200, DEEP)
    with pytest.raises(ProviderNonsense):
        call_back(storage, elsewhere.provider())


def test_an_error_of_null_is_no_error(storage, elsewhere):
    elsewhere.answers(200, json.dumps({"access_token": "t", "error": None}))
    assert call_back(storage, elsewhere.provider()).access_token == "t"


def test_a_token_in_the_place_of_an_errors_name_is_not_repeated():
    assert error_name("gho_1234567890") == error_name("-x") == "an unnamed error"


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset"])
def test_a_wait_of_four_hundred_digits_is_a_minute(elsewhere, header):
    elsewhere.answers(429, headers={header: "9" * 400, "X-RateLimit-Remaining": "0"})
    with pytest.raises(ProviderError, match="wait 60 seconds"):
        ApiSession("Elsewhere", elsewhere.server.url, "t").get("/me")


@pytest.mark.parametrize("status", [401, 429])
def test_when_the_account_cannot_be_asked_the_advice_fits_the_first_connection(
    storage, elsewhere, status
):
    headers = {"Retry-After": "3600"}
    elsewhere.trouble.next(path="/api/me", status=status, headers=headers)
    with pytest.raises(ProviderError) as caught:
        call_back(storage, elsewhere.provider())
    assert caught.value.advice.startswith("Nothing was connected. Ask the bot")
    assert storage.find_service("Elsewhere", **ALICE) is None


@pytest.mark.parametrize("body", [DEEP, '{"ownerId":"\\ud800"}', b"\xff\xfe", b"{}\x00"])
def test_a_delivery_that_cannot_be_read_is_refused_quietly(kit, caplog, body):
    caplog.set_level(logging.ERROR)
    answer = kit.app.test_client().post("/bot/webhook", data=body)
    assert answer.status_code in (400, 404) and caplog.records == []


def test_what_cannot_be_encoded_does_not_break_who_watches(kit):
    odd = '{"token":"\\ud800","ownerId":"1"}'
    answer = requests.post(f"{kit.address}/bot/webhook", data=odd, timeout=10)
    assert answer.status_code == 400
    assert Labels().label("token", "\ud800") == "‹token·1›"


def test_a_chat_that_is_described_oddly_does_not_hide_that_the_account_is_connected(kit):
    kit.alice.say("profile")
    kit.chat._groups.clear()
    odd = {"path": "/team-messaging", "status": 200, "body": '{"members": 5}'}
    kit.world.ringcentral.trouble.next(**odd)
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.heading == "Connected"
    assert "Connected to GitHub" in kit.alice.reads().text


def test_half_a_character_in_a_name_is_shown_as_a_question_mark(storage, elsewhere):
    elsewhere.trouble.next(path="/api/me", status=200, body='{"id": 1, "name": "A\\ud800"}')
    assert call_back(storage, elsewhere.provider()).account["name"] == "A?"


def test_only_a_chat_that_was_always_private_gives_an_old_connection_away():
    assert GroupInfo("", ("bot", "alice"), "PrivateChat").is_private
    team = GroupInfo("Team", ("bot", "alice"), "Team")
    assert team.is_direct and not team.is_private


def test_what_strangers_write_becomes_no_mention_and_no_link(kit):
    assert plain("[/code] ![:Team](1) [x](y)") == "［/code］ !［:Team］(1) ［x］(y)"
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    body = json.dumps({"login": "alice", "bio": "[/code] ![:Team](1)"})
    kit.world.github.trouble.next(path="/api/v3/user", status=200, body=body)
    text = kit.alice.say("profile").text
    assert text.count("[/code]") == 1 and "![:" not in text


def test_disconnecting_in_one_chat_leaves_the_account_connected_in_another(kit):
    for chat, words in [("direct", "profile"), ("Team", "@bot profile")]:
        kit.alice.say(words, chat=chat)
        kit.alice.browser.visit(kit.alice.link).approve()
    assert "stays connected in another chat" in kit.alice.say("disconnect").text
    assert "Here is your GitHub" in kit.alice.say("@bot profile", chat="Team").text
    assert "GitHub has forgotten" in kit.alice.say("@bot disconnect", chat="Team").text


def test_a_message_waits_for_what_the_bot_still_has_to_say(kit, monkeypatch):
    kit.alice.say("profile")
    settled = []
    original = kit.settle
    monkeypatch.setattr(kit.alice, "_settle", lambda: (settled.append(1), original()))
    kit.alice.browser.visit(kit.alice.link).approve()
    assert len(kit.alice.say("help").messages) == 2
    assert len(settled) == 2  # before and after


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_there_is_not_is_told(port):
    with pytest.raises(Exception, match=f"There is no port {port}"):
        Kit(Settings(practice=True, port=port))


def test_looking_at_the_environment_leaves_no_trace_in_a_running_kit(kit):
    from botkit.lessons import check

    before = len(kit.trace)
    assert check.environment().ready
    assert len(kit.trace) == before
