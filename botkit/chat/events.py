"""What RingCentral tells the bot: a webhook delivery becomes an `Event` for the skills.

Webhooks name the kinds of chats as RingCentral's old API does, the new API has other names for two
of them; here they have the old names always.

Source: RingCentral developer guide, "Team Messaging events" and "Receiving webhooks".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

REMINDER = "/restapi/v1.0/subscription/~"  # how the `event` of a reminder begins
OLD_TYPES = {"Direct": "PrivateChat", "Personal": "PersonalChat"}  # the other names are the same
REMEMBERED = 2_000  # names of deliveries and messages; each message has two

Kind = Literal["BotJoinGroup", "Message4Bot", "BotLeftGroup", "BotRemoved", "SubscriptionEnds"]


@dataclass(frozen=True)
class Event:
    """Something in the chat that concerns the bot; the kinds are named as the original names them.

    `user_id`, `text` (without the mention, in one line), `written` (the same with the spaces and
    line breaks that were typed) and `mentioned` belong to Message4Bot, `group_type` to
    BotJoinGroup: PrivateChat, PersonalChat (with itself), Group, Team or Everyone.
    """

    kind: Kind
    bot_id: str
    group_id: str = ""
    user_id: str = ""
    text: str = ""
    mentioned: bool = False
    group_type: str = ""
    written: str = field(default="", compare=False)


def read_event(envelope: Mapping[str, Any]) -> Event | None:
    """What a webhook delivery means for the bot; None if it means nothing to it.

    We look at `eventType` and not at `event`: the latter may say "posts" for other events too.
    Only a reminder has no `eventType`.
    """
    body = envelope.get("body")
    bot_id = str(envelope.get("ownerId") or "")
    if bot_id and str(envelope.get("event")).startswith(REMINDER):
        return Event("SubscriptionEnds", bot_id)
    if not isinstance(body, Mapping) or not bot_id:
        return None
    kind, group_id = body.get("eventType"), str(body.get("id") or "")
    if kind == "PostAdded":
        return _message(body, bot_id)
    if kind == "GroupJoined" and group_id:
        return Event("BotJoinGroup", bot_id, group_id, group_type=old_type(body.get("type")))
    if kind == "GroupLeft" and group_id:
        return Event("BotLeftGroup", bot_id, group_id)
    if kind == "Delete" and str(body.get("extensionId")) == bot_id:
        return Event("BotRemoved", bot_id)
    return None


def _message(body: Mapping[str, Any], bot_id: str) -> Event | None:
    sender, group_id, text = body.get("creatorId"), body.get("groupId"), body.get("text")
    if not sender or not group_id or not isinstance(text, str) or str(sender) == bot_id:
        return None  # what the bot said itself comes back too
    if body.get("type", "TextMessage") != "TextMessage":
        return None  # somebody entered the chat, or a card
    mention = f"![:Person]({bot_id})"
    written = text.replace(mention, " ")
    return Event(
        "Message4Bot",
        bot_id,
        str(group_id),
        str(sender),
        text=" ".join(written.split()),
        mentioned=mention in text,
        written=written.strip(),
    )


def old_type(name: Any) -> str:
    """The name that webhooks have for a kind of chat."""
    return OLD_TYPES.get(str(name), str(name or ""))


class SeenDeliveries:
    """Remembers what came lately, so that nothing is answered twice.  Any thread may use it.

    This process asks only itself: RingCentral does not say that it delivers anything twice, and of
    two processes each could answer one of the two.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, ...], None] = {}  # a dict keeps its order
        self._lock = threading.Lock()

    def again(self, envelope: Mapping[str, Any]) -> bool:
        """Whether this delivery, or the message in it, came before."""
        owner, body = str(envelope.get("ownerId")), envelope.get("body")
        names = [("delivery", owner, str(envelope["uuid"]))] if envelope.get("uuid") else []
        if isinstance(body, Mapping) and body.get("eventType") == "PostAdded" and body.get("id"):
            names.append(("message", owner, str(body["id"])))
        with self._lock:
            again = any(name in self._names for name in names)
            self._names.update(dict.fromkeys(names))
            while len(self._names) > REMEMBERED:
                del self._names[next(iter(self._names))]
        return again

    def __repr__(self) -> str:
        return f"<SeenDeliveries: {len(self._names)} names>"
