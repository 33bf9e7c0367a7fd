"""Say where a browser's request comes from (`Sec-Fetch-Site`), and read it.

Every browser says so without being asked, and a server can refuse what another site's page has
sent.  Source: Fetch Metadata Request Headers,
https://www.w3.org/TR/fetch-metadata/.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Request


def site_of(way: Sequence[str]) -> str:
    """Return the header's value: the farthest step from the page that sends to the last address."""
    start = urlsplit(way[0])
    if not start.netloc:
        return "none"  # typed by the person
    there = [urlsplit(url) for url in way[1:]]
    if any((each.scheme, each.hostname) != (start.scheme, start.hostname) for each in there):
        return "cross-site"
    return "same-site" if any(each.netloc != start.netloc for each in there) else "same-origin"


def from_elsewhere(request: Request) -> bool:
    """Return whether a browser says that another page than ours has sent this request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host
