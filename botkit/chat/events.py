"""Read a webhook delivery into an `Event` for the skills.

Start with `read_event`.  Webhooks name the kinds of chats as RingCentral's old API does.  The new
API has other names for two of them; here they always have the old names.

Not here: the request that brings a delivery (`botkit.bot.webhook`).

Source: RingCentral developer guide, "Team Messaging events" and "Receiving webhooks".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

REMINDER = "/restapi/v1.0/subscription/~"  # how the `event` of a reminder begins
LONGEST_TEXT = 10_000  # characters of a message, the chat's own limit
MOST_MARKS = 30  # one after the other
OLD_TYPES = {"Direct": "PrivateChat", "Personal": "PersonalChat"}  # the other names are the same

Kind = Literal["BotJoinGroup", "Message4Bot", "BotLeftGroup", "BotRemoved", "SubscriptionEnds"]


@dataclass(frozen=True)
class Event:
    """Something in the chat that concerns the bot; the original framework named the kinds.

    `user_id`, `text` (without the mention, in one line, as `read_text` returns it), `written` (the
    text as it was typed, without the mention) and `mentioned` belong to Message4Bot, `group_type`
    to BotJoinGroup: PrivateChat, PersonalChat (with itself), Group, Team or Everyone.
    """

    kind: Kind
    bot_id: str
    group_id: str = ""
    user_id: str = ""
    text: str = ""
    mentioned: bool = False
    group_type: str = ""
    written: str = field(default="", compare=False)

    @property
    def command(self) -> str:
        """The text in lower case, without punctuation at its ends: “Profile.” is `profile`."""
        text = self.text.lower()
        ends = "".join(one for one in set(text) if unicodedata.category(one)[0] in "PZ")
        return text.strip(ends)


def read_event(envelope: Mapping[str, Any]) -> Event | None:
    """Return what a webhook delivery means for the bot; None if it means nothing.

    `eventType` decides and not `event`, because `event` may say "posts" for other events too.
    Only a reminder has no `eventType`.
    """
    body = envelope.get("body")
    bot_id = read_id(envelope.get("ownerId"))
    if bot_id and str(envelope.get("event")).startswith(REMINDER):
        return Event("SubscriptionEnds", bot_id)
    if not isinstance(body, Mapping) or not bot_id:
        return None
    kind, group_id = body.get("eventType"), read_id(body.get("id"))
    if kind == "PostAdded":
        return _message(body, bot_id)
    if kind == "GroupJoined" and group_id:
        return Event("BotJoinGroup", bot_id, group_id, group_type=old_type(body.get("type")))
    if kind == "GroupLeft" and group_id:
        return Event("BotLeftGroup", bot_id, group_id)
    if kind == "Delete" and read_id(body.get("extensionId")) == bot_id:
        return Event("BotRemoved", bot_id)
    return None


def _message(body: Mapping[str, Any], bot_id: str) -> Event | None:
    sender, group_id = read_id(body.get("creatorId")), read_id(body.get("groupId"))
    text = body.get("text")
    if not sender or not group_id or not isinstance(text, str) or sender == bot_id:
        return None  # the bot's own messages are delivered too
    if body.get("type", "TextMessage") != "TextMessage":
        return None  # someone entered the chat, or it is a card
    mention = f"![:Person]({bot_id})"
    written = text.replace(mention, " ")
    return Event(
        "Message4Bot",
        bot_id,
        group_id,
        sender,
        text=read_text(written),
        mentioned=mention in text,
        written=_without_blank_ends(written),
    )


# Letters and signs without a shape of their own, which are in no group of their own in Unicode.
BLANKS = frozenset("\u115f\u1160\u2800" + "".join(map(chr, range(0xFE00, 0xFE10))))


def read_text(typed: str) -> str:
    """Return what was typed, in one line and in the form in which it can be compared.

    Full-width and other forms of a letter or digit become the plain one.  Characters that nobody
    sees, such as a zero-width space that was copied along, are left out.  Source: Unicode Standard
    Annex #15 (NFKC).

    Anyone can send a million signs before it is known who sends them.  So what is longer than a
    message can be is cut off, and again later, for one sign can become eighteen letters.
    """
    plain = unicodedata.normalize("NFKC", _stream_safe(typed[:LONGEST_TEXT]))[:LONGEST_TEXT]
    return " ".join("".join(one for one in plain if not _is_invisible(one)).split())


def _stream_safe(text: str) -> str:
    """Leave out all marks but the first thirty of a letter.

    To put them into order takes time with the square of their number: ten seconds for fifty
    thousand.  No language has that many.  Source: Unicode Standard Annex #15, section 13.
    """
    if text.isascii():
        return text
    kept, marks = [], 0
    for one in text:
        first = unicodedata.normalize("NFKD", one)[0]
        marks = marks + 1 if unicodedata.combining(first) else 0
        if marks <= MOST_MARKS:
            kept.append(one)
    return "".join(kept)


def _without_blank_ends(typed: str) -> str:
    ends = "".join(one for one in set(typed) if one.isspace() or _is_invisible(one))
    return typed.strip(ends)


def _is_invisible(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind == "Cf" or (kind == "Cc" and not character.isspace()) or character in BLANKS


def old_type(name: Any) -> str:
    """Return the name that webhooks have for a kind of chat; "" if it is no name at all."""
    return OLD_TYPES.get(name, name) if isinstance(name, str) else ""


def read_id(value: Any) -> str:
    """Return an id, which RingCentral sends as text or as a number; "" for anything else."""
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if known else ""
