"""Keep each bot subscribed, so that RingCentral delivers its events to our webhook.

A subscription lasts a week.  Start with `Subscription.ensure`: it leaves a good subscription alone,
renews one that ends soon, and replaces any other.  It runs after an install, at a new address, at a
reminder and from time to time.  However often it runs, in however many processes, a bot has one
subscription.

Not here: what is delivered (`events.py`).

Source: RingCentral developer guide, "Creating webhooks" and "Troubleshooting webhooks".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from botkit.chat.ringcentral import Chat
from botkit.errors import ChatBusy, ChatError, InstallRefused, NotFound
from botkit.storage import Bot, Storage, read_moment

PATH = "/restapi/v1.0/subscription"
EVENT_FILTERS = [
    "/team-messaging/v1/posts",
    "/team-messaging/v1/groups",
    "/restapi/v1.0/account/~/extension/~",  # to hear when the bot is deleted
    "/restapi/v1.0/subscription/~?threshold=60&interval=15",  # a reminder before the end
]
LIFE = timedelta(days=7)
RENEWED_BEFORE_ITS_END = timedelta(days=2)
MOST_SECONDS = 1e9  # more than 31 years; RingCentral's longest subscription lasts 15
HOLD_SECONDS = 40.0  # longer than one request can take
UNREACHABLE = ("SUB-524", "SUB-525")  # RingCentral called the webhook and was not answered well

Outcome = Literal["kept", "renewed", "made"]


class Subscription:
    """The subscription of every bot in `storage`.

    `address` returns the bot's public address; "" in a process that does not know it.
    """

    def __init__(self, storage: Storage, chat: Chat, address: Callable[[], str]) -> None:
        self._storage = storage
        self._chat = chat
        self._address = address

    def ensure(self, bot_id: str, *, holder: str = "") -> Outcome:
        """Give the bot one good subscription; return what had to be done.

        `holder` is what `take` returned, if the caller has it in hand already.  Raises `ChatError`;
        `ChatBusy` also while another process does the same.
        """
        if self._storage.find_bot(bot_id) is None:
            raise InstallRefused("This bot is not installed here.")
        if holder:
            return self._ensure(bot_id, _Hold(self._storage, bot_id, holder))
        if not (taken := self.take(bot_id)):
            raise ChatBusy("Another process is seeing to this bot's subscription.")
        try:
            return self._ensure(bot_id, _Hold(self._storage, bot_id, taken))
        finally:
            self.let_go(bot_id, taken)

    def take(self, bot_id: str) -> str:
        """Take the subscription of a bot in hand, so that no other process sees to it.

        Returns the holder's name, for `ensure` and `let_go`; "" if another process has it.
        """
        return self._storage.messages.hold(_key(bot_id), HOLD_SECONDS) or ""

    def let_go(self, bot_id: str, holder: str) -> None:
        """Let the next one see to it."""
        self._storage.messages.drop(_key(bot_id), holder)

    def find(self, bot_id: str) -> list[dict[str, Any]]:
        """Return what RingCentral says about the bot's subscriptions.  Raises `ChatError`."""
        records = self._chat.call(bot_id, "GET", PATH).get("records")
        listed = records if isinstance(records, list) else []
        return [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]

    def end(self, bot_id: str) -> None:
        """End all that RingCentral delivers to this bot.  Raises `ChatError`."""
        for record in self.find(bot_id):
            self._delete(bot_id, record)

    def _ensure(self, bot_id: str, hold: _Hold) -> Outcome:
        hold.go_on()
        records = self.find(bot_id)
        webhook = self._webhook(records)
        good = [one for one in records if _is_good(one, hold.bot, webhook)]
        others = [one for one in records if one not in good]
        for dead in [one for one in others if one.get("status") != "Active"]:
            hold.go_on()
            self._delete(bot_id, dead)
            others.remove(dead)
        outcome: Outcome = "kept"
        if not good:
            self._make(bot_id, webhook, hold)  # before the last that works is given up
            outcome = "made"
        elif self._left(good[0]) < RENEWED_BEFORE_ITS_END:
            hold.go_on()
            renewed = self._chat.call(bot_id, "POST", f"{_path_of(good[0])}/renew")
            hold.write(_found(renewed))
            outcome = "renewed"
        for other in others:
            hold.go_on()
            self._delete(bot_id, other)
        return outcome

    def _left(self, record: Mapping[str, Any]) -> timedelta:
        """Return the time to its end: the shorter of RingCentral's count and our clock's."""
        end, seconds = read_moment(record.get("expirationTime")), record.get("expiresIn")
        if end is None or isinstance(seconds, bool) or not isinstance(seconds, int | float):
            return timedelta()  # it does not say
        if not 0 <= seconds <= MOST_SECONDS:
            return timedelta()
        return min(end - self._storage.now(), timedelta(seconds=seconds))

    def _webhook(self, records: list[dict[str, Any]]) -> str:
        """Return our webhook's URL; in a process without an address, the one subscribed."""
        if address := self._address():
            return f"{address}/bot/webhook"
        for one in records:
            if webhook := webhook_of(one):
                return webhook
        raise ChatError(
            "There is no public address at which RingCentral could deliver.",
            advice="Start the bot, or set RINGCENTRAL_CHATBOT_SERVER to its address.",
        )

    def _make(self, bot_id: str, webhook: str, hold: _Hold) -> None:
        verification = secrets.token_urlsafe(24)
        body = {
            "eventFilters": EVENT_FILTERS,
            "expiresIn": int(LIFE.total_seconds()),
            "deliveryMode": {
                "transportType": "WebHook",
                "address": webhook,
                "verificationToken": verification,
            },
        }
        # Stored before it is sent: the first delivery may be here before the answer.  And beside
        # the old one, which goes on working should this fail.
        hold.go_on()
        hold.write({"next": {"verificationToken": verification}})
        try:
            answer = self._chat.call(bot_id, "POST", PATH, body)
        except ChatError as error:
            hold.write({"next": None})
            if error.code not in UNREACHABLE:
                raise
            raise ChatError(
                f"RingCentral called {webhook} and was not answered as it should be.",
                code=error.code,
                advice="Make sure that this address leads to the running bot, then try again.",
            ) from error
        found = _found(answer) | {"verificationToken": verification, "next": None}
        try:
            hold.write(found | {"webhook": webhook})  # the doctor compares the webhook
        except ChatBusy:  # nobody knows its verification token, so nobody could use it
            with suppress(ChatError):
                self._delete(bot_id, answer)
            raise

    def _delete(self, bot_id: str, record: Mapping[str, Any]) -> None:
        with suppress(NotFound):  # it ended in this moment
            self._chat.call(bot_id, "DELETE", _path_of(record))


class _Hold:
    """The bot in our hands: the row as it was read, and the right to change it."""

    def __init__(self, storage: Storage, bot_id: str, holder: str) -> None:
        self.bot = Bot(bot_id)
        self._storage = storage
        self._holder = holder
        self._token: Any = None

    def go_on(self) -> None:
        """Say before each request that we are still there.  Raises `ChatBusy`."""
        self._keep()
        bot = self._storage.find_bot(self.bot.id)
        if bot is None or self._token not in (None, bot.token):
            raise _changed()
        self.bot, self._token = bot, bot.token

    def write(self, data: Mapping[str, Any]) -> None:
        """Change the bot that was read, and not one that took its place.  Raises `ChatBusy`."""
        self._keep()
        bot = self._storage.update_bot(self.bot, data)
        if bot is None:
            raise _changed()
        self.bot = bot

    def _keep(self) -> None:
        messages = self._storage.messages
        if messages.hold(_key(self.bot.id), HOLD_SECONDS, holder=self._holder) is None:
            raise _changed()


def _path_of(record: Mapping[str, Any]) -> str:
    return f"{PATH}/{quote(str(record.get('id')), safe='')}"


def _key(bot_id: str) -> str:
    return f"subscribe:{bot_id}"


def _changed() -> ChatBusy:
    return ChatBusy("The bot was removed, or installed again, in the same moment.")


def _found(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered of a subscription."""
    return {
        "subscriptionId": answer.get("id"),
        "subscriptionEnds": answer.get("expirationTime"),
        "eventFilters": EVENT_FILTERS,
    }


def webhook_of(record: Mapping[str, Any]) -> str:
    """Return the URL to which a subscription delivers."""
    mode = record.get("deliveryMode")
    return str(mode.get("address") or "") if isinstance(mode, Mapping) else ""


def _is_good(record: Mapping[str, Any], bot: Bot, webhook: str) -> bool:
    """Return whether it is the one made last, works, and has all that we want today."""
    data = bot.data or {}
    return (
        record.get("id") == data.get("subscriptionId")
        and record.get("status") == "Active"
        and webhook_of(record) == webhook
        and data.get("eventFilters") == EVENT_FILTERS
    )
