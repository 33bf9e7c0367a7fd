"""The practice RingCentral: a chat with Alice, Bob, Mallory and, once installed, a bot.

A lesson plays the people from Python, and the bot lives behind real HTTP:

    chat = RingCentral(now=clock)
    server = Server(chat.wsgi)
    chat.address = server.url
    chat.install_bot("http://127.0.0.1:.../bot/oauth")
    chat.say("Alice", "profile", chat="direct")
    chat.settle()

The bot sees RingCentral's own API (`chat_api.py`) and gets real webhooks (`chat_webhooks.py`).  A
person who would rather type than program opens the server's `/` (`chat_page.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import requests
from flask import Flask

from botkit.practice.chat_api import ACCOUNT_ID, Seen, chat_api
from botkit.practice.chat_page import chat_page
from botkit.practice.chat_records import Person
from botkit.practice.chat_room import PEOPLE, ChatRoom
from botkit.practice.chat_subscriptions import add_subscription_routes
from botkit.practice.server import Trouble

CLIENT_ID, ADMINISTRATOR_ID = "practice-bot-app", PEOPLE[0].id
BOT_NAME, FIRST_BOT_ID = "Practice Bot", 2109001
INSTALL_SECONDS = 30.0


class InstallRefused(RuntimeError):
    """The bot's app did not take the token, so the bot was not installed."""


class RingCentral(ChatRoom):
    """The chat and its HTTP server.  `now` returns the time as an aware UTC datetime.

    `wsgi` is what to serve, and `trouble` the same thing by the name under which it can be told to
    spoil the next answers.  `address` is the public address, set by whoever serves it.
    `requests_seen` lists what was asked of the API.
    Knobs: `deliver_twice` (every event comes twice), `subscription_not_ready` (so many of the next
    subscriptions are refused with SUB-406), `blacklist()`, `webhooks.timeout` (seconds).
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.address = ""
        self.subscription_not_ready = 0
        self.registration = (CLIENT_ID, secrets.token_urlsafe(16))  # the bot's app
        self.requests_seen: list[Seen] = []
        self._bots_made = 0
        self._tokens: dict[str, str] = {}  # access token -> id of the bot that it was made for
        app = Flask(__name__)
        api = chat_api(self)
        add_subscription_routes(api, self)
        app.register_blueprint(api)
        app.register_blueprint(chat_page(self))
        self.wsgi = self.trouble = Trouble(app)

    # ---- the life of the bot -------------------------------------------------------------------

    def install_bot(self, redirect_url: str) -> None:
        """Install the app as a *private* bot: hand its permanent token to `redirect_url`.

        Once the app has answered, the bot joins its own chat, All Employees, a direct chat with
        Alice and one with Bob.  Installing again hands over a new token in place of the old one.
        Raises `InstallRefused` when the app does not answer with a 2xx status.
        Source: RingCentral developer guide, "Bot walkthrough".
        """
        token, first = secrets.token_urlsafe(48), self.bot is None
        bot = self.bot or Person(str(FIRST_BOT_ID + self._bots_made), BOT_NAME)
        with self._changed:
            self.bot, self._people[bot.id], self._tokens[token] = bot, bot, bot.id
        try:
            _hand_over(token, redirect_url)
        except InstallRefused:
            del self._tokens[token]
            if first:
                self._remove(bot)
            raise
        with self._changed:
            self._tokens = {
                one: owner for one, owner in self._tokens.items() if one == token or owner != bot.id
            }
            if first:
                self._bots_made += 1
                self._join_first_chats(bot)

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
    path = urlsplit(redirect_url).path
    fields = {
        "access_token": token,
        "creator_extension_id": ADMINISTRATOR_ID,
        "creator_account_id": ACCOUNT_ID,
        "client_id": CLIENT_ID,
    }
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                redirect_url, data=fields, timeout=INSTALL_SECONDS, allow_redirects=False
            )
        except (requests.RequestException, ValueError):
            raise InstallRefused(
                f"The bot is not installed: nobody answered POST {path}. Is the bot's app running?"
            ) from None
    if not answer.ok or answer.status_code >= 300:
        raise InstallRefused(
            f"The bot is not installed: its app answered POST {path} with {answer.status_code}."
        )
