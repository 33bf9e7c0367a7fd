"""What the doctor found: one `Check` a line, and the `Diagnosis` that holds them in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "wrong", "note"]
MARKS: dict[State, str] = {"ok": "✔", "wrong": "✘", "note": "–"}


@dataclass(frozen=True)
class Check:
    """One line: `check` is its name, `text` what was found, `advice` what to do about it.

    A `note` is neither good nor bad: something to know, or something that was not looked at.
    """

    check: str
    state: State
    text: str
    advice: str = ""


def ok(check: str, text: str, advice: str = "") -> Check:
    return Check(check, "ok", text, advice)


def wrong(check: str, text: str, advice: str) -> Check:
    """Whoever says that something is wrong must say what to do."""
    return Check(check, "wrong", text, advice)


def note(check: str, text: str, advice: str = "") -> Check:
    return Check(check, "note", text, advice)


class Diagnosis:
    """All checks in order.  In a notebook it shows its text."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self.checks = tuple(checks)

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return not any(check.state == "wrong" for check in self.checks)

    @property
    def json(self) -> str:
        """A list of objects with `check`, `state` (ok, wrong or note), `text` and `advice`."""
        return json.dumps([asdict(check) for check in self.checks], indent=2)

    def __repr__(self) -> str:
        lines = []
        for check in self.checks:
            lines.append(f"{MARKS[check.state]} {check.text}")
            lines += [f"    {line}" for line in check.advice.splitlines()]
        end = "Everything is ready."
        if not self.ready:
            end = "Repair the lines marked ✘, from the top. Then ask the doctor again."
        return "\n".join([*lines, end])
