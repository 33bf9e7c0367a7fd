"""What every skill does alike: connect an account, find the connection, end it, tell what is wrong.

A skill is a subclass that says in a few words what it is about, and answers its own commands:

    class WeatherSkill(ServiceSkill):
        word = "weather"
        commands = {"forecast": "shows tomorrow's weather"}

        def answer(self, event, command):
            ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from flask import Blueprint

from botkit.chat import Chat, Event, plain
from botkit.errors import BotkitError, ProviderError, RateLimited, ReconnectNeeded
from botkit.oauth import (
    ApiSession,
    Provider,
    api_session,
    auth_link,
    callback_path,
    end_connection,
)
from botkit.storage import Service, Storage, owner_of

LATER = "Please try again in a moment."


class Skill(Protocol):
    """Whatever takes its turn."""

    def handle(self, event: Event, handled: bool) -> bool:
        """React to `event`; return whether it is now handled."""
        ...


def run_skills(skills: Sequence[Skill], event: Event) -> bool:
    """Offer the event to each skill in order; return whether one handled it."""
    handled = False
    for skill in skills:
        handled = skill.handle(event, handled) or handled
    return handled


class Background(Protocol):
    """Whatever does work after the answer; `botkit.bot.worker.Work` is one."""

    def submit(self, job: Callable[..., object], *args: Any) -> None: ...

    def later(self, seconds: float, job: Callable[..., object], *args: Any) -> None: ...


class ServiceSkill:
    """A skill that works with a service which people connect.

    `address` returns the public address of the bot at this moment, without a final slash.
    """

    word: str  # how people call the service in a command: github
    introduction: str  # what the skill says of itself in a greeting
    commands: Mapping[str, str]  # what people can say, and what that does
    shared: ClassVar[bool] = False  # does a connection belong to the chat, or to one person?
    remove_at: str  # where people can remove the app themselves
    routes: Blueprint | None = None  # of its own, besides the callback

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        provider: Provider,
        address: Callable[[], str],
        work: Background,
    ) -> None:
        self.provider = provider
        self.storage = storage
        self.chat = chat
        self.address = address
        self.work = work

    @property
    def title(self) -> str:
        """How the service is called in a sentence: Google Drive."""
        return self.provider.called

    @property
    def words(self) -> tuple[str, str]:
        """What people say to connect, and to disconnect."""
        return f"connect {self.word}", f"disconnect {self.word}"

    # ---- a turn ----------------------------------------------------------------------------

    def handle(self, event: Event, handled: bool) -> bool:
        if handled or event.kind != "Message4Bot":
            return False
        return self.answer(event, event.text.lower().strip(" .!?"))

    def answer(self, event: Event, command: str) -> bool:
        """Answer a message, if it is for this skill.  `command` is its text in small letters."""
        raise NotImplementedError

    def connected(self, service: Service) -> None:
        """Say in the chat that `service` has been connected."""
        name = plain(service.account.get("name", "unknown"))
        self.tell(service, f"Connected to {self.title} as **{name}**. {self.welcome(service)}")

    def welcome(self, service: Service) -> str:
        """What can be done with a new connection."""
        first, what = next(iter(self.commands.items()))
        return f"**{first}** {what}."

    def help(self, topic: str) -> str | None:
        """What the skill can say about `topic`; None if that is not its own."""
        return self.list_commands() if topic == self.word else None

    def list_commands(self) -> str:
        return "\n".join(f"* **{command}** {what}" for command, what in self.commands.items())

    def phrases(self) -> Iterable[str]:
        """What people may have wanted to say when they mistyped it."""
        return (*self.commands, *self.words)

    def maintain(self, service: Service) -> list[str]:
        """Look after a connection, every day; a sentence for each thing that was done."""
        return []

    # ---- a connection ----------------------------------------------------------------------

    def find(self, event: Event) -> Service | None:
        """The connection of the person who speaks, or of the chat if it is shared there."""
        owner = owner_of(event, shared=self.shared)
        service = self.storage.find_service(self.provider.name, **owner)
        if service is None and not self.shared:
            service = self._adopt(event)
        return service

    def _adopt(self, event: Event) -> Service | None:
        """The original framework did not write down who connected; in a chat of two we know."""
        orphan = self.storage.find_service(
            self.provider.name, bot_id=event.bot_id, group_id=event.group_id
        )
        if orphan is None or not self.chat.group(event.bot_id, event.group_id).is_private:
            return None  # a team that has two members now had others, and it may be theirs
        return self.storage.adopt_service(orphan, user_id=event.user_id)

    def found(self, event: Event) -> Service | None:
        """The connection, or None once its absence has been answered with a link."""
        service = self.find(event)
        if service is None:
            self.invite(event, "You are not connected yet.")
        return service

    def api(self, service: Service) -> ApiSession:
        """Step 3: a session that calls the service's API."""
        return api_session(self.storage, self.provider, service)

    def invitation(self, event: Event, user_id: str) -> str:
        """Step 1: a sentence with the auth link in it."""
        link = auth_link(
            self.storage,
            self.provider,
            bot_id=event.bot_id,
            group_id=event.group_id,
            user_id=user_id,
            redirect_uri=self.address() + callback_path(self.provider),
        )
        return f"[Connect your {self.title} account]({link}). The link works once, for ten minutes."

    def invite(self, event: Event, sentence: str = "") -> None:
        """Say `sentence`, and offer the person who speaks a link."""
        self.say(event, f"{sentence} {self.invitation(event, event.user_id)}".lstrip())

    def connect(self, event: Event) -> None:
        """Offer a link, also to somebody who is connected already: the newer one counts."""
        self.invite(event)

    def disconnect(self, event: Event) -> None:
        """End the connection here, and at the provider if that harms no other one."""
        service = self.find(event)
        if service is None:
            self.say(event, f"You are not connected to {self.title}. There is nothing to end.")
            return
        try:
            others = end_connection(self.storage, self.provider, service)
            if not others:
                outcome = f"Disconnected. {self.title} has forgotten the connection too."
            elif any(other.name == service.name for other in others):
                outcome = "Disconnected here. Your account stays connected in another chat."
            else:
                outcome = (
                    "Disconnected here. Another skill still uses your account, so nothing was "
                    "revoked there."
                )
        except BotkitError as error:
            outcome = (
                f"Disconnected here, but: {error} You can remove the app yourself {self.remove_at}."
            )
        self.storage.delete_service(service)
        self.say(event, outcome)

    # ---- what it says ----------------------------------------------------------------------

    def say(self, event: Event, text: str) -> None:
        """Answer in the chat where `event` happened."""
        self.chat.send(event.bot_id, event.group_id, text)

    def tell(self, service: Service, text: str) -> None:
        """Say something in the chat to which a connection belongs."""
        self.chat.send(service.bot_id or "", service.group_id or "", text)

    @contextmanager
    def telling(self, event: Event) -> Iterator[None]:
        """Whatever goes wrong at the provider becomes a sentence in the chat, and what to do."""
        try:
            yield
        except ReconnectNeeded as error:
            self.lost(event, error)
        except ProviderError as error:
            advice = error.advice if isinstance(error, RateLimited) else LATER
            self.say(event, f"{error} {advice}")

    def lost(self, event: Event, error: ReconnectNeeded) -> None:
        """The connection has come to its end: say so, and offer the next one."""
        self.invite(event, str(error))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
