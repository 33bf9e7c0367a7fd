"""Say which account is connected, for any service.

The smallest skill: it needs nothing but the description of a provider.  `connect` and `disconnect`
come with every skill (`base.py`).
"""

from __future__ import annotations

from typing import Any

from botkit.chat import Event, plain
from botkit.oauth import read_account
from botkit.skills.base import ServiceSkill
from botkit.storage import Service


class AccountSkill(ServiceSkill):
    """A skill made from a provider: its command is the provider's slug."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.word = self.provider.slug
        self.introduction = f"I know whose {self.title} account it is."
        self.commands = {self.word: f"says which {self.title} account is connected"}
        self.remove_at = f"in your {self.title} settings"

    def welcome(self, service: Service) -> str:
        return f"Say **{self.word}** to see which {self.title} account is connected."

    def answer(self, event: Event, command: str) -> bool:
        if command != self.word:
            return False
        service = self.find_or_send_link(event)
        if service is not None:
            with self.replying_errors(event):
                name = plain(self._name(service))
                self.reply(event, f"You are connected to {self.title} as **{name}**.")
        return True

    def _name(self, service: Service) -> str:
        """Ask the provider for the name, so that a revoked connection is noticed."""
        one = self.provider
        with self.api(service) as api:
            return str(read_account(one, api.get(one.account_url or one.api_url))["name"])
