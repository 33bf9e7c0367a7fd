"""From exchanges to arrows: what both drawings of a trace have in common.

Both leave out what is the same on every trip, and an answer is an arrow of its own only when it
brings something (a code, a token, an error).  Texts are measured in cells, the width of a letter of
a monospaced font.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botkit.trace.exchange import Exchange

#: The lanes from left to right, so that those who talk most are neighbours; others come after.
PARTIES = ("you", "chat", "bot", "browser", "GitHub")
DULL = {
    "Location", "client_id", "response_type", "code_challenge_method", "grant_type", "iss",
    "token_type", "expires_in", "error_uri",
}  # fmt: skip
LEGEND = {
    "front": "front channel, through the browser",
    "back": "back channel, server to server",
    "answer": "what comes back",
}


@dataclass(frozen=True)
class Arrow:
    """`start` and `end` are lanes, counted from the left.  An answer has the number 0."""

    start: int
    end: int
    channel: str
    number: int
    label: str
    fields: Sequence[tuple[str, str]]
    status: str = ""  # stands at the tip
    failed: bool = False

    @property
    def style(self) -> str:
        return self.channel if self.number else "answer"

    @property
    def gap(self) -> int:
        """The lane left of the space beside the sender, where the texts of the arrow stand."""
        return self.start if self.end > self.start else max(self.start - 1, 0)


def lanes_of(exchanges: Sequence[Exchange]) -> list[str]:
    seen = dict.fromkeys(name for e in exchanges for name in (e.sender, e.receiver))
    return [name for name in PARTIES if name in seen] + [n for n in seen if n not in PARTIES]


def arrows_of(exchanges: Sequence[Exchange], details: bool) -> Iterator[Arrow]:
    lanes = lanes_of(exchanges)
    for last, e in zip([None, *exchanges], exchanges, strict=False):
        start, end = lanes.index(e.sender), lanes.index(e.receiver)
        # A form repeats what stands in the address of its page.
        of_page = last and (last.method, last.path, e.method) == ("GET", e.path, "POST")
        known = last.fields if last and of_page else ()
        asked = [f for f in e.fields if details and f[0] not in DULL and f not in known]
        if len(asked) > 1:  # who asks matters most where nothing else is said
            asked = [f for f in asked if f[0] != "Authorization"]
        brought = [f for f in e.answer if details and f[0] not in DULL]
        status, failed = str(e.status or ""), bool(e.error) or (e.status or 0) >= 400
        if e.error:
            asked.append(("error", f"✗ {e.error}"))
        if start == end:
            asked, brought = asked + brought, []
        at_tip = "" if brought else status
        label = f"{e.method} {e.path}"
        yield Arrow(start, end, e.channel, e.number, label, asked, at_tip, failed)
        if brought:
            target = dict(e.answer).get("Location")
            label = f"{status} → {target}" if target else status
            yield Arrow(end, start, e.channel, 0, label, brought, failed=failed)


def width_of(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def cut(text: str, room: int) -> str:
    """`text`, or its beginning and an ellipsis."""
    if width_of(text) <= room:
        return text
    while text and width_of(text) > room - 1:
        text = text[:-1]
    return text + "…"


def fit(label: str, room: int) -> str:
    """A label that is too long loses the beginning of its path: the end tells more."""
    first, _, path = label.partition(" ")
    while width_of(f"{first} {path}") > room and "/" in path[2:]:
        path = "…" + path[path.index("/", 2) :]
    return cut(f"{first} {path}".strip(), room)


def field_lines(arrow: Arrow, room: int) -> list[tuple[str, str]]:
    """The fields of an arrow as lines of at most `room` cells, each with the name of its field."""
    return [
        (name, line) for name, value in arrow.fields for line in _wrap(f"{name} = {value}", room)
    ]


def _wrap(text: str, room: int) -> list[str]:
    """At most three lines, broken at a space or after a slash, but not in a label."""
    lines = [""]
    for piece in re.findall(r"\s*(?:‹[^‹›]*›|[^\s/])+/?|\s*/", text):
        if lines[-1] and width_of(lines[-1] + piece) > room:
            lines.append("  " + piece.strip())
        else:
            lines[-1] += piece
    rest = lines[2:3] + [line[1:] for line in lines[3:]]
    return [cut(line, room) for line in [*lines[:2], "".join(rest)] if line]
