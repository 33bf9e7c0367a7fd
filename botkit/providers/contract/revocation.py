"""Test the revocation: revoke the connection, then try to use it."""

from __future__ import annotations

import requests

from botkit.errors import ProviderNonsense, ReconnectNeeded
from botkit.oauth import Provider, http, read_fields, revoke
from botkit.providers.contract.case import Case
from botkit.providers.contract.report import Broken, NotTried, look_at, said

LOOK = {  # at which fields of a revocation, by the status of the answer
    401: "client_auth",
    404: "url, method and client_auth",  # GitHub tells a stranger only that nothing is there
    405: "method and url",
}


def revoked(case: Case) -> str:
    """Revoke the connection; its refresh token must not work either.  Source: RFC 7009."""
    service = case.connection()
    revocation = case.provider.revocation
    if revocation is None:
        raise NotTried(
            "No revocation is described: tokens live on after a disconnect. Has the documentation "
            "no way to give one back?"
        )
    case.call(service)
    listener = _Listener(revocation.url)
    http.watchers.append(listener)
    try:
        revoke(case.storage, case.provider, case.connection())
    except ProviderNonsense as error:
        raise Broken(f"{error} {_why_not(case.provider, listener.heard)}") from None
    finally:
        http.watchers.remove(listener)
    try:
        status = case.call(service)
    except ReconnectNeeded:
        return "The service confirms it, and the bot then learns that it must connect again."
    if status < 400:
        seen = f"The token still works after it was revoked (the API answered {status})."
        raise Broken(f"{seen} Look at revocation: its field and url.")
    raise Broken(
        f"The API answered {status} to a token that was revoked; wanted: 401. So the bot does not "
        "learn that it must connect again."
    )


class _Listener:
    """Watch the answer of one address: the bot itself keeps only its status."""

    def __init__(self, url: str) -> None:
        self._url = requests.Request("POST", url).prepare().url
        self.heard: requests.Response | None = None

    def before(self, request: requests.PreparedRequest) -> bool:
        return request.url == self._url

    def after(self, here: bool, response: requests.Response | None, _: object) -> None:
        self.heard = response if here and response is not None else self.heard


def _why_not(provider: Provider, answer: requests.Response | None) -> str:
    """Return what the service says about a revocation that it did not confirm."""
    if answer is None:
        return "Look at revocation."
    there = read_fields(answer)
    sentence = there.get("error_description") or there.get("message")
    status = 401 if there.get("error") == "invalid_client" else answer.status_code
    look = LOOK.get(status, "field, encoding and url")
    heard = said(provider, there.get("error"), sentence)
    return look_at(heard, f"revocation: its {look}").lstrip()
