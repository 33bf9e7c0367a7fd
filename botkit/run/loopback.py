"""Let pyngrok, and the plain `requests` calls of the lessons, reach this computer without a proxy.

botkit's own requests do that by themselves (`botkit.oauth.connections`).  Others ask the two
functions that are wrapped here whether a host is excepted from the proxy.  The environment is left
alone, because a change there would have other effects: `NO_PROXY=*` means everything only while it
is the whole value, and on Windows and macOS setting NO_PROXY switches the system's proxy off.
"""

from __future__ import annotations

import urllib.request
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import requests.utils

from botkit.oauth import is_loopback


def reach_loopback_directly() -> None:
    """Except this computer from every proxy, for urllib and requests in this process."""
    places: tuple[tuple[Any, str], ...] = (
        (urllib.request, "proxy_bypass"),
        (requests.utils, "should_bypass_proxies"),
    )
    for module, name in places:
        asked: Any = getattr(module, name)
        if not hasattr(asked, "of_botkit"):
            setattr(module, name, _loopback_or(asked))


def _loopback_or(asked: Any) -> Any:
    @wraps(asked)
    def bypass(url: str, *args: Any, **kwargs: Any) -> Any:
        """`url` may be an address, or only a host with a port."""
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
        return is_loopback(host) or asked(url, *args, **kwargs)

    vars(bypass)["of_botkit"] = True
    return bypass
