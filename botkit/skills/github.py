"""Show a person's GitHub profile when they say `profile`.

The three steps come together here.  Without a connection the reply is an auth link (step 1), and
the web app does step 2.  With a connection, `profile` calls the API (step 3).

Not here: what every skill does, such as `connect github` (`base.py`, `help.py`).
"""

from __future__ import annotations

import json
from typing import Any

from botkit.chat import Event, plain
from botkit.errors import ProviderNonsense
from botkit.oauth import read_fields
from botkit.skills.base import ServiceSkill
from botkit.storage import Service

LONGEST = 500  # characters of one value
# What a chat that others read may show: the private email address is not among it.
PUBLIC = ("login", "name", "bio", "company", "location", "public_repos", "followers", "html_url")


class GitHubSkill(ServiceSkill):
    word = "github"
    introduction = "I show GitHub profiles."
    commands = {"profile": "shows your GitHub profile"}
    remove_at = "in your GitHub settings, under “Applications”"

    def answer(self, event: Event, command: str) -> bool:
        if command != "profile":
            return False
        service = self.find_or_send_link(event)
        if service is not None:
            self._profile(event, service)
        return True

    def welcome(self, service: Service) -> str:
        return "Say **profile** to see the profile."

    def _profile(self, event: Event, service: Service) -> None:
        with self.replying_errors(event):
            with self.api(service) as api:
                answer = api.get("/user")
            profile = read_fields(answer)
            if answer.status_code != 200 or not isinstance(profile.get("login"), str):
                raise ProviderNonsense(
                    f"GitHub sent no profile (it answered {answer.status_code})."
                )
            self.reply(event, _profile_text(profile))


def _profile_text(profile: Any) -> str:
    shown = {key: _shown(profile[key]) for key in PUBLIC if isinstance(profile.get(key), str | int)}
    code = json.dumps(shown, indent=2, ensure_ascii=False)
    return (
        "Here is your GitHub profile:\n"
        f"**{shown.get('login', 'unknown')}**: {shown.get('public_repos', 0)} public repositories, "
        f"{shown.get('followers', 0)} followers\n[code]{code}[/code]"
    )


def _shown(value: str | int) -> Any:
    """Return a value so that it cannot end the block of code, and fits into a message."""
    return plain(value[:LONGEST]) if isinstance(value, str) else value
