"""Say which account is connected, for any service.

The smallest skill: it needs nothing but the description of a provider.  `connect` and `disconnect`
come with every skill (`base.py`).
"""

from __future__ import annotations

from typing import Any

from botkit.chat import plain
from botkit.oauth import read_account
from botkit.skills.call import Call
from botkit.skills.skill import Skill, command
from botkit.storage import Service


class AccountSkill(Skill):
    """I know whose {title} account it is."""

    def __init__(self, *parts: Any) -> None:
        _, _, provider, *_ = parts
        self.word = provider.slug
        super().__init__(*parts)

    @command("{word}", "says which {title} account is connected")
    def whose(self, call: Call) -> str:
        """Ask the provider for the name, so that a revoked connection is noticed."""
        one = self.provider
        answer = call.api.request(one.account_method, one.account_url or one.api_url)
        name = plain(read_account(one, answer)["name"])
        return f"You are connected to {self.title} as **{name}**."

    def welcome(self, service: Service) -> str:
        return f"Say **{self.word}** to see which {self.title} account is connected."
