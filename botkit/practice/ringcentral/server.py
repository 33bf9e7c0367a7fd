"""The practice RingCentral: a chat with Alice, Bob, Mallory and, once installed, a bot.

A lesson plays the people from Python, and the bot lives behind real HTTP:

    chat = RingCentral(now=clock)
    server = Server(chat.wsgi)
    chat.address = server.url
    chat.install_bot("http://127.0.0.1:.../bot/oauth")
    chat.say("Alice", "profile", chat="direct")
    chat.settle()

The bot sees RingCentral's own API (`chat_api.py`) and gets real webhooks (`chat_webhooks.py`).  A
person who would rather type than program opens the server's `/` (`chat_page.py`).  That people let
other apps act for them is in `rc_platform.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from flask import Flask

from botkit.practice.ringcentral.account import add_account_routes
from botkit.practice.ringcentral.chat_api import Seen, chat_api
from botkit.practice.ringcentral.chat_page import chat_page
from botkit.practice.ringcentral.chat_records import ACCOUNT_ID, Person
from botkit.practice.ringcentral.chat_room import PEOPLE
from botkit.practice.ringcentral.chat_subscriptions import add_subscription_routes
from botkit.practice.ringcentral.ledger import App
from botkit.practice.ringcentral.pages import Pages
from botkit.practice.ringcentral.platform import Platform
from botkit.practice.server import Trouble

CLIENT_ID, ADMINISTRATOR_ID = "practice-bot-app", PEOPLE[0].id
BOT_NAME, FIRST_BOT_ID = "Practice Bot", 2109001
INSTALL_SECONDS = 30.0
BROWSER = "Mozilla/5.0 (the administrator's browser)"


class InstallRefused(RuntimeError):
    """The bot's app did not take the token, so the bot was not installed."""


class RingCentral(Platform):
    """The chat and its HTTP server.  `now` returns the time as an aware UTC datetime.

    `wsgi` is what to serve, and `trouble` the same thing by the name under which it can be told to
    spoil the next answers.  `address` is the public address, set by whoever serves it.
    `requests_seen` lists what was asked of the API and of the addresses of OAuth.
    Knobs: `deliver_twice` (every event comes twice), `subscription_not_ready` (so many of the next
    subscriptions are refused with SUB-406), `blacklist()`, `remind()`, `webhooks.timeout` (s).
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.subscription_not_ready = 0
        self.registration = (CLIENT_ID, secrets.token_urlsafe(16))  # the bot's app
        self.requests_seen: list[Seen] = []
        self._bots_made = 0
        self._tokens: dict[str, str] = {}  # access token -> id of the bot that it was made for
        self.apps[CLIENT_ID] = self._bot_app = App(*self.registration, BOT_NAME, [], is_bot=True)
        app = Flask("botkit.practice")
        api = chat_api(self)
        add_subscription_routes(api, self)
        add_account_routes(api, self)
        for part in (api, chat_page(self), Pages(self, self._new_token).blueprint):
            app.register_blueprint(part)
        self.wsgi = self.trouble = Trouble(app)

    # ---- the life of the bot -------------------------------------------------------------------

    def install_bot(self, redirect_url: str) -> None:
        """Install the app as a *private* bot: hand its permanent token to `redirect_url`.

        Once the app has answered, the bot joins its own chat, All Employees, a direct chat with
        Alice and one with Bob.  Installing again hands over a new token in place of the old one.
        Raises `InstallRefused` when the app does not answer with a 2xx status.
        Source: RingCentral developer guide, "Bot walkthrough".
        """
        with self._installing() as bot:
            token = self._new_token(bot.id)
            _hand_over(token, redirect_url)

    def install_public_bot(self, redirect_url: str) -> str:
        """Install the app as a *public* bot: send the administrator's browser to `redirect_url`.

        The app finds a code there, which it exchanges for the bot's permanent token.  All else is
        as in `install_bot`.  Returns the URL that the browser was sent to.
        Source: RingCentral developer guide, "Bot walkthrough".
        """
        with self._installing() as bot:
            code = self.ledger.new_code(self._bot_app, bot, redirect_url)
            query = urlencode({"code": code, "creator_extension_id": ADMINISTRATOR_ID})
            _send_browser(f"{redirect_url}?{query}")
        return f"{redirect_url}?{query}"

    def add_bot_to_team(self) -> None:
        """Alice adds the bot to the Team; the bot hears GroupJoined."""
        with self._changed:
            bot, team = self._installed_bot(), self.find_chat("Team", PEOPLE[0])
            if bot.id not in team.members:
                self._enter(team, bot)

    def remove_bot_from_team(self) -> None:
        """Alice removes the bot from the Team; the bot hears GroupLeft."""
        with self._changed:
            bot, team = self._installed_bot(), self.find_chat("Team", PEOPLE[0])
            if bot.id in team.members:
                self._leave(team, bot)

    def delete_bot(self) -> None:
        """The administrator deletes the bot user; the bot hears of it and its token is dead."""
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
        """The id of the bot that this token was made for, also when that bot is gone."""
        return self._tokens.get(token)

    def take_not_ready(self) -> bool:
        """Whether this subscription is to be refused as too early; counts the knob down."""
        with self._changed:
            too_early = self.subscription_not_ready > 0
            self.subscription_not_ready -= too_early
            return too_early

    # ---- inside --------------------------------------------------------------------------------

    @contextmanager
    def _installing(self) -> Iterator[Person]:
        """A bot user, that stays and joins its first chats if the app takes what it is handed."""
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

    def _new_token(self, bot_id: str) -> str:
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
            for chat in self.chats_of(bot):
                if chat.type in ("Direct", "Personal"):
                    del self._chats[chat.id]
                self._change_members(chat, tuple(one for one in chat.members if one != bot.id))
            for subscription in self.webhooks.of(bot.id):
                self.webhooks.remove(subscription)
            self.bot = None

    def __repr__(self) -> str:
        bot = self.bot.name if self.bot else "no bot yet"
        return f"<RingCentral practice chat: {', '.join(one.name for one in PEOPLE)}; {bot}>"


def _hand_over(token: str, redirect_url: str) -> None:
    """POST the token to the app, form-encoded and without any signature, as RingCentral does."""
    fields = {
        "access_token": token,
        "creator_extension_id": ADMINISTRATOR_ID,
        "creator_account_id": ACCOUNT_ID,
        "client_id": CLIENT_ID,
    }
    _send("POST", redirect_url, data=fields)


def _send_browser(url: str) -> None:
    _send("GET", url, headers={"User-Agent": BROWSER, "Accept": "text/html"})


def _send(method: str, url: str, **more: Any) -> None:
    path = urlsplit(url).path
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.request(
                method, url, timeout=INSTALL_SECONDS, allow_redirects=False, **more
            )
        except (requests.RequestException, ValueError):
            raise InstallRefused(
                f"The bot is not installed: nobody answered {method} {path}. "
                "Is the bot's app running?"
            ) from None
    if not answer.ok or answer.status_code >= 300:
        raise InstallRefused(
            f"The bot is not installed: its app answered {method} {path} with {answer.status_code}."
        )
