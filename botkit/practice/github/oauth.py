"""Authorize apps as GitHub does, on top of `botkit.practice.oauth`.

What GitHub does in its own way: the names of its errors, which come with status 200, the form of
its answers, and links that may leave out their redirect URI.

Sources: GitHub's pages "Authorizing OAuth apps", "Troubleshooting authorization request errors"
and "Troubleshooting OAuth app access token request errors".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import flask
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.github.ledger import GitHubApp, GitHubLedger, split_scopes
from botkit.practice.oauth import App, Code, CodeGrant, OAuthServer, Request

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
    """Return an error that travels to the app's callback, worded as GitHub words it."""
    return OAuth2Error(
        error=error,
        description=SENTENCES[error],
        uri=_AUTHORIZE_HELP + error.replace("_", "-"),
        redirect_uri=redirect_uri,
    )


class GitHubCodeGrant(CodeGrant):
    """The authorization code grant as GitHub has it: the link may leave the redirect URI out."""

    AUTHORIZATION_CODE_LENGTH = 20

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: GitHubApp) -> str:
        asked: str | None = request.payload.redirect_uri
        if asked and not client.check_redirect_uri(asked):
            # The registered address is safe to send to; the one that was asked for is not.
            raise _refusal("redirect_uri_mismatch", client.get_default_redirect_uri())
        return asked or client.get_default_redirect_uri()

    def denial(self, redirect_uri: str) -> OAuth2Error:
        return _refusal("access_denied", redirect_uri)

    def granted_scopes(self, request: OAuth2Request) -> list[str]:
        ledger, asked = self.server.ledger, split_scopes(request.payload.scope)
        scopes: list[str] = ledger.grant(request.client.client_id, request.user, asked)
        return scopes

    def kept_redirect_uri(self, request: OAuth2Request) -> str:
        return request.payload.redirect_uri or request.client.get_default_redirect_uri() or ""

    def query_authorization_code(self, code: str, client: App) -> Code | None:
        found = super().query_authorization_code(code, client)
        if found and not self.request.payload.redirect_uri:
            # Here GitHub only recommends redirect_uri.  An empty one tells Authlib not to insist.
            return replace(found, redirect_uri="")
        return found


class S256Only(CodeChallenge):
    """PKCE (RFC 7636) as GitHub has it: optional, and never `plain`, not even by leaving it out."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if sent.get("code_challenge") and not sent.get("code_challenge_method"):
            raise InvalidRequestError("Missing 'code_challenge_method'")
        super().validate_code_challenge(grant, redirect_uri)


class GitHubOAuthServer(OAuthServer):
    """Authlib's authorization server with GitHub's habits."""

    ledger: GitHubLedger
    client_auth = ("client_secret_post",)
    code_grant = GitHubCodeGrant
    pkce = S256Only(required=False)

    def create_oauth2_request(self, request: MultiDict[str, str] | None) -> Request:
        values = MultiDict(flask.request.form if request is None else request)
        values["response_type"] = "code"  # GitHub has no other and does not ask for the parameter
        values.setdefault("grant_type", "authorization_code")
        if values["grant_type"] == "refresh_token":
            values.poplist("scope")  # a renewed token keeps the scopes of the old one
        return Request(values)

    def issue(
        self, app: GitHubApp, owner: str, scopes: list[str], *, renewed: bool
    ) -> dict[str, Any]:
        return self.ledger.issue(app, owner, scopes, renewed=renewed).answer()

    def answer_error(self, request: Any, error: OAuth2Error) -> flask.Response:
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
    """Return the answer form-encoded, unless the Accept header names JSON or XML.

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
