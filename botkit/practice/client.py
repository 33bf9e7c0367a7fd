"""Send a request to an app, as a service does that pushes: a webhook, a notification, a token.

It stands on `http.client` alone.  A practice world pushes something with every message, and
requests takes four times as long for the same.

Not here: what a person's browser does (`botkit.practice.browser`).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH


class NoAnswer(Exception):
    """Raised when nobody answers at an address, or not in time."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    status: int
    reason: str
    headers: HTTPMessage
    content: bytes


def send(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float
) -> Answer:
    """Send a request, and return the answer; a redirect is an answer.

    Connecting, and each wait for more of the answer, may take `timeout` seconds.  A proxy that the
    computer is set up with is not used.  Raises `NoAnswer`.
    """
    try:
        parts = urlsplit(url)
        connection = _connect(parts.scheme, parts.hostname or "", parts.port, timeout)
        try:
            target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="")
            connection.request(method, target.geturl(), body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.headers, answer.read())
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:  # ValueError: it is no address at all
        raise NoAnswer(url) from error


def _connect(scheme: str, host: str, port: int | None, timeout: float) -> HTTPConnection:
    if scheme not in ("http", "https") or not host:
        raise ValueError("This is not an address of the web.")
    if scheme == "https":
        return HTTPSConnection(host, port, timeout=timeout, context=_certificates())
    return HTTPConnection(host, port, timeout=timeout)


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
