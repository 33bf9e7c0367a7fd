"""Be a practice service with three people, whose access and refresh tokens come in pairs.

Teapot and `botkit.practice.any` are built on `PairService` and `PairPages`.  What they add: an API,
the habits of their authorization server, and the words on their pages.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from botkit.practice.oauth import App, ConsentPages, PairLedger
from botkit.practice.service import PracticeService

PEOPLE = {"alice": "Alice", "bob": "Bob", "mallory": "Mallory"}


class PairService(PracticeService):
    """An OAuth service with three accounts, in memory.

    `name` is how its client ids begin, and `prefix` how its tokens begin.  `title` is the name that
    people see.  `now` is the clock that decides every life time.  How it is served: see
    `PracticeService`.  Knobs: `answers`, `trouble`, which spoils answers, and `revoke()`.
    """

    def __init__(self, name: str, title: str, prefix: str, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.name, self.title = name, title
        self._ledger = PairLedger(now, prefix)

    # What the owner of an app does

    def register_app(self, name: str, redirect_uris: Sequence[str]) -> tuple[str, str]:
        """Register an app; its client id and secret.

        The client id follows from `name` and the number of apps, so that it is the same each time.
        """
        apps = self._ledger.apps
        digest = hashlib.sha256(f"{len(apps)} {name}".encode()).hexdigest()
        secret = secrets.token_urlsafe(24)
        app = App(f"{self.name}-{digest[:12]}", secret, name, list(redirect_uris))
        apps[app.client_id] = app
        return app.client_id, secret

    def change_redirect_uris(self, client_id: str, redirect_uris: Sequence[str]) -> None:
        """Register other redirect URIs.  `KeyError`: there is no such app."""
        self._ledger.apps[client_id].redirect_uris = list(redirect_uris)

    def revoke(self, account: str) -> None:
        """Revoke every permission of a person.  `KeyError`: nobody has this account."""
        if account not in PEOPLE:
            raise KeyError(account)
        with self._lock:
            self._ledger.revoke(account)

    # What a program sees

    def owner_of(self, token: str) -> str | None:
        pair = self._ledger.live_access(token)
        return str(pair.owner) if pair else None

    def __repr__(self) -> str:
        apps, connections = len(self._ledger.apps), len(self._ledger.pairs)
        return f"<practice {self.title}: {apps} apps, {connections} connections>"


class PairPages(ConsentPages[str]):
    """The consent page for the three people, as a Flask `blueprint`."""

    def find_account(self, name: str | None) -> str | None:
        return name if name in PEOPLE else None

    def first_account(self) -> str:
        return next(iter(PEOPLE))
