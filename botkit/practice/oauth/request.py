"""Give Authlib a request that a practice server has read from HTTP itself.

GitHub takes its token request as a form or as JSON, and fills in parameters that clients may leave
out.  Google's client may show its secret in the form or in a header.  What the practice servers
read from a request goes to Authlib's server framework in this form.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any

import flask
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from werkzeug.datastructures import Authorization, Headers, MultiDict


def basic_header() -> Authorization | None:
    """Return what the `Authorization` header contains; None also if it is not in ASCII."""
    with suppress(ValueError):
        return flask.request.authorization
    return None


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
