"""Build a bot from its settings.

Start with `Bot`, then `SKILLS`, the table of botkit's own skills.  A bot knows nothing of the
practice world: a service is an address and a registration there.

Not here: what fills in the practice world where the settings name no service
(`botkit.run.running`), and how a skill of your own is found (`botkit.plugins`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from botkit import plugins
from botkit.bot.keys import missing_key
from botkit.bot.places import WEB_THREADS, WebPlaces
from botkit.bot.turns import Turns
from botkit.bot.web import create_app
from botkit.bot.worker import Worker
from botkit.chat import UNREACHABLE, Chat, Event, Installation
from botkit.errors import BotkitError, ChatError, SettingsError, StorageError, TryLater
from botkit.oauth import Provider, callback_path, revoke_later, slug_of
from botkit.providers import describe_service
from botkit.settings import CHAT, PLACES, Registration, Settings, place_of
from botkit.skills import (
    VERBS,
    AssistantSkill,
    Confirmation,
    EventHandler,
    GitHubSkill,
    GoogleDriveSkill,
    GoogleSheetsSkill,
    HelpSkill,
    ServiceSkill,
    run_skills,
)
from botkit.storage import Claimed, Job, Seal, Storage, gathering, utc_now

log = logging.getLogger("botkit")

DATABASE = "sqlite:///botkit.sqlite"


Play = Callable[[type[ServiceSkill], Provider], Provider]

# By the names in `botkit.settings.PLACE_OF`.
SKILLS: dict[str, type[ServiceSkill]] = {
    "github": GitHubSkill,
    "drive": GoogleDriveSkill,
    "sheets": GoogleSheetsSkill,
    "ringcentral": AssistantSkill,
}


def skill_named(name: str) -> type[ServiceSkill]:
    """Return the class of a skill that the settings name.  Raises `SettingsError`."""
    return SKILLS.get(name) or plugins.find_class(name)


def describe(skill: type[ServiceSkill], registration: Registration) -> Provider:
    """Return the service of a skill, with our app as it is registered there.

    Raises `SettingsError` if the class and the description do not fit together, and what the
    description itself raises.
    """
    __tracebackhide__ = True  # for pytest
    there = registration.client_id, registration.client_secret, registration.server
    described = describe_service(skill.connects_to, *there)
    if place_of(skill) in PLACES:
        return described
    if described.slug not in (skill.word, slug_of(described.name)):
        raise SettingsError(
            f"{skill.__name__} has the word {skill.word!r}, and its provider the slug "
            f"{described.slug!r}.",
            advice="Leave out the slug: it is the word.",
        )
    return replace(described, slug=skill.word)


def callback_path_of(skill: type[ServiceSkill], registration: Registration) -> str:
    """Return the path of a skill's callback URL; a service is not asked for it."""
    own = place_of(skill) not in PLACES
    return f"/{skill.word}/oauth" if own else callback_path(describe(skill, registration))


class Bot:
    """A bot, ready to serve `app`, its WSGI app.

    Its parts are `storage`, `chat`, `installation`, `added` (the skills that people talk to),
    `services` (those of them that connect accounts), `skills` (all that see an event, in order) and
    `worker`, whose threads begin with `worker.start()`.  `now` is the clock.  `for_browsers` turns
    an address on loopback into the one that a browser needs, wherever it runs.  `play(skill,
    provider)` may return a service that plays the described one.  `address` is the bot's public
    address, without a slash at the end; set it before the first auth link is made.  `web_threads`
    is how many threads its server has; `places` shares them.
    Raises `SettingsError` when a registration or the key is missing, and `StorageError`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        for_browsers: Callable[[str], str] = str,
        play: Play = lambda skill, described: described,
        web_threads: int = WEB_THREADS,
    ) -> None:
        if settings.chatbot is None:
            raise SettingsError(
                "The bot needs a registration at RingCentral.",
                advice=f"Set {' and '.join(PLACES[CHAT].credentials)}.",
            )
        classes = [(name, skill_named(name)) for name in settings.skills]
        described = [(one, _provider(settings, name, one, play)) for name, one in classes]
        if not settings.secret_keys:
            raise missing_key()
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
        self.chat = Chat(self.storage, settings.chatbot)
        self.providers: list[Provider] = []
        self.added: list[ServiceSkill] = []
        self.services: list[ServiceSkill] = []
        self._protected: frozenset[str] = frozenset()  # names of services
        self.confirmation = Confirmation(self.storage, self.chat, self.services)
        self.skills: list[EventHandler] = [self.confirmation, HelpSkill(self.added)]
        self.worker = Worker(self.storage, self.chat.is_from_ringcentral)
        for skill, provider in described:
            self.add(skill, provider)
        self._protected = frozenset(one.name for one in self.providers)
        self.installation = Installation(
            self.storage,
            self.chat,
            self.providers,
            lambda: self.chat_address or self.address,
            settings.accounts,
        )
        self.places = WebPlaces(web_threads)
        overhear = self.confirmation.overhear
        turns = Turns(
            self.storage,
            self.chat,
            self.skills,
            lambda error: self.worker.on_error(error),
            overhear,
        )
        self.worker.add("turn", turns.take, threads=32, per_bot=24, longest=120.0)
        self.worker.add("say", turns.say, threads=6, per_bot=4, longest=60.0)
        self.worker.jobs |= {
            "connected": self._on_connected,
            "expired": lambda _: self.confirmation.delete_expired(),
            "leave": self._leave,
            "remove": self._remove,
            "revoke": lambda job: revoke_later(self.storage, self.providers, job),
            "subscribe": self.installation.subscribe_again,
        }
        self.app = create_app(
            self.storage,
            self.chat,
            self.installation,
            self.services,
            worker=self.worker,
            confirmation=self.confirmation if settings.confirm else None,
            places=self.places,
        )

    def add(self, skill: type[ServiceSkill], provider: Provider | None) -> None:
        """Add a skill before the last one, which answers what is left.

        `provider` is None for a skill that works with no service.  A service has one skill: a newer
        one replaces the older one if both say the same about the service.  Raises `ValueError` when
        a name is in use: see `name_conflict`.
        """
        if provider is None:
            for old in [one for one in self.added if type(one).__qualname__ == skill.__qualname__]:
                self._unseat(old)
            self._seat(skill, None)
            return
        if sentence := self.name_conflict(provider):
            raise ValueError(sentence)
        provider = self._for_a_browser(provider)
        for old in [one for one in self.services if one.provider.name == provider.name]:
            self.services.remove(old)
            self.providers.remove(old.provider)
            self._unseat(old)
        self.services.append(self._seat(skill, provider))
        self.providers.append(provider)

    def _seat(self, skill: type[ServiceSkill], provider: Provider | None) -> ServiceSkill:
        added = skill(self.storage, self.chat, provider, lambda: self.address)
        self.added.append(added)
        self.skills.insert(-1, added)
        self.worker.jobs |= added.jobs
        return added

    def _unseat(self, skill: ServiceSkill) -> None:
        self.added.remove(skill)
        self.skills.remove(skill)

    def _for_a_browser(self, provider: Provider) -> Provider:
        """Return the description with the address that a browser needs."""
        known = [one for one in self.providers if one.name == provider.name]
        if known and replace(provider, authorize_url=known[0].authorize_url) == known[0]:
            return known[0]  # the address may have been turned into that already
        where_to_ask = self._for_browsers(provider.authorize_url)
        return replace(provider, authorize_url=where_to_ask)

    def name_conflict(self, provider: Provider) -> str:
        """Return a sentence if the provider's name or slug is in use here; "" if not.

        The name finds a connection, and the slug finds a callback and a command.
        """
        if provider.slug in ("bot", "help", *VERBS):
            return f"The slug {provider.slug!r} is a word of the bot's own. Choose another slug."
        for skill in self.services:
            one = skill.provider
            name = str(provider.name).lower() == one.name.lower()
            slug = provider.slug in (one.slug, skill.word, *skill.commands)
            same = self._for_a_browser(provider) == one
            may_change = name and slug and one.name not in self._protected
            if (name or slug) and not (same or may_change):
                what = f"name {provider.name!r}" if name else f"slug {provider.slug!r}"
                return f"The {what} belongs to {one.called} here. Choose another name and slug."
        return ""

    # ---- jobs ------------------------------------------------------------------------------

    def _on_connected(self, job: Claimed) -> list[Job]:
        """Let the skill of a new connection say so; it gets the account that was connected.

        What it says is returned, so that it is written with the end of the job.
        """
        row = self.storage.get_service(int(job.name[1]))
        if row is None:
            return []
        account = {"account": (job.body or {}).get("account")}
        service = replace(row, data={**(row.data or {}), **account})
        with gathering() as said:
            for skill in self.services:
                if skill.provider.name == service.name:
                    try:
                        skill.on_connected(service)
                    except TryLater:
                        raise
                    except BotkitError as error:  # what was said before that counts
                        log.warning("Work left undone: %s", error)
        return said

    def _leave(self, job: Claimed) -> None:
        """End the connections of a chat that the bot has left."""
        bot_id, _, group_id = job.name[1].partition(":")
        try:
            run_skills(self.skills, Event("BotLeftGroup", bot_id, group_id))
        finally:
            self.installation.leave_group(bot_id, group_id)

    def _remove(self, job: Claimed) -> None:
        """Remove a bot that was deleted, with its connections, unless it has come back since."""
        _, bot_id = job.name
        bot = self.installation.deleted_at(bot_id, job.created_at / 1000)
        if bot is None:
            return
        try:
            run_skills(self.skills, Event("BotRemoved", bot_id))  # while the connections are there
        finally:
            self.installation.remove(bot)

    # ---- addresses -------------------------------------------------------------------------

    def provider(self, name: str) -> Provider:
        """Return the provider with this name.  Raises `LookupError` if no skill works with it."""
        for provider in self.providers:
            if provider.name == name:
                return provider
        raise LookupError(f"This bot has no skill for {name}.")

    def callback_url(self, provider: Provider) -> str:
        """Return the URL to which a provider sends the browser: the `redirect_uri`."""
        return self.address + callback_path(provider)

    @property
    def webhook_url(self) -> str:
        """The URL to which RingCentral delivers what happens in the chat."""
        return f"{self.chat_address or self.address}/bot/webhook"

    def use_address(self, address: str) -> None:
        """Use a new public address for auth links, and let the chat deliver there.

        Trouble with one bot is written to the log, and the others can work.  Raises `ChatError` if
        RingCentral reaches no bot there: then the address is wrong.
        """
        self.address = address.rstrip("/")
        bots, failed = self.storage.find_bots(), dict[str, ChatError]()
        for bot in bots:
            try:
                self.installation.subscribe(bot.id)
            except ChatError as error:
                failed[bot.id] = error
        unreached = [error for error in failed.values() if error.code in UNREACHABLE]
        if bots and len(unreached) == len(bots):
            raise unreached[0]
        for bot_id, why in failed.items():
            log.warning("Bot %s gets no messages: %s %s", bot_id, why, why.advice)

    def close(self) -> None:
        """Finish the work that is under way, and close the database."""
        self.worker.stop()
        self.storage.close()


def _provider(
    settings: Settings, name: str, skill: type[ServiceSkill], play: Play
) -> Provider | None:
    place = place_of(skill)
    if place is None:
        return None
    registration = settings.registrations.get(place)
    if registration is None:
        both = " and ".join(settings.places[place].credentials)
        raise SettingsError(
            f"The skill {name} needs a registration at its service.",
            advice=f"Set {both}, or leave it out of BOTKIT_SKILLS.",
        )
    return play(skill, describe(skill, registration))
