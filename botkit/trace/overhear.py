"""How a middleware overhears an exchange without disturbing it: for botkit/trace/trace.py.

Who sends is told by the User-Agent.  A request's body is read and put back; an answer passes byte
by byte, and when its last one is about to leave, the middleware is told what it was.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from botkit.trace.exchange import LONGEST_BODY, Headers

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
