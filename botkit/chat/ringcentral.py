"""Send messages to RingCentral Team Messaging, and ask about its chats.

Start with `Chat.send`, which writes a message into the outbox.  The worker says it with `Chat.say`.
Then read `Chat.call`: every request of a bot goes through it, and it keeps to RingCentral's rules
about how often a bot may ask.

Not here: how deliveries are read (`events.py`), and how a bot is installed (`installation.py`).

Sources: RingCentral developer guide, "Team Messaging", "Rate limits" and "API error codes".
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests

from botkit.chat.events import Event, old_type, read_id
from botkit.errors import (
    BotGone,
    ChatBusy,
    ChatError,
    InstallRefused,
    NotFound,
    ProviderError,
    TokenRefused,
)
from botkit.oauth import http
from botkit.settings import Registration
from botkit.storage import Bot, Storage, read_moment, reply_job

log = logging.getLogger("botkit")

LONGEST_NAME = 200  # characters of a chat's name
LONGEST_POST = 10_000  # characters, the chat's own limit
GROUP_INFO_LIFE = timedelta(minutes=10)  # after that a chat is asked about again
PENALTY_SECONDS = 30.0  # when the chat does not say for how long
LONGEST_PENALTY = 3600.0  # seconds; a chat that asks for more is not believed
MOST_GROUPS = 2_000  # chats that are remembered
RECENT_POSTS = 30  # where a message is looked for that may have been said already
CLOCKS_DIFFER = 5.0  # seconds by which RingCentral's clock may differ from ours
EXTENSION = "/restapi/v1.0/account/~/extension/~"  # the owner of the token
# Extension deleted, login to an extension required: only these say that the bot itself is gone.
BOT_GONE = ("OAU-232", "CMN-405")
# Token not found, invalid, expired, corrupted: these say only that this token is no longer good.
TOKEN_REFUSED = ("OAU-213", "OAU-149", "OAU-128", "OAU-129")
REFUSED = "refused"  # where a bot's `data` remembers that RingCentral refuses its token


@dataclass(frozen=True)
class Refusal:
    """RingCentral's refusal of a bot's token.

    `code` is the same `since` a moment, and RingCentral was last `asked` at another.
    """

    code: str
    since: datetime
    asked: datetime

    @property
    def bot_is_gone(self) -> bool:
        """Return whether it means that the bot itself was deleted."""
        return self.code in BOT_GONE


def refusal_of(data: Mapping[str, Any] | None) -> Refusal | None:
    """Return the refusal that the `data` of a bot's row remembers; None if there is none."""
    found = data.get(REFUSED) if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    since, asked = read_moment(found.get("since")), read_moment(found.get("asked"))
    return Refusal(str(found.get("code")), since, asked) if since and asked else None


@dataclass(frozen=True)
class GroupInfo:
    """What the bot needs to know about a chat; `type` as in `Event.group_type`."""

    name: str
    members: tuple[str, ...]
    type: str

    @property
    def is_direct(self) -> bool:
        """Whether it has two members, so that every message is for the other one."""
        return self.is_private or len(self.members) == 2

    @property
    def is_private(self) -> bool:
        """Whether it never had other members than these two; a team may have had others."""
        return self.type == "PrivateChat"


def plain(text: Any) -> Any:
    """Return what other people wrote, so that the chat shows it as plain text.

    A mention, a link and the end of a code block need square brackets.  They become others, which
    look alike.  A value that is not a string is returned unchanged.
    """
    return text.replace("[", "［").replace("]", "］") if isinstance(text, str) else text


class Chat:
    """The chat, for every bot in `storage`; `registration` is the bot's app at RingCentral.

    `sleep` waits that many seconds; only `call` with `patience` does that.
    """

    def __init__(
        self,
        storage: Storage,
        registration: Registration,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.registration = registration
        self._storage = storage
        self._sleep = sleep
        self._groups: dict[tuple[str, str], tuple[datetime, GroupInfo]] = {}

    # ---- messages go out -------------------------------------------------------------------

    def send(self, bot_id: str, group_id: str, text: str) -> None:
        """Have `text` said in a chat, cut to `LONGEST_POST` characters.

        It is said after everything that waits to be said there, by this or another process.  In a
        turn it is written with the end of the turn.  Raises `StorageError`.
        """
        if len(text) > LONGEST_POST:
            text = text[: LONGEST_POST - 1] + "…"
        self._storage.messages.add(reply_job(bot_id, group_id, text))

    def say(self, bot_id: str, group_id: str, text: str) -> None:
        """Say `text` in a chat now.  Raises `ChatError`."""
        self.call(bot_id, "POST", f"{chat_path(group_id)}/posts", {"text": text})

    def has_said(self, bot_id: str, group_id: str, text: str, since: float) -> bool:
        """Return whether the bot has said `text` there after a moment, in seconds since 1970.

        The chat's own list decides.  Raises `ChatError`.
        """
        path = f"{chat_path(group_id)}/posts?recordCount={RECENT_POSTS}"
        records = self.call(bot_id, "GET", path).get("records")
        for post in records if isinstance(records, list) else ():
            if not isinstance(post, Mapping) or str(post.get("creatorId")) != bot_id:
                continue
            made = read_moment(post.get("creationTime"))
            if post.get("text") == text and made and made.timestamp() > since - CLOCKS_DIFFER:
                return True
        return False

    def group(self, bot_id: str, group_id: str) -> GroupInfo:
        """Return name, members and kind of a chat, at most ten minutes old.  Raises `ChatError`."""
        now = self._storage.now()
        moment, info = self._groups.get((bot_id, group_id), (None, None))
        if info is None or moment is None or now - moment > GROUP_INFO_LIFE:
            info = _group_info(self.call(bot_id, "GET", chat_path(group_id)))
            self._groups[(bot_id, group_id)] = (now, info)
            while len(self._groups) > MOST_GROUPS:
                self._groups.pop(next(iter(self._groups)), None)
        return info

    def open_direct(self, bot_id: str, user_id: str) -> str:
        """Return the id of the direct chat of a bot and a person.  RingCentral opens it if needed.

        Raises `ChatError`.  Source: RingCentral API reference, "Create/Open Conversation".
        """
        members = {"members": [{"id": user_id}]}
        answer = self.call(bot_id, "POST", "/team-messaging/v1/conversations", members)
        group_id, info = read_id(answer.get("id")), _group_info(answer)
        if not group_id or set(info.members) - {bot_id, user_id}:
            raise ChatError("The chat did not open a direct chat with this person.")
        return group_id

    def has_left(self, bot_id: str, group_id: str, user_id: str) -> bool:
        """Return whether a person is certainly no member of a chat, ten minutes ago at most.

        A list of members counts only if it has the bot, because the chat leaves long ones out.
        Raises `ChatError`.
        """
        members = self.group(bot_id, group_id).members
        return bool(user_id) and bot_id in members and user_id not in members

    # ---- what comes in ----------------------------------------------------------------------

    def is_from_ringcentral(self, bot: Bot, verification_token: str) -> bool:
        """Return whether a delivery has the secret that was set when the bot subscribed.

        While a new subscription replaces an old one, there are two such secrets.
        """
        data, given = bot.data or {}, verification_token.encode()
        both = [one for one in (data, data.get("next")) if isinstance(one, dict)]
        expected = [one.get("verificationToken") for one in both]
        return any(
            hmac.compare_digest(one.encode("utf-8", "surrogatepass"), given)
            for one in expected
            if one and isinstance(one, str)
        )

    def with_group_type(self, event: Event) -> Event:
        """Return the event with its `group_type`, which some deliveries leave out.

        Raises `ChatError`.
        """
        if event.kind != "BotJoinGroup" or event.group_type:
            return event
        return replace(event, group_type=self.group(event.bot_id, event.group_id).type)

    def is_for_bot(self, event: Event) -> bool:
        """Return whether a message is for the bot: in a chat of two, or when it is mentioned.

        Raises `ChatError`.
        """
        if event.kind != "Message4Bot" or event.mentioned:
            return True
        return self.group(event.bot_id, event.group_id).is_direct

    # ---- how it talks to RingCentral -------------------------------------------------------

    def call(
        self,
        bot_id: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        patience: float = 0.0,
        although_refused: bool = False,
    ) -> dict[str, Any]:
        """Call RingCentral's API as this bot; return the answer's members.

        When RingCentral asks to wait (429, or 503 with Retry-After), the database remembers until
        when, and no process asks for this bot before that: every request would begin the penalty
        anew.  `patience` is how many seconds this call may wait for the end of it; by default it
        raises `ChatBusy` immediately.  A token that RingCentral has refused is not sent again,
        unless `although_refused`: the refusal is remembered in the bot's row until the token or
        RingCentral's address changes, or until RingCentral accepts the token again.
        Raises `ChatBusy`, `NotFound`, `InstallRefused`, `TokenRefused`, `BotGone` or a plain
        `ChatError`.
        """
        while True:
            patience = self._wait_out(bot_id, patience)
            bot, token = self._bot_with_token(bot_id)
            refusal = self._refusal_of_this_token(bot, token)
            if refusal and not although_refused:
                raise _refused(bot_id, refusal.code)
            answer = self._ask(token, method, path, body)
            penalty = http.seconds_to_wait(answer)
            if penalty is None and answer.status_code == 429:
                penalty = PENALTY_SECONDS
            if penalty is not None:  # at least a second, or "0 seconds" would keep us here forever
                seconds = min(max(penalty, 1.0), LONGEST_PENALTY)
                self._storage.messages.pause(bot_id, seconds)
                continue
            if answer.status_code < 400:
                if refusal_of(bot.data):
                    self._storage.update_bot(bot_id, {REFUSED: None})
                return http.read_fields(answer)
            trouble = _chat_error(answer)
            if isinstance(trouble, TokenRefused | BotGone):
                if token != self._bot_with_token(bot_id, anew=True)[1]:
                    continue  # another process has written a newer one
                self._remember_refusal(bot, token, trouble.code)
                raise _refused(bot_id, trouble.code)
            raise trouble

    def fetch_owner(self, token: str) -> dict[str, Any]:
        """Return what RingCentral says about the owner of a token.  Raises `ChatError`."""
        answer = self._ask(token, "GET", EXTENSION)
        if answer.status_code >= 400:
            raise _chat_error(answer)
        return http.read_fields(answer)

    def _ask(
        self, token: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        server = self.registration.server
        auth = http.BearerToken(token, server)
        try:
            with http.Session() as session, http.reaching("The chat"):
                return session.request(method, server + path, json=body, auth=auth)
        except ProviderError as error:
            raise ChatBusy(str(error)) from error

    def _bot_with_token(self, bot_id: str, *, anew: bool = False) -> tuple[Bot, str]:
        bot = self._storage.known_bot(bot_id, anew=anew)
        if bot is not None and refusal_of(bot.data) and not anew:  # it may be over by now
            bot = self._storage.known_bot(bot_id, anew=True)
        token = (bot.token or {}).get("access_token") if bot else None
        if bot is None or not token:
            raise InstallRefused("This bot is not installed here.")
        return bot, str(token)

    def _refusal_of_this_token(self, bot: Bot, token: str) -> Refusal | None:
        """Return what is remembered, if it is about this token and about this RingCentral."""
        found = (bot.data or {}).get(REFUSED)
        same = isinstance(found, dict) and found.get("token") == self._fingerprint(token)
        return refusal_of(bot.data) if same else None

    def _remember_refusal(self, bot: Bot, token: str, code: str) -> None:
        """Write down a refusal, and say it in the log once.  The same one keeps its first moment.

        The fingerprint matters when an answer is late: it is then about a token of the past.
        """
        known, now = self._refusal_of_this_token(bot, token), self._storage.now()
        is_new = known is None or known.code != code
        since = now if known is None or is_new else known.since
        found = {"token": self._fingerprint(token), "code": code}
        moments = {"since": since.isoformat(), "asked": now.isoformat()}
        self._storage.update_bot(bot.id, {REFUSED: found | moments})
        if is_new:
            error = _refused(bot.id, code)
            log.warning("Bot %s: %s %s", bot.id, error, error.advice)

    def _fingerprint(self, token: str) -> str:
        """Return a hash of a token and of the RingCentral that was asked about it.

        The other RingCentral does not know the token: with the right address it is good again.
        """
        return hashlib.sha256(f"{self.registration.server} {token}".encode()).hexdigest()

    def _wait_out(self, bot_id: str, patience: float) -> float:
        """Wait for the end of the bot's penalty; return what is left of `patience`, in seconds."""
        while left := self._storage.messages.pause_left(bot_id):
            if left > patience:
                sentence = f"The chat asks us to wait {left:.0f} seconds."
                raise ChatBusy(sentence, seconds=left)
            patience -= left
            self._sleep(left)
        return patience


def chat_path(group_id: str) -> str:
    """Return the path of a chat in RingCentral's API."""
    return f"/team-messaging/v1/chats/{quote(group_id, safe='')}"


def _group_info(answer: Mapping[str, Any]) -> GroupInfo:
    name = answer.get("name")
    title = " ".join(name[:LONGEST_NAME].split()) if isinstance(name, str) else ""
    return GroupInfo(title, group_members(answer), old_type(answer.get("type")))


def group_members(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the members of a chat in the new shape (they are objects) or the old one (strings)."""
    there = answer.get("members")
    listed = there if isinstance(there, list) else ()
    ids = (read_id(one.get("id") if isinstance(one, Mapping) else one) for one in listed)
    return tuple(filter(None, ids))


def _chat_error(answer: requests.Response) -> ChatError:
    """Return what an answer with an error status means; its code decides, if there is one."""
    status, body = answer.status_code, http.read_fields(answer)
    code = str(body.get("errorCode") or "")
    code = code if re.fullmatch(r"[A-Z]{2,4}-\d{1,4}", code) else ""
    refused = f"The chat did not accept this (it answered {status})."
    if code in BOT_GONE:
        return BotGone("RingCentral says that this bot was deleted.", code=code)
    if status == 401:
        error = TokenRefused if code in TOKEN_REFUSED else InstallRefused
        return error("RingCentral does not accept the token of this bot.", code=code)
    if status == 404:
        return NotFound(refused, code=code)
    if status == 500 and "exceeded your limits" in answer.text:
        sentence = "This bot has sent as many messages today as RingCentral allows."
        return ChatError(sentence, code=code, advice="It can write again tomorrow.")
    if status >= 500 or status == 429 or code == "SUB-406":  # the last: a bot only seconds old
        return ChatBusy(refused, code=code)
    return ChatError(refused, code=code)


def _refused(bot_id: str, code: str) -> InstallRefused:
    """Return the error about a stored token, with what the operator can do."""
    if code in BOT_GONE:
        return BotGone(
            f"RingCentral says that this bot was deleted ({code}).",
            code=code,
            advice=f"If you deleted it, run: python -m botkit remove-bot {bot_id}",
        )
    return TokenRefused(
        f"RingCentral does not accept the token of this bot ({code}).",
        code=code,
        advice=f"Get a new one in RingCentral, then run: python -m botkit update-token {bot_id}",
    )
