"""The GitHub bot: `profile` shows your GitHub profile, once you have connected your account.

Here the three steps come together: without a connection the answer is an auth link (step 1); the
web app does step 2; with a connection `profile` calls the API (step 3).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botkit.chat import Chat, plain
from botkit.errors import (
    BotkitError,
    ProviderError,
    ProviderNonsense,
    RateLimited,
    ReconnectNeeded,
)
from botkit.events import Event
from botkit.oauth import api_session, auth_link, revoke
from botkit.providers import Provider, callback_path
from botkit.storage import Storage
from botkit.tables import Service
from botkit.tokens import read_fields

HELP = """I understand:
* **profile** shows your GitHub profile
* **disconnect** removes your connection, here and at GitHub
* **help** shows this list"""

LATER = "Please try again in a moment."

# What may be shown in a chat that others read: the private e-mail address is not among it.
PUBLIC = ("login", "name", "bio", "company", "location", "public_repos", "followers", "html_url")


class GitHubSkill:
    """`address` returns the public address of the bot at this moment, without a final slash."""

    def __init__(
        self, storage: Storage, chat: Chat, provider: Provider, address: Callable[[], str]
    ) -> None:
        self.provider = provider
        self._storage = storage
        self._chat = chat
        self._address = address

    def handle(self, event: Event, handled: bool) -> bool:
        if handled:
            return False
        if event.kind == "BotJoinGroup":
            self._greet(event)
        elif event.kind == "Message4Bot":
            self._answer(event)
        else:
            return False
        return True

    def connected(self, service: Service) -> None:
        name = plain(service.account.get("name", "unknown"))
        self._chat.send(
            service.bot_id or "",
            service.group_id or "",
            f"Connected to GitHub as **{name}**. Say **profile** to see the profile.",
        )

    # ---- what it says ----------------------------------------------------------------------

    def _greet(self, event: Event) -> None:
        if event.group_type in ("Everyone", "PersonalChat"):
            return  # nobody in there asked for a bot
        group = self._chat.group(event.bot_id, event.group_id)
        others = [member for member in group.members if member != event.bot_id]
        hello = "Hello! I show GitHub profiles."
        if group.is_direct and len(others) == 1:
            self._say(event, f"{hello} {self._invitation(event, others[0])}")
        else:  # a link belongs to one person, and nobody in particular has asked yet
            self._say(event, f"{hello} Mention me and say **profile** to begin.")

    def _answer(self, event: Event) -> None:
        service = self._find(event)
        command = event.text.lower().strip(" .!?")
        if command == "help":
            self._say(event, HELP)
        elif service is None:
            self._say(event, f"You are not connected yet. {self._invitation(event, event.user_id)}")
        elif command == "profile":
            self._profile(event, service)
        elif command == "disconnect":
            self._disconnect(event, service)
        else:
            self._say(event, f"I did not understand that.\n{HELP}")

    def _profile(self, event: Event, service: Service) -> None:
        try:
            with api_session(self._storage, self.provider, service) as api:
                answer = api.get("/user")
            profile = read_fields(answer)
            if answer.status_code != 200 or "login" not in profile:
                raise ProviderNonsense(
                    f"GitHub sent no profile (it answered {answer.status_code})."
                )
        except ReconnectNeeded as error:
            self._say(event, f"{error} {self._invitation(event, event.user_id)}")
        except ProviderError as error:
            advice = error.advice if isinstance(error, RateLimited) else LATER
            self._say(event, f"{error} {advice}")
        else:
            self._say(event, _profile_text(profile))

    def _disconnect(self, event: Event, service: Service) -> None:
        try:
            if self._is_connected_elsewhere(service):  # revoking would end that, too
                outcome = "Disconnected here. Your account stays connected in another chat."
            else:
                revoke(self._storage, self.provider, service)
                outcome = "Disconnected. GitHub has forgotten the connection too."
        except BotkitError as error:
            outcome = (
                f"Disconnected here, but: {error} You can remove the app yourself in your GitHub "
                "settings, under “Applications”."
            )
        self._storage.delete_service(service)
        self._say(event, outcome)

    # ---- how ------------------------------------------------------------------------------

    def _is_connected_elsewhere(self, service: Service) -> bool:
        """Whether the same account is connected in another chat, or by another person."""

        def key(one: Service) -> tuple[str | None, object]:
            return one.name, one.account.get("id")

        all_of_bot = self._storage.find_services(bot_id=service.bot_id or "")
        others = [other for other in all_of_bot if other.id != service.id]
        return bool(service.account) and any(key(other) == key(service) for other in others)

    def _find(self, event: Event) -> Service | None:
        place = {"bot_id": event.bot_id, "group_id": event.group_id}
        service = self._storage.find_service(self.provider.name, **place, user_id=event.user_id)
        if service is None:
            service = self._adopt(event)
        return service

    def _adopt(self, event: Event) -> Service | None:
        """The original framework did not write down who connected; in a chat of two we know."""
        orphan = self._storage.find_service(
            self.provider.name, bot_id=event.bot_id, group_id=event.group_id
        )
        if orphan is None or not self._chat.group(event.bot_id, event.group_id).is_private:
            return None  # a team that has two members now had others, and it may be theirs
        return self._storage.adopt_service(orphan, user_id=event.user_id)

    def _invitation(self, event: Event, user_id: str) -> str:
        link = auth_link(
            self._storage,
            self.provider,
            bot_id=event.bot_id,
            group_id=event.group_id,
            user_id=user_id,
            redirect_uri=self._address() + callback_path(self.provider),
        )
        return f"[Connect your GitHub account]({link}). The link works once, for ten minutes."

    def _say(self, event: Event, text: str) -> None:
        self._chat.send(event.bot_id, event.group_id, text)


def _profile_text(profile: Any) -> str:
    shown = {key: plain(profile.get(key)) for key in PUBLIC if profile.get(key) is not None}
    code = json.dumps(shown, indent=2, ensure_ascii=False)
    return (
        "Here is your GitHub profile:\n"
        f"**{shown.get('login', 'unknown')}**: {shown.get('public_repos', 0)} public repositories, "
        f"{shown.get('followers', 0)} followers\n[code]{code}[/code]"
    )
