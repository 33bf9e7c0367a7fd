"""Seeing the protocol: every exchange of a trip, with a label in the place of every secret.

The bot's own requests are watched as they leave (botkit/oauth/http.py calls `Trace.before` and
`after`). What other people and servers send is seen by a middleware in front of each server
(`Trace.around`). Labels are in botkit/trace/labels.py, the drawing is in botkit/trace/diagram.py,
and how a middleware overhears both sides is in botkit/trace/trace.py.
"""

from __future__ import annotations

import io
import itertools
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from requests.structures import CaseInsensitiveDict
from werkzeug.wsgi import ClosingIterator

from botkit.trace.exchange import (
    LONGEST_BODY,
    SHOWN_HEADERS,
    Exchange,
    Headers,
    Pairs,
    as_text,
    body_pairs,
    shorten,
    target,
    without_link,
)
from botkit.trace.labels import Labels
from botkit.trace.wrapping import Shown

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from requests import PreparedRequest, Response

    from botkit.trace.diagram import Diagram

MOST_FIELDS = 24
DULL_PATHS = r"/static/|\.(css|js|ico|png|svg)$"


class Trace:
    """The exchanges of a trip, in the order in which they began.  Any thread may use it."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._tickets = itertools.count(1)
        self._exchanges: dict[int, Exchange] = {}
        #: Called with each exchange before it goes, and again before its answer is passed on.  It
        #: may wait, as botkit/presenter does.  The number is a ticket here, the same both times.
        self.gate: Callable[[Exchange], object] = lambda exchange: None

    def before(self, request: PreparedRequest) -> int:
        """The bot sends `request`.  Returns the ticket for `after`."""
        url = request.url or ""
        who = ("bot", self._labels.party(url), request.method or "")
        return self._open(who, url, request.headers, request.body)

    def after(self, ticket: int, response: Response | None, error: Exception | None) -> None:
        """What came of it.  The body must have been read by now; an unread one is left alone."""
        if response is None:
            self._close(ticket, error=type(error).__name__ if error else "interrupted")
            return
        if response.history:  # redirects have been followed, and each was reported on its own
            response = response.history[0]
        body = getattr(response, "_content", None)  # `.content` would read it, and too early
        self._close(ticket, response.status_code, response.headers, body)

    def around(self, app: WSGIApplication, party: str) -> WSGIApplication:
        """`app`, the server of `party`, with every exchange recorded.

        Who sends is told by the User-Agent.  The bot's own requests are left out, because `before`
        has them, and so are style sheets and the like.  An app, or who stands before it, may set
        `environ["botkit.quiet"]` to say that an exchange is no part of the trip.
        """

        def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            sender = sender_of(environ.get("HTTP_USER_AGENT", ""))
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            dull = environ.get("botkit.quiet") or re.search(DULL_PATHS, path)
            if sender == "bot" or dull:
                return app(environ, start_response)
            who = (sender, party, environ["REQUEST_METHOD"])
            url = f"{path}?{environ.get('QUERY_STRING', '')}"
            headers = {"Content-Type": environ.get("CONTENT_TYPE", "")}
            headers |= {name: environ.get(in_environ(name), "") for name in SHOWN_HEADERS}
            ticket = self._open(who, url, headers, take_body(environ))

            def finish(status: int | None, headers: Headers, body: bytes) -> None:
                if environ.get("botkit.quiet"):
                    self._drop(ticket)
                else:
                    self._close(ticket, status, headers, body)

            answer = Answer(start_response, finish)
            try:
                chunks = app(environ, answer.start)
            except Exception as error:
                self._close(ticket, error=type(error).__name__)
                raise
            close = getattr(chunks, "close", lambda: None)
            return ClosingIterator(answer.passing(chunks), [answer.finish, close])

        return watched

    def _open(self, who: tuple[str, str, str], url: str, headers: Headers, body: Any) -> int:
        address, _, query = url.partition("#")[0].partition("?")
        path = re.sub("^https?://[^/]*", "", address)
        pairs = parse_qsl(query, keep_blank_values=True) + body_pairs(headers, body)
        pairs += [(name, as_text(headers[name])) for name in SHOWN_HEADERS if headers.get(name)]
        ticket = next(self._tickets)
        fields = self._fields(pairs)
        exchange = Exchange(*who, self._labels.path(path), fields, number=ticket)
        self.gate(exchange)
        with self._lock:
            self._exchanges[ticket] = exchange
        return ticket

    def _close(
        self,
        ticket: int,
        status: int | None = None,
        headers: Headers | None = None,
        body: Any = None,
        error: str = "",
    ) -> None:
        headers = headers or {}
        location = as_text(headers.get("Location", ""))
        pairs = (target("Location", location) if location else []) + body_pairs(headers, body)
        answer = self._fields(pairs)
        asked = self._exchanges.get(ticket)
        if asked is None:  # it was cleared in the meantime
            return
        if not location:  # an API answers a new message with that message
            answer = tuple(field for field in answer if field not in asked.fields)
        answered = replace(asked, status=status, answer=answer, error=error)
        self.gate(answered)
        with self._lock:
            if ticket in self._exchanges:
                self._exchanges[ticket] = answered

    def _drop(self, ticket: int) -> None:
        with self._lock:
            self._exchanges.pop(ticket, None)

    def _fields(self, pairs: Pairs) -> tuple[tuple[str, str], ...]:
        """What is shown of `pairs`: redacted first, and only then made short."""
        shown = []
        for name, value in pairs[:MOST_FIELDS]:
            value, link = without_link(value) if name == "text" else (value, [])
            for key, raw in [(name, value), *link]:
                pair = self._labels.field("name", key), self._labels.field(key, raw)
                shown.append((shorten(pair[0]), shorten(pair[1])))
        return tuple(shown)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges, numbered from 1."""
        with self._lock:
            kept = list(self._exchanges.values())
        return tuple(replace(exchange, number=n) for n, exchange in enumerate(kept, 1))

    def clear(self) -> None:
        """Forget the exchanges.  The labels stay as they are."""
        with self._lock:
            self._exchanges.clear()

    def list(self, *, only: str = "") -> Shown:
        """The exchanges as a numbered list; `only` names a party or a channel."""
        from botkit.trace.exchange import listing

        found = self._only(only)
        if not found and len(self):  # perhaps the name is not right
            there = ", ".join(dict.fromkeys(name for e in self for name in (e.sender, e.receiver)))
            return Shown(f"Nothing from or to {only} has been recorded, but messages of: {there}.")
        return Shown(listing(found))

    def diagram(self, *, details: bool = True, only: str = "") -> Diagram:
        """The exchanges as a sequence diagram; without `details`, the arrows alone."""
        from botkit.trace.diagram import Diagram

        return Diagram(self._only(only), details=details)

    def _only(self, wanted: str) -> tuple[Exchange, ...]:
        return tuple(
            e for e in self.exchanges if not wanted or wanted in (e.sender, e.receiver, e.channel)
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.diagram()._repr_mimebundle_()

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} exchanges>"


# ---- recording at a server ----------------------------------------------------------------------


if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Answer:
    """An answer on its way out: it passes unchanged, and `finish` is told once what it was."""

    def __init__(
        self,
        start_response: StartResponse,
        finish: Callable[[int | None, Headers, bytes], None],
    ) -> None:
        self._start_response = start_response
        self._finish = finish
        self._finished = False
        self._status: int | None = None
        self._headers: Headers = {}
        self._body = bytearray()
        self._sent = 0

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        self._status, self._headers = int(status[:3]), CaseInsensitiveDict(headers)
        if exc_info:
            return self._start_response(status, headers, exc_info)
        return self._start_response(status, headers)

    def passing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._sent += len(chunk)
            self._body += chunk[: LONGEST_BODY - len(self._body)]
            # Before the last byte leaves: whoever has read it may look at the trace at once.
            if str(self._sent) == self._headers.get("Content-Length"):
                self.finish()
            yield chunk
        self.finish()

    def finish(self) -> None:
        if not self._finished:
            self._finished = True
            self._finish(self._status, self._headers, bytes(self._body))


def in_environ(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}"


def sender_of(agent: str) -> str:
    if agent.startswith("botkit/"):
        return "bot"
    if "RingCentral-WebHook" in agent:
        return "chat"
    if agent.startswith("APIs-Google"):
        return "Google"
    return "browser" if "Mozilla" in agent else "you"  # you: a request from a notebook cell


def take_body(environ: WSGIEnvironment) -> bytes:
    """The request's body, also left in place for the app.  A long one is not touched."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not re.fullmatch("[0-9]{1,6}", length) or int(length) > LONGEST_BODY:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
