"""The trace: what it records, in which order, and that it disturbs nobody."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import requests
from werkzeug.test import Client

from botkit.trace import Exchange, Labels, Trace
from botkit.trace.exchange import LONGEST_BODY

BROWSER = "Mozilla/5.0 (practice browser)"


@pytest.fixture
def trace(labels: Labels) -> Trace:
    return Trace(labels)


def app(
    body: bytes = b"ok", status: str = "200 OK", quiet: bool = False, **headers: str
) -> Callable[..., Iterable[bytes]]:
    """A WSGI app that gives this answer and echoes what it was sent in a header."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["botkit.quiet"] = quiet
        got = str(len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))))
        pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
        start_response(status, [*pairs, ("X-Got", got)])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body[:1], body[1:]]

    return answer


def only(trace: Trace) -> Exchange:
    (exchange,) = trace
    return exchange


def test_the_bots_own_request_is_recorded_with_its_answer(trace: Trace) -> None:
    form = {"code": "code-1", "client_secret": "secret-1"}
    address = "http://127.0.0.1:4711/3f2b9c1a-77d0-4e12-9a41-0b5c6d7e8f90/token?x=1"
    request = requests.Request("POST", address, data=form).prepare()
    request.headers["Authorization"] = "Bearer token-1"
    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response._content = b'{"access_token": "token-2", "scope": "read:user", "id": 7}'
    trace.after(trace.before(request), response, None)
    seen = only(trace)
    assert (seen.sender, seen.receiver, seen.channel) == ("bot", "GitHub", "back")
    assert (seen.method, seen.path, seen.status) == ("POST", "/‹id·1›/token", 200)
    assert seen.fields == (
        ("x", "1"),
        ("code", "‹code·1›"),
        ("client_secret", "‹secret·1›"),
        ("Authorization", "Bearer ‹token·1›"),
    )
    assert seen.answer == (("access_token", "‹token·2›"), ("scope", "read:user"))


def test_a_request_without_an_answer_says_what_went_wrong(trace: Trace) -> None:
    ticket = trace.before(requests.Request("GET", "http://127.0.0.1:4711/user").prepare())
    assert "[no answer yet]" in str(trace.list())
    trace.after(ticket, None, requests.ReadTimeout("at gho_abcdef123"))
    assert str(trace.list()) == "1. bot → GitHub  GET /user [ReadTimeout]  (back channel)"


def test_a_request_that_was_redirected_keeps_its_own_status(trace: Trace) -> None:
    first, last = requests.Response(), requests.Response()
    first.status_code, last.status_code, last.history = 301, 200, [first]
    request = requests.Request("GET", "http://127.0.0.1:4711/user").prepare()
    trace.after(trace.before(request), last, None)
    assert only(trace).status == 301


def test_exchanges_stand_in_the_order_in_which_they_began(trace: Trace) -> None:
    first, second = (
        trace.before(requests.Request("GET", f"http://127.0.0.1:4711/{n}").prepare()) for n in "12"
    )
    trace.after(second, None, OSError())
    trace.after(first, None, OSError())
    assert [(e.number, e.path) for e in trace.exchanges] == [(1, "/1"), (2, "/2")]
    trace.clear()
    trace.after(second, None, OSError())
    assert len(trace) == 0


def test_a_chat_message_is_shown_without_its_envelope_and_its_link_taken_apart(
    trace: Trace,
) -> None:
    link = "http://127.0.0.1:4711/authorize?client_id=x&state=state-1"
    text = f"Go [there]({link}), please! " + "really " * 9
    event = {"uuid": "1", "body": {"text": text, "groupId": "2", "eventType": "PostAdded"}}
    client = Client(trace.around(app(), "bot"))
    client.post("/bot/webhook", json=event, headers={"User-Agent": "RingCentral-WebHook"})
    assert only(trace).sender == "chat"
    assert only(trace).fields == (
        ("text", "Go [there](…), please! really really really really really r…"),
        ("link", "‹GitHub›/authorize"),
        ("state", "‹state·1›"),
    )


@pytest.mark.parametrize(
    ("agent", "sender"),
    [(BROWSER, "browser"), ("python-requests/2.32", "you"), ("RingCentral-WebHook/1", "chat")],
)
def test_the_user_agent_tells_who_sends(trace: Trace, agent: str, sender: str) -> None:
    Client(trace.around(app(), "bot")).get("/x", headers={"User-Agent": agent})
    assert only(trace).sender == sender
    assert only(trace).channel == ("front" if sender == "browser" else "back")


def test_what_is_no_part_of_the_trip_is_left_out(trace: Trace) -> None:
    client = Client(trace.around(app(), "bot"))
    client.get("/x", headers={"User-Agent": "botkit/0.2.0 (teaching kit)"})
    client.get("/static/page.css")
    client.get("/favicon.ico")
    Client(trace.around(app(quiet=True), "bot")).get("/poll?state=state-1", buffered=True)
    assert list(trace) == []


def test_a_redirect_is_shown_with_where_it_leads_and_what_it_carries(trace: Trace) -> None:
    target = "http://127.0.0.1:47110/cb?code=code-1&state=state-1&x=1"
    around = trace.around(app(status="302 FOUND", Location=target), "GitHub")
    form = {"decision": "approve"}
    answer = Client(around).post("/authorize?state=state-1", data=form, buffered=True)
    assert answer.headers["Location"] == target and answer.headers["X-Got"] == "16"
    assert only(trace).fields == (("state", "‹state·1›"), ("decision", "approve"))
    assert only(trace).answer == (
        ("Location", "‹bot›/cb"),
        ("code", "‹code·1›"),
        ("state", "‹state·1›"),
    )


@pytest.mark.parametrize("size", [0, 1, 3000, LONGEST_BODY + 1])
def test_bodies_pass_unchanged_in_both_directions(trace: Trace, size: int) -> None:
    around = trace.around(app(bytes(size), Content_Length=str(size)), "bot")
    client = Client(around)
    answer = client.post("/x", data=bytes(size), headers={"Content-Type": "application/json"})
    assert answer.data == bytes(size) and answer.headers["X-Got"] == str(size)
    assert client.head("/x").headers["Content-Length"] == str(size)
    assert [e.status for e in trace] == [200, 200]


def test_an_exchange_is_complete_before_its_last_byte_leaves(trace: Trace) -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "wsgi.input": io.BytesIO()}
    chunks = iter(trace.around(app(b"abc", Content_Length="3"), "bot")(environ, lambda *_: None))
    assert next(chunks) == b"a" and only(trace).status is None
    assert next(chunks) == b"bc" and only(trace).status == 200


def test_an_app_that_breaks_breaks_as_before(trace: Trace) -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Client(trace.around(broken, "bot")).get("/x")
    assert only(trace).error == "ZeroDivisionError"


def test_nonsense_from_outside_is_recorded_and_disturbs_nobody(trace: Trace) -> None:
    client = Client(trace.around(app(), "bot"))
    for body in (b"[" * 60_000, b'{"text": 1}', b"\xff\x00{", b'"x"', b'{"body": []}'):
        assert client.post("/x", data=body, content_type="application/json").data == b"ok"
    client.get("/%ff%00?%ff=%00&a&=&state=%E2%80%B9&u=http://[" + "&k" * 500)
    *_, last = trace
    assert len(trace) == 6 and len(last.fields) < 30
    assert all(c.isprintable() for e in trace for pair in e.fields for c in "".join(pair))


def test_a_name_that_nobody_has_is_answered_with_the_names_that_there_are(trace: Trace) -> None:
    assert repr(trace.list(only="github")) == "Nothing has been recorded yet."
    Client(trace.around(app(), "GitHub")).get("/user", headers={"User-Agent": BROWSER})
    said = "Nothing from or to github has been recorded, but messages of: browser, GitHub."
    assert repr(trace.list(only="github")) == said
    assert "GET /user" in repr(trace.list(only="GitHub"))


def test_nothing_is_recorded_and_nothing_has_a_label_while_it_is_paused(
    trace: Trace, labels: Labels
) -> None:
    request = requests.Request("GET", "http://127.0.0.1:4711/?code=code-1").prepare()
    client = Client(trace.around(app(), "bot"))
    trace.paused = True
    ticket = trace.before(request)
    client.get("/?state=state-1")
    trace.paused = False
    trace.after(ticket, None, TimeoutError())  # it began while nothing was recorded
    assert not len(trace) and labels.redact("code-1 state-1") == "code-1 state-1"
    client.get("/?state=state-2")
    assert only(trace).fields == (("state", "‹state·1›"),)


def test_a_known_name_is_shown_also_where_somebody_has_sent_it_as_a_secret(trace: Trace) -> None:
    Client(trace.around(app(), "bot")).get("/?code=redirect_uri&redirect_uri=x&redirect_uri_2=y")
    assert only(trace).fields == (
        ("code", "‹code·1›"),
        ("redirect_uri", "x"),
        ("‹code·1›_2", "y"),
    )
