"""How the RingCentral assistant understands a command, and how it words an answer.

RingCentral may leave out any field of any answer.  So every value is looked up step by step, and a
line about which nothing is said is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from botkit.chat import plain

LONGEST = 300  # characters of one value
NOT_SET = "not set"
APART = "I tell contact details only in a chat with you alone."

# What people say around a command, and other ways to say the same.
FILLERS = {
    *("a", "an", "the", "i", "me", "my", "our", "you", "your", "of", "for", "to", "please"),
    *("show", "tell", "give", "get", "view", "have", "can", "is", "are"),
    *("what", "what's", "what’s", "which"),
}
SAME = {
    "timezone": "time zone",
    "time-zone": "time zone",
    "e-mail": "email",
    "e-mails": "email",
    "emails": "email",
    "callerid": "caller id",
    "caller-id": "caller id",
    "dnd": "do not disturb",
}

Data = Mapping[str, Any]
Tell = Callable[[Data, bool], str]  # an answer, and whether others read along -> what is said


# ---- what people say ---------------------------------------------------------------------------


def normal(text: str) -> str:
    """A command without what stands around it: `What is my Timezone?` becomes `time zone`."""
    words = (word.strip(".,:;!?") for word in text.lower().split())
    return " ".join(SAME.get(word, word) for word in words if word and word not in FILLERS)


# ---- what RingCentral says ---------------------------------------------------------------------


def at(data: Any, path: str) -> Any:
    """The value at a path such as `serviceInfo.brand.name`; None if a step of it is missing."""
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def records(data: Any, path: str) -> list[Data]:
    """The objects of a list; what is no object is left out, and no list has none."""
    found = at(data, path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def said(value: Any) -> str:
    """A value as people read it; empty if there is nothing to read."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(filter(None, map(said, value)))[:LONGEST]
    text = " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
    return str(plain(text if len(text) <= LONGEST else f"{text[:LONGEST]}…"))


def spaced(value: Any) -> str:
    """One of RingCentral's names as words: `CallForwarding` becomes `Call forwarding`."""
    if not isinstance(value, str):
        return ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", value).split()
    small = [word if word.isupper() else word.lower() for word in words[1:]]
    return said(" ".join([*words[:1], *small]))


def named(names: Mapping[str, str]) -> Callable[[Any], str]:
    """RingCentral's names in ours; one that we do not know yet is spelled out."""
    return lambda value: (
        names[value] if isinstance(value, str) and value in names else spaced(value)
    )


# ---- answers -----------------------------------------------------------------------------------


class Row(NamedTuple):
    """One line: `paths` are tried in turn.  `private` lines are not for a chat that others read."""

    label: str
    paths: str  # with spaces between
    how: Callable[[Any], str] = said
    private: bool = False

    def value(self, data: Data) -> str:
        return next(filter(None, (self.how(at(data, path)) for path in self.paths.split())), "")


def listing(title: str, *rows: Row) -> Tell:
    """A line for each value."""

    def tell(data: Data, others: bool) -> str:
        known = [(row, value) for row in rows if (value := row.value(data))]
        shown = [f"{row.label}: {value}" for row, value in known if not (row.private and others)]
        return bullets(title, shown + [APART] * (len(shown) < len(known)))

    return tell


def sentence(title: str, *rows: Row) -> Tell:
    """All values in one line, each with its label in front if it has one."""

    def tell(data: Data, others: bool) -> str:
        parts = [f"{row.label} {value}".strip() for row in rows if (value := row.value(data))]
        return f"{title}: {', '.join(parts) or NOT_SET}."

    return tell


def bullets(title: str, lines: list[str]) -> str:
    """A title, and a line for each of `lines`."""
    return "\n* ".join([f"{title}:", *lines]) if lines else f"{title}: {NOT_SET}."
