"""The bot: its rooms, furnished from the settings.

`Bot` knows nothing of practice.  Each service is an address and a registration to it, whoever
stands behind the address.  `botkit.kit` fills in the practice world where they name nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from botkit.chat import Chat
from botkit.database import utc_now
from botkit.errors import InstallRefused, SettingsError, StorageError
from botkit.installation import Installation
from botkit.providers import callback_path, github
from botkit.settings import Settings
from botkit.skills.github import GitHubSkill
from botkit.storage import Storage
from botkit.web import create_app
from botkit.work import Work

log = logging.getLogger("botkit")

DATABASE = "sqlite:///botkit.sqlite"


class Bot:
    """`app` is the WSGI app; its parts are `storage`, `chat`, `installation`, `github` (the
    provider), `skills` and `work`.

    `now` is the clock.  `address` is the bot's public address, without a final slash; it must be
    set before the first link goes out.  Raises `SettingsError` when a registration is missing, and
    `StorageError`.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] = utc_now) -> None:
        if settings.github is None or settings.chatbot is None:
            raise SettingsError(
                "The bot needs a registration at GitHub and one at RingCentral.",
                advice="Set GITHUB_CLIENT_ID, RINGCENTRAL_CHATBOT_CLIENT_ID and their secrets.",
            )
        self.address = settings.public_address or ""
        self.chat_address = ""  # where the chat reaches the bot, if not at `address`
        try:
            self.storage = Storage(settings.database or DATABASE, now=now)
        except StorageError as error:
            name = "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI"
            raise SettingsError(f"{name} cannot be used.", advice=error.advice) from None
        self.storage.set_up()
        self.work = Work()
        self.chat = Chat(self.storage, settings.chatbot)
        self.github = github(
            settings.github.client_id,
            settings.github.client_secret,
            server=settings.github.server,
        )
        self.skills = [GitHubSkill(self.storage, self.chat, self.github, lambda: self.address)]
        self.installation = Installation(
            self.storage,
            self.chat,
            [skill.provider for skill in self.skills],
            lambda: self.chat_address or self.address,
            self.work.later,
        )
        self.app = create_app(
            self.storage, self.chat, self.installation, self.skills, work=self.work
        )

    @property
    def callback_url(self) -> str:
        """Where GitHub sends the browser: the redirect URI of all three steps."""
        return self.address + callback_path(self.github)

    @property
    def webhook_url(self) -> str:
        """Where RingCentral delivers what happens in the chat."""
        return f"{self.chat_address or self.address}/bot/webhook"

    def use_address(self, address: str) -> None:
        """From now on give out this public address, and let the chat deliver there.

        Raises `ChatError` when RingCentral cannot reach the bot there.
        """
        self.address = address.rstrip("/")
        for bot in self.storage.find_bots():
            try:
                self.installation.subscribe(bot.id)
            except InstallRefused as error:  # the other bots can work
                log.warning("Bot %s gets no messages: %s", bot.id, error)

    def close(self) -> None:
        """Finish the work that is there, and let go of the database."""
        self.work.close()
        self.storage.close()

    def __repr__(self) -> str:
        return "<Bot>"
