"""What a check says, and guards of lesson 08 that look at nothing."""

from __future__ import annotations

from typing import Any

from botkit.lessons.check import Verdict


def said(verdict: Verdict) -> str:
    """What a check says to a wrong answer, on one line."""
    assert not verdict.solved
    return " ".join(verdict.text.split())


def always(*_: Any) -> bool:
    """A guard that lets everyone in."""
    return True


def never(*_: Any) -> bool:
    """A guard that refuses everyone."""
    return False
