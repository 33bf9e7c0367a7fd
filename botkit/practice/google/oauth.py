"""The OAuth half of the practice Google: Authlib is the judge, Google's habits lie on top.

Whether a code, a verifier, a secret or a redirect URI is right is decided by Authlib's server
framework, which is not ours.  What Google does in its own way is added here: a refresh token that
comes once, people who agree to less than was asked, and the wording of its errors.  An error in a
link is shown to the person and never travels to the redirect URI.

Sources: Google's page "Using OAuth 2.0 for Web Server Applications"; sentences as users of Google
have quoted them in bug reports.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import flask
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.google.ledger import CODE_LIFE, Client, Code, Consent, Ledger, RefreshToken
from botkit.practice.google.scopes import asked_scopes
from botkit.practice.oauth.request import Judge, Request, basic_header

CLIENT_AUTH = ("client_secret_basic", "client_secret_post")
PROMPTS = {"none", "consent", "select_account"}
DEAD_TOKEN = "Token has been expired or revoked."


def _wrong_link(error: str, description: str) -> OAuth2Error:
    return OAuth2Error(error=error, description=description)


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, RFC 6749 section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_AUTH

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: Client) -> str:
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
        """What Google asks of a link beyond RFC 6749."""
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

    def create_authorization_response(self, redirect_uri: str, grant_user: Consent | None) -> Any:
        if grant_user is None or not grant_user.scopes:
            raise OAuth2Error(error="access_denied", redirect_uri=redirect_uri)
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        more = [("scope", " ".join(grant_user.scopes)), ("authuser", "0")]
        if issuer := self.server.issuer():
            more.append(("iss", issuer))
        return status, body, [("Location", add_params_to_uri(dict(headers)["Location"], more))]

    def generate_authorization_code(self) -> str:
        return f"4/{secrets.token_urlsafe(50)}"

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        sent = request.payload.data
        self.server.ledger.codes[code] = Code(
            code=code,
            client=request.client,
            consent=request.user,
            redirect_uri=sent["redirect_uri"],
            expires_at=self.server.ledger.now() + CODE_LIFE,
            code_challenge=sent.get("code_challenge"),
            code_challenge_method=sent.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.ledger.live_code(code, client)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.ledger.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> Consent:
        return authorization_code.consent


class WrongVerifier(InvalidGrantError):
    """A code came with the wrong verifier.  The description is Google's sentence."""


class Pkce(CodeChallenge):
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


class RefreshGrant(RefreshTokenGrant):
    """Refreshing, RFC 6749 section 6.  The refresh token stays the same, and so do old tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_AUTH

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        token: RefreshToken | None = self.server.ledger.live_refresh(refresh_token)
        return token

    def authenticate_user(self, refresh_token: RefreshToken) -> Consent:
        return Consent(refresh_token.account, refresh_token.scopes, lasting=False)

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        refresh_token.used_at = self.server.ledger.now()


class OAuthServer(Judge):
    """Authlib's authorization server over a `Ledger`.

    `issuer` is a callable: the `iss` that a callback carries (RFC 9207), or None to leave it out.
    """

    def __init__(self, ledger: Ledger, issuer: Callable[[], str | None]) -> None:
        super().__init__(query_client=ledger.clients.get, save_token=self._already_kept)
        self.ledger = ledger
        self.issuer = issuer
        self.register_token_generator("default", self._make_token)
        self.register_grant(CodeGrant, [Pkce(required=False)])
        self.register_grant(RefreshGrant)

    def create_oauth2_request(self, request: MultiDict[str, str]) -> Request:
        # RFC 6749 section 3.1: a parameter without a value counts as left out.
        sent = MultiDict((name, value) for name, value in request.items(multi=True) if value)
        return Request(sent, flask.request.headers)

    def check_link(self, sent: MultiDict[str, str]) -> Any:
        """The grant that a link asks for.  Raises `OAuth2Error`, for the person to read."""
        if not sent.get("client_id"):
            raise _wrong_link("invalid_request", "Missing required parameter: client_id")
        if sent["client_id"] not in self.ledger.clients:
            raise OAuth2Error("The OAuth client was not found.", None, 401, error="invalid_client")
        if not sent.get("response_type"):
            raise _wrong_link("invalid_request", "Required parameter is missing: response_type")
        if sent["response_type"] != "code":
            raise _wrong_link("unsupported_response_type", "Invalid response_type.")
        return self.get_consent_grant(sent)

    def _make_token(
        self, grant_type: str, client: Client, user: Consent, scope: str, **_: Any
    ) -> dict[str, Any]:
        scopes = scope.split()
        access = self.ledger.issue_access(client, user.account, scopes)
        fields = {
            "access_token": access.token,
            "expires_in": int((access.expires_at - self.ledger.now()).total_seconds()),
            "scope": scope,
            "token_type": "Bearer",
        }
        if user.lasting:
            refresh = self.ledger.issue_refresh(client, user.account, scopes)
            fields["refresh_token"] = refresh.token
        return fields

    def _already_kept(self, token: dict[str, Any], request: Request) -> None:
        """Authlib wants to make a token and to save it; the ledger does both at once."""

    def handle_error_response(self, request: Any, error: OAuth2Error) -> flask.Response:
        if error.redirect_uri:
            return super().handle_error_response(request, error)  # type: ignore[no-any-return]
        if isinstance(error, WrongVerifier):
            return token_problem(400, "invalid_grant", error.description)
        return token_problem(*_in_googles_words(request.form, self.ledger.clients, error))


def token_problem(status: int, name: str, sentence: str) -> flask.Response:
    """An error as the token and the revocation endpoint word it."""
    response = flask.jsonify(error=name, error_description=sentence)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _in_googles_words(
    sent: MultiDict[str, str], clients: Mapping[str, Client], error: OAuth2Error
) -> tuple[int, str, str]:
    """Status, name and sentence that Google has for an error of the token endpoint."""
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


def _wrong_client(sent: MultiDict[str, str], clients: Mapping[str, Client]) -> tuple[int, str, str]:
    basic = basic_header()
    client_id = (basic and basic.username) or sent.get("client_id")
    if not client_id:
        return 400, "invalid_request", "Could not determine client ID from request."
    if client_id not in clients:
        return 401, "invalid_client", "The OAuth client was not found."
    if not (basic and basic.password) and not sent.get("client_secret"):
        return 400, "invalid_request", "client_secret is missing."
    return 401, "invalid_client", "Unauthorized"
