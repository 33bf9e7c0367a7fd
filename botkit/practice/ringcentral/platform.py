"""Register third-party apps at RingCentral, and keep the accounts of people who use them.

`Platform` is the chat with accounts around it.  Here Python code plays the owner of an app and its
users.  What a browser and a program see is in `pages.py` and `account_api.py`.

    uris = ["http://127.0.0.1:8000/ringcentral/oauth"]
    client_id, client_secret = chat.register_app("Assistant", uris)
    chat.settings_of("Alice").presence["userStatus"] = "Busy"
    chat.revoke("Alice")
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime

from botkit.practice.ringcentral.chat import PEOPLE, ChatRoom
from botkit.practice.ringcentral.ledger import (
    RingCentralApp,
    RingCentralLedger,
    Session,
    checked_uris,
)
from botkit.practice.ringcentral.people import COMPANY, COMPANY_HOURS
from botkit.practice.ringcentral.settings import PersonSettings, settings_of


class Platform(ChatRoom):
    """The chat, with apps and people's accounts.  `now` returns an aware UTC datetime.

    `company` and `company_hours` are what the account API tells of the company.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.address = self.browser_address = ""
        self.ledger = RingCentralLedger(now)
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
            self.apps[client_id] = RingCentralApp(client_id, secret, name, uris)
        return client_id, secret

    def change_redirect_uris(self, client_id: str, redirect_uris: Sequence[str]) -> None:
        """Register other redirect URIs.  `KeyError`: there is no such app."""
        uris = checked_uris(redirect_uris)
        with self.ledger.lock:
            self.apps[client_id].redirect_uris = uris

    @property
    def apps(self) -> dict[str, RingCentralApp]:
        """The apps by client id, the bot's own among them."""
        return self.ledger.apps

    @property
    def sessions(self) -> list[Session]:
        """What people have let apps do, the oldest first."""
        with self.ledger.lock:
            return list(self.ledger.sessions)

    def settings_of(self, person: str) -> PersonSettings:
        """Return the person's settings, to read and to change.

        `ValueError`: nobody is called that.
        """
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
        """Remove the access of every app, as the person can.

        `ValueError`: nobody is called that.
        """
        self.ledger.forget(self.person(person))

    def expire_everything(self) -> None:
        """Let every access token and unused code expire now.  Refresh tokens still work.

        The bot's token is permanent and stays.
        """
        self.ledger.expire()
