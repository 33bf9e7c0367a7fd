"""What the practice GitHub remembers: apps, codes, tokens, and who granted what.

All of it lives in memory and ends with the process.  The classes carry the few methods that
Authlib asks of a client, a code and a token, and the rules of GitHub that are about them: which
redirect URI fits an app, which scope includes another, when something has run out.

Sources: GitHub's pages "Authorizing OAuth apps" and "Scopes for OAuth apps".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin

CODE_LIFE = timedelta(minutes=10)
ACCESS_TOKEN_LIFE = timedelta(hours=8)
REFRESH_TOKEN_LIFE = timedelta(seconds=15_897_600)  # six months, as GitHub counts them
TOKENS_PER_GRANT = 10  # for one person, app and set of scopes; one more ends the oldest

#: The scopes that practice apps may ask for, in the words of the consent page.
SCOPES = {
    "read:user": "Read your whole profile, private data too",
    "user": "Read and change your whole profile, e-mail addresses and follows included",
    "user:email": "Read your e-mail addresses",
    "user:follow": "Follow and unfollow people for you",
    "public_repo": "Read and change your public repositories",
    "repo": "Read and change all your repositories, private ones included",
    "gist": "Write gists",
    "notifications": "Read your notifications and mark them as read",
    "read:org": "Read which organizations and teams you belong to",
    "offline_access": "Stay connected while you are away, with tokens that are renewed",
}
_INCLUDED = {"user": {"read:user", "user:email", "user:follow"}, "repo": {"public_repo"}}


def normalize(scopes: Iterable[str]) -> list[str]:
    """The scopes that GitHub knows, in a fixed order, without those that another one includes.

    Source: "Normalized scopes" on GitHub's page on scopes.
    """
    asked = set(scopes)
    implied: set[str] = set().union(*(_INCLUDED.get(scope, set()) for scope in asked))
    return [scope for scope in SCOPES if scope in asked - implied]


def split_scopes(text: str | None) -> list[str]:
    """The scopes in the `scope` parameter of a request, normalized."""
    return normalize(re.split(r"[ ,]+", text or ""))


def covers(granted: Iterable[str], asked: Iterable[str]) -> bool:
    """Whether somebody who granted `granted` has already granted `asked`."""
    return set(normalize([*granted, *asked])) <= set(granted)


@dataclass
class App(ClientMixin):
    """An OAuth app as it is registered at GitHub."""

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    callback_urls: list[str]
    expire_tokens: bool = False
    loopback_any_port: bool = False

    def check_client_secret(self, client_secret: str) -> bool:
        sent = client_secret.encode(errors="replace")  # JSON can carry what UTF-8 cannot
        return secrets.compare_digest(self.client_secret.encode(), sent)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def get_default_redirect_uri(self) -> str:
        return self.callback_urls[0]

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """GitHub's rule, from "Redirect URLs" on its page "Authorizing OAuth apps".

        With one callback URL, sub-domains and deeper paths fit too.  With several, only the URLs.
        """
        lenient = len(self.callback_urls) == 1
        return any(self._fits(url, redirect_uri, lenient) for url in self.callback_urls)

    def _fits(self, registered: str, asked: str, lenient: bool) -> bool:
        # Refused before anything is compared, as browsers and parsers read such URLs differently.
        if re.search(r"[\s\\@#]|/\.\.?(/|$)|%2e", asked, re.IGNORECASE):
            return False
        try:
            ours, theirs = urlsplit(registered), urlsplit(asked)
        except ValueError:  # brackets that enclose no IPv6 address
            return False
        if self.loopback_any_port and ours.hostname in ("127.0.0.1", "::1"):
            ours, theirs = _without_port(ours), _without_port(theirs)
        if not lenient:
            return ours == theirs
        path = ours.path.rstrip("/")
        return (
            ours.scheme == theirs.scheme
            and f".{theirs.netloc.lower()}".endswith(f".{ours.netloc.lower()}")
            and (theirs.path in (ours.path, path) or theirs.path.startswith(f"{path}/"))
        )


def _without_port(url: SplitResult) -> SplitResult:
    return url._replace(netloc=url.hostname or "")


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code that waits for its exchange."""

    code: str = field(repr=False)
    client_id: str
    login: str
    redirect_uri: str
    scopes: list[str]
    expires_at: datetime
    code_challenge: str | None = field(repr=False)
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.scopes)


@dataclass
class Token(TokenMixin):
    """An access token, with its refresh token if it has one.  None: does not expire."""

    access_token: str = field(repr=False)
    client_id: str
    login: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None

    def check_client(self, client: App) -> bool:
        return self.client_id == client.client_id

    def is_like(self, other: Token) -> bool:
        mine = (self.client_id, self.login, self.scopes)
        return mine == (other.client_id, other.login, other.scopes)

    def get_scope(self) -> str:
        return " ".join(self.scopes)

    def answer(self) -> dict[str, Any]:
        """What the token endpoint says of it: scopes with commas, where RFC 6749 has spaces."""
        fields: dict[str, Any] = {
            "access_token": self.access_token,
            "scope": ",".join(self.scopes),
            "token_type": "bearer",
        }
        if self.refresh_token:
            fields["expires_in"] = int(ACCESS_TOKEN_LIFE.total_seconds())
            fields["refresh_token"] = self.refresh_token
            fields["refresh_token_expires_in"] = int(REFRESH_TOKEN_LIFE.total_seconds())
        return fields


class Ledger:
    """What GitHub keeps: apps, codes, tokens, and who granted what to which app.

    It takes no lock of its own: `GitHub` lets one request at a time come to it.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.apps: dict[str, App] = {}
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Token] = {}
        self.grants: dict[tuple[str, str], list[str]] = {}
        self.grant_only: list[str] | None = None

    def grant(self, client_id: str, login: str, asked: list[str]) -> list[str]:
        """Note the consent of `login`, and return the scopes that its code is good for.

        Who asks for nothing receives what was granted before (GitHub's page, parameter `scope`).
        """
        before = self.grants.get((client_id, login), [])
        scopes = asked if self.grant_only is None else [s for s in asked if s in self.grant_only]
        self.grants[client_id, login] = normalize([*before, *scopes])
        return scopes if asked else before

    def issue(self, app: App, login: str, scopes: list[str], *, renewed: bool) -> Token:
        """A new token.  It expires if the app wants that or asked for `offline_access`.

        `renewed` tokens come from a refresh and expire as the ones before them did.
        """
        now = self.now()
        token = Token(f"gho_{secrets.token_hex(18)}", app.client_id, login, scopes, created_at=now)
        if app.expire_tokens or renewed or "offline_access" in scopes:
            token.expires_at = now + ACCESS_TOKEN_LIFE
            token.refresh_token = f"ghr_{secrets.token_hex(38)}"
            token.refresh_expires_at = now + REFRESH_TOKEN_LIFE
        alike = [t for t in self.tokens.values() if t.is_like(token) and not renewed]
        for oldest in alike[: max(0, len(alike) + 1 - TOKENS_PER_GRANT)]:
            del self.tokens[oldest.access_token]
        self.tokens[token.access_token] = token
        return token

    def live_code(self, code: str, client_id: str) -> Code | None:
        found = self.codes.get(code)
        if found and found.client_id == client_id and self.now() < found.expires_at:
            return found
        return None

    def live_token(self, access_token: str) -> Token | None:
        token = self.tokens.get(access_token)
        return token if token and _ahead(token.expires_at, self.now()) else None

    def live_refresh(self, refresh_token: str) -> Token | None:
        for token in self.tokens.values():
            if token.refresh_token == refresh_token:
                return token if _ahead(token.refresh_expires_at, self.now()) else None
        return None

    def revoke(self, client_id: str, login: str) -> None:
        """Forget the grant, and with it every code and token that came from it."""
        self.grants.pop((client_id, login), None)
        whose = (client_id, login)
        self.codes = {k: c for k, c in self.codes.items() if (c.client_id, c.login) != whose}
        self.tokens = {k: t for k, t in self.tokens.items() if (t.client_id, t.login) != whose}


def _ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now < moment
