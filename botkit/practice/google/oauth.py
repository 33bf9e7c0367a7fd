"""Authorize clients as Google does, on top of `botkit.practice.oauth`.

What Google does in its own way: a refresh token that comes once, people who agree to less than was
asked, and the wording of its errors.  An error in a link is shown to the person and never travels
to the redirect URI.

Sources: Google's page "Using OAuth 2.0 for Web Server Applications"; sentences as users of Google
have quoted them in bug reports.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import flask
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.google.ledger import Consent, GoogleClient, GoogleLedger, RefreshToken
from botkit.practice.google.scopes import asked_scopes
from botkit.practice.oauth import CodeGrant, OAuthServer, RefreshGrant, basic_header

PROMPTS = {"none", "consent", "select_account"}
DEAD_TOKEN = "Token has been expired or revoked."


def _wrong_link(error: str, description: str) -> OAuth2Error:
    return OAuth2Error(error=error, description=description)


class GoogleCodeGrant(CodeGrant):
    """The authorization code grant, with what Google asks of a link beyond RFC 6749."""

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: GoogleClient) -> str:
        asked: str | None = request.payload.redirect_uri
        if not asked:
            raise _wrong_link("invalid_request", "Missing required parameter: redirect_uri")
        if not client.check_redirect_uri(asked):
            raise _wrong_link(
                "redirect_uri_mismatch",
                "The redirect URI in the request does not match the ones authorized for this "
                "client. They must be equal letter by letter.",
            )
        return asked

    def validate_requested_scope(self) -> None:
        sent = self.request.payload.data
        if not sent.get("scope"):
            raise _wrong_link("invalid_request", "Missing required parameter: scope")
        try:
            asked_scopes(sent["scope"])
        except ValueError as error:
            raise _wrong_link("invalid_scope", "Some requested scopes were invalid.") from error
        if sent.get("access_type", "online") not in ("online", "offline"):
            raise _wrong_link("invalid_request", "Invalid parameter value for access_type.")
        prompts = sent.get("prompt", "").split()
        if not set(prompts) <= PROMPTS or ("none" in prompts and len(prompts) > 1):
            raise _wrong_link("invalid_request", "Invalid parameter value for prompt.")

    def denial(self, redirect_uri: str) -> OAuth2Error:
        return AccessDeniedError("", redirect_uri=redirect_uri)

    def callback_parameters(self) -> list[tuple[str, str]]:
        granted = " ".join(self.granted_scopes(self.request))
        return [("scope", granted), ("authuser", "0"), *super().callback_parameters()]

    def granted_scopes(self, request: OAuth2Request) -> list[str]:
        scopes: list[str] = request.user.scopes
        return scopes

    def generate_authorization_code(self) -> str:
        return f"4/{secrets.token_urlsafe(50)}"


class WrongVerifier(InvalidGrantError):
    """Raised when a code came with the wrong verifier.  The description is Google's sentence."""


class OptionalPkce(CodeChallenge):
    """PKCE (RFC 7636) as Google has it: optional, S256 or plain, and plain when nothing is said."""

    def validate_code_verifier(self, grant: CodeGrant, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except OAuth2Error as error:
            sent = grant.request.form.get("code_verifier")
            expected = grant.request.authorization_code.code_challenge
            if sent and not expected:
                raise WrongVerifier("code_verifier or verifier is not needed.") from error
            word = "Invalid" if sent else "Missing"
            raise WrongVerifier(f"{word} code verifier.") from error


class GoogleRefreshGrant(RefreshGrant):
    """Refreshing, RFC 6749 section 6.  The refresh token stays the same, and so do old tokens."""

    def authenticate_user(self, refresh_token: RefreshToken) -> Consent:
        return Consent(refresh_token.owner, refresh_token.scopes, lasting=False)

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        refresh_token.used_at = self.server.ledger.now()


class GoogleOAuthServer(OAuthServer):
    """Authlib's authorization server with Google's habits."""

    ledger: GoogleLedger
    client_auth = ("client_secret_basic", "client_secret_post")
    code_grant = GoogleCodeGrant
    refresh_grant = GoogleRefreshGrant
    pkce = OptionalPkce(required=False)

    def check_link(self, sent: MultiDict[str, str]) -> Any:
        """Return the grant that a link asks for.  Raises `OAuth2Error`, for the person to read."""
        if not sent.get("client_id"):
            raise _wrong_link("invalid_request", "Missing required parameter: client_id")
        if sent["client_id"] not in self.ledger.apps:
            raise OAuth2Error("The OAuth client was not found.", None, 401, error="invalid_client")
        if not sent.get("response_type"):
            raise _wrong_link("invalid_request", "Required parameter is missing: response_type")
        if sent["response_type"] != "code":
            raise _wrong_link("unsupported_response_type", "Invalid response_type.")
        return self.get_consent_grant(sent)

    def issue(
        self, app: GoogleClient, owner: Consent, scopes: list[str], *, renewed: bool
    ) -> dict[str, Any]:
        access = self.ledger.issue_access(app, owner.account, scopes)
        fields = {
            "access_token": access.token,
            "expires_in": int((access.expires_at - self.ledger.now()).total_seconds()),
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }
        if owner.lasting:
            refresh = self.ledger.issue_refresh(app, owner.account, scopes)
            fields["refresh_token"] = refresh.token
        return fields

    def answer_error(self, request: Any, error: OAuth2Error) -> flask.Response:
        if isinstance(error, WrongVerifier):
            return token_problem(400, "invalid_grant", error.description)
        return token_problem(*_in_googles_words(request.form, self.ledger.apps, error))


def token_problem(status: int, name: str, sentence: str) -> flask.Response:
    """Return an error as the token and the revocation endpoint word it."""
    response = flask.jsonify(error=name, error_description=sentence)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _in_googles_words(
    sent: MultiDict[str, str], clients: Mapping[str, GoogleClient], error: OAuth2Error
) -> tuple[int, str, str]:
    """Return the status, name and sentence that Google has for an error of the token endpoint."""
    refreshing = sent.get("grant_type") == "refresh_token"
    if isinstance(error, InvalidClientError):
        return _wrong_client(sent, clients)
    if isinstance(error, UnsupportedGrantTypeError):
        return 400, "unsupported_grant_type", f"Invalid grant_type: {sent.get('grant_type', '')}"
    if isinstance(error, InvalidRequestError):
        missing = "refresh_token" if refreshing else "code"
        return 400, "invalid_request", f"Missing required parameter: {missing}"
    if isinstance(error, InvalidGrantError):
        return 400, "invalid_grant", DEAD_TOKEN if refreshing else "Bad Request"
    return 400, error.error or "invalid_request", "Bad Request"


def _wrong_client(
    sent: MultiDict[str, str], clients: Mapping[str, GoogleClient]
) -> tuple[int, str, str]:
    basic = basic_header()
    client_id = (basic and basic.username) or sent.get("client_id")
    if not client_id:
        return 400, "invalid_request", "Could not determine client ID from request."
    if client_id not in clients:
        return 401, "invalid_client", "The OAuth client was not found."
    if not (basic and basic.password) and not sent.get("client_secret"):
        return 400, "invalid_request", "client_secret is missing."
    return 401, "invalid_client", "Unauthorized"
