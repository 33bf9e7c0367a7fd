"""Do what all skills have in common: connect an account, find the connection, end it.

Start with `ServiceSkill.handle`.  A skill of your own is a `Skill` (`skill.py`): there each command
is a method, and `answer` is written already.  `github.py` is a whole skill in a few lines.

Not here: `connect`, `disconnect` and `help` as commands (`help.py`), and the code that confirms a
connection (`confirm.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from flask import Blueprint

from botkit.chat import Chat, Event, plain
from botkit.errors import (
    ApiRefused,
    BotkitError,
    ChatBusy,
    ChatError,
    CommandError,
    NotConnected,
    ProviderError,
    RateLimited,
    ReconnectNeeded,
)
from botkit.oauth import (
    ApiSession,
    Provider,
    api_session,
    auth_link,
    callback_path,
    end_connection,
)
from botkit.plugins import name_of
from botkit.storage import Asked, Claimed, Service, Storage, current_turn, owner_of, person_of

TRY_AGAIN = "Please try again in a moment."
NO_DIRECT_CHAT = (
    "I have a link for you that nobody else should see, but I could not open a direct chat with "
    "you. Write to me there yourself, then say this here again."
)


class EventHandler(Protocol):
    """Something that sees every event of the chat, such as a skill."""

    def handle(self, event: Event, handled: bool) -> bool:
        """React to `event`; return whether it is handled now.

        `handled` says that an earlier skill has handled it.
        """
        ...


def run_skills(skills: Sequence[EventHandler], event: Event) -> bool:
    """Offer the event to each skill in order; return whether one handled it."""
    handled = False
    for skill in skills:
        handled = skill.handle(event, handled) or handled
    return handled


class ServiceSkill:
    """A skill for a service that people connect.

    `address` returns the bot's public address as it is now, without a slash at the end.
    """

    word: str  # the name of the service in commands: github
    introduction: str  # a sentence about the skill, for the greeting
    commands: Mapping[str, str]  # what people can say → what that does
    shared: ClassVar[bool] = False  # whether a connection belongs to the chat, not to one person
    remove_at: str  # where people can remove the app themselves
    routes: Blueprint | None = None  # more routes for the web app, besides the callback
    connects_to: ClassVar[Callable[..., Provider]]  # describes the service: botkit/providers/
    practice: ClassVar[Mapping[str, Any]] = {}  # what the service answers in practice
    # What is done without a message, by the names that `botkit.storage.do_job` is given.
    jobs: Mapping[str, Callable[[Claimed], object]] = {}

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        provider: Provider | None,
        address: Callable[[], str],
    ) -> None:
        self._provider = provider
        self.storage = storage
        self.chat = chat
        self.address = address

    @property
    def connects(self) -> bool:
        """Whether people connect an account for this skill."""
        return self._provider is not None

    @property
    def provider(self) -> Provider:
        """The service.  Raises `LookupError` if the skill works with none."""
        if self._provider is None:
            raise LookupError(
                f"{type(self).__name__} works with no service. Write word and connects_to into it."
            )
        return self._provider

    @property
    def title(self) -> str:
        """The name of the service in sentences: Google Drive."""
        return self._provider.called if self._provider else name_of(type(self))

    @property
    def words(self) -> tuple[str, str]:
        """What people say to connect, and what they say to disconnect."""
        return f"connect {self.word}", f"disconnect {self.word}"

    # ---- an event ------------------------------------------------------------------------------

    def handle(self, event: Event, handled: bool) -> bool:
        """Answer a message that no earlier skill has handled."""
        if handled or event.kind != "Message4Bot":
            return False
        return self.answer(event, event.command)

    def answer(self, event: Event, command: str) -> bool:
        """Answer a message if it is for this skill; return whether it was.

        `command` is the text in lower case, without punctuation at its ends.
        """
        raise NotImplementedError

    def on_connected(self, service: Service) -> None:
        """React to a new connection: say in its chat that `service` is connected."""
        name = service.account.get("name")  # None: nothing says whose account it is
        known = f" as **{plain(name)}**" if name else ""
        self.say(service, f"Connected to {self.title}{known}. {self.welcome(service)}")

    def welcome(self, service: Service) -> str:
        """Return a sentence that says what to do with a new connection."""
        first, what = next(iter(self.commands.items()))
        return f"**{first}** {what}."

    def help(self, topic: str) -> str | None:
        """Return the help on `topic`; None if the topic belongs to another skill."""
        return self.list_commands() if topic == self.word else None

    def list_commands(self) -> str:
        """Return a list of the commands, one in a line."""
        return "\n".join(f"* **{command}** {what}" for command, what in self.commands.items())

    def phrases(self) -> Iterable[str]:
        """Return the phrases that a command nobody understood is compared with."""
        return (*self.commands, *self.words)

    def maintain(self, service: Service) -> list[str]:
        """Look after a connection once a day; return a sentence for each thing that was done."""
        return []

    # ---- a connection ----------------------------------------------------------------------

    def find(self, event: Event) -> Service | None:
        """Return the connection of the person who speaks, or of the chat if it is shared."""
        owner = owner_of(event, shared=self.shared)
        service = self.storage.find_service(self.provider.name, **owner)
        if service is None and not self.shared:
            service = self._adopt(event)
        return service

    def _adopt(self, event: Event) -> Service | None:
        """Give the person a row that the original framework wrote without an owner.

        Only in a direct chat is it known whose row it is.
        """
        orphan = self.storage.find_service(
            self.provider.name, bot_id=event.bot_id, group_id=event.group_id
        )
        if orphan is None or not self.chat.group(event.bot_id, event.group_id).is_private:
            return None  # a team with two members may have had others, and it may be theirs
        return self.storage.adopt_service(orphan, user_id=event.user_id)

    def find_or_send_link(self, event: Event) -> Service | None:
        """Return the connection; without one, reply with an auth link and return None."""
        service = self.find(event)
        if service is None:
            self.send_auth_link(event, "You are not connected yet.")
        return service

    def api(self, service: Service) -> ApiSession:
        """Return a session that calls the service's API (step 3).

        Raises `ReconnectNeeded` or another `ProviderError`, and `HostCrowded`.
        """
        self._visit()
        return api_session(self.storage, self.provider, service)

    def auth_link_sentence(self, event: Event, user_id: str) -> str:
        """Return a sentence with a new auth link for `user_id` in it (step 1)."""
        link = auth_link(
            self.storage,
            self.provider,
            bot_id=event.bot_id,
            group_id=event.group_id,
            user_id=user_id,
            redirect_uri=self.address() + callback_path(self.provider),
        )
        return f"[Connect your {self.title} account]({link}). The link works once, for ten minutes."

    def send_auth_link(self, event: Event, sentence: str = "") -> None:
        """Reply with `sentence`, if there is one, and send the person who speaks an auth link.

        A link belongs to one person.  In a chat that others read, it goes to the direct chat of
        the bot and this person, and the reply says so.
        """
        group = self.chat.group(event.bot_id, event.group_id)
        if group.is_private:
            link = self.auth_link_sentence(event, event.user_id)
            self.reply(event, f"{sentence} {link}".lstrip())
            return
        try:
            direct = self.chat.open_direct(event.bot_id, event.user_id)
        except ChatBusy:  # it waits, as every message does
            raise
        except ChatError:
            self.reply(event, f"{sentence} {NO_DIRECT_CHAT}".lstrip())
            return
        where = f"You asked for this link in **{plain(group.name) or 'another chat'}**."
        link = self.auth_link_sentence(event, event.user_id)
        self.chat.send(event.bot_id, direct, f"{where} {link}")
        self.reply(event, f"{sentence} I have sent you a link in our direct chat.".lstrip())

    def connect(self, event: Event) -> None:
        """Reply with an auth link, also to a person who is connected: the newer one counts."""
        self.send_auth_link(event)

    def disconnect(self, event: Event) -> None:
        """End the connection, and revoke it unless that would end another one."""
        service = self.find(event)
        if service is None:
            self.reply(event, f"You are not connected to {self.title}. There is nothing to end.")
            return
        if not self.may_decide(service, event.user_id):
            self.reply(event, f"{self.belongs_to_another()} Nothing was changed.")
            return
        self.reply(event, self._outcome_of_ending(service))

    def _outcome_of_ending(self, service: Service) -> str:
        """End a connection, and say what was done."""
        try:
            others = self.end(service)
        except BotkitError as error:
            return (
                f"Disconnected here, but: {error} You can remove the app yourself {self.remove_at}."
            )
        if self.provider.name in others:
            return "Disconnected here. Your account stays connected in another chat."
        if others:
            return (
                "Disconnected here. Another skill still uses your account, so nothing was "
                "revoked there."
            )
        if self.provider.revocation is None:
            return (
                f"Disconnected here. {self.title} offers no way to revoke what you allowed. "
                f"You can remove the app yourself {self.remove_at}."
            )
        return f"Disconnected. {self.title} has forgotten the connection too."

    def end(self, service: Service) -> list[str]:
        """End a connection here and at its service; return what `end_connection` returns.

        A skill that has more there than the connection ends that first.  Raises what
        `end_connection` raises, or `TryLater`.
        """
        self._visit()
        return end_connection(self.storage, self.provider, service)

    def _visit(self) -> None:
        """Take a place at the service for the turn that we are in."""
        if (turn := current_turn()) is not None:
            turn.visit(urlsplit(self.provider.api_url).netloc)

    # ---- who decides about a shared connection -----------------------------------------------

    def objection(self, asked: Asked) -> str:
        """Return why this person may not connect an account in this chat; "" if they may.

        Raises `ChatError`.
        """
        if not self.shared:
            return ""
        owner = owner_of(asked, shared=True)
        service = self.storage.find_service(self.provider.name, **owner)
        if service is None or self.may_decide(service, asked.user_id):
            return ""
        return self.belongs_to_another()

    def may_decide(self, service: Service, user_id: str) -> bool:
        """Return whether a person may end or replace a connection.

        Of one that the chat shares, that is the person who made it.  If that person has left the
        chat, or is not known, everybody in it may.  Raises `ChatError`.
        """
        person = person_of(service)
        if person in ("", user_id):
            return True
        return self.chat.has_left(service.bot_id or "", service.group_id or "", person)

    def belongs_to_another(self) -> str:
        """Return a sentence for a person who may not decide about the connection of a chat."""
        return (
            f"Somebody else in this chat has connected {self.title}, and only that person can end "
            "or replace the connection."
        )

    # ---- sentences in the chat ----------------------------------------------------------------

    def reply(self, event: Event, text: str) -> None:
        """Say `text` in the chat where `event` happened."""
        self.chat.send(event.bot_id, event.group_id, text)

    def say(self, service: Service, text: str) -> None:
        """Say `text` in the chat of a connection, when nobody has asked."""
        self.chat.send(service.bot_id or "", service.group_id or "", text)

    @contextmanager
    def replying_errors(self, event: Event) -> Iterator[None]:
        """Reply with what happened and what to do, when something fails inside the block.

        That is the provider, or a command that cannot be done.  Other errors pass.
        """
        try:
            yield
        except NotConnected as error:
            self.send_auth_link(event, str(error))
        except ReconnectNeeded as error:
            self.offer_reconnect(event, error)
        except (ApiRefused, CommandError, RateLimited) as error:
            self.reply(event, f"{error} {error.advice}".rstrip())
        except ProviderError as error:
            self.reply(event, f"{error} {TRY_AGAIN}")

    def offer_reconnect(self, event: Event, error: ReconnectNeeded) -> None:
        """Reply that the connection has ended, with an auth link for a new one."""
        self.send_auth_link(event, str(error))
