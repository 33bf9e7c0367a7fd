"""Authorize apps as Teapot does, on top of `botkit.practice.oauth`.

Two habits surprise people who have connected to GitHub or Google before: an app shows its secret in
the header and never in the form, and an answer separates scopes with commas.  Both are allowed or
common: RFC 6749 section 2.3.1 wants every server to take HTTP Basic, and section 3.3 has spaces
between scopes, which GitHub does not keep to either.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from typing import Any

import flask
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError

from botkit.practice.oauth import (
    App,
    CodeGrant,
    OAuthServer,
    PairLedger,
    Revocation,
    S256Always,
    answer_with,
)

SCOPES = {"profile": "See who you are at Teapot", "brew": "Make tea in your name"}
NO_CLIENT = "No client credentials were found in the Authorization header, or they are wrong."


class TeapotCodeGrant(CodeGrant):
    """The authorization code grant, which refuses a scope that Teapot does not know."""

    def validate_requested_scope(self) -> None:
        if not set((self.request.payload.scope or "").split()) <= set(SCOPES):
            raise InvalidScopeError(f"The scopes are: {' '.join(SCOPES)}.")


class TeapotOAuthServer(OAuthServer):
    """Authlib's authorization server with Teapot's habits."""

    ledger: PairLedger
    code_grant = TeapotCodeGrant
    pkce = S256Always(required=True)

    def __init__(self, ledger: PairLedger) -> None:
        super().__init__(ledger)
        self.register_endpoint(Revocation)

    def issue(self, app: App, owner: str, scopes: list[str], *, renewed: bool) -> dict[str, Any]:
        return answer_with(self.ledger.issue(app, owner, scopes), ",")

    def answer_error(self, request: Any, error: OAuth2Error) -> flask.Response:
        if isinstance(error, InvalidClientError):
            body = {"error": "invalid_client", "error_description": NO_CLIENT}
            headers = [("WWW-Authenticate", 'Basic realm="Teapot"')]  # RFC 6749 section 5.2
            return self.handle_response(401, body, headers)  # type: ignore[no-any-return]
        return super().answer_error(request, error)
