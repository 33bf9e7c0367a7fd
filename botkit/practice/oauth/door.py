"""What the practice services have in common at their door: who comes is noted, and served in turn.

`Door` is the base of the practice GitHub, Google and Teapot.  Each makes its own `_web`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask

from botkit.practice.server import Trouble


@dataclass(frozen=True)
class Seen:
    """A request that reached the server.  `url` is its path with the query, secrets and all."""

    method: str
    path: str
    url: str = field(repr=False)
    user_agent: str
    time: datetime


class Door:
    """Serve `wsgi`, then set `address` to the URL at which it is served.

    `browser_address` is where a person's browser finds it, if that is elsewhere.  `now` is the
    clock; it returns an aware UTC datetime.  `trouble` spoils answers.
    """

    _web: Flask

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.address = ""
        self.browser_address = ""
        self.requests_seen: list[Seen] = []
        self.trouble = Trouble(self._one_at_a_time)
        self._now = now
        self._lock = threading.RLock()

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI app.  Requests that `trouble` will spoil are noted as well."""
        path, query = environ.get("PATH_INFO", "/"), environ.get("QUERY_STRING", "")
        url = f"{path}?{query}" if query else path
        agent = environ.get("HTTP_USER_AGENT", "")
        self.requests_seen.append(Seen(environ["REQUEST_METHOD"], path, url, agent, self._now()))
        return self.trouble(environ, start_response)

    def _one_at_a_time(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        # A code is looked up, judged and struck out in three steps.  With the lock, of 32 requests
        # that bring the same code one alone wins.
        with self._lock:
            return self._web.wsgi_app(environ, start_response)
