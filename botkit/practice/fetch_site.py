"""Where a request comes from, as every browser says it of its own accord: `Sec-Fetch-Site`.

A server can refuse what another site's page has sent.  Source: Fetch Metadata Request Headers,
https://www.w3.org/TR/fetch-metadata/.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


def site_of(way: Sequence[str]) -> str:
    """The farthest step on the way: the page that sends, and every address after it."""
    start = urlsplit(way[0])
    if not start.netloc:
        return "none"  # typed by the person
    there = [urlsplit(url) for url in way[1:]]
    if any((each.scheme, each.hostname) != (start.scheme, start.hostname) for each in there):
        return "cross-site"
    return "same-site" if any(each.netloc != start.netloc for each in there) else "same-origin"
