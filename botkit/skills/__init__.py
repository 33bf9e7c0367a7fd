"""What the bot can do: one file a skill, all of the same shape.

A skill sees every event of the chat, in turn, and learns whether an earlier skill has handled it.
`base.py` holds what all of them do alike: connect an account, find the connection, end it, and say
what went wrong.  `reception.py` comes last: it greets, helps, and answers what nobody understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from botkit.chat.events import Event


class Skill(Protocol):
    """Whatever takes its turn."""

    def handle(self, event: Event, handled: bool) -> bool:
        """React to `event`; return whether it is now handled."""
        ...


def run_skills(skills: Sequence[Skill], event: Event) -> bool:
    """Offer the event to each skill in order; return whether one handled it."""
    handled = False
    for skill in skills:
        handled = skill.handle(event, handled) or handled
    return handled
