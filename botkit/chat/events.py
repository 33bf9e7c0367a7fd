"""Read a webhook delivery into an `Event` for the skills.

Start with `read_event`.  Webhooks name the kinds of chats as RingCentral's old API does.  The new
API has other names for two of them; here they always have the old names.

Not here: the request that brings a delivery (`botkit.bot.webhook`).

Source: RingCentral developer guide, "Team Messaging events" and "Receiving webhooks".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

REMINDER = "/restapi/v1.0/subscription/~"  # how the `event` of a reminder begins
OLD_TYPES = {"Direct": "PrivateChat", "Personal": "PersonalChat"}  # the other names are the same

Kind = Literal["BotJoinGroup", "Message4Bot", "BotLeftGroup", "BotRemoved", "SubscriptionEnds"]


@dataclass(frozen=True)
class Event:
    """Something in the chat that concerns the bot; the original framework named the kinds.

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
    """Return what a webhook delivery means for the bot; None if it means nothing.

    `eventType` decides and not `event`, because `event` may say "posts" for other events too.
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
        return None  # the bot's own messages are delivered too
    if body.get("type", "TextMessage") != "TextMessage":
        return None  # someone entered the chat, or it is a card
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
    """Return the name that webhooks have for a kind of chat."""
    return OLD_TYPES.get(str(name), str(name or ""))
