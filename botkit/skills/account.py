"""The smallest skill, for any service: it says which account is connected.

It is what a bot can do with a provider of which it knows nothing but the description.  `connect`
and `disconnect` come with every skill.
"""

from __future__ import annotations

from typing import Any

from botkit.chat import Event, plain
from botkit.oauth import read_account
from botkit.skills.base import ServiceSkill
from botkit.storage import Service


class AccountSkill(ServiceSkill):
    """Its words are made of the provider: the command is the slug."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.word = self.provider.slug
        self.introduction = f"I know whose {self.title} account it is."
        self.commands = {self.word: f"says which {self.title} account is connected"}
        self.remove_at = f"in your {self.title} settings"

    def welcome(self, service: Service) -> str:
        return f"Say **{self.word}** to see which {self.title} account is connected."

    def answer(self, event: Event, command: str) -> bool:
        if command != self.word:
            return False
        service = self.found(event)
        if service is not None:
            with self.telling(event):
                name = plain(self._name(service))
                self.say(event, f"You are connected to {self.title} as **{name}**.")
        return True

    def _name(self, service: Service) -> str:
        """Asked anew, so that a connection which has ended is noticed."""
        one = self.provider
        with self.api(service) as api:
            return str(read_account(one, api.get(one.account_url or one.api_url))["name"])
