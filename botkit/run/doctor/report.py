"""Keep what the doctor found: `Check` is one line, `Diagnosis` has them all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "wrong", "note"]
MARKS: dict[State, str] = {"ok": "✔", "wrong": "✘", "note": "–"}


@dataclass(frozen=True)
class Check:
    """One line of the doctor.

    `check` is its name, `text` is what was found, and `advice` is what to do.  A `note` is neither
    good nor bad: it is information, or something that was not looked at.
    """

    check: str
    state: State
    text: str
    advice: str = ""


def ok(check: str, text: str, advice: str = "") -> Check:
    """Return a check that found nothing wrong."""
    return Check(check, "ok", text, advice)


def wrong(check: str, text: str, advice: str) -> Check:
    """Return a check that found something wrong.  It must have advice."""
    return Check(check, "wrong", text, advice)


def note(check: str, text: str, advice: str = "") -> Check:
    """Return a check that is neither good nor bad."""
    return Check(check, "note", text, advice)


class Diagnosis:
    """All checks in order.  A cell shows them as text."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self.checks = tuple(checks)

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return not any(check.state == "wrong" for check in self.checks)

    @property
    def json(self) -> str:
        """The checks as a JSON list of objects with the fields of `Check`."""
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
