"""Refuse requests for a host name that is not this server's.

A page on the internet can give its own name the address 127.0.0.1 ("DNS rebinding").  A browser
then treats a server on this computer as a part of that page, which could read it and press its
buttons.  Only the `Host` header shows the difference, because it has the name that the browser
asked for.  So each server answers to the names of this computer, and to those that it is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from botkit.practice.server import WSGIApp

HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
# A host, and its port.
HOST_AND_PORT = r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?"


class KnownHosts:
    """A WSGI middleware around `inside` that answers only to known host names.

    It refuses others with 403 and `headers`.  Every port is accepted, because a proxy may have
    another one.
    """

    refusal = (
        "This practice server does not know itself by this address. Open it at 127.0.0.1. If a hub "
        "or a proxy leads here, set BOTKIT_PUBLIC_URL to the address that a browser uses, with "
        "{port} instead of the port, and start again."
    )

    def __init__(self, inside: WSGIApp, headers: Mapping[str, str] | None = None) -> None:
        self.names = HERE
        self._inside = inside
        self._headers = headers or {}

    def know(self, url: str) -> None:
        """Accept the host name in this address from now on."""
        self.names |= {name_in(urlsplit(url).netloc.rpartition("@")[2])} - {""}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if name_in(environ.get("HTTP_HOST", "")) in self.names:
            return self._inside(environ, start_response)
        refusal = Response(f"{self.refusal}\n", 403, self._headers, content_type="text/plain")
        return refusal(environ, start_response)


def name_in(host: str) -> str:
    """Return the name in a `Host` header without its port, or an empty string."""
    named = re.fullmatch(HOST_AND_PORT, host, re.IGNORECASE)
    return named[1].lower() if named else ""
