"""Serve the kit's servers under the view's address: `/at/PORT/...`.

Start with `Mount`.  So the chat, the services and the bot have the same origin as the view, which
may show them in frames and read what to do next.  They are called in this process, as a proxy that
strips a prefix would call them.  Their pages forbid all frames.  Only here, on the way out, this
becomes "a frame on a page of the same origin".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
AT = "at"
SAME_ORIGIN = "frame-ancestors 'self'"


class Mount:
    """A WSGI app: `own` gets every request but those under `/at/`.

    `find(port)` returns the app of that port, or None, and whether it is the chat.  The chat's page
    is not part of the trip, so its requests are left out of the trace.  `newest_told` is the newest
    news that the chat's page knows.
    """

    def __init__(self, own: WSGIApp, find: Callable[[int], tuple[WSGIApp | None, bool]]) -> None:
        self.newest_told = 0
        self._own = own
        self._find = find

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = re.fullmatch(rf"/{AT}/([0-9]{{1,5}})(/.*)?", environ.get("PATH_INFO", ""), re.DOTALL)
        app, is_chat = self._find(int(path[1])) if path else (None, False)
        if path is None or app is None:
            return self._own(environ, start_response)
        if path[2] is None:  # the page's own links are relative, so the slash matters
            query = environ.get("QUERY_STRING", "")
            target = f"{path[1]}/{'?' if query else ''}{query}"
            start_response("308 Permanent Redirect", [("Location", target)])
            return []
        there = environ | {"PATH_INFO": path[2], "SCRIPT_NAME": ""}
        if is_chat:
            there["botkit.quiet"] = True
            self._note(there)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, _for_a_frame(headers), *more)

        return app(there, start)

    def _note(self, environ: Mapping[str, Any]) -> None:
        if environ["PATH_INFO"].endswith("/news"):
            since = parse_qs(environ.get("QUERY_STRING", "")).get("since", [""])[0]
            self.newest_told = int(since) if re.fullmatch("[0-9]{1,18}", since) else 0


def _for_a_frame(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    changed, policy = [], []
    for name, value in headers:
        if name.lower() == "content-security-policy":
            policy += [part.strip() for part in value.split(";") if part.strip()]
        elif name.lower() != "x-frame-options":
            changed.append((name, value))
    policy = [part for part in policy if not part.lower().startswith("frame-ancestors")]
    return [*changed, ("Content-Security-Policy", "; ".join([*policy, SAME_ORIGIN]))]
