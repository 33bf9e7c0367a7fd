"""What the bot can do: one file a skill.

A skill sees every event of the chat, in turn, and learns whether an earlier skill has handled it.
A skill that connects accounts names its `provider`; the web app then mounts the callback's route
and calls `connected` when a connection has been stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from botkit.events import Event
from botkit.providers import Provider
from botkit.tables import Service


class Skill(Protocol):
    """The shape that every skill has."""

    provider: Provider

    def handle(self, event: Event, handled: bool) -> bool:
        """React to `event`; return whether it is now handled."""
        ...

    def connected(self, service: Service) -> None:
        """Say in the chat that `service` has been connected."""
        ...


def run_skills(skills: Sequence[Skill], event: Event) -> bool:
    """Offer the event to each skill in order; return whether one handled it."""
    handled = False
    for skill in skills:
        handled = skill.handle(event, handled) or handled
    return handled
