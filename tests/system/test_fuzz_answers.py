"""Whatever the services and the chat answer: a sentence for the person, nothing false is kept."""

from __future__ import annotations

import json
import os
import socket
import threading
from urllib.parse import parse_qsl

import pytest

if os.environ.get("CI") != "true":  # there it has to be installed
    pytest.importorskip("hypothesis", reason="tests/requirements.txt installs hypothesis")
from elsewhere_world import Elsewhere, call_back
from fuzz_inputs import (
    BOT,
    BOT_TOKEN,
    CODE,
    HEALTHY,
    MARKUP,
    MENTION,
    REFRESH,
    SERVICES,
    TOKEN,
    answers_of,
    object_of,
    perhaps,
)
from fuzz_world import World, as_json
from hypothesis import given
from hypothesis import strategies as st

from botkit.errors import BotkitError
from botkit.storage import Storage


@pytest.fixture
def world(tmp_path, clock, monkeypatch):
    world = World(tmp_path, clock, monkeypatch)
    yield world
    world.close()


GOOD_TOKEN = {"access_token": TOKEN, "token_type": "bearer", "refresh_token": REFRESH}
GOOD_TOKEN |= {"expires_in": 3600, "scope": "a b", "error": None, "error_description": MARKUP}
TRAPS = [as_json(200, {**GOOD_TOKEN, "error": "bad_verification_code"})]
TRAPS += [(307, {"Location": "https://evil.example/a"}, b"")]
kinds = st.sampled_from([st.none(), st.sampled_from(TRAPS), answers_of(GOOD_TOKEN)])
tokens = kinds.flatmap(lambda one: one)
accounts = perhaps(None, answers_of(HEALTHY))
ERROR = {"errors": [{"reason": "x"}], "details": [{"reason": "x"}], "message": MENTION, "code": 403}
apis = answers_of({**HEALTHY, "error": ERROR, "errorCode": "CMN-401", "errors": [ERROR]})


def is_good(token):
    """Whether an answer holds a token, and no error (RFC 6749, section 5)."""
    status, _, body = token
    fields = dict(parse_qsl(body.decode())) if body[:1] != b"{" else json.loads(body)
    return status == 200 and fields["access_token"] and fields.get("error") is None


# ---- the providers -----------------------------------------------------------------------------


@given(st.sampled_from(SERVICES), tokens, accounts, st.lists(tokens, max_size=2), st.booleans())
def test_whatever_answers_the_exchange_nothing_false_is_kept(
    world, name, token, account, more, confirm
):
    world.fresh()
    world.answers |= {"token": [token], "account": [account, account], "revoke": more}
    query = {"state": world.state_for(name), "code": CODE}
    before = world.tables()
    response = world.client.get(f"/{world.bot.provider(name).slug}/oauth", query_string=query)
    world.check(response)
    waiting = world.tables() | {"authorizations": before["authorizations"]}
    assert waiting == before
    if response.status_code != 200:
        assert response.status_code in (400, 502, 503, 504)
        return
    assert token is None or is_good(token)
    code = response.get_data(as_text=True).partition('class="code">')[2][:7]
    assert world.say(code if confirm else "000 000").status_code == 200
    world.check()
    assert world.posts and MENTION not in str(world.posts)
    rows = world.storage.find_services()
    assert len(rows) == confirm
    assert all(row.access_token and row.account.get("name") for row in rows if row.data)


ASSISTANT = """personal info|company info|billing plan|business hours|my caller id|presence|
services available|notifications|set presence busy|time zone|do not disturb on|email voicemail on|
services unavailable|greeting language"""
SHEETS = "sheet read A1:B2|sheet add a, 2|sheet set B2 x|sheet use https://"
commands = {
    "GitHub": st.just("profile"),
    "GoogleDrive": st.sampled_from(["bind", "about"]),
    "GoogleSheets": st.sampled_from(SHEETS.split("|")),
    "RingCentral": st.sampled_from(ASSISTANT.replace("\n", "").split("|")),
}
turns = st.sampled_from(SERVICES).flatmap(lambda name: st.tuples(st.just(name), commands[name]))
SHEET = {"sheet": {"id": "a" * 44, "title": "Budget", "tab": "Sheet1"}}


@given(turns, st.lists(apis, max_size=4), tokens, st.lists(tokens, max_size=2), st.booleans())
def test_whatever_the_api_answers_the_chat_hears_a_sentence(world, turn, api, token, revoke, old):
    world.fresh()
    name, command = turn
    expires = {"expiresAt": world.clock().isoformat(), "refreshToken": REFRESH} if old else {}
    row = world.connect(name, **SHEET, **expires)
    world.answers |= {"token": [token], "account": api[:2], "api": api, "revoke": revoke}
    if name == "GoogleDrive":
        world.bot.services[1].watch.check_soon(row.id)
    for text in (command, "disconnect " + world.bot.services[SERVICES.index(name)].word):
        told = len(world.posts)
        assert world.say(text).status_code == 200
        world.check()
        assert len(world.posts) > told, "the bot was silent"
    assert MENTION not in str(world.posts)


# ---- the chat ----------------------------------------------------------------------------------

RECORD = {"id": "s1", "status": "Active", "expirationTime": "2026-12-01T09:00:00Z"}
RECORD |= {
    "eventFilters": [],
    "deliveryMode": {"address": "https://bot.example/bot/webhook"},
    "expiresIn": 9,
}
BOT_SELF = {"id": BOT, "type": "Bot", "name": "Helper", "records": [RECORD], "members": [BOT]}
BOT_SELF |= {"access_token": BOT_TOKEN, "owner_id": BOT, "errorCode": "SUB-406", **RECORD}
BOT_SELF |= {"records": [RECORD], "text": "", "eventType": "", "token_type": "bearer"}
chats = answers_of(BOT_SELF) | st.lists(object_of(RECORD), max_size=3).map(
    lambda records: (200, {}, json.dumps({**BOT_SELF, "records": records}).encode())
)


@given(st.lists(chats, max_size=6), st.sampled_from(["GET", "POST"]))
def test_whatever_the_chat_answers_an_install_is_whole_or_refused(world, answers, method):
    world.fresh()
    world.chat_answers = answers
    before = world.tables()
    if method == "GET":
        response = world.client.get("/bot/oauth?code=c0de")
    else:
        response = world.client.post("/bot/oauth", json={"access_token": BOT_TOKEN})
    world.check(response)
    after = world.tables()
    assert (after["services"], after["authorizations"]) == ([], [])
    assert all(str(row[0]).isdecimal() for row in after["bots"]) and len(after["bots"]) <= 2
    assert response.status_code == 200 or len(answers) > 1 or after == before


@given(st.lists(chats, max_size=6), st.sampled_from(["help", "profile", "disconnect"]))
def test_whatever_the_chat_answers_a_message_makes_no_error(world, answers, text):
    world.fresh()
    world.connect("GitHub")
    world.chat_answers = answers
    assert world.say(text).status_code == 200
    world.check()
    world.chat_answers = []
    told = len(world.posts)
    world.clock.advance(hours=1)
    world.bot.chat._groups.clear()
    world.say("help")
    assert len(world.posts) == told + 1, "it does not recover"


# ---- bytes that are hardly HTTP ----------------------------------------------------------------


class Babbler:
    """Answers whatever it is told, byte for byte, on a real socket."""

    def __init__(self) -> None:
        self.bytes = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                caller.recv(65536)
                caller.sendall(self.bytes)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def babbler():
    babbler = Babbler()
    yield babbler
    babbler.close()


BEGIN = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 302 Found\r\nLocation: ", b"HTTP/9 x\r\n"]
)
LINES = [b"Content-Length: 9", b"Content-Length: -1", b"Content-Length: 2, 3", b"A", b": b", b""]
LINES += [b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"Location: http://\xe4[::"]
LINES += [b"9" * 70_000, b"A: b\r\n" * 200, b"ffffffffffffffffff"]
lines = st.sampled_from(LINES).map(lambda line: line + b"\r\n")


@given(BEGIN | st.binary(max_size=9), st.lists(lines | st.binary(max_size=20), max_size=5))
def test_bytes_that_are_hardly_http_become_an_error_of_ours(babbler, tmp_path_factory, begin, rest):
    babbler.bytes = begin + b"".join(rest)
    provider = Elsewhere.provider(_At(babbler.url))
    storage = Storage("sqlite://")
    storage.set_up()
    with pytest.raises(BotkitError):
        call_back(storage, provider)
    assert storage.find_services() == []
    storage.close()


class _At:
    """For `Elsewhere.provider`: where its server is."""

    def __init__(self, url: str) -> None:
        self.server = type("Server", (), {"url": url})
