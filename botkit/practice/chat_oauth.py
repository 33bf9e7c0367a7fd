"""The practice RingCentral's token endpoint, where a public bot's code becomes its token.

As with the practice GitHub, Authlib's server framework is the judge of the protocol, and what
RingCentral does in its own way lies on top: a permanent token without a refresh token, and errors
that carry its own codes beside the names of RFC 6749.

Sources: RingCentral developer guide, "Authorization code flow", "Bot walkthrough" and "API error
codes".
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
from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant

from botkit.practice.authlib_base import Request

CODE_LIFE = timedelta(seconds=60)
FOR_EVER = 2_147_483_647  # seconds: as long as the field can say
SCOPES = "EditExtensions SubscriptionWebhook Glip Accounts"
EXPIRED, MISMATCH = "Authorization code is expired", "Redirect URIs do not match"


@dataclass
class BotApp(ClientMixin):
    """The bot's app, as it is registered."""

    client_id: str
    client_secret: str = field(repr=False)

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class BotCode(AuthorizationCodeMixin):
    """A code for the token of one bot user."""

    code: str = field(repr=False)
    bot_id: str
    redirect_uri: str
    expires_at: datetime

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return SCOPES


class BotCodes(AuthorizationServer):
    """Gives out codes (`issue`) and exchanges them for tokens (`answer`).

    `new_token` makes a token for the bot with this id.
    """

    def __init__(
        self, app: BotApp, now: Callable[[], datetime], new_token: Callable[[str], str]
    ) -> None:
        super().__init__()
        self.codes: dict[str, BotCode] = {}
        self.now = now
        self._app = app
        self._new_token = new_token
        self.register_grant(_BotGrant)
        self.register_token_generator("default", self._make_token)

    def issue(self, bot_id: str, redirect_uri: str) -> str:
        code = secrets.token_urlsafe(24)
        self.codes[code] = BotCode(code, bot_id, redirect_uri, self.now() + CODE_LIFE)
        return code

    def answer(self) -> flask.Response:
        """The answer to the request that Flask has at hand."""
        return self.create_token_response()  # type: ignore[no-any-return]

    # ---- what Authlib asks for ------------------------------------------------------------------

    def query_client(self, client_id: str) -> BotApp | None:
        return self._app if client_id == self._app.client_id else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """The token is kept already, by `new_token`."""

    def send_signal(self, name: str, *_: Any, **__: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: None) -> OAuth2Request:
        return Request(flask.request.form, flask.request.headers)

    def handle_response(self, status: int, body: Any, headers: Any) -> flask.Response:
        response = flask.jsonify(body)
        response.status_code = status
        response.headers["Cache-Control"] = "no-store"
        return response

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> flask.Response:
        status, code, message = _in_ringcentrals_words(error)
        body = {
            "error": error.error,
            "error_description": message,
            "errors": [{"errorCode": code, "message": message}],
        }
        return self.handle_response(status, body, [])

    def _make_token(self, user: str, **_: Any) -> dict[str, Any]:
        return {
            "access_token": self._new_token(user),
            "token_type": "bearer",
            "expires_in": FOR_EVER,
            "scope": SCOPES,
            "owner_id": user,
            "endpoint_id": secrets.token_urlsafe(16),
        }


class _BotGrant(AuthorizationCodeGrant):
    """RFC 6749, section 4.1, from the code on: nobody is asked for consent here."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def query_authorization_code(self, code: str, client: BotApp) -> BotCode | None:
        found: BotCode | None = self.server.codes.get(code)
        if found and found.expires_at <= self.server.now():
            raise InvalidGrantError(EXPIRED)
        return found

    def delete_authorization_code(self, authorization_code: BotCode) -> None:
        self.server.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: BotCode) -> str:
        return authorization_code.bot_id

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        raise NotImplementedError("A bot's code is made when it is installed.")


def _in_ringcentrals_words(error: OAuth2Error) -> tuple[int, str, str]:
    """Status, code and message.  The table of codes says 403 for bad codes, the text above it 400;
    RFC 6749 says 400.
    """
    if isinstance(error, InvalidClientError):
        return 401, "OAU-146", "Invalid client credentials"
    if isinstance(error, UnsupportedGrantTypeError | UnauthorizedClientError):
        return 400, "OAU-112", "The client is unauthorized for the required grant type"
    description = error.description or ""
    if description == EXPIRED:
        return 400, "OAU-108", EXPIRED
    if "redirect_uri" in description:
        return 400, "OAU-109", MISMATCH
    return 400, "OAU-106", "Invalid authorization code"
