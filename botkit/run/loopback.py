"""Let pyngrok, and the plain `requests` calls of the lessons, reach this computer as it is.

They use no proxy there, and no password from the user's file `.netrc`.

botkit's own requests do that by themselves (`botkit.oauth.connections`).  Others ask the functions
that are wrapped here: whether a host is excepted from the proxy, and for a password.  The
environment is left alone, because a change there would have other effects: `NO_PROXY=*` means
everything only while it is the whole value, and on Windows and macOS setting NO_PROXY switches the
system's proxy off.
"""

from __future__ import annotations

import urllib.request
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import requests.sessions
import requests.utils

from botkit.oauth import is_loopback


def reach_loopback_directly() -> None:
    """Except this computer from every proxy and password of this user, in this process."""
    places: tuple[tuple[Any, str, Any], ...] = (
        (urllib.request, "proxy_bypass", True),
        (requests.utils, "should_bypass_proxies", True),
        (requests.sessions, "get_netrc_auth", None),
    )
    for module, name, answer in places:
        asked: Any = getattr(module, name)
        if not hasattr(asked, "of_botkit"):
            setattr(module, name, _on_loopback(answer, asked))


def _on_loopback(answer: Any, asked: Any) -> Any:
    """Return a function that returns `answer` about this computer, and asks about any other."""

    @wraps(asked)
    def ask(url: str, *args: Any, **kwargs: Any) -> Any:
        """`url` may be an address, or only a host with a port."""
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
        return answer if is_loopback(host) else asked(url, *args, **kwargs)

    vars(ask)["of_botkit"] = True
    return ask
