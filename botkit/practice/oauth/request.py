"""A request as Authlib reads it, from values that a practice server has taken out of HTTP itself.

GitHub takes its token request as a form or as JSON, and fills in parameters that clients may leave
out; Google's client may show its secret in the form or in a header.  What the practice servers have
made of a request goes to Authlib's server framework in this shape.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from werkzeug.datastructures import Authorization, Headers, MultiDict


def basic_header() -> Authorization | None:
    """What the header of this request shows; None also if it is not in ASCII."""
    with suppress(ValueError):
        return flask.request.authorization
    return None


class Judge(AuthorizationServer):
    """Authlib's authorization server, where nothing that a stranger sends makes it fail."""

    def get_consent_grant(self, request: Any = None, end_user: Any = None) -> Any:
        """The grant that a link asks for.  Raises `OAuth2Error`."""
        try:
            return super().get_consent_grant(request, end_user)
        except ValueError:  # Authlib would quote what was sent, but not with control characters
            raise OAuth2Error("This is not readable.", error="invalid_request") from None

    def authenticate_client(self, *request: Any, **more: Any) -> Any:
        """The app that shows its secret.  Raises `InvalidClientError`."""
        try:
            return super().authenticate_client(*request, **more)
        except ValueError:  # a header that is not in UTF-8, or empty
            raise InvalidClientError(status_code=401) from None


class _Payload(OAuth2Payload):
    data: Any = None  # properties without a setter in the class above
    datalist: Any = None

    def __init__(self, values: MultiDict[str, str]) -> None:
        self.data = values
        self.datalist = defaultdict(list, values.lists())


class Request(OAuth2Request):
    """`values` are its parameters; `headers` matter where a client shows its secret in one."""

    def __init__(self, values: MultiDict[str, str], headers: Headers | None = None) -> None:
        # Authlib accepts plain HTTP from loopback alone.  That is where this server stands, also
        # when a tunnel gives it another name, so the name in the request is of no account.
        super().__init__(flask.request.method, "http://localhost:80/", headers=headers)
        self.payload = _Payload(values)

    @property
    def form(self) -> MultiDict[str, str]:
        values: MultiDict[str, str] = self.payload.data
        return values
