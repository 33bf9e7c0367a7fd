"""Refuse requests for a host name that is not the view's.

A page on the internet can give its own name the address 127.0.0.1 ("DNS rebinding").  A browser
then treats the view as a part of that page, which could read it and press its buttons.  Only the
`Host` header shows the difference, because it has the name that the browser asked for.  So the view
answers to the names of this computer, and to a hub's name if the environment has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from botkit.lessons.presenter.mount import WSGIApp

HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
NAME = r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?"  # a host, and its port
NOT_AN_ADDRESS = (
    "That is not an address of this view. One begins with http:// or https:// and a host; "
    "no user name, no braces, no spaces and nothing after the path are in it."
)
NOT_KNOWN = (
    "The presenter's view does not know itself by this address. If a hub or a proxy leads here, "
    "set BOTKIT_PUBLIC_URL to the address that a browser uses, with {port} in the place of the "
    "port, and start the view again."
)


class HostGuard:
    """A WSGI middleware around `inside` that answers only to known host names.

    It refuses others with 403 and `headers`.  Every port is accepted, because a proxy may have
    another one.
    """

    def __init__(self, inside: WSGIApp, headers: Mapping[str, str]) -> None:
        self.names = HERE
        self._inside = inside
        self._headers = headers

    def know(self, url: str) -> None:
        """Accept the host name in this address from now on."""
        self.names |= {_name_in(urlsplit(url).netloc.rpartition("@")[2])} - {""}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if _name_in(environ.get("HTTP_HOST", "")) in self.names:
            return self._inside(environ, start_response)
        refusal = Response(f"{NOT_KNOWN}\n", 403, self._headers, content_type="text/plain")
        return refusal(environ, start_response)

    def objection(self, home: str) -> str:
        """Return a sentence that says why the view cannot have this address.

        It is empty if the view can.
        """
        there = re.fullmatch(rf"https?://{NAME}(/[^?#{{}}\\]*)?", home, re.IGNORECASE)
        printable = home.isascii() and home.isprintable() and " " not in home
        if there is None or not printable or int(there[2] or 0) > 65535:
            return NOT_AN_ADDRESS
        return "" if there[1].lower() in self.names else NOT_KNOWN


def _name_in(host: str) -> str:
    """Return the name in a `Host` header without its port, or an empty string."""
    named = re.fullmatch(NAME, host, re.IGNORECASE)
    return named[1].lower() if named else ""
