"""The bot: its rooms, furnished from the settings.

`Bot` knows nothing of practice.  Each service is an address and a registration to it, whoever
stands behind the address.  `botkit.lessons.kit` fills in the practice world where they name
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from botkit import providers
from botkit.bot.keys import key_wanted
from botkit.bot.web import create_app
from botkit.bot.worker import Work
from botkit.chat import Chat, Installation
from botkit.errors import InstallRefused, SettingsError, StorageError
from botkit.oauth import Provider, callback_path
from botkit.settings import CHAT, PLACES, Registration, Settings, credentials
from botkit.skills import (
    VERBS,
    AssistantSkill,
    Confirmation,
    GitHubSkill,
    GoogleDriveSkill,
    GoogleSheetsSkill,
    HelpSkill,
    ServiceSkill,
    Skill,
)
from botkit.storage import Seal, Service, Storage, utc_now

log = logging.getLogger("botkit")

DATABASE = "sqlite:///botkit.sqlite"


class Entry(NamedTuple):
    """A skill that the settings can name: its class, and how its service is described."""

    skill: type[ServiceSkill]
    description: Callable[..., Provider]

    def describe(self, registration: Registration) -> Provider:
        """Return the service, with our app as it is registered there."""
        there = registration.client_id, registration.client_secret
        return self.description(*there, server=registration.server)


# By the names in `botkit.settings.SKILLS`.
SKILLS = {
    "github": Entry(GitHubSkill, providers.github),
    "drive": Entry(GoogleDriveSkill, providers.google_drive),
    "sheets": Entry(GoogleSheetsSkill, providers.google_sheets),
    "ringcentral": Entry(AssistantSkill, providers.ringcentral),
}


class Bot:
    """`app` is the WSGI app; its parts are `storage`, `chat`, `installation`, `services` (the
    skills that connect accounts), `skills` (all that take their turn) and `work`.

    `now` is the clock, and `for_browsers` makes of an address on loopback the one that a browser
    needs, wherever it runs.  `address` is the bot's public address, without a final slash; it must
    be set before the first link goes out.  Raises `SettingsError` when a registration or the key is
    missing, and `StorageError`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        for_browsers: Callable[[str], str] = str,
    ) -> None:
        if settings.chatbot is None:
            raise SettingsError(
                "The bot needs a registration at RingCentral.",
                advice=f"Set {' and '.join(PLACES[CHAT].credentials)}.",
            )
        described = [(SKILLS[name].skill, _provider(settings, name)) for name in settings.skills]
        if not settings.secret_keys:
            raise key_wanted()
        self.address = settings.public_address or ""
        self.chat_address = ""  # where the chat reaches the bot, if not at `address`
        try:
            seal = Seal(settings.secret_keys)
            self.storage = Storage(settings.database or DATABASE, now=now, seal=seal)
        except StorageError as error:
            name = "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI"
            raise SettingsError(f"{name} cannot be used.", advice=error.advice) from None
        self.storage.set_up()
        self._for_browsers = for_browsers
        self.work = Work()
        self.chat = Chat(self.storage, settings.chatbot)
        self.providers: list[Provider] = []
        self.services: list[ServiceSkill] = []
        self._built_in: tuple[ServiceSkill, ...] = ()
        self.confirmation = Confirmation(self.storage, self.chat, self.providers, self._connected)
        self.skills: list[Skill] = [self.confirmation, HelpSkill(self.services)]
        for skill, provider in described:
            self.add(skill, provider)
        self._built_in = tuple(self.services)
        self.installation = Installation(
            self.storage,
            self.chat,
            self.providers,
            lambda: self.chat_address or self.address,
            self.work.later,
        )
        self.app = create_app(
            self.storage,
            self.chat,
            self.installation,
            self.services,
            self.skills,
            work=self.work,
            confirmation=self.confirmation if settings.confirm else None,
        )

    def add(self, skill: type[ServiceSkill], provider: Provider) -> None:
        """Teach the bot one more skill, before the last one, which answers what is left.

        It takes the place of one that was added before with the same name and slug.  Raises
        `ValueError` where something is taken already: see `taken`.
        """
        if sentence := self.taken(provider):
            raise ValueError(sentence)
        where_to_ask = self._for_browsers(provider.authorize_url)
        provider = replace(provider, authorize_url=where_to_ask)
        for old in [one for one in self.services if one.provider.name == provider.name]:
            self.services.remove(old)
            self.skills.remove(old)
            self.providers.remove(old.provider)
        place = self.storage, self.chat, provider, lambda: self.address, self.work
        self.services.append(skill(*place))
        self.skills.insert(-1, self.services[-1])
        self.providers.append(provider)

    def taken(self, provider: Provider) -> str:
        """A sentence if the provider's name or slug belongs to something else; "" if not.

        By its name a connection is found, and by its slug a callback, and a command.
        """
        if provider.slug in ("bot", "help", *VERBS):
            return f"The slug {provider.slug!r} is a word of the bot's own. Choose another slug."
        for skill in self.services:
            one = skill.provider
            name = str(provider.name).lower() == one.name.lower()
            slug = provider.slug in (one.slug, skill.word, *skill.commands)
            if (name or slug) and (not (name and slug) or skill in self._built_in):
                what = f"name {provider.name!r}" if name else f"slug {provider.slug!r}"
                return f"The {what} belongs to {one.called} here. Choose another name and slug."
        return ""

    def _connected(self, service: Service) -> None:
        """A connection counts now: its skill says so."""
        for skill in self.services:
            if skill.provider.name == service.name:
                skill.connected(service)

    def provider(self, name: str) -> Provider:
        """The provider with this name.  Raises `LookupError` if no skill works with it."""
        for provider in self.providers:
            if provider.name == name:
                return provider
        raise LookupError(f"This bot has no skill for {name}.")

    def callback_url(self, provider: Provider) -> str:
        """Where a provider sends the browser: the redirect URI of all three steps."""
        return self.address + callback_path(provider)

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


def _provider(settings: Settings, skill: str) -> Provider:
    registration = settings.registration_for(skill)
    if registration is None:
        raise SettingsError(
            f"The skill {skill} needs a registration at its service.",
            advice=f"Set {' and '.join(credentials(skill))}, or leave it out of BOTKIT_SKILLS.",
        )
    return SKILLS[skill].describe(registration)
