"""Check the fields of a description before anything is sent.

Start with `wrong_field`.  A type checker finds most of it too, but the author of a bot may have
none.

Not here: whether the service is as it is described (`contract/`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from botkit.oauth import Provider, Revocation, is_loopback

ADDRESS = "a whole address, which begins with https:// (or, on this computer, with http://)"
NAMES = "a tuple of names, such as ('read',)"


def wrong_field(described: Provider) -> str:
    """Return a sentence about the first field that cannot be right; "" if there is none."""
    return next(_wrong_fields(described), "")


def _wrong_fields(one: Provider) -> Iterator[str]:
    yield from _wrong_values(one)
    back = one.revocation
    if back is not None and not isinstance(back, Revocation):
        yield f"revocation is {_shown(back)}; wanted: a Revocation, or None."
        return
    if back is not None:
        yield from _wrong_values(back, of=" of revocation")
    if isinstance(one.slug, str) and not re.fullmatch("[a-z0-9-]+", one.slug):
        yield f"slug is {one.slug!r}; wanted: small letters, for it is part of an address."
    urls: dict[str, object] = {
        name: getattr(one, name) for name in ("authorize_url", "token_url", "api_url")
    }
    urls |= {"account_url": one.account_url} if one.account_url is not None else {}
    urls |= {"the url of revocation": back.url} if back is not None else {}
    for name, url in urls.items():
        if not _is_address(url):
            yield f"{name} is {_shown(url)}; wanted: {ADDRESS}."


def _wrong_values(described: Provider | Revocation, of: str = "") -> Iterator[str]:
    """Yield a sentence for each field whose value has the wrong type, or is not a possible one."""
    hints = get_type_hints(type(described))
    for one in fields(described):
        value, hint = getattr(described, one.name), hints[one.name]
        if get_origin(hint) is Literal:
            good = value in get_args(hint)
            wanted = " or ".join(map(repr, get_args(hint)))
        elif one.name in SHAPES:
            good, wanted = SHAPES[one.name][0](value), SHAPES[one.name][1]
        elif hint is bool:
            good, wanted = isinstance(value, bool), "True or False"
        elif hint is str and not one.name.endswith("url"):
            good, wanted = isinstance(value, str), "text"
        else:
            continue
        if not good:
            shown = _shown(value) if one.repr else f"of the type {type(value).__name__}"
            yield f"{one.name}{of} is {shown}; wanted: {wanted}."


def _is_names(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(name, str) and re.fullmatch(r"\S+", name) for name in value
    )


def _is_params(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(part, str) for pair in value.items() for part in pair
    )


def _is_implied(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_names(more) for name, more in value.items()
    )


def _is_already(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, int | str) for one in value)


SHAPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "scopes": (_is_names, NAMES),
    "same_grant": (_is_names, NAMES),
    "issuer": (lambda value: value is None or isinstance(value, str), "text, or None"),
    "authorize_params": (_is_params, 'a dict of texts, such as {"access_type": "offline"}'),
    "implied_scopes": (_is_implied, "a dict of a scope and a tuple of scopes"),
    "already": (_is_already, "a tuple of statuses and names, such as (404, 'invalid_token')"),
}


def _is_address(url: object) -> bool:
    """Return whether the bot may send a secret there."""
    if not isinstance(url, str) or re.search(r"\s", url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # which raises `ValueError` for nonsense
        here = is_loopback(host)
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def _shown(value: Any) -> str:
    """Return a wrong value as it can be shown; `...` is often left over from an example."""
    if value is ...:
        return "..."
    return repr(value) if len(repr(value)) <= 60 else f"a long {type(value).__name__}"
