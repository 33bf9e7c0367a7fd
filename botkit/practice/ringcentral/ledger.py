"""What the practice RingCentral remembers of apps, codes, consents and sessions.

A person who approves an app opens a *session*.  It holds one pair at a time, an access token and a
refresh token.  Refreshing puts a new pair in place of the old one, and two timers forgive a client
that lost the answer or asked twice:

- The old access token is dead at once.
- The old refresh token brings the *same* new pair again, for an hour, while nobody has used the new
  access token, and for ten seconds after its first use.

All of it lives in memory and ends with the process.  The classes carry the few methods that Authlib
asks of a client, a code and a token.

Sources: RingCentral developer guide, "Authorization code flow", "Using refresh tokens", "Tokens".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin

from botkit.practice.ringcentral.chat_records import Person

CODE_LIFE = timedelta(seconds=60)
GRACE_UNUSED = timedelta(minutes=60)  # for the old refresh token, counted from the refresh
GRACE_USED = timedelta(seconds=10)  # for the same, counted from the new token's first use
SESSIONS_PER_PERSON = 5  # of one app; one more ends the oldest

BOT_SCOPE = "EditExtensions SubscriptionWebhook Glip Accounts"
APP_SCOPE = "ReadAccounts EditExtensions ReadPresence EditPresence"


def checked_uris(redirect_uris: Sequence[str]) -> list[str]:
    """The redirect URIs, if each is an absolute web address without a fragment.

    Raises `ValueError` for any other (RFC 6749 section 3.1.2).
    """
    for uri in redirect_uris:
        url = urlsplit(uri)
        if url.scheme not in ("http", "https") or not url.hostname or "#" in uri:
            raise ValueError(f"A redirect URI is a whole web address without #, not {uri!r}.")
    return list(redirect_uris)


@dataclass
class App(ClientMixin):
    """A registered app: the bot's, or a third party's that acts for people."""

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    redirect_uris: list[str]
    is_bot: bool = False

    def check_client_secret(self, client_secret: str) -> bool:
        sent = client_secret.encode(errors="replace")
        return secrets.compare_digest(self.client_secret.encode(), sent)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exactly one of the registered ones: scheme, case and trailing slash count."""
        return redirect_uri in self.redirect_uris

    def get_default_redirect_uri(self) -> str | None:
        """Only an app with a single redirect URI may leave it out of its link."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code" or not self.is_bot

    def get_allowed_scope(self, scope: str | None) -> str:
        """What the app may do is set when it is registered; the link's scope is ignored."""
        return BOT_SCOPE if self.is_bot else APP_SCOPE


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code that waits for its exchange.  `owner` is a person or the bot user."""

    code: str = field(repr=False)
    app: App
    owner: Person
    redirect_uri: str
    expires_at: datetime
    code_challenge: str | None = field(default=None, repr=False)
    code_challenge_method: str | None = None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.app.get_allowed_scope(None)


@dataclass
class Pair:
    """An access token with its refresh token, which is None for an app that gets none."""

    access_token: str = field(repr=False)
    access_ends: datetime
    refresh_token: str | None = field(repr=False)
    refresh_ends: datetime
    made_at: datetime
    used_at: datetime | None = None  # when the access token first opened the API


@dataclass(eq=False)
class Session(TokenMixin):
    """What a person has let an app do.  Revoking any token of it ends all of it."""

    id: str
    app: App
    owner: Person
    endpoint_id: str
    pair: Pair
    old_refresh_tokens: list[str] = field(default_factory=list, repr=False)  # the newest is last

    def check_client(self, client: App) -> bool:
        return self.app is client

    def get_scope(self) -> str:
        return self.app.get_allowed_scope(None)

    def refreshes_with(self, token: str, now: datetime) -> bool:
        """Whether this refresh token of the session still brings tokens: now or in grace."""
        if token == self.pair.refresh_token:
            return now < self.pair.refresh_ends
        used, made = self.pair.used_at, self.pair.made_at
        grace_ends = made + GRACE_UNUSED if used is None else used + GRACE_USED
        return token == self.old_refresh_tokens[-1] and now < grace_ends

    def is_over(self, now: datetime) -> bool:
        return now >= max(self.pair.access_ends, self.pair.refresh_ends)

    def has(self, token: str) -> bool:
        """Whether this is a token of the session, of whatever age."""
        pair = self.pair
        return token in (pair.access_token, pair.refresh_token, *self.old_refresh_tokens)


class Ledger:
    """Apps, codes, consents and sessions.  Whoever looks and then changes holds `lock`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.issue_refresh_tokens = True
        self.apps: dict[str, App] = {}
        self.codes: dict[str, Code] = {}
        self.consents: set[tuple[str, str]] = set()  # client id, person's id
        self.sessions: list[Session] = []  # the oldest first

    def new_code(
        self,
        app: App,
        owner: Person,
        redirect_uri: str,
        challenge: str | None = None,
        method: str | None = None,
    ) -> str:
        """A code for the owner's tokens; `redirect_uri` is empty where the link left it out."""
        with self.lock:
            code, ends = secrets.token_urlsafe(24), self.now() + CODE_LIFE
            self.codes[code] = Code(code, app, owner, redirect_uri, ends, challenge, method)
            return code

    def open_session(self, app: App, owner: Person, pair: Pair) -> Session:
        """A new session; the sixth of one person and app ends the first."""
        with self.lock:
            now = self.now()
            self.sessions = [one for one in self.sessions if not one.is_over(now)]
            mine = [one for one in self.sessions if (one.app, one.owner) == (app, owner)]
            for oldest in mine[: max(0, len(mine) + 1 - SESSIONS_PER_PERSON)]:
                self.sessions.remove(oldest)
            id_, endpoint = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
            self.sessions.append(Session(id_, app, owner, endpoint, pair))
            return self.sessions[-1]

    def new_pair(self, access_life: timedelta, refresh_life: timedelta) -> Pair:
        now = self.now()
        refreshes = self.issue_refresh_tokens
        return Pair(
            access_token=secrets.token_urlsafe(48),
            access_ends=now + access_life,
            refresh_token=secrets.token_urlsafe(48) if refreshes else None,
            refresh_ends=now + refresh_life if refreshes else now,
            made_at=now,
        )

    def rotate(self, session: Session, sent: str, new: Callable[[], Pair]) -> None:
        """Refresh: a new pair in place of the old one, which dies.  In grace the pair stays."""
        with self.lock:
            if sent == session.pair.refresh_token:
                session.old_refresh_tokens.append(sent)
                session.pair = new()

    def session_with(self, token: str) -> Session | None:
        """The session that this token belongs to, alive or not."""
        with self.lock:
            return next((one for one in self.sessions if one.has(token)), None)

    def use(self, access_token: str) -> Session | None:
        """The session of a call to the API.  The first call with a live token starts its timer."""
        with self.lock:
            for session in self.sessions:
                if session.pair.access_token == access_token:
                    if session.pair.used_at is None and self.now() < session.pair.access_ends:
                        session.pair.used_at = self.now()
                    return session
            return None

    def end(self, session: Session) -> None:
        with self.lock:
            self.sessions = [one for one in self.sessions if one is not session]

    def forget(self, person: Person) -> None:
        """Forget what this person allowed: consents, codes and sessions of every app."""
        with self.lock:
            self.consents = {one for one in self.consents if one[1] != person.id}
            self.codes = {c: code for c, code in self.codes.items() if code.owner != person}
            self.sessions = [one for one in self.sessions if one.owner != person]

    def expire(self) -> None:
        """Every code and every access token has run out.  Refresh tokens still work."""
        with self.lock:
            for code in self.codes.values():
                code.expires_at = self.now()
            for session in self.sessions:
                session.pair.access_ends = min(session.pair.access_ends, self.now())
