"""The web app: the pages of the callback, and the bot's installation."""

from __future__ import annotations

import io
import json
import sqlite3
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from botkit.errors import ChatError
from botkit.practice.browser.browser import Browser


def callback(kit, person, **changes):
    """Take the trip up to the callback; the callback's path and query, changed as told."""
    person.say("profile")
    person.browser.stop_before = kit.callback_url
    page = person.browser.visit(person.link)
    page = page.approve()
    query = {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}
    query |= changes
    return "/github/oauth?" + urlencode({k: v for k, v in query.items() if v is not None})


# ---- the callback's pages


def test_the_page_says_what_happened_whose_account_and_which_chat(kit, client):
    page = client.get(callback(kit, kit.alice))
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "<h1>Connected</h1>" in text and "close this page" in text
    assert "alice-practice" in text and "your chat with the bot" in text


def test_the_page_names_the_team(kit, client):
    kit.alice.say("@bot profile", chat="Team")
    kit.alice.browser.stop_before = kit.callback_url
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert "<dd>Team</dd>" in client.get(page.url).get_data(as_text=True)


def test_the_page_says_what_was_not_granted(kit, client):
    kit.world.github.grant_only = []
    text = client.get(callback(kit, kit.alice)).get_data(as_text=True)
    assert "<dt>Not granted</dt><dd>read:user</dd>" in text
    assert "What you did not allow may not work." in text


def test_the_page_says_nothing_of_the_kind_when_all_was_granted(kit, client):
    text = client.get(callback(kit, kit.alice)).get_data(as_text=True)
    assert "ranted" not in text


def test_the_page_does_not_wait_for_the_chat(kit, client, monkeypatch, caplog):
    def fail(*_args):
        raise ChatError("The chat did not accept this (it answered 400).")

    path = callback(kit, kit.alice)
    monkeypatch.setattr(kit.chat, "say", fail)
    assert client.get(path).status_code == 200
    kit.worker.settle()
    assert "Work left undone: The chat did not accept this" in caplog.text


def test_the_page_comes_also_when_the_chat_cannot_say_its_name(kit, client):
    path = callback(kit, kit.alice)
    kit.chat._groups.clear()
    kit.world.ringcentral.trouble.next(path="/team-messaging", status=500)
    page = client.get(path)
    assert page.status_code == 200 and b"the chat where you asked" in page.data


def test_a_name_full_of_markup_is_shown_as_a_name(kit, client):
    path = callback(kit, kit.alice)
    name = json.dumps({"id": 1, "login": "<script>alert('\"🐙\"')</script>"})
    headers = {"Content-Type": "application/json"}
    kit.world.github.trouble.next(path="/api/v3/user", status=200, body=name, headers=headers)
    text = client.get(path).get_data(as_text=True)
    assert "&lt;script&gt;alert(" in text and "🐙" in text and "<script" not in text


def test_a_database_that_is_busy_is_told_and_the_link_still_works_after_it(
    kit, client, monkeypatch
):
    path = callback(kit, kit.alice)
    lock = sqlite3.connect(kit.storage._engine.url.database, isolation_level=None)
    monkeypatch.setattr(kit.storage, "_engine", _impatient(kit.storage._engine))
    lock.execute("BEGIN IMMEDIATE")
    page = client.get(path)
    assert page.status_code == 503 and b"The database is busy" in page.data
    lock.execute("ROLLBACK")
    assert client.get(path).status_code == 200


def _impatient(engine):
    """The same database, for a writer who does not wait for the lock."""
    from botkit.storage import connect

    return connect(str(engine.url), busy_seconds=0.05)


REFUSED = {
    "no parameters at all": ({}, 400, "has no “state”"),
    "a forged state": ({"state": "forged", "code": "c"}, 400, "does not know this link"),
    "markup": ({"state": "<script>alert(1)</script>", "code": "c"}, 400, "does not know"),
    "an error without a state": ({"error": "access_denied"}, 400, "has no “state”"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_callback_gets_a_page_that_says_why(client, what):
    query, status, sentence = REFUSED[what]
    page = client.get("/github/oauth", query_string=query)
    text = page.get_data(as_text=True)
    assert page.status_code == status
    assert sentence in text and "ask the bot for a new link" in text
    assert "<script" not in text and "Traceback" not in text


def test_a_denial_a_second_use_and_a_late_one_have_pages_of_their_own(kit, client):
    denied = client.get(callback(kit, kit.alice, code=None, error="access_denied"))
    assert denied.status_code == 403 and b"If you change your mind" in denied.data
    path = callback(kit, kit.alice)
    client.get(path)
    used = client.get(path)
    assert used.status_code == 409 and b"has been used already" in used.data
    assert b"<h1>Already used</h1>" in used.data and b"<h1>Not connected</h1>" in denied.data
    late = callback(kit, kit.bob)
    kit.clock.advance(minutes=11)
    expired = client.get(late)
    assert expired.status_code == 410 and b"more than ten minutes old" in expired.data


def test_trouble_at_the_provider_is_a_bad_gateway_and_stores_nothing(kit, client):
    path = callback(kit, kit.alice)
    kit.world.github.trouble.next(path="/login/oauth/access_token", status=500)
    page = client.get(path)
    assert page.status_code == 502 and b"has a problem of its own" in page.data
    assert kit.storage.find_services(bot_id=kit.bot_id) == []


def test_an_error_of_our_own_is_a_page_without_a_traceback(kit, client, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("planted")

    path = callback(kit, kit.alice)
    monkeypatch.setattr(kit.storage, "claim_authorization", fail)
    page = client.get(path)
    assert page.status_code == 500
    assert b"inside the bot" in page.data and b"planted" not in page.data
    assert "ZeroDivisionError: planted" in caplog.text  # for whoever runs the bot


def test_every_page_keeps_its_address_to_itself(kit, client):
    for path in ["/", "/nowhere", "/github/oauth", callback(kit, kit.alice)]:
        headers = client.get(path).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
        )


@pytest.mark.parametrize(
    "look",
    [{"method": "HEAD"}]
    + [{"headers": {name: "prefetch"}} for name in ("Sec-Purpose", "Purpose", "X-Moz")],
)
def test_looking_ahead_does_not_use_up_the_link(kit, client, look):
    path = callback(kit, kit.alice)
    assert client.open(path, **look).status_code == 204
    assert client.get(path).status_code == 200


def test_the_redirect_uri_comes_from_the_settings_and_not_from_the_request(kit):
    kit.alice.say("profile")
    sent = parse_qs(urlsplit(kit.alice.link).query)["redirect_uri"]
    assert sent == [kit.address + "/github/oauth"]
    headers = {"X-Forwarded-Host": "evil.example", "Host": "evil.example"}
    requests.get(kit.address + "/health", headers=headers)
    kit.alice.say("profile")
    assert parse_qs(urlsplit(kit.alice.link).query)["redirect_uri"] == sent


def test_the_style_sheet_is_found_from_every_page(kit, client):
    for path, sheet in [("/", "static/page.css"), ("/github/oauth", "../static/page.css")]:
        assert f'href="{sheet}"' in client.get(path).get_data(as_text=True)
    assert client.get("/static/page.css").status_code == 200


def test_unknown_pages_and_methods_are_explained(client):
    assert b"There is no such page here." in client.get("/nowhere").data
    assert client.post("/github/oauth").status_code == 405


def test_health_tells_whether_the_database_answers(kit, client):
    assert client.get("/health").get_json() == {
        "status": "ok",
        "waiting": 0,
        "oldest": 0.0,
        "overdue": 0.0,
        "unwritten": 0,
    }
    kit.storage.close()
    kit.storage._engine = kit.storage._engine.execution_options()
    kit.storage.check = _no_database
    answer = client.get("/health")
    assert answer.status_code == 503 and answer.get_json()["error"] == "The database is gone."


def _no_database():
    from botkit.errors import StorageError

    raise StorageError("The database is gone.")


def test_a_person_at_the_home_page_is_told_where_to_go(kit):
    assert "Talk to it in the chat" in Browser().visit(kit.address).text


# ---- the bot's installation


def test_a_posted_token_is_believed_only_when_ringcentral_knows_it(kit, client):
    before = kit.storage.find_bot(kit.bot_id).token
    answer = client.post("/bot/oauth", data={"access_token": "made-up"})
    assert answer.status_code == 400
    assert "does not accept the token" in answer.get_json()["error"]
    assert [bot.token for bot in kit.storage.find_bots()] == [before]


class NoChunk(Exception):
    """As gunicorn's own, it is neither an OSError nor a ValueError."""


class Broken(io.BytesIO):
    """A body that the server cannot read to its end, as with a chunk that is none."""

    def read(self, *_):
        raise NoChunk("Invalid chunk size: b'0x2'")

    readinto = read


@pytest.mark.parametrize("path", ["/bot/webhook", "/bot/oauth", "/google/webhook"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_that_cannot_be_read_is_a_bad_request_and_no_error_of_ours(
    client, path, kind, caplog
):
    environment = {"wsgi.input": Broken(), "wsgi.input_terminated": True}
    answer = client.post(path, content_type=kind, environ_overrides=environment)
    assert answer.status_code == 400 and not caplog.records


def test_a_posted_token_among_very_many_fields_is_not_looked_for(client):
    answer = client.post("/bot/oauth", data="a=1&" * 20_000 + "access_token=made-up")
    assert answer.status_code == 413
    assert answer.get_json() == {"error": "Request Entity Too Large."}


@pytest.mark.parametrize(
    "body",
    [
        {"data": {}},
        {"json": []},
        {"json": {"access_token": 5}},
        {"data": "x", "content_type": "a/b"},
    ],
)
def test_a_post_without_a_token_is_refused(client, body):
    answer = client.post("/bot/oauth", **body)
    assert answer.status_code == 400
    assert "brings no token" in answer.get_json()["error"]


def test_the_addresses_of_the_app_can_be_built_from_their_names(kit):
    addresses = kit.app.url_map.bind("bot.example")
    assert addresses.build("callback", {"slug": "github"}) == "/github/oauth"
    assert addresses.build("health_view", {"a": "b"}) == "/health?a=b"
