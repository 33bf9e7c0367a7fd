"""Authorize apps as RingCentral does, on top of `botkit.practice.oauth`.

One token endpoint serves two kinds of apps.  A public bot's code becomes a permanent token without
a refresh token.  A third-party app's code opens a session of a person (`ledger.py`).  What the
answers look like, and their words, is in `answers.py`.

Sources: RingCentral developer guide, "Authorization code flow", "Using refresh tokens" and "Bot
walkthrough".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import AccessDeniedError
from authlib.oauth2.rfc7636 import CodeChallenge

from botkit.practice.oauth import App, Code, CodeGrant, OAuthServer, RefreshGrant, Revocation
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
from botkit.practice.ringcentral.ledger import (
    CODE_LIFE,
    BotApp,
    RingCentralLedger,
    Session,
    new_code,
)
from botkit.practice.ringcentral.records import Person


class RingCentralCodeGrant(CodeGrant):
    """The authorization code grant, for people's apps and for the bot's."""

    def denial(self, redirect_uri: str) -> OAuth2Error:
        return AccessDeniedError("", redirect_uri=redirect_uri)

    def callback_parameters(self) -> list[tuple[str, str]]:
        return [("expires_in", str(int(CODE_LIFE.total_seconds())))]

    def generate_authorization_code(self) -> str:
        return new_code()

    def query_authorization_code(self, code: str, client: App) -> Code:
        found: Code | None = self.server.ledger.codes.get(code)
        if found is None:
            raise Refused(*BAD_CODE)
        if found.app is not client:
            raise Refused("OAU-110", "Authorization code was not issued for this application")
        if self.server.ledger.now() >= found.expires_at:
            raise Refused("OAU-108", "Authorization code is expired")
        return found

    def generate_token(self, *, user: Person, **_: Any) -> dict[str, Any]:
        ledger, app = self.server.ledger, self.request.client
        if isinstance(app, BotApp):
            return permanent_token(self.server.new_bot_token(user.id), user.id, app)
        session = ledger.open_session(app, user, wished_pair(ledger, self.request.form))
        return session_answer(session, ledger)


class OptionalPkce(CodeChallenge):
    """PKCE (RFC 7636) as RingCentral has it: optional, S256 or plain, and plain when unsaid."""

    def validate_code_verifier(self, grant: CodeGrant, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except OAuth2Error as error:
            raise Refused(*BAD_CODE) from error  # its own words for this are not documented


class RingCentralRefreshGrant(RefreshGrant):
    """Refreshing, RFC 6749 section 6, with a refresh token that is used once."""

    def authenticate_refresh_token(self, refresh_token: str) -> Session:
        ledger: RingCentralLedger = self.server.ledger
        session = ledger.token_with(refresh_token)
        if session is None or refresh_token == session.pair.access_token:
            raise Refused(*UNKNOWN_TOKEN)
        if session.app is not self.request.client:
            raise Refused("OAU-121", "Wrong Application")
        if not session.refreshes_with(refresh_token, ledger.now()):
            used = refresh_token in session.old_refresh_tokens
            raise Refused(*(USED_TOKEN if used else UNKNOWN_TOKEN))
        return session

    def issue_token(self, user: Person, refresh_token: Session) -> dict[str, Any]:
        ledger, form = self.server.ledger, self.request.form
        ledger.rotate(refresh_token, form["refresh_token"], lambda: wished_pair(ledger, form))
        return session_answer(refresh_token, ledger)

    def revoke_old_credential(self, refresh_token: Session) -> None:
        """Do nothing: the new pair has already replaced the old one."""


class RingCentralOAuthServer(OAuthServer):
    """Authlib's authorization server with RingCentral's habits.

    `new_bot_token` makes a permanent token for the bot user with this id.
    """

    ledger: RingCentralLedger
    code_grant = RingCentralCodeGrant
    refresh_grant = RingCentralRefreshGrant
    pkce = OptionalPkce(required=False)

    def __init__(self, ledger: RingCentralLedger, new_bot_token: Callable[[str], str]) -> None:
        super().__init__(ledger)
        self.new_bot_token = new_bot_token
        self.register_endpoint(Revocation)

    def answer_error(self, request: Any, error: OAuth2Error) -> flask.Response:
        return error_answer(flask.request.form, error)
