"""The OAuth half of the practice GitHub: Authlib is the judge, GitHub's habits lie on top.

Whether a code, a verifier, a secret or a redirect URI is right is decided by Authlib's server
framework, which is not ours: so one misreading of the protocol cannot hide in the client and in
its practice partner at once.  What GitHub does in its own way is added here: the names of its
errors, which come with status 200, and the shape of its answers.

Sources: GitHub's pages "Authorizing OAuth apps", "Troubleshooting authorization request errors"
and "Troubleshooting OAuth app access token request errors".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import flask
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.github.ledger import CODE_LIFE, App, Code, Ledger, Token, split_scopes
from botkit.practice.oauth.request import Judge, Request

_DOCS = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/"
_AUTHORIZE_HELP = f"{_DOCS}troubleshooting-authorization-request-errors#"
_TOKEN_HELP = f"{_DOCS}troubleshooting-oauth-app-access-token-request-errors#"

#: GitHub's sentences.  They are sent with GitHub's own error names, not with those of RFC 6749.
SENTENCES = {
    "access_denied": "The user has denied your application access.",
    "redirect_uri_mismatch": (
        "The redirect_uri MUST match the registered callback URL for this application."
    ),
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "bad_verification_code": "The code passed is incorrect or expired.",
    "bad_refresh_token": "The refresh token passed is incorrect or expired.",
    "unsupported_grant_type": "The grant_type passed is not supported.",
}


def _refusal(error: str, redirect_uri: str) -> OAuth2Error:
    """An error that travels to the app's callback, worded as GitHub words it."""
    return OAuth2Error(
        error=error,
        description=SENTENCES[error],
        uri=_AUTHORIZE_HELP + error.replace("_", "-"),
        redirect_uri=redirect_uri,
    )


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, RFC 6749 section 4.1."""

    AUTHORIZATION_CODE_LENGTH = 20
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: App) -> str:
        asked: str | None = request.payload.redirect_uri
        if asked and not client.check_redirect_uri(asked):
            # The registered address is safe to send to; the one that was asked for is not.
            raise _refusal("redirect_uri_mismatch", client.get_default_redirect_uri())
        return asked or client.get_default_redirect_uri()

    def create_authorization_response(self, redirect_uri: str, grant_user: str | None) -> Any:
        if grant_user is None:
            raise _refusal("access_denied", redirect_uri)
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        location = dict(headers)["Location"]
        if issuer := self.server.issuer():
            location = add_params_to_uri(location, [("iss", issuer)])
        return status, body, [("Location", location)]

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        ledger, asked = self.server.ledger, request.payload
        scopes = ledger.grant(asked.client_id, request.user, split_scopes(asked.scope))
        ledger.codes[code] = Code(
            code=code,
            client_id=asked.client_id,
            login=request.user,
            redirect_uri=asked.redirect_uri or request.client.get_default_redirect_uri(),
            scopes=scopes,
            expires_at=ledger.now() + CODE_LIFE,
            code_challenge=asked.data.get("code_challenge"),
            code_challenge_method=asked.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: App) -> Code | None:
        found: Code | None = self.server.ledger.live_code(code, client.client_id)
        if found and not self.request.payload.redirect_uri:
            # Here GitHub only recommends redirect_uri.  An empty one tells Authlib not to insist.
            return replace(found, redirect_uri="")
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.ledger.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.login


class S256Only(CodeChallenge):
    """PKCE (RFC 7636) as GitHub has it: optional, and never `plain`, not even by leaving it out."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if sent.get("code_challenge") and not sent.get("code_challenge_method"):
            raise InvalidRequestError("Missing 'code_challenge_method'")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshGrant(RefreshTokenGrant):
    """Refreshing, RFC 6749 section 6.  Each refresh token works once and ends the pair it is of."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token: Token | None = self.server.ledger.live_refresh(refresh_token)
        return token

    def authenticate_user(self, refresh_token: Token) -> str:
        return refresh_token.login

    def revoke_old_credential(self, refresh_token: Token) -> None:
        self.server.ledger.tokens.pop(refresh_token.access_token, None)


class OAuthServer(Judge):
    """Authlib's authorization server over a `Ledger`.

    `issuer` is a callable: the `iss` that a callback carries (RFC 9207), or None to leave it out.
    """

    def __init__(self, ledger: Ledger, issuer: Callable[[], str | None]) -> None:
        super().__init__(query_client=ledger.apps.get, save_token=self._already_kept)
        self.ledger = ledger
        self.issuer = issuer
        self.register_token_generator("default", self._make_token)
        self.register_grant(CodeGrant, [S256Only(required=False)])
        self.register_grant(RefreshGrant)

    def create_oauth2_request(self, request: MultiDict[str, str]) -> Request:
        values = request.copy()
        values["response_type"] = "code"  # GitHub has no other and does not ask for the parameter
        values.setdefault("grant_type", "authorization_code")
        if values["grant_type"] == "refresh_token":
            values.poplist("scope")  # a renewed token keeps the scopes of the old one
        return Request(values)

    def _make_token(
        self, grant_type: str, client: App, user: str, scope: str, **_: Any
    ) -> dict[str, Any]:
        renewed = grant_type == "refresh_token"
        return self.ledger.issue(client, user, split_scopes(scope), renewed=renewed).answer()

    def _already_kept(self, token: dict[str, Any], request: Request) -> None:
        """Authlib wants to make a token and to save it; the ledger does both in `issue`."""

    def handle_error_response(self, request: Any, error: OAuth2Error) -> flask.Response:
        if error.redirect_uri:
            return super().handle_error_response(request, error)  # type: ignore[no-any-return]
        name = _github_name(request, error)
        body = {"error": name, "error_description": SENTENCES[name]}
        body["error_uri"] = _TOKEN_HELP + name.replace("_", "-")
        return self.handle_response(200, body, [])

    def handle_response(self, status: int, payload: Any, headers: Any) -> flask.Response:
        if isinstance(payload, dict):  # the token endpoint's; its errors have status 200 as well
            return _in_the_format_asked_for(payload)
        return super().handle_response(status, payload, headers)  # type: ignore[no-any-return]


def _github_name(request: Request, error: OAuth2Error) -> str:
    if isinstance(error, InvalidClientError):
        return "incorrect_client_credentials"
    if isinstance(error, UnsupportedGrantTypeError):
        return "unsupported_grant_type"
    if request.payload.grant_type == "refresh_token":
        return "bad_refresh_token"
    if "redirect_uri" in (error.description or ""):
        return "redirect_uri_mismatch"
    return "bad_verification_code"


def _in_the_format_asked_for(fields: dict[str, Any]) -> flask.Response:
    """Form-encoded, unless the Accept header names JSON or XML.

    A list that ends in `*/*`, as browsers and axios send it, counts as no wish at all.
    """
    accept = flask.request.headers.get("Accept", "")
    if "*/*" not in accept and "json" in accept:
        response = flask.jsonify(fields)
    elif "*/*" not in accept and "xml" in accept:
        root = ElementTree.Element("OAuth")
        for name, value in fields.items():
            ElementTree.SubElement(root, name).text = str(value)
        response = flask.Response(ElementTree.tostring(root), mimetype="application/xml")
    else:
        form = "application/x-www-form-urlencoded; charset=utf-8"
        response = flask.Response(urlencode(fields), content_type=form)
    response.headers["Cache-Control"] = "no-store"
    return response
