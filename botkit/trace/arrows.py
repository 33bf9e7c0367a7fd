"""Turn exchanges into arrows, for both drawings of a trace.

Start with `arrows_of`.  Both drawings leave out what is the same on every trip.  An answer has its
own arrow only if it contains something: a code, a token, an error.

Widths are in cells, where a cell is one letter of a monospaced font.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botkit.trace.exchange import Exchange

#: The lanes from left to right: parties that exchange most are neighbours; others come after.
PARTIES = ("you", "chat", "bot", "browser", "GitHub")
#: Fields that are the same on every trip, or explain nothing.
LEFT_OUT_FIELDS = {
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
    """One message in a drawing.

    `start` and `end` are lanes, counted from the left.  `number` is 0 for an answer.  `failed` is
    for statuses from 400 and for errors.
    """

    start: int
    end: int
    channel: str
    number: int
    label: str
    fields: Sequence[tuple[str, str]]
    status: str = ""  # written at the tip
    failed: bool = False

    @property
    def style(self) -> str:
        """`front`, `back` or `answer`: how the line is drawn."""
        return self.channel if self.number else "answer"

    @property
    def gap(self) -> int:
        """The lane to the left of the space where the texts of the arrow are written."""
        return self.start if self.end > self.start else max(self.start - 1, 0)


def lanes_of(exchanges: Sequence[Exchange]) -> list[str]:
    """Return the parties from left to right."""
    seen = dict.fromkeys(name for e in exchanges for name in (e.sender, e.receiver))
    return [name for name in PARTIES if name in seen] + [n for n in seen if n not in PARTIES]


def arrows_of(exchanges: Sequence[Exchange], details: bool) -> Iterator[Arrow]:
    """Yield the arrows in order; without `details` they have no fields."""
    lanes = lanes_of(exchanges)
    for last, e in zip([None, *exchanges], exchanges, strict=False):
        start, end = lanes.index(e.sender), lanes.index(e.receiver)
        # A form repeats the parameters of its page's address.
        of_page = last and (last.method, last.path, e.method) == ("GET", e.path, "POST")
        known = last.fields if last and of_page else ()
        asked = [f for f in e.fields if details and f[0] not in LEFT_OUT_FIELDS and f not in known]
        if len(asked) > 1:  # the token matters most where there is nothing else
            asked = [f for f in asked if f[0] != "Authorization"]
        brought = [f for f in e.answer if details and f[0] not in LEFT_OUT_FIELDS]
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
    """Return the width of `text` in cells."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def cut(text: str, room: int) -> str:
    """Return `text`, or its beginning and an ellipsis, at most `room` cells wide."""
    if width_of(text) <= room:
        return text
    while text and width_of(text) > room - 1:
        text = text[:-1]
    return text + "…"


def fit(label: str, room: int) -> str:
    """Return a label at most `room` cells wide.

    It loses the beginning of its path, because the end says more.
    """
    first, _, path = label.partition(" ")
    while width_of(f"{first} {path}") > room and "/" in path[2:]:
        path = "…" + path[path.index("/", 2) :]
    return cut(f"{first} {path}".strip(), room)


def field_lines(arrow: Arrow, room: int) -> list[tuple[str, str]]:
    """Return the fields as pairs of a name and a line of at most `room` cells."""
    return [
        (name, line) for name, value in arrow.fields for line in _wrap(f"{name} = {value}", room)
    ]


def _wrap(text: str, room: int) -> list[str]:
    """Return at most three lines, broken at spaces and slashes, never inside a label."""
    lines = [""]
    for piece in re.findall(r"\s*(?:‹[^‹›]*›|[^\s/])+/?|\s*/", text):
        if lines[-1] and width_of(lines[-1] + piece) > room:
            lines.append("  " + piece.strip())
        else:
            lines[-1] += piece
    rest = lines[2:3] + [line[1:] for line in lines[3:]]
    return [cut(line, room) for line in [*lines[:2], "".join(rest)] if line]
