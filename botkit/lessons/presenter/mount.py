"""The kit's servers below the view's own address: `/at/PORT/...` leads to the one at that port.

So the chat, the services and the bot have the same origin as the view, which may show them in
frames and read there what is to be done next.  They are called in this process, as a proxy that
strips a prefix would call them.  Their pages forbid every frame, and rightly: only here, on the way
out, that becomes "a frame on a page of this same origin".
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
    """`own` has all addresses but those below `/at/`.

    `find(port)` gives the app there, or None, and whether it is the chat.  The chat's own page is
    no part of the trip; `told` is how far it has got with the news that it asks for.
    """

    def __init__(self, own: WSGIApp, find: Callable[[int], tuple[WSGIApp | None, bool]]) -> None:
        self.told = 0
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
            self.told = int(since) if re.fullmatch("[0-9]{1,18}", since) else 0

    def __repr__(self) -> str:
        return "<Mount>"


def _for_a_frame(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    changed, policy = [], []
    for name, value in headers:
        if name.lower() == "content-security-policy":
            policy += [part.strip() for part in value.split(";") if part.strip()]
        elif name.lower() != "x-frame-options":
            changed.append((name, value))
    policy = [part for part in policy if not part.lower().startswith("frame-ancestors")]
    return [*changed, ("Content-Security-Policy", "; ".join([*policy, SAME_ORIGIN]))]
