"""How a practice service sends something to an app."""

from __future__ import annotations

import threading

import pytest

from botkit.practice import Server
from botkit.practice.client import NoAnswer, send


@pytest.fixture
def seen():
    return []


@pytest.fixture
def url(seen):
    def app(environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_NAME")
        seen.append([*(environ.get(name) for name in names), body])
        start_response("302 Found", [("Location", "/elsewhere"), ("Content-Length", "2")])
        return [b"ok"]

    server = Server(app)
    yield server.url
    server.stop()


def test_a_request_arrives_as_it_was_sent_and_a_redirect_is_its_answer(url, seen):
    answer = send("POST", f"{url}/a?b=c#d", headers={"X-Name": "e"}, body=b"f", timeout=5)
    assert (answer.status, answer.reason, answer.content) == (302, "Found", b"ok")
    assert answer.headers["location"] == "/elsewhere"
    send("POST", url, headers={}, timeout=5)
    assert seen == [["POST", "/a", "b=c", "e", b"f"], ["POST", "/", "", None, b""]]


@pytest.mark.parametrize(
    "address",
    [
        "nowhere",
        "",
        "ftp://127.0.0.1/",
        "http:///path",
        "http://127.0.0.1:x/",
        "http://127.0.0.1/ ä",
    ],
)
def test_at_what_is_no_address_nobody_answers(address):
    with pytest.raises(NoAnswer):
        send("POST", address, headers={}, timeout=5)


def test_a_server_stops_at_once_however_long_nobody_has_asked():
    server = Server(lambda *_: [])
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive() and not server._thread.is_alive()
    Server(lambda *_: [], port=server.port).stop()  # nobody has the port any more
    server.stop()


def test_where_no_server_listens_nobody_answers():
    server = Server(lambda *_: [])
    server.stop()
    with pytest.raises(NoAnswer):
        send("GET", server.url, headers={}, timeout=5)
