"""Talk with RingCentral's team messaging, the chat that the bot is in.

Start with `events.py`, which reads what RingCentral delivers, then `ringcentral.py`: `Chat` sends
messages and keeps to RingCentral's limits.  `installation.py` installs and removes bots, and
`subscription.py` keeps their deliveries coming.

Not here: RingCentral as a service that people connect (`botkit.providers.ringcentral`).
"""

from __future__ import annotations

from botkit.chat.events import Event, read_event, read_id, read_text
from botkit.chat.installation import Installation, as_provider, not_here
from botkit.chat.ringcentral import (
    EXTENSION,
    LONGEST_POST,
    Chat,
    Refusal,
    chat_path,
    group_members,
    plain,
    refusal_of,
)
from botkit.chat.subscription import UNREACHABLE, webhook_of

__all__ = [
    "EXTENSION",
    "LONGEST_POST",
    "UNREACHABLE",
    "Chat",
    "Event",
    "Installation",
    "Refusal",
    "as_provider",
    "chat_path",
    "group_members",
    "not_here",
    "plain",
    "read_event",
    "read_id",
    "read_text",
    "refusal_of",
    "webhook_of",
]
