"""The authorization code grant, refreshing and revocation, over a `Ledger`.

Authlib does the checking.  Here is where a code and a token come from and where they go, and the
places at which a service differs from others.

Sources: RFC 6749 sections 4.1 and 6, RFC 7009, RFC 7636.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge

from botkit.practice.oauth.ledger import App, Code, Token


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, RFC 6749 section 4.1."""

    def create_authorization_response(self, redirect_uri: str, grant_user: Any) -> Any:
        if grant_user is None:
            raise self.denial(redirect_uri)
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        location = dict(headers)["Location"]
        if more := self.callback_parameters():
            location = add_params_to_uri(location, more)
        return status, body, [("Location", location)]

    def denial(self, redirect_uri: str) -> OAuth2Error:
        """Return the error that the app hears of when a person denies."""
        return AccessDeniedError(redirect_uri=redirect_uri)

    def callback_parameters(self) -> list[tuple[str, str]]:
        """Return what the callback has beside the code and the state: `iss` (RFC 9207)."""
        issuer = self.server.issuer()
        return [("iss", issuer)] if issuer else []

    def granted_scopes(self, request: OAuth2Request) -> list[str]:
        """Return the scopes that the code is good for."""
        return (request.scope or "").split()

    def kept_redirect_uri(self, request: OAuth2Request) -> str:
        """Return what the exchange must repeat: empty where the link left it out."""
        return request.payload.redirect_uri or ""

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        sent = request.payload.data
        self.server.ledger.keep_code(
            code,
            request.client,
            request.user,
            self.kept_redirect_uri(request),
            scopes=self.granted_scopes(request),
            challenge=sent.get("code_challenge"),
            challenge_method=sent.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: App) -> Code | None:
        found: Code | None = self.server.ledger.live_code(code, client)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.ledger.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> Any:
        return authorization_code.owner


class S256Always(CodeChallenge):
    """PKCE (RFC 7636) with S256, without which there is no code."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        for name in ("code_challenge", "code_challenge_method"):
            if not grant.request.payload.data.get(name):
                raise InvalidRequestError(f"Missing '{name}'", redirect_uri=redirect_uri)
        super().validate_code_challenge(grant, redirect_uri)


class RefreshGrant(RefreshTokenGrant):
    """Refreshing, RFC 6749 section 6.  A refresh token works once and ends the pair it is of."""

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found: Token | None = self.server.ledger.live_refresh(refresh_token)
        return found

    def authenticate_user(self, refresh_token: Token) -> Any:
        return refresh_token.owner

    def revoke_old_credential(self, refresh_token: Token) -> None:
        self.server.ledger.end(refresh_token)


class Revocation(RevocationEndpoint):
    """RFC 7009.  Either token of a pair ends both, and an unknown token is no error."""

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        found: Token | None = self.server.ledger.token_with(token_string)
        return found

    def revoke_token(self, token: Token, request: OAuth2Request) -> None:
        self.server.ledger.end(token)
