"""What the practice Google remembers: clients, codes, tokens, and who granted what.

All of it lives in memory and ends with the process.  The classes carry the few methods that
Authlib asks of a client, a code and a token, and the rules of Google that are about them: which
redirect URI fits, how long something lives, how many refresh tokens one person may have.

Sources: Google's pages "Using OAuth 2.0 for Web Server Applications" and "Using OAuth 2.0 to
Access Google APIs" (its section on the expiration of refresh tokens).
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin

from botkit.practice.google.scopes import SIGN_IN, in_order

CODE_LIFE = timedelta(minutes=10)  # Google does not say; RFC 6749 section 4.1.2 allows this much
ACCESS_TOKEN_LIFE = timedelta(seconds=3599)
REFRESH_TOKEN_UNUSED = timedelta(days=182)  # "six months" without use
REFRESH_TOKEN_IN_TESTING = timedelta(days=7)
REFRESH_TOKENS_PER_ACCOUNT = 100  # of one client; one more silently ends the oldest

#: Who lives here.  Nobody has a password.
PEOPLE = {
    "alice@practice.example": "Alice Rivera",
    "bob@practice.example": 'Bob "Bobby" O\'Hara 🐙',
    "mallory@practice.example": "Mallory Marsh",
}


def account(name: str | None) -> str | None:
    """The account that `name` stands for: `bob` is short for `bob@practice.example`."""
    return next((email for email in PEOPLE if name in (email, email.split("@")[0])), None)


def checked_uris(redirect_uris: Sequence[str]) -> list[str]:
    """Redirect URIs by Google's rules: HTTPS and a name, unless it leads to this computer.

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
class Client(ClientMixin):
    """An OAuth client.  Several clients may belong to one project; people consent to a project."""

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    redirect_uris: list[str]
    project: str

    def check_client_secret(self, client_secret: str) -> bool:
        sent = client_secret.encode(errors="replace")
        return secrets.compare_digest(self.client_secret.encode(), sent)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_post", "client_secret_basic")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exactly one of the registered ones: scheme, case and trailing slash count."""
        return redirect_uri in self.redirect_uris

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""


@dataclass(frozen=True)
class Consent:
    """What somebody has agreed to.  `lasting`: a refresh token is due."""

    account: str
    scopes: list[str]
    lasting: bool


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code that waits for its exchange."""

    code: str = field(repr=False)
    client: Client
    consent: Consent
    redirect_uri: str
    expires_at: datetime
    code_challenge: str | None = field(repr=False)
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.consent.scopes)


@dataclass
class AccessToken:
    """A bearer token, good for `scopes` of `account` until `expires_at`."""

    token: str = field(repr=False)
    client: Client
    account: str
    scopes: list[str]
    expires_at: datetime


@dataclass
class RefreshToken(TokenMixin):
    """It is not renewed when it is used, and lives until one of many things ends it."""

    token: str = field(repr=False)
    client: Client
    account: str
    scopes: list[str]
    created_at: datetime
    used_at: datetime

    def check_client(self, client: Client) -> bool:
        return self.client is client

    def get_scope(self) -> str:
        return " ".join(self.scopes)


class Ledger:
    """What Google keeps: clients, codes, tokens, and what people granted to which project.

    It takes no lock of its own: `Google` lets one request at a time come to it.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.clients: dict[str, Client] = {}
        self.codes: dict[str, Code] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.grants: dict[tuple[str, str], list[str]] = {}  # by project and account
        self.grant_only: list[str] | None = None
        self.testing_mode = False

    def granted(self, client: Client, account: str) -> list[str]:
        return self.grants.get((client.project, account), [])

    def grant(self, client: Client, account: str, scopes: list[str]) -> list[str]:
        """Note the consent of `account`; the scopes that were really agreed to."""
        if self.grant_only is not None:
            scopes = [scope for scope in scopes if scope in SIGN_IN.union(self.grant_only)]
        if scopes:
            both = in_order([*self.granted(client, account), *scopes])
            self.grants[client.project, account] = both
        return scopes

    def issue_access(self, client: Client, account: str, scopes: list[str]) -> AccessToken:
        name = f"ya29.{secrets.token_urlsafe(40)}"
        token = AccessToken(name, client, account, scopes, self.now() + ACCESS_TOKEN_LIFE)
        self.access_tokens[name] = token
        return token

    def issue_refresh(self, client: Client, account: str, scopes: list[str]) -> RefreshToken:
        now, name = self.now(), f"1//{secrets.token_urlsafe(40)}"
        mine = [
            t for t in self.refresh_tokens.values() if (t.client, t.account) == (client, account)
        ]
        for oldest in mine[: max(0, len(mine) + 1 - REFRESH_TOKENS_PER_ACCOUNT)]:
            del self.refresh_tokens[oldest.token]
        token = RefreshToken(name, client, account, scopes, created_at=now, used_at=now)
        self.refresh_tokens[name] = token
        return token

    def live_code(self, code: str, client: Client) -> Code | None:
        found = self.codes.get(code)
        return found if found and found.client is client and self.now() < found.expires_at else None

    def live_access(self, token: str) -> AccessToken | None:
        found = self.access_tokens.get(token)
        return found if found and self.now() < found.expires_at else None

    def live_refresh(self, token: str) -> RefreshToken | None:
        found = self.refresh_tokens.get(token)
        if found is None or self.now() >= found.used_at + REFRESH_TOKEN_UNUSED:
            return None
        if self.testing_mode and self.now() >= found.created_at + REFRESH_TOKEN_IN_TESTING:
            return None
        return found

    def revoke(self, project: str, account: str) -> None:
        """Forget what `account` granted to a project: every client's codes and tokens with it."""
        self.grants.pop((project, account), None)

        def stays(owner: Client, of: str) -> bool:
            return (owner.project, of) != (project, account)

        codes, access, refresh = self.codes, self.access_tokens, self.refresh_tokens
        self.codes = {k: c for k, c in codes.items() if stays(c.client, c.consent.account)}
        self.access_tokens = {k: t for k, t in access.items() if stays(t.client, t.account)}
        self.refresh_tokens = {k: t for k, t in refresh.items() if stays(t.client, t.account)}
