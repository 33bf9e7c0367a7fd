"""Record every request and answer of a trip, without their secrets.

Start with `Trace`.  `botkit.oauth` tells it about the bot's own requests (`before` and `after`).
`Trace.around` wraps the WSGI app of a server, and records what others send to it.  The second half
of this file is the middleware that does so.

Not here: what is shown of a message (`exchange.py`), the labels (`labels.py`) and the drawing
(`diagram.py`).
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
from botkit.trace.labels import Labels, is_known_name
from botkit.trace.wrapping import DisplayedText

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from requests import PreparedRequest, Response

    from botkit.trace.diagram import Diagram

MOST_FIELDS = 24  # of one message
NO_TICKET = 0  # of an exchange that is not recorded
LEFT_OUT_PATHS = r"/static/|\.(css|js|ico|png|svg)$"


class Trace:
    """The exchanges of a trip, in the order in which they began.

    It is safe to use from any thread.  `labels` gives each secret its label.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._tickets = itertools.count(1)
        self._exchanges: dict[int, Exchange] = {}
        #: While it is True, what is sent is not recorded, and no secret in it gets a label.
        self.paused = False
        #: Called with each exchange before it is sent, and again before its answer is passed on.
        #: It may wait, as `botkit.lessons.presenter` does.  Here the exchange's number is a
        #: ticket, which is the same both times.
        self.gate: Callable[[Exchange], object] = lambda exchange: None

    def before(self, request: PreparedRequest) -> int:
        """Record a request that the bot is about to send; return the ticket for `after`.

        It waits as long as `gate` does.
        """
        if self.paused:
            return NO_TICKET
        url = request.url or ""
        who = ("bot", self._labels.party(url), request.method or "")
        return self._open(who, url, request.headers, request.body)

    def after(self, ticket: int, response: Response | None, error: Exception | None) -> None:
        """Record the answer to the request of this ticket, or the error instead of one.

        The body must have been read before: `after` does not read it, because that could wait.
        """
        if ticket == NO_TICKET:
            return
        if response is None:
            self._close(ticket, error=type(error).__name__ if error else "interrupted")
            return
        if response.history:  # redirects have been followed, and each was reported on its own
            response = response.history[0]
        body = getattr(response, "_content", None)  # `.content` would read it, and too early
        self._close(ticket, response.status_code, response.headers, body)

    def around(self, app: WSGIApplication, party: str) -> WSGIApplication:
        """Return `app`, the server of `party`, with every exchange recorded.

        The User-Agent says who sends.  Requests of the bot are left out, because `before` has them.
        So are style sheets, scripts and images.  An app, or a middleware around it, can
        set `environ["botkit.quiet"]` to leave an exchange out.
        """

        def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            sender = sender_of(environ.get("HTTP_USER_AGENT", ""))
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            left_out = environ.get("botkit.quiet") or re.search(LEFT_OUT_PATHS, path)
            if sender == "bot" or left_out or self.paused:
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

            tap = WsgiTap(start_response, finish)
            try:
                chunks = app(environ, tap.start)
            except Exception as error:
                self._close(ticket, error=type(error).__name__)
                raise
            close = getattr(chunks, "close", lambda: None)
            return ClosingIterator(tap.passing(chunks), [tap.finish, close])

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
        """Return what is shown of `pairs`: redacted first, and only then shortened."""
        shown = []
        for name, value in pairs[:MOST_FIELDS]:
            value, link = without_link(value) if name == "text" else (value, [])
            for key, raw in [(name, value), *link]:
                word = key if is_known_name(key) else self._labels.field("name", key)
                shown.append((shorten(word), shorten(self._labels.field(key, raw))))
        return tuple(shown)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges, numbered from 1."""
        with self._lock:
            kept = list(self._exchanges.values())
        return tuple(replace(exchange, number=n) for n, exchange in enumerate(kept, 1))

    def clear(self) -> None:
        """Delete the exchanges.  The labels stay unchanged."""
        with self._lock:
            self._exchanges.clear()

    def list(self, *, only: str = "") -> DisplayedText:
        """Return the exchanges as a numbered list.

        `only` is the name of a party or a channel, and leaves out the others.
        """
        from botkit.trace.exchange import listing

        found = self._only(only)
        if not found and len(self):  # perhaps the name is not right
            there = ", ".join(dict.fromkeys(name for e in self for name in (e.sender, e.receiver)))
            return DisplayedText(
                f"Nothing from or to {only} has been recorded, but messages of: {there}."
            )
        return DisplayedText(listing(found))

    def diagram(self, *, details: bool = True, only: str = "") -> Diagram:
        """Return the exchanges as a sequence diagram.

        Without `details` it has the arrows only.  `only` is the name of a party or a channel.
        """
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


def sender_of(agent: str) -> str:
    """Return which party sends requests with this User-Agent."""
    if agent.startswith("botkit/"):
        return "bot"
    if "RingCentral-WebHook" in agent:
        return "chat"
    if agent.startswith("APIs-Google"):
        return "Google"
    return "browser" if "Mozilla" in agent else "you"  # you: a request from a notebook cell


def in_environ(header: str) -> str:
    """Return the name that a header has in a WSGI environment."""
    return f"HTTP_{header.upper().replace('-', '_')}"


def take_body(environ: WSGIEnvironment) -> bytes:
    """Read the request's body and put it back for the app.

    Return nothing of a body that is longer than `LONGEST_BODY` or has no length: it stays unread.
    """
    length = environ.get("CONTENT_LENGTH") or "0"
    if not re.fullmatch("[0-9]{1,6}", length) or int(length) > LONGEST_BODY:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


class WsgiTap:
    """An observer of one answer of a WSGI app.

    The answer passes unchanged.  `finish(status, headers, body)` is called once, before the last
    byte leaves; `status` is None if the app never started its answer.
    """

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
        """Remember status and headers, and pass them on: the app's `start_response`."""
        self._status, self._headers = int(status[:3]), CaseInsensitiveDict(headers)
        if exc_info:
            return self._start_response(status, headers, exc_info)
        return self._start_response(status, headers)

    def passing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks of the body as they are, and remember its beginning."""
        for chunk in chunks:
            self._sent += len(chunk)
            self._body += chunk[: LONGEST_BODY - len(self._body)]
            # Before the last byte leaves: its reader may look at the trace immediately.
            if str(self._sent) == self._headers.get("Content-Length"):
                self.finish()
            yield chunk
        self.finish()

    def finish(self) -> None:
        """Report the answer, unless that has been done."""
        if not self._finished:
            self._finished = True
            self._finish(self._status, self._headers, bytes(self._body))
