"""Remember RingCentral's apps, codes, consents and sessions.

A person who approves an app opens a *session*.  It holds one pair at a time, an access token and a
refresh token.  Refreshing puts a new pair in place of the old one, and two timers forgive a client
that lost the answer or asked twice:

- The old access token expires immediately.
- The old refresh token brings the *same* new pair again, for an hour, while nobody has used the new
  access token, and for ten seconds after its first use.

Sources: RingCentral developer guide, "Authorization code flow", "Using refresh tokens", "Tokens".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from botkit.practice.oauth import App, Ledger, Token
from botkit.practice.ringcentral.records import Person

CODE_LIFE = timedelta(seconds=60)
GRACE_UNUSED = timedelta(minutes=60)  # for the old refresh token, counted from the refresh
GRACE_USED = timedelta(seconds=10)  # for the same, counted from the new token's first use
SESSIONS_PER_PERSON = 5  # of one app; one more ends the oldest

BOT_SCOPE = "EditExtensions SubscriptionWebhook Glip Accounts"
APP_SCOPE = "ReadAccounts EditExtensions ReadPresence EditPresence"


def checked_uris(redirect_uris: Sequence[str]) -> list[str]:
    """Return the redirect URIs, if each is an absolute web address without a fragment.

    Raises `ValueError` for any other (RFC 6749 section 3.1.2).
    """
    for uri in redirect_uris:
        url = urlsplit(uri)
        if url.scheme not in ("http", "https") or not url.hostname or "#" in uri:
            raise ValueError(f"A redirect URI is a whole web address without #, not {uri!r}.")
    return list(redirect_uris)


def new_code() -> str:
    """Return a new authorization code."""
    return secrets.token_urlsafe(24)


@dataclass
class RingCentralApp(App):
    """A third party's app, which acts for people."""

    def get_default_redirect_uri(self) -> str | None:
        """Only an app with a single redirect URI may leave it out of its link."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return what the app may do is set when it is registered; the link's scope is ignored."""
        return APP_SCOPE


@dataclass
class BotApp(RingCentralApp):
    """The bot's own app, whose token is permanent."""

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"

    def get_allowed_scope(self, scope: str | None) -> str:
        return BOT_SCOPE


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
class Session(Token):
    """What a person has let an app do.  Revoking any token of it ends all of it."""

    owner: Person
    id: str
    endpoint_id: str
    pair: Pair
    old_refresh_tokens: list[str] = field(default_factory=list, repr=False)  # the newest is last

    def refreshes_with(self, token: str, now: datetime) -> bool:
        """Return whether this refresh token of the session still brings tokens: now or in grace."""
        if token == self.pair.refresh_token:
            return now < self.pair.refresh_ends
        used, made = self.pair.used_at, self.pair.made_at
        grace_ends = made + GRACE_UNUSED if used is None else used + GRACE_USED
        return token == self.old_refresh_tokens[-1] and now < grace_ends

    def is_over(self, now: datetime) -> bool:
        return now >= max(self.pair.access_ends, self.pair.refresh_ends)

    def has(self, token: str) -> bool:
        """Return whether this is a token of the session, of whatever age."""
        pair = self.pair
        return token in (pair.access_token, pair.refresh_token, *self.old_refresh_tokens)


class RingCentralLedger(Ledger[RingCentralApp]):
    """Keep apps, codes, consents and sessions."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now, CODE_LIFE)
        self.issue_refresh_tokens = True
        self.consents: set[tuple[str, str]] = set()  # client id, person's id
        self.sessions: list[Session] = []  # the oldest first

    def open_session(self, app: RingCentralApp, owner: Person, pair: Pair) -> Session:
        """Open a new session; the sixth of one person and app ends the first."""
        with self.lock:
            now = self.now()
            self.sessions = [one for one in self.sessions if not one.is_over(now)]
            mine = [one for one in self.sessions if (one.app, one.owner) == (app, owner)]
            for oldest in mine[: max(0, len(mine) + 1 - SESSIONS_PER_PERSON)]:
                self.sessions.remove(oldest)
            id_, endpoint = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
            scopes = app.get_allowed_scope(None).split()
            self.sessions.append(Session(app, owner, scopes, id_, endpoint, pair))
            return self.sessions[-1]

    def new_pair(self, access_life: timedelta, refresh_life: timedelta) -> Pair:
        """Make a new pair of tokens."""
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
        """Replace the pair of a session, which then expires.  In grace the pair stays."""
        with self.lock:
            if sent == session.pair.refresh_token:
                session.old_refresh_tokens.append(sent)
                session.pair = new()

    def token_with(self, token: str) -> Session | None:
        """Return the session that this token belongs to, expired or not."""
        with self.lock:
            return next((one for one in self.sessions if one.has(token)), None)

    def use(self, access_token: str) -> Session | None:
        """Return the session of a call to the API; its first call starts its timer."""
        with self.lock:
            for session in self.sessions:
                if session.pair.access_token == access_token:
                    if session.pair.used_at is None and self.now() < session.pair.access_ends:
                        session.pair.used_at = self.now()
                    return session
            return None

    def end(self, session: Session) -> None:
        """Forget a session."""
        with self.lock:
            self.sessions = [one for one in self.sessions if one is not session]

    def forget(self, person: Person) -> None:
        """Forget what this person allowed: consents, codes and sessions of every app."""
        with self.lock:
            self.consents = {one for one in self.consents if one[1] != person.id}
            self.codes = {c: code for c, code in self.codes.items() if code.owner != person}
            self.sessions = [one for one in self.sessions if one.owner != person]

    def expire(self) -> None:
        with self.lock:
            super().expire()
            for session in self.sessions:
                session.pair.access_ends = min(session.pair.access_ends, self.now())
