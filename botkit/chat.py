"""RingCentral Team Messaging, as far as the bot uses it.

Out go messages (`Chat.send`) and the subscription that makes RingCentral call our webhook
(`Chat.install`).  In come webhook deliveries, which `read_event` turns into an `Event` for the
skills.  Source: RingCentral developer guide, "Team Messaging" and "Webhooks".
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import requests

from botkit.errors import ChatError, InstallRefused, ProviderError, ReconnectNeeded
from botkit.http import ApiSession
from botkit.storage import Storage
from botkit.tables import Bot

LONGEST_POST = 10_000  # characters, the chat's own limit
SUBSCRIPTION_SECONDS = 7 * 24 * 3600
EVENT_FILTERS = (
    "/team-messaging/v1/posts",
    "/team-messaging/v1/groups",
    "/restapi/v1.0/account/~/extension/~",
)
KNOWN_FOR = timedelta(minutes=10)  # how long we believe what we know about a chat

Kind = Literal["BotJoinGroup", "Message4Bot", "BotLeftGroup", "BotRemoved"]


@dataclass(frozen=True)
class Event:
    """Something in the chat that concerns the bot; the kinds are named as the original names them.

    `user_id`, `text` (without the mention) and `mentioned` belong to Message4Bot, `group_type` to
    BotJoinGroup.
    """

    kind: Kind
    bot_id: str
    group_id: str = ""
    user_id: str = ""
    text: str = ""
    mentioned: bool = False
    group_type: str = ""


@dataclass(frozen=True)
class GroupInfo:
    """What the bot needs to know about a chat."""

    name: str
    members: tuple[str, ...]
    is_direct: bool


class Chat:
    """The chat at `server` (RingCentral's address), for every bot in `storage`."""

    def __init__(self, storage: Storage, server: str) -> None:
        self._storage = storage
        self._server = server
        self._known: dict[tuple[str, str], tuple[datetime, GroupInfo]] = {}

    # ---- a bot arrives ---------------------------------------------------------------------

    def install(self, fields: Mapping[str, Any], webhook: str) -> Bot:
        """Take a private bot's token, which RingCentral posts to /bot/oauth, and subscribe.

        Anybody can post anything there, so the token is believed only after asking RingCentral
        whose it is.  `webhook` is the public address for deliveries.  Raises `ChatError`.
        """
        token = fields.get("access_token")
        if not isinstance(token, str) or not token:
            raise InstallRefused("The request brings no token for a bot.")
        with self._session(token) as api, _as_chat_error():
            answer = api.get("/restapi/v1.0/account/~/extension/~")
        bot_id = str(_json(answer).get("id", ""))
        if answer.status_code != 200 or not bot_id:
            raise InstallRefused("RingCentral does not know a bot with this token.")
        verification = secrets.token_urlsafe(24)
        bot = self._storage.save_bot(
            bot_id, token={"access_token": token}, data={"verificationToken": verification}
        )
        self.subscribe(bot, webhook)
        return bot

    def subscribe(self, bot: Bot, webhook: str) -> None:
        """Let RingCentral deliver the bot's events to `webhook`, and to no earlier address."""
        path = "/restapi/v1.0/subscription"
        for old in self._call(bot.id, "GET", path).get("records", ()):
            self._call(bot.id, "DELETE", f"{path}/{old['id']}")
        body = {
            "eventFilters": list(EVENT_FILTERS),
            "expiresIn": SUBSCRIPTION_SECONDS,
            "deliveryMode": {
                "transportType": "WebHook",
                "address": webhook,
                "verificationToken": (bot.data or {})["verificationToken"],
            },
        }
        answer = self._call(bot.id, "POST", path, json=body)
        self._storage.save_bot(bot.id, data={"subscriptionId": answer.get("id")})

    # ---- messages go out -------------------------------------------------------------------

    def send(self, bot_id: str, group_id: str, text: str) -> None:
        """Say `text` in a chat.  Raises `ChatError`."""
        if len(text) > LONGEST_POST:
            text = text[: LONGEST_POST - 1] + "…"
        self._call(
            bot_id, "POST", f"/team-messaging/v1/chats/{group_id}/posts", json={"text": text}
        )

    def group(self, bot_id: str, group_id: str) -> GroupInfo:
        """Name, members and kind of a chat, remembered for ten minutes.  Raises `ChatError`."""
        now = self._storage.now()
        moment, info = self._known.get((bot_id, group_id), (None, None))
        if info is None or moment is None or now - moment > KNOWN_FOR:
            info = _group_info(self._call(bot_id, "GET", f"/team-messaging/v1/chats/{group_id}"))
            self._known[(bot_id, group_id)] = (now, info)
        return info

    # ---- events come in --------------------------------------------------------------------

    def is_from_ringcentral(self, bot: Bot, verification_token: str) -> bool:
        """Whether a delivery carries the secret that we gave when we subscribed."""
        expected = (bot.data or {}).get("verificationToken") or ""
        return bool(expected) and hmac.compare_digest(
            expected.encode(), verification_token.encode()
        )

    def is_for_bot(self, event: Event) -> bool:
        """In a chat of two every message is for the bot; elsewhere only those that mention it."""
        if event.kind != "Message4Bot" or event.mentioned:
            return True
        return self.group(event.bot_id, event.group_id).is_direct

    # ---- how it talks to RingCentral -------------------------------------------------------

    def _call(self, bot_id: str, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        bot = self._storage.find_bot(bot_id)
        token = (bot.token or {}).get("access_token") if bot else None
        if not token:
            raise ChatError("This bot is not installed here.", advice="Install the bot again.")
        with self._session(token) as api, _as_chat_error():
            answer = api.request(method, path, **kwargs)
        if answer.status_code >= 400:
            raise ChatError(f"The chat did not accept this (it answered {answer.status_code}).")
        return _json(answer)

    def _session(self, token: str) -> ApiSession:
        return ApiSession("The chat", self._server, token)

    def __repr__(self) -> str:
        return "<Chat>"


def read_event(envelope: Mapping[str, Any]) -> Event | None:
    """What a webhook delivery means for the bot; None if it means nothing to it.

    We look at `eventType` and not at `event`: the latter may say "posts" for other events too.
    """
    body = envelope.get("body")
    bot_id = str(envelope.get("ownerId") or "")
    if not isinstance(body, Mapping) or not bot_id:
        return None
    kind = body.get("eventType")
    if kind == "PostAdded":
        return _message(body, bot_id)
    if kind == "GroupJoined":
        group_type = str(body.get("type") or "")
        return Event("BotJoinGroup", bot_id, str(body.get("id") or ""), group_type=group_type)
    if kind == "GroupLeft":
        return Event("BotLeftGroup", bot_id, str(body.get("id") or ""))
    if kind == "Delete" and str(body.get("extensionId")) == bot_id:
        return Event("BotRemoved", bot_id)
    return None


def _message(body: Mapping[str, Any], bot_id: str) -> Event | None:
    sender, group_id, text = body.get("creatorId"), body.get("groupId"), body.get("text")
    if not sender or not group_id or not isinstance(text, str) or str(sender) == bot_id:
        return None  # what the bot said itself comes back too
    mention = f"![:Person]({bot_id})"
    return Event(
        "Message4Bot",
        bot_id,
        str(group_id),
        str(sender),
        text=" ".join(text.replace(mention, " ").split()),
        mentioned=mention in text,
    )


def _group_info(answer: Mapping[str, Any]) -> GroupInfo:
    """A chat, in the new shape (members are objects) or the old one (members are strings)."""
    members = tuple(
        str(member.get("id") if isinstance(member, Mapping) else member)
        for member in answer.get("members") or ()
    )
    is_direct = answer.get("type") in ("Direct", "PrivateChat") or len(members) == 2
    return GroupInfo(str(answer.get("name") or ""), members, is_direct)


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _as_chat_error() -> Iterator[None]:
    try:
        yield
    except ReconnectNeeded as error:
        raise InstallRefused("RingCentral does not accept the token of this bot.") from error
    except ProviderError as error:
        raise ChatError(str(error)) from error
