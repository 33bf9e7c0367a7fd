"""Describe people, chats and posts in the two shapes that RingCentral sends.

RingCentral speaks of chats in two ways.  The new API (`/team-messaging/v1/chats`) sends members as
objects and calls a two-person chat `Direct`; the old API (`/restapi/v1.0/glip/groups`) *and every
webhook* send members as plain strings and call it `PrivateChat`.  A client that mixes them up does
not find itself among the members, so both shapes are here, side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

ACCOUNT_ID = "2100000"  # the company's
OLD_TYPES = {"Direct": "PrivateChat", "Personal": "PersonalChat"}  # the other names are the same


def timestamp(moment: datetime) -> str:
    """Write an aware UTC datetime as RingCentral does: `2026-11-24T05:30:00.000Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Person:
    """A person or bot that can write in a chat.  `id` is the extension id, a string of digits."""

    id: str
    name: str


@dataclass
class Chat:
    """A conversation.  `type` is Direct, Personal, Team or Everyone; `members` are person ids."""

    id: str
    type: str
    name: str | None
    members: tuple[str, ...]
    created: datetime
    modified: datetime

    def in_new_shape(self) -> dict[str, Any]:
        """Return the chat as `/team-messaging/v1/chats/{id}` answers (TMChatInfo)."""
        shape = self._common()
        shape |= {"type": self.type, "members": [{"id": member} for member in self.members]}
        if self.type == "Team":
            shape["public"] = False
        return shape

    def in_old_shape(self) -> dict[str, Any]:
        """Return the chat as `/restapi/v1.0/glip/groups/{id}` answers, and as webhooks have it."""
        shape = self._common()
        shape |= {"type": OLD_TYPES.get(self.type, self.type), "members": list(self.members)}
        return shape | {"isPublic": False}

    def _common(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "description": None,
            "status": "Active",
            "creationTime": timestamp(self.created),
            "lastModifiedTime": timestamp(self.modified),
        }


@dataclass(frozen=True)
class Post:
    """One message.  `creator` is the name to show, `mentions` the people that `text` mentions."""

    id: str
    chat_id: str
    creator_id: str
    creator: str
    text: str
    mentions: tuple[Person, ...]
    created: datetime

    def shape(self) -> dict[str, Any]:
        """Return the post as the API answers (TMPostInfo).

        A webhook adds `eventType` to the same fields.
        """
        mentions = [{"id": one.id, "type": "Person", "name": one.name} for one in self.mentions]
        return {
            "id": self.id,
            "groupId": self.chat_id,
            "type": "TextMessage",
            "text": self.text,
            "creatorId": self.creator_id,
            "addedPersonIds": None,
            "creationTime": timestamp(self.created),
            "lastModifiedTime": timestamp(self.created),
            "attachments": [],
            "activity": None,
            "title": None,
            "iconUri": None,
            "iconEmoji": None,
            "mentions": mentions or None,
        }
