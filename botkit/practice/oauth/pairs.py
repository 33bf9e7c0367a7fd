"""Keep pairs of an access token and its refresh token, which end together.

Teapot and `botkit.practice.any` issue tokens in this way.  Others have rules of their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from botkit.practice.oauth.ledger import App, Ledger, Token

CODE_LIFE = timedelta(minutes=1)
ACCESS_LIFE, REFRESH_LIFE = timedelta(hours=1), timedelta(days=30)


@dataclass(eq=False)
class TokenPair(Token):
    """An access token and its refresh token, which end together."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_ends: datetime
    refresh_ends: datetime


class PairLedger(Ledger[App]):
    """Keep apps, codes and token pairs.  `prefix` is how the tokens begin."""

    def __init__(self, now: Callable[[], datetime], prefix: str) -> None:
        super().__init__(now, CODE_LIFE)
        self.prefix = prefix
        self.pairs: list[TokenPair] = []

    def issue(self, app: App, account: str, scopes: list[str]) -> TokenPair:
        """Make a new pair."""
        access, refresh = (f"{self.prefix}{kind}_{secrets.token_hex(20)}" for kind in "ar")
        now = self.now()
        ends = now + ACCESS_LIFE, now + REFRESH_LIFE
        self.pairs.append(TokenPair(app, account, scopes, access, refresh, *ends))
        return self.pairs[-1]

    def live_access(self, token: str) -> TokenPair | None:
        """Return the pair of this access token, if it has not expired."""
        found = next((pair for pair in self.pairs if pair.access_token == token), None)
        return found if found and self.now() < found.access_ends else None

    def live_refresh(self, token: str) -> TokenPair | None:
        """Return the pair of this refresh token, if it has not expired."""
        found = next((pair for pair in self.pairs if pair.refresh_token == token), None)
        return found if found and self.now() < found.refresh_ends else None

    def token_with(self, token: str) -> TokenPair | None:
        """Return the pair to which this token belongs, expired or not."""
        both = ((pair, (pair.access_token, pair.refresh_token)) for pair in self.pairs)
        return next((pair for pair, tokens in both if token in tokens), None)

    def end(self, pair: TokenPair) -> None:
        """Forget a pair."""
        self.pairs.remove(pair)

    def revoke(self, account: str) -> None:
        """Forget every pair of this account."""
        self.pairs = [pair for pair in self.pairs if pair.owner != account]

    def expire(self) -> None:
        super().expire()
        for pair in self.pairs:
            pair.access_ends = self.now()


def answer_with(pair: TokenPair, separator: str) -> dict[str, object]:
    """Return the fields of a token answer.  Source: RFC 6749, section 5.1."""
    return {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "refresh_token": pair.refresh_token,
        "scope": separator.join(pair.scopes),
    }
