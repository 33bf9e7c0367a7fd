"""Show a person's GitHub profile when they say `profile`.

The three steps come together here.  Without a connection the reply is an auth link (step 1), and
the web app does step 2.  With a connection, `profile` calls the API (step 3).

Not here: what every skill does, such as `connect github` (`base.py`, `help.py`).
"""

from __future__ import annotations

import json
from typing import Any

from botkit.chat import plain
from botkit.errors import ProviderNonsense
from botkit.providers import github
from botkit.skills.call import Call
from botkit.skills.skill import Skill, command
from botkit.storage import Service

LONGEST = 500  # characters of one value
# What a chat that others read may show: the private email address is not among it.
PUBLIC = ("login", "name", "bio", "company", "location", "public_repos", "followers", "html_url")


class GitHubSkill(Skill):
    """I show GitHub profiles."""

    word, connects_to = "github", github
    remove_at = "in your GitHub settings, under “Applications”"

    @command("profile", "shows your GitHub profile")
    def profile(self, call: Call) -> str:
        profile = call.get("/user", what="profile", having="login")
        if not isinstance(profile["login"], str):
            raise ProviderNonsense("GitHub sent no profile (it answered 200).")
        return _profile_text(profile)

    def welcome(self, service: Service) -> str:
        return "Say **profile** to see the profile."


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
