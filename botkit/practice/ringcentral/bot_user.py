"""Install the bot in the practice chat, let it join and leave chats, and delete it.

`ChatWithBot` is the whole model of the practice RingCentral: the chat, the people's accounts, and
the bot user.  The APIs and pages look at it, and it knows nothing of them.

Source: RingCentral developer guide, "Bot walkthrough".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from botkit.practice.client import NoAnswer, send
from botkit.practice.ringcentral.chat import PEOPLE
from botkit.practice.ringcentral.ledger import BotApp, new_code
from botkit.practice.ringcentral.platform import Platform
from botkit.practice.ringcentral.records import ACCOUNT_ID, Chat, Person
from botkit.practice.service import SeenRequest

CLIENT_ID, ADMINISTRATOR_ID = "practice-bot-app", PEOPLE[0].id
BOT_NAME, FIRST_BOT_ID = "Practice Bot", 2109001
FIRST_NEWCOMER_ID = 3000001
INSTALL_SECONDS = 30.0
BROWSER = "Mozilla/5.0 (the administrator's browser)"


class InstallRefused(RuntimeError):
    """Raised when the bot's app did not take the token, so that the bot was not installed."""


class ChatWithBot(Platform):
    """The practice chat, its people's accounts, and the bot user once it is installed.

    `now` returns the time as an aware UTC datetime.  `requests_seen` lists what was asked of the
    API and of the addresses of OAuth.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.subscription_not_ready = 0
        self.registration = (CLIENT_ID, secrets.token_urlsafe(16))  # the bot's app
        self.requests_seen: list[SeenRequest] = []
        self._bots_made = 0
        self._tokens: dict[str, str] = {}  # access token -> id of the bot that it was made for
        self.apps[CLIENT_ID] = self._bot_app = BotApp(*self.registration, BOT_NAME, [])

    # ---- the life of the bot -------------------------------------------------------------------

    def install_bot(self, redirect_url: str) -> None:
        """Install the app as a *private* bot: hand its permanent token to `redirect_url`.

        Once the app has answered, the bot joins its own chat, All Employees, a direct chat with
        Alice and one with Bob.  Installing again hands over a new token in place of the old one.
        Raises `InstallRefused` when the app does not answer with a 2xx status.
        """
        with self._installing() as bot:
            token = self.new_bot_token(bot.id)
            _hand_over(token, redirect_url)

    def install_public_bot(self, redirect_url: str) -> str:
        """Install the app as a *public* bot: send the administrator's browser to `redirect_url`.

        The app finds a code there, which it exchanges for the bot's permanent token.  All else is
        as in `install_bot`.  Returns the URL that the browser was sent to.
        """
        with self._installing() as bot:
            code = new_code()
            self.ledger.keep_code(code, self._bot_app, bot, redirect_url)
            query = urlencode({"code": code, "creator_extension_id": ADMINISTRATOR_ID})
            _send_browser(f"{redirect_url}?{query}")
        return f"{redirect_url}?{query}"

    def add_bot_to_team(self) -> None:
        """Let Alice add the bot to the Team; the bot hears GroupJoined."""
        with self._changed:
            bot, team = self._installed_bot(), self.find_chat("Team", PEOPLE[0])
            if bot.id not in team.members:
                self._enter(team, bot)

    def remove_bot_from_team(self) -> None:
        """Let Alice remove the bot from the Team; the bot hears GroupLeft."""
        bot, team = self._installed_bot(), self.find_chat("Team", PEOPLE[0])
        self.tell_of(team)
        with self._changed:
            if bot.id in team.members:
                self._leave(team, bot)

    def add_person(self, name: str) -> tuple[Person, Chat]:
        """Add somebody who has opened a direct chat with the bot; the bot hears nothing of it.

        Raises `ValueError` if no bot is installed.
        """
        with self._changed:
            bot = self._installed_bot()
            person = Person(str(FIRST_NEWCOMER_ID + len(self._newcomers)), name)
            self._newcomers.append(person)
            self._people[person.id] = person
            return person, self.open_conversation(person, [bot.id])

    def delete_bot(self) -> None:
        """Delete the bot user, as the administrator.

        The bot hears of it and its token stops working.
        """
        with self._changed:
            bot = self._installed_bot()
            body = {"extensionId": bot.id, "eventType": "Delete"}
            self.webhooks.publish(bot.id, "extension", body)
            self._remove(bot)

    # ---- knobs and waiting ---------------------------------------------------------------------

    @property
    def deliver_twice(self) -> bool:
        """Whether every event is delivered a second time, with the same uuid."""
        return self.webhooks.deliver_twice

    @deliver_twice.setter
    def deliver_twice(self, yes: bool) -> None:
        self.webhooks.deliver_twice = yes

    def blacklist(self) -> None:
        """Blacklist the bot's subscriptions, as after a long outage of its app."""
        for subscription in self.webhooks.of(self._installed_bot().id):
            self.webhooks.blacklist(subscription)

    def remind(self) -> None:
        """Remind the bot that its subscriptions end soon, if it has asked for that."""
        self.webhooks.remind(self._installed_bot().id)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until the bot has answered every delivery; `TimeoutError` after `timeout` s."""
        self.webhooks.settle(timeout)

    # ---- for the API ---------------------------------------------------------------------------

    def owner_of(self, token: str) -> str | None:
        """Return the id of the bot that this token was made for, also when that bot is gone."""
        return self._tokens.get(token)

    def take_not_ready(self) -> bool:
        """Return whether to refuse this subscription as too early, and count the knob down."""
        with self._changed:
            too_early = self.subscription_not_ready > 0
            self.subscription_not_ready -= too_early
            return too_early

    # ---- inside --------------------------------------------------------------------------------

    @contextmanager
    def _installing(self) -> Iterator[Person]:
        """Make a bot user, which stays and joins its first chats if the app takes its token."""
        first, before = self.bot is None, dict(self._tokens)
        bot = self.bot or Person(str(FIRST_BOT_ID + self._bots_made), BOT_NAME)
        with self._changed:
            self.bot, self._people[bot.id] = bot, bot
        try:
            yield bot
        except InstallRefused:
            self._tokens = before
            if first:
                self._remove(bot)
            raise
        with self._changed:
            self._tokens = {  # one token for a bot: the newest
                token: owner
                for token, owner in self._tokens.items()
                if owner != bot.id or token not in before
            }
            if first:
                self._bots_made += 1
                self._join_first_chats(bot)

    def new_bot_token(self, bot_id: str) -> str:
        token = secrets.token_urlsafe(48)
        self._tokens[token] = bot_id
        return token

    def _installed_bot(self) -> Person:
        if self.bot is None:
            raise ValueError("No bot is installed here. Install it first: chat.install_bot(...).")
        return self.bot

    def _join_first_chats(self, bot: Person) -> None:
        self._enter(self._open_chat("Personal", None, (bot.id,)), bot)
        self._enter(self.find_chat("All Employees", PEOPLE[0]), bot)
        for person in PEOPLE[:2]:
            self._enter(self._open_chat("Direct", None, (person.id, bot.id)), bot)

    def _remove(self, bot: Person) -> None:
        with self._changed:
            self._untold.clear()
            for chat in self.chats_of(bot):
                if chat.type in ("Direct", "Personal"):
                    del self._chats[chat.id]
                self._change_members(chat, tuple(one for one in chat.members if one != bot.id))
            for subscription in self.webhooks.of(bot.id):
                self.webhooks.remove(subscription)
            self.bot = None


def _hand_over(token: str, redirect_url: str) -> None:
    """POST the token to the app, form-encoded and without any signature, as RingCentral does."""
    fields = {
        "access_token": token,
        "creator_extension_id": ADMINISTRATOR_ID,
        "creator_account_id": ACCOUNT_ID,
        "client_id": CLIENT_ID,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _send("POST", redirect_url, headers, urlencode(fields).encode())


def _send_browser(url: str) -> None:
    _send("GET", url, {"User-Agent": BROWSER, "Accept": "text/html"})


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> None:
    path = urlsplit(url).path
    try:
        answer = send(method, url, headers=headers, body=body, timeout=INSTALL_SECONDS)
    except NoAnswer:
        raise InstallRefused(
            f"The bot is not installed: nobody answered {method} {path}. Is the bot's app running?"
        ) from None
    if answer.status >= 300:
        raise InstallRefused(
            f"The bot is not installed: its app answered {method} {path} with {answer.status}."
        )
