"""Exchange a code or a refresh token for an access token, read the answer, and revoke a token.

These are the requests between the bot and the provider alone: no browser sees them, so they carry
the client secret.  Start with `ask_for_token`, which steps 2 and 3 share.

Providers differ most in how they refuse.  GitHub answers an error with status 200, RingCentral with
400, 401 or 403.  So an answer is judged by what it says and not by its status: one with an `error`
is a refusal, and one without a usable token is never a success.

Not here: what the answer means for a row (`refresh.py`, `steps.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import requests

from botkit.errors import ProviderNonsense, ProviderRefused
from botkit.oauth import http
from botkit.oauth.provider import Provider, Revocation

# Errors about our registration at the provider, which the person in the chat cannot change.
CLIENT_ERRORS = ("incorrect_client_credentials", "invalid_client", "unauthorized_client")
CHECK_CLIENT = "The owner of this bot must check its client id and client secret."
ASK_FOR_LINK = "Ask the bot in the chat for a new link."

MOST_SCOPES, LONGEST_SCOPE = 500, 255  # scopes, and characters of one
LONGEST_LIFE = 1_000_000_000  # seconds, more than 31 years


def ask_for_token(provider: Provider, form: dict[str, str]) -> dict[str, Any]:
    """POST `form` to the token endpoint, and return the fields of a good answer.

    `form` has `grant_type`, and what that grant needs.
    Raises `ProviderRefused`, `ProviderNonsense` or `ProviderUnreachable`.
    Source: RFC 6749, sections 4.1.3 and 6 (requests) and 5 (answers).
    """
    # The bot says who it is, because only the app that made the link may use the code.  The id and
    # the secret go into the form or into a header, as the provider wants it (section 2.3.1).
    with http.Session() as session, http.reaching(provider.called):
        response = session.post(
            provider.token_url,
            data=form | client_in_body(provider),
            auth=client_in_header(provider),
            headers={"Accept": "application/json"},  # GitHub answers with a form otherwise
            allow_redirects=False,  # the secret goes to this address and to no other
        )
    answer = http.read_fields(response)

    # First the refusal, which has a name (section 5.2).  The name decides what the person can do.
    if answer.get("error") is not None:
        raise _refusal(provider, form, error_name(answer["error"]))

    # An error without a name: the provider is down, or something else answers in its place.
    if response.status_code != 200:
        raise ProviderNonsense(
            f"{provider.called} has a problem of its own (it answered {response.status_code})."
        )

    # A success has a token that can be sent in a header, and of the one kind that botkit knows how
    # to use: a bearer token, which works for anyone who has it (section 7.1).
    token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
    if not http.is_token(token) or str(kind).lower() != "bearer":
        raise ProviderNonsense(f"{provider.called} answered, but not with a token that we can use.")
    return answer


def client_in_body(provider: Provider) -> dict[str, str]:
    """Return our client id and secret as members of the form; {} if they belong in the header."""
    if provider.client_auth == "basic":
        return {}
    return {"client_id": provider.client_id, "client_secret": provider.client_secret}


def client_in_header(provider: Provider) -> requests.auth.AuthBase | None:
    """Return what puts our client id and secret into the header; None if they go elsewhere."""
    return _basic(provider) if provider.client_auth == "basic" else None


def _basic(provider: Provider) -> requests.auth.AuthBase:
    """Return HTTP Basic authentication with the client id and secret.

    Both are form-encoded first, so that a colon in the id does not end it (RFC 6749, section
    2.3.1), unless the description says that the server does not decode them.
    """
    encode = quote_plus if provider.basic_is_form_encoded else str
    pair = (encode(provider.client_id), encode(provider.client_secret))
    return requests.auth.HTTPBasicAuth(*(one.encode() for one in pair))


def error_name(value: Any) -> str:
    """Return the name of an error if it looks like one; other text of strangers is not shown."""
    text = str(value)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", text) and not re.match(r"gh[a-z]_", text):
        return text
    return "an unnamed error"


def _refusal(provider: Provider, form: Mapping[str, str], code: str) -> ProviderRefused:
    what = "refresh token" if form["grant_type"] == "refresh_token" else "code"
    return ProviderRefused(
        f"{provider.called} did not accept the {what} ({code}).",
        code=code,
        advice=CHECK_CLIENT if code in CLIENT_ERRORS else ASK_FOR_LINK,
    )


def token_data(provider: Provider, answer: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return a token endpoint's answer in the form in which `services.data` keeps it.

    Saving merges these data into the row.  A key with None is removed there, and a key that is not
    here stays as it was.  Source: RFC 6749, section 5.1.
    """
    # A new token is good: what was noted about the old one goes.
    data: dict[str, Any] = {
        "accessToken": answer["access_token"],
        "expiresAt": None,
        "needsReconnect": None,
    }
    # The answer says for how many seconds the token lives.  The row also says when it expires,
    # because it is read later.
    life = _life(answer.get("expires_in"))
    if life is not None:
        expires = now + timedelta(seconds=life)
        data["expiresAt"] = expires.isoformat(timespec="seconds")
        data["expiresIn"] = life
    # The person may have granted less than the link asked for.
    if answer.get("scope") is not None:
        data["scope"] = _scopes(provider, answer["scope"])
    # Google sends a refresh token once and never again.  So the key is set only if there is one:
    # a stored refresh token must not be overwritten with nothing.
    if http.is_token(answer.get("refresh_token")):
        data["refreshToken"] = answer["refresh_token"]
    return data


def _life(expires_in: object) -> int | None:
    """Return how many whole seconds a token lives, or None if that cannot be read.

    Providers send it as a number or as a string, with a fraction or without.  None also stands for
    more than `LONGEST_LIFE`, which means that the token does not expire.
    """
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return None
    if isinstance(expires_in, str) and not re.fullmatch(r"[0-9]{1,10}(\.[0-9]*)?", expires_in):
        return None
    life = float(expires_in) if isinstance(expires_in, str) else expires_in
    return int(life) if 0 <= life <= LONGEST_LIFE else None  # NaN is not between anything


def _scopes(provider: Provider, granted: object) -> list[str]:
    """Return the scopes of an answer, which come as a string or as a list.

    Anything else is not understood, so nothing counts as granted.
    """
    said = granted if isinstance(granted, list) else [granted]
    scopes = " ".join(scope for scope in said if isinstance(scope, str))
    listed = scopes.replace(provider.scope_separator, " ").split()
    return [scope for scope in listed[:MOST_SCOPES] if len(scope) <= LONGEST_SCOPE]


def revoke_token(provider: Provider, revocation: Revocation, token: str) -> None:
    """Tell the provider to revoke a token.

    Raises `ProviderError` if the provider does not confirm.  Source: RFC 7009, section 2; GitHub
    has a way of its own.
    """
    body = {revocation.field: token}
    if revocation.client_auth == "body":
        body |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    with http.Session() as session, http.reaching(provider.called):
        response = session.request(
            revocation.method,
            revocation.url,
            json=body if revocation.encoding == "json" else None,
            data=body if revocation.encoding == "form" else None,
            auth=_basic(provider) if revocation.client_auth == "basic" else None,
            allow_redirects=False,  # the token goes to the provider and to nobody else
        )
    if response.status_code not in (200, 204) and not _was_revoked(provider, token, response):
        raise ProviderNonsense(
            f"{provider.called} did not confirm that the token is revoked "
            f"(it answered {response.status_code})."
        )


def _was_revoked(provider: Provider, token: str, response: requests.Response) -> bool:
    """Return whether an answer that is no success means that the token was revoked before.

    A status such as 404 can mean something else, so the API has to refuse the token as well.
    """
    already = provider.revocation.already if provider.revocation else ()
    said = http.read_fields(response).get("error")
    if isinstance(said, str) and said in already:
        return True
    if response.status_code not in already:
        return False
    how, url = provider.account_method, provider.account_url or provider.api_url
    with http.Session() as session, http.reaching(provider.called):
        auth = http.BearerToken(token, url)
        answer = session.request(how, url, auth=auth, allow_redirects=False)
    return answer.status_code == 401
