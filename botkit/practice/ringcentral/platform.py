"""The practice RingCentral as a third-party service: apps, and people who let them act for them.

`Platform` is the chat's room with accounts around it.  The owner of an app and its users are played
from Python here; what a browser and a program see is in `rc_pages.py` and `rc_account.py`.

    client_id, client_secret = chat.register_app("Assistant",
    ["http://127.0.0.1:8000/ringcentral/oauth"]) chat.settings_of("Alice").presence["userStatus"] =
    "Busy" chat.revoke("Alice")
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime

from botkit.practice.ringcentral.chat_room import PEOPLE, ChatRoom
from botkit.practice.ringcentral.ledger import App, Ledger, Session, checked_uris
from botkit.practice.ringcentral.people import COMPANY, COMPANY_HOURS
from botkit.practice.ringcentral.settings import Settings, settings_of


class Platform(ChatRoom):
    """`now` returns the time as an aware UTC datetime.

    `company` and `company_hours` are what the account API tells of the company.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.address = self.browser_address = ""
        self.ledger = Ledger(now)
        self.settings = {person.id: settings_of(person) for person in PEOPLE}
        self.company, self.company_hours = deepcopy(COMPANY), deepcopy(COMPANY_HOURS)

    def register_app(self, name: str, redirect_uris: Sequence[str]) -> tuple[str, str]:
        """Register a third-party app; its client id and secret.

        The client id follows from `name` and the number of apps, so that it is the same each time.
        Raises `ValueError` for a redirect URI that is no whole web address.
        """
        uris = checked_uris(redirect_uris)
        with self.ledger.lock:
            digest = hashlib.sha256(f"{len(self.apps)} {name}".encode()).digest()
            client_id = base64.urlsafe_b64encode(digest)[:22].decode()
            secret = secrets.token_urlsafe(33)
            self.apps[client_id] = App(client_id, secret, name, uris)
        return client_id, secret

    def change_redirect_uris(self, client_id: str, redirect_uris: Sequence[str]) -> None:
        """Register other redirect URIs.  `KeyError`: there is no such app."""
        uris = checked_uris(redirect_uris)
        with self.ledger.lock:
            self.apps[client_id].redirect_uris = uris

    @property
    def apps(self) -> dict[str, App]:
        """The apps by client id, the bot's own among them."""
        return self.ledger.apps

    @property
    def sessions(self) -> list[Session]:
        """What people have let apps do, the oldest first."""
        with self.ledger.lock:
            return list(self.ledger.sessions)

    def settings_of(self, person: str) -> Settings:
        """The person's settings, to read and to change.  `ValueError`: nobody is called that."""
        return self.settings[self.person(person).id]

    # ---- knobs ---------------------------------------------------------------------------------

    @property
    def issue_refresh_tokens(self) -> bool:
        """Whether apps get refresh tokens.  At RingCentral an app's owner has to turn this on."""
        return self.ledger.issue_refresh_tokens

    @issue_refresh_tokens.setter
    def issue_refresh_tokens(self, yes: bool) -> None:
        self.ledger.issue_refresh_tokens = yes

    def revoke(self, person: str) -> None:
        """The person removes the access of every app.  `ValueError`: nobody is called that."""
        self.ledger.forget(self.person(person))

    def expire_everything(self) -> None:
        """Every access token and every unused code has run out.  Refresh tokens still work.

        The bot's token is permanent and stays.
        """
        self.ledger.expire()
