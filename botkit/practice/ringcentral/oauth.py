"""The OAuth half of the practice RingCentral: Authlib judges, RingCentral's habits lie on top.

One token endpoint serves two kinds of apps.  A public bot's code becomes a permanent token without
a refresh token; a third-party app's code opens a session of a person (`rc_ledger.py`).  What is
answered, and in which words, is in `rc_answers.py`.

Sources: RingCentral developer guide, "Authorization code flow", "Using refresh tokens" and "Bot
walkthrough".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.oauth.request import Judge, Request
from botkit.practice.ringcentral.answers import (
    BAD_CODE,
    UNKNOWN_TOKEN,
    USED_TOKEN,
    Refused,
    error_answer,
    permanent_token,
    session_answer,
    wished_pair,
)
from botkit.practice.ringcentral.chat_records import Person
from botkit.practice.ringcentral.ledger import CODE_LIFE, App, Code, Ledger, Session

BASIC = ("client_secret_basic",)


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, RFC 6749 section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = BASIC

    def create_authorization_response(self, redirect_uri: str, grant_user: Person | None) -> Any:
        if grant_user is None:
            raise OAuth2Error(error="access_denied", redirect_uri=redirect_uri)
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        more = [("expires_in", str(int(CODE_LIFE.total_seconds())))]
        return status, body, [("Location", add_params_to_uri(dict(headers)["Location"], more))]

    def generate_authorization_code(self) -> str:
        """Make the code and keep it, which is one thing here."""
        sent, request = self.request.payload.data, self.request
        code: str = self.server.ledger.new_code(
            request.client,
            request.user,
            sent.get("redirect_uri", ""),
            sent.get("code_challenge"),
            sent.get("code_challenge_method"),
        )
        return code

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """It is kept already."""

    def query_authorization_code(self, code: str, client: App) -> Code:
        found: Code | None = self.server.ledger.codes.get(code)
        if found is None:
            raise Refused(*BAD_CODE)
        if found.app is not client:
            raise Refused("OAU-110", "Authorization code was not issued for this application")
        if self.server.ledger.now() >= found.expires_at:
            raise Refused("OAU-108", "Authorization code is expired")
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.ledger.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> Person:
        return authorization_code.owner

    def generate_token(self, *, user: Person, **_: Any) -> dict[str, Any]:
        ledger, app = self.server.ledger, self.request.client
        if app.is_bot:
            return permanent_token(self.server.new_bot_token(user.id), user.id, app)
        session = ledger.open_session(app, user, wished_pair(ledger, self.request.form))
        return session_answer(session, ledger)


class Pkce(CodeChallenge):
    """PKCE (RFC 7636) as RingCentral has it: optional, S256 or plain, and plain when unsaid."""

    def validate_code_verifier(self, grant: CodeGrant, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except OAuth2Error as error:
            raise Refused(*BAD_CODE) from error  # its own words for this are not documented


class RefreshGrant(RefreshTokenGrant):
    """Refreshing, RFC 6749 section 6, with a refresh token that is used once."""

    TOKEN_ENDPOINT_AUTH_METHODS = BASIC

    def authenticate_refresh_token(self, refresh_token: str) -> Session:
        ledger: Ledger = self.server.ledger
        session = ledger.session_with(refresh_token)
        if session is None or refresh_token == session.pair.access_token:
            raise Refused(*UNKNOWN_TOKEN)
        if session.app is not self.request.client:
            raise Refused("OAU-121", "Wrong Application")
        if not session.refreshes_with(refresh_token, ledger.now()):
            used = refresh_token in session.old_refresh_tokens
            raise Refused(*(USED_TOKEN if used else UNKNOWN_TOKEN))
        return session

    def authenticate_user(self, refresh_token: Session) -> Person:
        return refresh_token.owner

    def issue_token(self, user: Person, refresh_token: Session) -> dict[str, Any]:
        ledger, form = self.server.ledger, self.request.form
        ledger.rotate(refresh_token, form["refresh_token"], lambda: wished_pair(ledger, form))
        return session_answer(refresh_token, ledger)

    def revoke_old_credential(self, refresh_token: Session) -> None:
        """The new pair has already taken its place."""


class Revocation(RevocationEndpoint):
    """RFC 7009.  Any token of a session ends all of it; an unknown one is no error."""

    CLIENT_AUTH_METHODS = BASIC

    def query_token(self, token_string: str, token_type_hint: str | None) -> Session | None:
        found: Session | None = self.server.ledger.session_with(token_string)
        return found

    def revoke_token(self, token: Session, request: OAuth2Request) -> None:
        self.server.ledger.end(token)


class OAuthServer(Judge):
    """Authlib's authorization server over a `Ledger`.

    `new_bot_token` makes a permanent token for the bot user with this id.
    """

    def __init__(self, ledger: Ledger, new_bot_token: Callable[[str], str]) -> None:
        super().__init__(query_client=ledger.apps.get, save_token=lambda token, request: None)
        self.ledger = ledger
        self.new_bot_token = new_bot_token
        self.register_grant(CodeGrant, [Pkce(required=False)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)

    def create_oauth2_request(self, request: MultiDict[str, str] | None) -> Request:
        # RFC 6749 section 3.1: a parameter without a value counts as left out.
        values = flask.request.form if request is None else request
        sent = MultiDict((name, value) for name, value in values.items(multi=True) if value)
        return Request(sent, flask.request.headers)

    def handle_error_response(self, request: Any, error: OAuth2Error) -> flask.Response:
        if error.redirect_uri:
            return super().handle_error_response(request, error)  # type: ignore[no-any-return]
        return error_answer(flask.request.form, error)
