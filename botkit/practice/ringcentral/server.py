"""Serve the practice RingCentral: a chat with Alice, Bob, Mallory and, once installed, a bot.

A lesson plays the people from Python, and the bot is reached over real HTTP:

    chat = RingCentral(now=clock)
    server = Server(chat.wsgi)
    chat.address = server.url
    chat.install_bot("http://127.0.0.1:.../bot/oauth")
    chat.say("Alice", "profile", chat="direct")
    chat.settle()

The model is in `chat.py` (people, chats, posts), `platform.py` (apps and accounts) and
`bot_user.py` (the bot), and each of these classes extends the one before.  The bot sees
RingCentral's own API (`chat_api.py`, `subscriptions.py`, `account_api.py`) and gets real webhooks
(`webhooks.py`).  A person who would rather type than program opens the server's `/`
(`chat_page.py`), and approves other apps on the consent page (`pages.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from botkit.practice.answers import Answers, Asked
from botkit.practice.ringcentral.account_api import add_account_routes
from botkit.practice.ringcentral.bot_user import ChatWithBot
from botkit.practice.ringcentral.chat import PEOPLE
from botkit.practice.ringcentral.chat_api import chat_api
from botkit.practice.ringcentral.chat_page import chat_page, with_key
from botkit.practice.ringcentral.pages import RingCentralPages
from botkit.practice.ringcentral.subscriptions import add_subscription_routes
from botkit.practice.server import Trouble
from botkit.practice.service import make_web


class RingCentral(ChatWithBot):
    """The practice RingCentral and its HTTP server.  `now` returns an aware UTC datetime.

    `wsgi` is what to serve, and `trouble` the same thing by the name under which it can be told to
    spoil the next answers.  `address` is the public address; the server sets it.  `page_key`
    is the secret first part of the page's path; without one, everybody on this computer may use it.
    Knobs: `deliver_twice` (every event comes twice), `subscription_not_ready` (so many of the next
    subscriptions are refused with SUB-406), `blacklist()`, `remind()`, `webhooks.timeout` (s).
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        web = make_web(__name__)
        api = chat_api(self)
        add_subscription_routes(api, self)
        add_account_routes(api, self)
        for blueprint in (api, chat_page(self), RingCentralPages(self).blueprint):
            web.register_blueprint(blueprint)
        self._told = Answers(self._owner_of, "/restapi/v1.0")
        self._told.serve(web)
        self.wsgi = self.trouble = Trouble(with_key(self, web))

    def answers(self, what: str, value: Any, *, status: int = 200) -> None:
        """See `PracticeService.answers`; this answers the apps that people connect."""
        self._told.tell(what, value, status)

    @property
    def asked(self) -> list[Asked]:
        """The requests that it was told how to answer."""
        return self._told.asked

    def _owner_of(self, token: str) -> str | None:
        session = self.ledger.use(token)
        alive = session is not None and self.now() < session.pair.access_ends
        return session.owner.name if session and alive else None

    def __repr__(self) -> str:
        bot = self.bot.name if self.bot else "no bot yet"
        return f"<RingCentral practice chat: {', '.join(one.name for one in PEOPLE)}; {bot}>"
