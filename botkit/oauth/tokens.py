"""The requests in which a code, or a refresh token, becomes a token; how the answers are read.

Providers differ most in how they say no, so the rule here is: by name and never by status.  An
answer that holds `error` is a failure, whatever its status; one without a usable token as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import requests

from botkit.errors import ProviderNonsense, ProviderRefused
from botkit.oauth import http
from botkit.oauth.provider import Provider, Revocation

_OUR_FAULT = ("incorrect_client_credentials", "invalid_client", "unauthorized_client")
_REGISTRATION = "The owner of this bot must check its client id and client secret."


def ask_for_token(provider: Provider, form: dict[str, str]) -> dict[str, Any]:
    """POST `form` to the token endpoint; return the members of a good answer.

    RFC 6749, sections 4.1.3 (request) and 5 (answers).
    Raises `ProviderRefused`, `ProviderNonsense` or `ProviderUnreachable`.
    """
    with http.Session() as session, http.reaching(provider.called):
        response = session.post(
            provider.token_url,
            data=form | client_in_body(provider),
            auth=client_in_header(provider),
            headers={"Accept": "application/json"},
            allow_redirects=False,
        )
    answer = http.read_fields(response)
    if answer.get("error") is not None:
        code = error_name(answer["error"])
        advice = _REGISTRATION if code in _OUR_FAULT else "Ask the bot in the chat for a new link."
        what = "refresh token" if form["grant_type"] == "refresh_token" else "code"
        happened = f"{provider.called} did not accept the {what} ({code})."
        raise ProviderRefused(happened, code=code, advice=advice)
    if response.status_code != 200:
        raise ProviderNonsense(
            f"{provider.called} has a problem of its own (it answered {response.status_code})."
        )
    token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
    if not http.is_token(token) or str(kind).lower() != "bearer":
        raise ProviderNonsense(f"{provider.called} answered, but not with a token that we can use.")
    return answer


def token_data(provider: Provider, answer: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A token endpoint's answer in the form in which `services.data` keeps it.

    What the answer does not say is left out, so that saving it does not overwrite a stored refresh
    token, or the scopes, with nothing.
    """
    data: dict[str, Any] = {
        "accessToken": answer["access_token"],
        "expiresAt": None,
        "needsReconnect": None,
    }
    if re.fullmatch(r"[0-9]{1,9}", str(answer.get("expires_in", ""))):
        expires = now + timedelta(seconds=int(answer["expires_in"]))
        data["expiresAt"] = expires.isoformat(timespec="seconds")
    if isinstance(answer.get("scope"), str):  # what the person granted, maybe less than we asked
        data["scope"] = answer["scope"].replace(provider.scope_separator, " ").split()
    if answer.get("refresh_token"):
        data["refreshToken"] = answer["refresh_token"]
    return data


def revoke_token(provider: Provider, revocation: Revocation, token: str) -> None:
    """Tell the provider to forget a token.  Raises `ProviderError` when it does not confirm."""
    body = {revocation.field: token}
    if revocation.client_auth == "body":
        body |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    with http.Session() as session, http.reaching(provider.called):
        response = session.request(
            revocation.method,
            revocation.url,
            json=body if revocation.encoding == "json" else None,
            data=body if revocation.encoding == "form" else None,
            auth=_basic(provider) if revocation.client_auth == "basic" else _no_auth,
            allow_redirects=False,  # the token goes to the provider and to nobody else
        )
    if response.status_code not in (200, 204):
        raise ProviderNonsense(
            f"{provider.called} did not confirm that the token is revoked "
            f"(it answered {response.status_code})."
        )


def error_name(value: Any) -> str:
    """An error's name, if it looks like one: what strangers write is not shown to people."""
    text = str(value)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", text) and not re.match(r"gh[a-z]_", text):
        return text
    return "an unnamed error"


def client_in_body(provider: Provider) -> dict[str, str]:
    """Return our client id and secret as members of the form; {} if they belong in the header."""
    if provider.client_auth == "basic":
        return {}
    return {"client_id": provider.client_id, "client_secret": provider.client_secret}


def client_in_header(provider: Provider) -> requests.auth.AuthBase:
    """Return what puts our client id and secret into the header, or nothing at all."""
    return _basic(provider) if provider.client_auth == "basic" else _no_auth


def _basic(provider: Provider) -> requests.auth.AuthBase:
    return requests.auth.HTTPBasicAuth(provider.client_id, provider.client_secret)


class _NoAuth(requests.auth.AuthBase):
    """Without an `auth`, requests would look for one in the user's .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


_no_auth = _NoAuth()
