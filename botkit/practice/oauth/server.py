"""Run Authlib's authorization server over a `Ledger`; bad input never makes it fail."""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc7636 import CodeChallenge
from werkzeug.datastructures import MultiDict

from botkit.practice.oauth.grants import CodeGrant, RefreshGrant
from botkit.practice.oauth.ledger import App, Ledger
from botkit.practice.oauth.request import Request


class OAuthServer(AuthorizationServer):
    """Authlib's authorization server.  A service sets the class attributes, and makes the tokens.

    `client_auth` lists the ways in which an app may show its secret, as RFC 7591 names them.
    `issuer` is a callable: the `iss` that a callback has (RFC 9207), or None to leave it out.
    """

    client_auth: tuple[str, ...] = ("client_secret_basic",)
    code_grant: type[CodeGrant] = CodeGrant
    refresh_grant: type[RefreshGrant] = RefreshGrant
    pkce: CodeChallenge

    def __init__(
        self, ledger: Ledger[Any], issuer: Callable[[], str | None] = lambda: None
    ) -> None:
        # Authlib wants to make a token and to save it.  The ledger does both at once.
        super().__init__(query_client=ledger.apps.get, save_token=lambda token, request: None)
        self.ledger = ledger
        self.issuer = issuer
        self.register_grant(self.code_grant, [self.pkce])
        self.register_grant(self.refresh_grant)

    def issue(self, app: Any, owner: Any, scopes: list[str], *, renewed: bool) -> dict[str, Any]:
        """Make and keep a token, and return the fields of the answer.

        `renewed` tokens come from a refresh.
        """
        raise NotImplementedError

    def generate_token(
        self, grant_type: str, client: App, user: Any = None, scope: str | None = None, **_: Any
    ) -> dict[str, Any]:
        scopes, renewed = (scope or "").split(), grant_type == "refresh_token"
        return self.issue(client, user, scopes, renewed=renewed)

    def create_oauth2_request(self, request: MultiDict[str, str] | None) -> Request:
        # RFC 6749 section 3.1: a parameter without a value counts as left out.
        values = flask.request.form if request is None else request
        sent = MultiDict((name, value) for name, value in values.items(multi=True) if value)
        return Request(sent, flask.request.headers)

    def get_consent_grant(self, request: Any = None, end_user: Any = None) -> Any:
        """Return the grant that a link asks for.  Raises `OAuth2Error`."""
        try:
            return super().get_consent_grant(request, end_user)
        except ValueError:  # Authlib would quote what was sent, but not with control characters
            raise OAuth2Error("This is not readable.", error="invalid_request") from None

    def auth_methods(self, endpoint: str) -> tuple[str, ...]:
        """Return how an app may identify itself at the "token" or the "revocation" endpoint."""
        return self.client_auth

    def authenticate_client(self, request: Request, methods: Any, endpoint: str = "token") -> Any:
        """Return the app that shows its secret.  Raises `InvalidClientError`."""
        try:
            return super().authenticate_client(request, self.auth_methods(endpoint), endpoint)
        except ValueError:  # a header that is not in UTF-8, or empty
            raise InvalidClientError(status_code=401) from None

    def handle_error_response(self, request: Any, error: OAuth2Error) -> flask.Response:
        """Send an error to the app's callback if it has one, else to the program that asked."""
        if error.redirect_uri:
            return super().handle_error_response(request, error)  # type: ignore[no-any-return]
        return self.answer_error(request, error)

    def answer_error(self, request: Any, error: OAuth2Error) -> flask.Response:
        """Word an error of the token or revocation endpoint as the service does."""
        return super().handle_error_response(request, error)  # type: ignore[no-any-return]
