"""A kit whose bot is the RingCentral assistant, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from botkit.lessons.kit import PRACTICE, Kit

API = "/restapi/v1.0/account/~"
ME = f"{API}/extension/~"
PRESENCE, NOTIFICATIONS = f"{ME}/presence", f"{ME}/notification-settings"


def assistant_kit() -> Kit:
    return Kit(replace(PRACTICE, skills=("ringcentral",)))


def connect(person: Any, chat: str = "direct") -> Any:
    """The person asks, gets the link, and approves."""
    person.say("@bot presence" if chat == "Team" else "presence", chat=chat)
    return person.browser.visit(person.link).approve()


def last(talk: Any) -> str:
    return str(talk.messages[-1][1])


def answer_next(kit: Kit, body: Any, path: str = API, status: int = 200, **headers: str) -> None:
    """RingCentral's next answer below `path` is this one; a text is sent as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    kit.world.ringcentral_app.trouble.next(path=path, status=status, body=text, headers=headers)


def calls(kit: Kit, path: str = "", method: str = "") -> list[Any]:
    """What the bot has asked the practice RingCentral."""
    seen = kit.world.ringcentral_app.requests_seen
    return [one for one in seen if path in one.path and method in one.method]
