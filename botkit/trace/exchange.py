"""Choose what is shown of a request and its answer.

Start with `Exchange`, the record that a trace keeps.  A webhook has an envelope, an API answers
with a hundred members, and a link takes four lines.  The functions below pick the few fields that
explain the trip.

Not here: hiding secrets.  `trace.py` redacts every value before it keeps it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from botkit.trace.labels import is_known_name, kind_of

Pairs = list[tuple[str, str]]
Headers = Mapping[str, Any]

LONGEST_BODY = 64 * 1024  # bytes; a longer one passes unread
LONGEST_VALUE = 60  # characters
SHOWN_HEADERS = (  # of a request
    "Authorization",
    "X-Goog-Resource-State",
    "X-Goog-Channel-ID",
    "X-Goog-Channel-Token",
)
NOTHING = "Nothing has been recorded yet."


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, with labels instead of secrets.

    `fields` and `answer` are pairs of a name and the value as shown.  `status` is None until there
    is an answer.  `error` is the name of the exception if there will be none.
    """

    sender: str
    receiver: str
    method: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()
    status: int | None = None
    answer: tuple[tuple[str, str], ...] = ()
    error: str = ""
    number: int = 0  # its position in the trip, from 1

    @property
    def channel(self) -> str:
        """`front` or `back`.

        The front channel goes through a person's browser, where others can read and forge it.
        """
        return "front" if self.sender == "browser" else "back"


def listing(exchanges: Iterable[Exchange]) -> str:
    """Return every exchange with all its fields; ← marks the fields of an answer."""
    lines = []
    for e in exchanges:
        outcome = e.error or e.status or "no answer yet"
        ends = f"{e.sender} → {e.receiver}"
        lines.append(f"{e.number}. {ends}  {e.method} {e.path} [{outcome}]  ({e.channel} channel)")
        lines += [f"     {name} = {value}" for name, value in e.fields]
        lines += [f"     ← {name} = {value}" for name, value in e.answer]
    return "\n".join(lines) or NOTHING


def body_pairs(headers: Headers, body: Any) -> Pairs:
    """Return the fields of a form, or the members of a JSON object worth showing."""
    if not isinstance(body, str | bytes) or len(body) > LONGEST_BODY:
        return []
    kind = as_text(headers.get("Content-Type", ""))
    if "x-www-form-urlencoded" in kind:
        return parse_qsl(as_text(body), keep_blank_values=True)
    return _json_pairs(as_text(body)) if "json" in kind else []


def as_text(value: str | bytes) -> str:
    """Return a string for bytes, whatever they are, and a string as it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _json_pairs(text: str) -> Pairs:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(members, dict):
        return []
    if isinstance(event := members.get("body"), dict):  # a webhook's envelope
        members = members | event
    if isinstance(members.get("text"), str):  # a message speaks for itself
        members = {"text": members["text"]}
    return [
        (name, str(value))
        for name, value in members.items()
        if is_known_name(name) and isinstance(value, str | int) and value != ""
    ]


def target(name: str, url: str) -> Pairs:
    """Return where a URL leads, and which of its parameters are worth showing."""
    address, _, query = url.partition("#")[0].partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return [(name, address), *((n, v) for n, v in pairs if is_known_name(n))]


def without_link(text: str) -> tuple[str, Pairs]:
    """Take the auth link out of a message.

    Return the message with … instead of the first link that has a secret in it, and the parts of
    that link.
    """
    for url in re.findall(r"https?://[^\s<>()\[\]\"']+", text):
        (link, *pairs) = target("link", url)
        if secrets := [pair for pair in pairs if kind_of(pair[0])]:
            return text.replace(url, "…"), [link, *secrets]
    return text, []


def shorten(text: str) -> str:
    """Return `text`, cut to `LONGEST_VALUE` characters, but never inside a label."""
    if len(text) <= LONGEST_VALUE:
        return text
    cut = text[: LONGEST_VALUE - 1]
    if cut.rfind("‹") > cut.rfind("›"):  # not through a label
        cut = cut[: cut.rfind("‹")]
    return cut + "…"
