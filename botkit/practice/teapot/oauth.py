"""The OAuth half of the practice Teapot: Authlib is the judge, Teapot's habits lie on top.

Two habits surprise those who have connected to GitHub or Google before: a client shows its secret
in the header and never in the form, and an answer separates scopes with commas.  Both are allowed
or met in the field: RFC 6749 section 2.3.1 wants every server to take HTTP Basic, and section 3.3
has spaces between scopes, which GitHub does not keep to either.
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
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.oauth.request import Judge, Request

CODE_LIFE = timedelta(minutes=1)
ACCESS_LIFE, REFRESH_LIFE = timedelta(hours=1), timedelta(days=30)
SCOPES = {"profile": "See who you are at Teapot", "brew": "Make tea in your name"}
BASIC = ("client_secret_basic",)
NO_CLIENT = "No client credentials were found in the Authorization header, or they are wrong."


@dataclass
class App(ClientMixin):
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    redirect_uris: list[str]

    def check_client_secret(self, client_secret: str) -> bool:
        sent = client_secret.encode(errors="replace")
        return secrets.compare_digest(self.client_secret.encode(), sent)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in BASIC

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def get_default_redirect_uri(self) -> None:
        """None: a link must always name its redirect URI."""

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""


@dataclass
class Code(AuthorizationCodeMixin):
    code: str = field(repr=False)
    app: App
    account: str
    scope: str
    redirect_uri: str
    expires_at: datetime
    code_challenge: str = field(repr=False)
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(eq=False)
class Connection(TokenMixin):
    """What a person has let an app do: one pair of tokens, and always the newest."""

    app: App
    account: str
    scope: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_ends: datetime
    refresh_ends: datetime

    def check_client(self, client: App) -> bool:
        return self.app is client

    def get_scope(self) -> str:
        return self.scope


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, RFC 6749 section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = BASIC

    def validate_requested_scope(self) -> None:
        if not set((self.request.payload.scope or "").split()) <= set(SCOPES):
            raise InvalidScopeError(f"The scopes are: {' '.join(SCOPES)}.")

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        sent = request.payload.data
        self.server.codes[code] = Code(
            code=code,
            app=request.client,
            account=request.user,
            scope=sent.get("scope", ""),
            redirect_uri=sent["redirect_uri"],
            expires_at=self.server.now() + CODE_LIFE,
            code_challenge=sent["code_challenge"],
            code_challenge_method=sent["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: App) -> Code | None:
        found: Code | None = self.server.codes.get(code)
        good = found and found.app is client and self.server.now() < found.expires_at
        return found if good else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.account


class S256Always(CodeChallenge):
    """PKCE (RFC 7636), without which Teapot gives no code."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        for name in ("code_challenge", "code_challenge_method"):
            if not grant.request.payload.data.get(name):
                raise InvalidRequestError(f"Missing '{name}'", redirect_uri=redirect_uri)
        super().validate_code_challenge(grant, redirect_uri)


class RefreshGrant(RefreshTokenGrant):
    """Refreshing, RFC 6749 section 6.  A refresh token works once and ends the pair it is of."""

    TOKEN_ENDPOINT_AUTH_METHODS = BASIC

    def authenticate_refresh_token(self, refresh_token: str) -> Connection | None:
        found: Connection | None = self.server.connection(refresh_token=refresh_token)
        return found if found and self.server.now() < found.refresh_ends else None

    def authenticate_user(self, refresh_token: Connection) -> str:
        return refresh_token.account

    def revoke_old_credential(self, refresh_token: Connection) -> None:
        self.server.connections.remove(refresh_token)


class Revocation(RevocationEndpoint):
    """RFC 7009.  Either token of a connection ends all of it; an unknown one is no error."""

    CLIENT_AUTH_METHODS = BASIC

    def query_token(self, token_string: str, token_type_hint: str | None) -> Connection | None:
        found: Connection | None = self.server.connection(
            access_token=token_string
        ) or self.server.connection(refresh_token=token_string)
        return found

    def revoke_token(self, token: Connection, request: OAuth2Request) -> None:
        self.server.connections.remove(token)


class OAuthServer(Judge):
    """Authlib's authorization server, with what Teapot remembers.  `now` is the clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.apps: dict[str, App] = {}
        self.codes: dict[str, Code] = {}
        self.connections: list[Connection] = []
        self.now = now
        super().__init__(query_client=self.apps.get, save_token=lambda token, request: None)
        self.register_token_generator("default", self._make_token)
        self.register_grant(CodeGrant, [S256Always(required=True)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)

    def connection(self, **token: str) -> Connection | None:
        """The connection whose `access_token` or `refresh_token` this is."""
        ((name, value),) = token.items()
        return next((one for one in self.connections if getattr(one, name) == value), None)

    def create_oauth2_request(self, request: MultiDict[str, str] | None) -> Request:
        # RFC 6749 section 3.1: a parameter without a value counts as left out.
        values = flask.request.form if request is None else request
        sent = MultiDict((name, value) for name, value in values.items(multi=True) if value)
        return Request(sent, flask.request.headers)

    def _make_token(
        self, grant_type: str, client: App, user: str, scope: str, **_: Any
    ) -> dict[str, Any]:
        access, refresh = f"tpa_{secrets.token_hex(20)}", f"tpr_{secrets.token_hex(20)}"
        now = self.now()
        ends = now + ACCESS_LIFE, now + REFRESH_LIFE
        self.connections.append(Connection(client, user, scope, access, refresh, *ends))
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token": refresh,
            "scope": ",".join(scope.split()),
        }

    def handle_error_response(self, request: Any, error: OAuth2Error) -> flask.Response:
        if isinstance(error, InvalidClientError):
            body = {"error": "invalid_client", "error_description": NO_CLIENT}
            headers = [("WWW-Authenticate", 'Basic realm="Teapot"')]  # RFC 6749 section 5.2
            return self.handle_response(401, body, headers)  # type: ignore[no-any-return]
        return super().handle_error_response(request, error)  # type: ignore[no-any-return]
