"""Decide who owns a connection: one person in a chat, or the whole chat.

`services.userId` is the person who connected, and only that person's messages use the connection.
The connection of a skill that is *shared* belongs to the chat: then `userId` is the empty string.
`owner_of` is the only place that says so; step 2 and the skills ask it.
"""

from __future__ import annotations

from typing import Any, Protocol

BOUND_BY = "boundBy"  # where a shared connection's `data` remembers who connected it


class Asked(Protocol):
    """Something with a bot, a chat and a person: an event, an auth link or a held answer."""

    @property
    def bot_id(self) -> str: ...

    @property
    def group_id(self) -> str: ...

    @property
    def user_id(self) -> str: ...


def owner_of(asked: Asked, *, shared: bool) -> dict[str, str]:
    """Return the owner of the connection that `asked` is about.

    The keys are `bot_id`, `group_id` and `user_id`, as `Storage.find_service` and `save_service`
    take them.  `shared` says that the connection belongs to the chat.
    """
    user_id = "" if shared else asked.user_id
    return {"bot_id": asked.bot_id, "group_id": asked.group_id, "user_id": user_id}


def person_of(service: Any) -> str:
    """Return the person who made a connection, also a shared one; "" if nobody knows."""
    data = service.data if isinstance(service.data, dict) else {}
    found = service.user_id or data.get(BOUND_BY)
    return found if isinstance(found, str) else ""
