"""Check the exercise of lesson 05: using a token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from unittest.mock import patch

from botkit.lessons.check.verdict import NotYet, verdict, want

_TOKEN = "a-made-up-token"
_HTML = "<!doctype html><h1>Welcome to our Wi-Fi</h1>"
_API_ANSWERS: tuple[tuple[str, int, dict[str, str], str, tuple[str, Any]], ...] = (
    ("sends a profile", 200, {}, '{"login": "carol"}', ("profile", "carol")),
    ("answers 401", 401, {}, '{"message": "Bad credentials"}', ("reconnect", None)),
    ("answers 429", 429, {"Retry-After": "7"}, "", ("wait", 7)),
    ("answers 403", 403, {}, '{"message": "Forbidden"}', ("trouble", 403)),
    ("has broken down (500)", 500, {}, "<h1>Oops</h1>", ("trouble", 500)),
    ("sends a web page with status 200", 200, {}, _HTML, ("trouble", 200)),
    ("sends JSON without a login", 200, {}, '{"message": "soon"}', ("trouble", 200)),
    ("sends a list instead of an object", 200, {}, '["carol"]', ("trouble", 200)),
    ("sends a login of null", 200, {}, '{"login": null}', ("trouble", 200)),
)


@verdict
def api_answers(fetch_profile: Callable[[str, str], Any]) -> str:
    """Check `fetch_profile(url, token)` with a small server and different answers."""
    for what, status, headers, body, wanted in _API_ANSWERS:
        with _small_api(status, headers, body) as (url, seen):
            try:
                outcome = fetch_profile(url, _TOKEN)
            except NotImplementedError:
                raise
            except Exception as error:  # its text may hold an address
                said = f"{type(error).__name__}: {error}"
                if url in said or "port=" in said:
                    said = type(error).__name__
                raise NotYet(
                    f"when the API {what}, your code stops with {said}; wanted: {wanted}."
                ) from error
        _want_good_manners(what, seen)
        if isinstance(outcome, list):
            outcome = tuple(outcome)
        hint = " Make a number of it: int(...)." if outcome == ("wait", "7") else ""
        sentence = f"when the API {what}, you return {outcome!r}; wanted: {wanted}.{hint}"
        want(outcome == wanted, sentence)
    return (
        "The token travels in the header only, every wait has an end, and each answer of the API "
        "leads to the right next step."
    )


def _want_good_manners(what: str, seen: list[_Request]) -> None:
    want(len(seen) > 0, "no request came to `url`. Send one with requests.get(url, ...).")
    first = seen[0]
    want(
        _TOKEN not in first.path,
        "the token is in the URL. Others who read the log of a server on the way can now use it. "
        'Put it in the header: headers={"Authorization": ...}.',
    )
    want(
        first.authorization.split(" ") in (["Bearer", _TOKEN], ["bearer", _TOKEN]),
        "the header Authorization should be the word Bearer, one space, and the token. "
        + (
            "There is such a header, but it is different."
            if first.authorization
            else "It is missing."
        ),
    )
    want(
        first.timeout is not None,
        "the request has no time limit: a server that never answers would hold your program "
        "forever. Add timeout=10.",
    )
    want(
        len(seen) == 1,
        f"when the API {what}, you send {len(seen)} requests; wanted: one. A program that asks "
        "again at once looks like an attacker, and may be blocked.",
    )


@dataclass(frozen=True)
class _Request:
    path: str
    authorization: str
    timeout: Any


@contextmanager
def _small_api(
    status: int, headers: dict[str, str], body: str
) -> Iterator[tuple[str, list[_Request]]]:
    """Run a server on loopback; yield its address and the requests it got.

    Only the first request gets the answer in question.  The next ones get a good answer, so a
    program that asks until it has a profile comes to an end.
    """
    from requests.adapters import HTTPAdapter  # here, so that lesson 00 runs without requests

    seen: list[_Request] = []
    timeouts: list[Any] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first = not seen
            limit = timeouts[-1] if timeouts else "unknown: not sent by requests"
            seen.append(_Request(self.path, self.headers.get("Authorization", ""), limit))
            content = (body if first else '{"login": "carol"}').encode()
            self.send_response(status if first else 200)
            for name, value in (headers if first else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *args: Any) -> None:
            pass  # a thread that prints would print into the notebook

    send = HTTPAdapter.send

    def noting(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.url.startswith(url):
            timeouts.append(kwargs.get("timeout"))
        return send(self, request, *args, **kwargs)

    with ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        url = f"http://127.0.0.1:{server.server_address[1]}/user"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            with patch.object(HTTPAdapter, "send", noting):
                yield url, seen
        finally:
            server.shutdown()
