"""Remember Google's clients, codes and tokens, and who granted what.

Here are the rules of Google that are about them: which redirect URI a client may have, when
something expires, and how many refresh tokens one person may have.

Sources: Google's pages "Using OAuth 2.0 for Web Server Applications" and "Using OAuth 2.0 to
Access Google APIs" (its section on the expiration of refresh tokens).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from botkit.practice.google.scopes import SIGN_IN, in_order
from botkit.practice.oauth import App, Ledger, Token

CODE_LIFE = timedelta(minutes=10)  # Google does not say; RFC 6749 section 4.1.2 allows this much
ACCESS_TOKEN_LIFE = timedelta(seconds=3599)
REFRESH_TOKEN_UNUSED = timedelta(days=182)  # "six months" without use
REFRESH_TOKEN_IN_TESTING = timedelta(days=7)
REFRESH_TOKENS_PER_ACCOUNT = 100  # of one client; one more silently ends the oldest

#: The accounts.  Nobody has a password.
PEOPLE = {
    "alice@practice.example": "Alice Rivera",
    "bob@practice.example": 'Bob "Bobby" O\'Hara 🐙',
    "mallory@practice.example": "Mallory Marsh",
}


def account(name: str | None) -> str | None:
    """Return the account that `name` is or is short for: `bob` is `bob@practice.example`."""
    return next((email for email in PEOPLE if name in (email, email.split("@")[0])), None)


def checked_uris(redirect_uris: Sequence[str]) -> list[str]:
    """Return the redirect URIs if Google takes them: HTTPS and a name, or this computer.

    Raises `ValueError` for any other.
    """
    for uri in redirect_uris:
        url = urlsplit(uri)
        local = url.hostname in ("localhost", "127.0.0.1", "::1")
        secure = url.scheme == "https" and re.search(r"\.[a-z-]+$", url.hostname or "")
        plain = not re.search(r"[#*@\s]|[/\\]\.\.", uri)
        if not plain or not (secure or (local and url.scheme in ("http", "https"))):
            raise ValueError(
                "Google takes only a redirect URI with https and a host name, or one on this "
                f"computer, and no #, *, @ or /.. in it: {uri}"
            )
    return list(redirect_uris)


@dataclass
class GoogleClient(App):
    """An OAuth client.  Several clients may belong to one project; people consent to a project."""

    project: str


@dataclass(frozen=True)
class Consent:
    """What a person has agreed to.  `lasting`: a refresh token is due."""

    account: str
    scopes: list[str]
    lasting: bool


@dataclass
class AccessToken(Token):
    """A bearer token, good for `scopes` of the account `owner` until `expires_at`."""

    app: GoogleClient
    token: str = field(repr=False)
    expires_at: datetime


@dataclass
class RefreshToken(Token):
    """A token that is not renewed when it is used, and lives until one of many things ends it."""

    app: GoogleClient
    token: str = field(repr=False)
    created_at: datetime
    used_at: datetime


class GoogleLedger(Ledger[GoogleClient]):
    """Keep clients, codes, tokens, and what people granted to which project.

    It takes no lock of its own: `Google` lets one request at a time come to it.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now, CODE_LIFE)
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.grants: dict[tuple[str, str], list[str]] = {}  # by project and account
        self.grant_only: list[str] | None = None
        self.testing_mode = False

    def granted(self, client: GoogleClient, account: str) -> list[str]:
        """Return the scopes that `account` has granted to the client's project."""
        return self.grants.get((client.project, account), [])

    def grant(self, client: GoogleClient, account: str, scopes: list[str]) -> list[str]:
        """Note the consent of `account`, and return the scopes that it really agreed to."""
        if self.grant_only is not None:
            scopes = [scope for scope in scopes if scope in SIGN_IN.union(self.grant_only)]
        if scopes:
            both = in_order([*self.granted(client, account), *scopes])
            self.grants[client.project, account] = both
        return scopes

    def issue_access(self, client: GoogleClient, account: str, scopes: list[str]) -> AccessToken:
        """Make a new access token."""
        name = f"ya29.{secrets.token_urlsafe(40)}"
        token = AccessToken(client, account, scopes, name, self.now() + ACCESS_TOKEN_LIFE)
        self.access_tokens[name] = token
        return token

    def issue_refresh(self, client: GoogleClient, account: str, scopes: list[str]) -> RefreshToken:
        """Make a new refresh token; one too many of a client and account ends the oldest."""
        now, name = self.now(), f"1//{secrets.token_urlsafe(40)}"
        mine = [t for t in self.refresh_tokens.values() if (t.app, t.owner) == (client, account)]
        for oldest in mine[: max(0, len(mine) + 1 - REFRESH_TOKENS_PER_ACCOUNT)]:
            del self.refresh_tokens[oldest.token]
        token = RefreshToken(client, account, scopes, name, created_at=now, used_at=now)
        self.refresh_tokens[name] = token
        return token

    def live_access(self, token: str) -> AccessToken | None:
        """Return the access token if it has not expired."""
        found = self.access_tokens.get(token)
        return found if found and self.now() < found.expires_at else None

    def live_refresh(self, token: str) -> RefreshToken | None:
        """Return the refresh token if nothing has ended it."""
        found = self.refresh_tokens.get(token)
        if found is None or self.now() >= found.used_at + REFRESH_TOKEN_UNUSED:
            return None
        if self.testing_mode and self.now() >= found.created_at + REFRESH_TOKEN_IN_TESTING:
            return None
        return found

    def revoke(self, project: str, account: str) -> None:
        """Forget what `account` granted to a project: every client's codes and tokens with it."""
        self.grants.pop((project, account), None)

        def stays(client: App, owner: str) -> bool:
            return (self.apps[client.client_id].project, owner) != (project, account)

        codes, access, refresh = self.codes, self.access_tokens, self.refresh_tokens
        self.codes = {k: c for k, c in codes.items() if stays(c.app, c.owner.account)}
        self.access_tokens = {k: t for k, t in access.items() if stays(t.app, t.owner)}
        self.refresh_tokens = {k: t for k, t in refresh.items() if stays(t.app, t.owner)}

    def expire(self) -> None:
        super().expire()
        for token in self.access_tokens.values():
            token.expires_at = self.now()
