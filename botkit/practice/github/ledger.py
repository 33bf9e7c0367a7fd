"""Remember GitHub's apps, codes and tokens, and who granted what.

Here are the rules of GitHub that are about them: which redirect URI fits an app, which scope
includes another, and when something expires.

Sources: GitHub's pages "Authorizing OAuth apps" and "Scopes for OAuth apps".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botkit.practice.oauth import App, Code, Ledger, Token

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
    """Return the known scopes in a fixed order, without those that another one includes.

    Source: "Normalized scopes" on GitHub's page on scopes.
    """
    asked = set(scopes)
    implied: set[str] = set().union(*(_INCLUDED.get(scope, set()) for scope in asked))
    return [scope for scope in SCOPES if scope in asked - implied]


def split_scopes(text: str | None) -> list[str]:
    """Return the scopes in the `scope` parameter of a request, normalized."""
    return normalize(re.split(r"[ ,]+", text or ""))


def covers(granted: Iterable[str], asked: Iterable[str]) -> bool:
    """Return whether somebody who granted `granted` has already granted `asked`."""
    return set(normalize([*granted, *asked])) <= set(granted)


@dataclass
class GitHubApp(App):
    """An OAuth app as it is registered at GitHub; `redirect_uris` are its callback URLs."""

    expire_tokens: bool = False
    loopback_any_port: bool = False

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether GitHub sends to this address.

        With one callback URL, sub-domains and deeper paths fit too.  With several, only the URLs.
        Source: "Redirect URLs" on GitHub's page "Authorizing OAuth apps".
        """
        lenient = len(self.redirect_uris) == 1
        return any(self._fits(url, redirect_uri, lenient) for url in self.redirect_uris)

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
class GitHubToken(Token):
    """An access token of `owner`, with its refresh token if it has one.  None: does not expire."""

    access_token: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None

    def is_like(self, other: GitHubToken) -> bool:
        """Return whether both count towards the same `TOKENS_PER_GRANT`."""
        mine = (self.app, self.owner, self.scopes)
        return mine == (other.app, other.owner, other.scopes)

    def answer(self) -> dict[str, Any]:
        """Return the answer of the token endpoint; scopes have commas, not spaces between them."""
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


class GitHubLedger(Ledger[GitHubApp]):
    """Keep apps, codes, tokens, and who granted what to which app.

    It takes no lock of its own: `GitHub` lets one request at a time come to it.
    """

    def __init__(
        self, now: Callable[[], datetime], people: Mapping[str, Mapping[str, Any]]
    ) -> None:
        super().__init__(now, CODE_LIFE)
        self.people = dict(people)  # profiles by login
        self.tokens: dict[str, GitHubToken] = {}
        self.grants: dict[tuple[str, str], list[str]] = {}  # by client id and login
        self.grant_only: list[str] | None = None

    def find_person(self, name: str | None) -> str | None:
        """Return the login that `name` is or is short for: `bob` is `bob-practice`."""
        known = self.people
        return next((one for one in known if name in (one, one.removesuffix("-practice"))), None)

    def grant(self, client_id: str, login: str, asked: list[str]) -> list[str]:
        """Note the consent of `login`, and return the scopes that its code is good for.

        An app that asks for nothing receives what was granted before (GitHub's page, parameter
        `scope`).
        """
        before = self.grants.get((client_id, login), [])
        scopes = asked if self.grant_only is None else [s for s in asked if s in self.grant_only]
        self.grants[client_id, login] = normalize([*before, *scopes])
        return scopes if asked else before

    def issue(self, app: GitHubApp, login: str, scopes: list[str], *, renewed: bool) -> GitHubToken:
        """Make a new token.  It expires if the app wants that or asked for `offline_access`.

        `renewed` tokens come from a refresh and expire as the ones before them did.
        """
        now = self.now()
        token = GitHubToken(app, login, scopes, f"gho_{secrets.token_hex(18)}", created_at=now)
        if app.expire_tokens or renewed or "offline_access" in scopes:
            token.expires_at = now + ACCESS_TOKEN_LIFE
            token.refresh_token = f"ghr_{secrets.token_hex(38)}"
            token.refresh_expires_at = now + REFRESH_TOKEN_LIFE
        alike = [t for t in self.tokens.values() if t.is_like(token) and not renewed]
        for oldest in alike[: max(0, len(alike) + 1 - TOKENS_PER_GRANT)]:
            self.end(oldest)
        self.tokens[token.access_token] = token
        return token

    def live_token(self, access_token: str) -> GitHubToken | None:
        """Return the token if it has not expired."""
        token = self.tokens.get(access_token)
        return token if token and _ahead(token.expires_at, self.now()) else None

    def live_refresh(self, refresh_token: str) -> GitHubToken | None:
        """Return the token that this refresh token renews, if it has not expired."""
        for token in self.tokens.values():
            if token.refresh_token == refresh_token:
                return token if _ahead(token.refresh_expires_at, self.now()) else None
        return None

    def end(self, token: GitHubToken) -> None:
        """Forget a token, and its refresh token with it."""
        self.tokens.pop(token.access_token, None)

    def revoke(self, client_id: str, login: str) -> None:
        """Forget the grant, and with it every code and token that came from it."""
        self.grants.pop((client_id, login), None)

        def stays(one: Code | GitHubToken) -> bool:
            return (one.app.client_id, one.owner) != (client_id, login)

        self.codes = {key: code for key, code in self.codes.items() if stays(code)}
        self.tokens = {key: token for key, token in self.tokens.items() if stays(token)}

    def expire(self) -> None:
        super().expire()
        for token in self.tokens.values():
            token.expires_at = self.now()


def _ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now < moment
