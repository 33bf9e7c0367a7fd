"""Authorize apps as Teapot does, on top of `botkit.practice.oauth`.

Two habits surprise people who have connected to GitHub or Google before: an app shows its secret in
the header and never in the form, and an answer separates scopes with commas.  Both are allowed or
common: RFC 6749 section 2.3.1 wants every server to take HTTP Basic, and section 3.3 has spaces
between scopes, which GitHub does not keep to either.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import flask
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError

from botkit.practice.oauth import (
    App,
    CodeGrant,
    Ledger,
    OAuthServer,
    Revocation,
    S256Always,
    Token,
)

CODE_LIFE = timedelta(minutes=1)
ACCESS_LIFE, REFRESH_LIFE = timedelta(hours=1), timedelta(days=30)
SCOPES = {"profile": "See who you are at Teapot", "brew": "Make tea in your name"}
NO_CLIENT = "No client credentials were found in the Authorization header, or they are wrong."


@dataclass(eq=False)
class TokenPair(Token):
    """An access token and its refresh token, which end together."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_ends: datetime
    refresh_ends: datetime


class TeapotLedger(Ledger[App]):
    """Keep apps, codes and token pairs."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now, CODE_LIFE)
        self.pairs: list[TokenPair] = []

    def issue(self, app: App, account: str, scopes: list[str]) -> TokenPair:
        """Make a new pair."""
        access, refresh = f"tpa_{secrets.token_hex(20)}", f"tpr_{secrets.token_hex(20)}"
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


class TeapotCodeGrant(CodeGrant):
    """The authorization code grant, which refuses a scope that Teapot does not know."""

    def validate_requested_scope(self) -> None:
        if not set((self.request.payload.scope or "").split()) <= set(SCOPES):
            raise InvalidScopeError(f"The scopes are: {' '.join(SCOPES)}.")


class TeapotOAuthServer(OAuthServer):
    """Authlib's authorization server with Teapot's habits."""

    ledger: TeapotLedger
    code_grant = TeapotCodeGrant
    pkce = S256Always(required=True)

    def __init__(self, ledger: TeapotLedger) -> None:
        super().__init__(ledger)
        self.register_endpoint(Revocation)

    def issue(self, app: App, owner: str, scopes: list[str], *, renewed: bool) -> dict[str, Any]:
        pair = self.ledger.issue(app, owner, scopes)
        return {
            "access_token": pair.access_token,
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token": pair.refresh_token,
            "scope": ",".join(pair.scopes),
        }

    def answer_error(self, request: Any, error: OAuth2Error) -> flask.Response:
        if isinstance(error, InvalidClientError):
            body = {"error": "invalid_client", "error_description": NO_CLIENT}
            headers = [("WWW-Authenticate", 'Basic realm="Teapot"')]  # RFC 6749 section 5.2
            return self.handle_response(401, body, headers)  # type: ignore[no-any-return]
        return super().answer_error(request, error)
