"""Find out whose account was connected, and which scopes were granted.

Neither can be assumed.  Someone else than the one who asked in the chat may have pressed Approve,
and people may grant less than the link asked for.  Start with `fetch_account`.

`revoke_quietly` is here too, because it decides by the account whether a token may be revoked.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import requests

from botkit.errors import BotkitError, ProviderNonsense, StorageError, TryLater
from botkit.oauth.http import ApiSession, read_fields
from botkit.oauth.provider import Provider
from botkit.oauth.tokens import ask_for_token, revoke_token
from botkit.storage import Claimed, Service, Storage, do_job

log = logging.getLogger("botkit")

LONGEST_ID, LONGEST_NAME = 255, 300  # characters of an account's id and name
REVOKE_AGAIN = (60.0, 300.0, 1800.0, 7200.0, 21600.0, 43200.0)  # seconds between tries, for a day


def fetch_account(provider: Provider, access_token: str) -> dict[str, Any] | None:
    """Ask the provider whose token this is.

    Returns `{"id": ..., "name": ...}`, or None if the provider has no `account_url`.
    Raises `ProviderError`.
    """
    if provider.account_url is None:
        return None
    with ApiSession(provider.called, provider.account_url, access_token) as api:
        return read_account(provider, api.request(provider.account_method, provider.account_url))


def read_account(provider: Provider, answer: requests.Response) -> dict[str, Any]:
    """Return id and name of the account from the answer of `account_url`.

    Raises `ProviderNonsense` if the answer does not have them.
    """
    account = read_fields(answer)
    account_id = _text(account.get(provider.account_id_field), LONGEST_ID)
    if answer.status_code != 200 or not account_id:
        raise ProviderNonsense(f"{provider.called} did not say whose account it is.")
    return {
        "id": account_id,
        "name": _text(account.get(provider.account_name_field), LONGEST_NAME) or "no name",
    }


def _text(value: object, longest: int) -> str:
    """Return a string or a whole number as one line of text; "" for anything else.

    Half characters (lone surrogates) are replaced, because JSON can contain them, but no page shows
    them.  A text that is longer than `longest` is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = " ".join(str(value).encode("utf-8", "replace").decode("utf-8").split())
    return text if len(text) <= longest else ""


def missing_scopes(provider: Provider, service: Service) -> list[str]:
    """Return the scopes that the link asked for and the person did not grant."""
    data = service.data if isinstance(service.data, dict) else {}
    written = data.get("scope", provider.scopes)
    listed = written if isinstance(written, list | tuple) else ()
    granted = {scope for scope in listed if isinstance(scope, str)}
    for scope in tuple(granted):
        granted.update(provider.implied_scopes.get(scope, ()))
    return [scope for scope in provider.scopes if scope not in granted]


def others_in_grant(
    storage: Storage,
    provider: Provider,
    service: Service,
    *,
    leaving: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the names of other connections that would end if `service` was revoked.

    There are some where the provider revokes everything that a person has granted, and the same
    account is connected in another chat, or by another skill.  `leaving` is a bot, or a chat of it,
    whose connections do not count: {"bot_id": ..., "group_id": ...}.  Raises `StorageError`.
    """
    if provider.revocation is None or provider.revocation.ends == "connection":
        return []
    names = sorted({service.name or "", *provider.same_grant})
    return [name for name in names if storage.shares_account(service, [name], leaving=leaving)]


def revoke_quietly(storage: Storage, provider: Provider, data: Mapping[str, Any]) -> None:
    """Revoke a token that belongs to no connection, and write a failure to the log only.

    `data` is what `services.data` held, or would have held.  A token stays alive if revoking it
    would end a connection that somebody uses.  If the provider cannot be asked now, a job tries
    again for a day (`revoke_later`).
    """
    try:
        _revoke_unused(storage, provider, data)
    except BotkitError as error:
        log.warning("A token that nobody uses any more may still be alive: %s", error)
        body = {"provider": provider.name, "data": dict(data)}
        with suppress(StorageError):
            key, pause = secrets.token_hex(8), REVOKE_AGAIN[0]
            storage.messages.add(do_job("revoke", key, body, seconds=pause))


def revoke_later(storage: Storage, providers: Iterable[Provider], job: Claimed) -> None:
    """Do the job that `revoke_quietly` has left.  Raises `TryLater`, and after a day an error."""
    body = job.body or {}
    for provider in providers:
        if provider.name == body["provider"]:
            try:
                _revoke_unused(storage, provider, body["data"])
            except BotkitError as error:
                if job.tries >= len(REVOKE_AGAIN):
                    raise
                raise TryLater(REVOKE_AGAIN[job.tries]) from error


def _revoke_unused(storage: Storage, provider: Provider, data: Mapping[str, Any]) -> None:
    token, revocation = Service(name=provider.name, data=dict(data)), provider.revocation
    if revocation is None or not token.access_token:
        return
    if revocation.ends == "everything" and token.account.get("id") is None:
        return  # nobody knows whose grant that would end
    if not others_in_grant(storage, provider, token):
        revoke_token(provider, revocation, _usable_token(provider, token, storage.now()))


def _usable_token(provider: Provider, token: Service, now: datetime) -> str:
    """Return a token that still works, because some providers revoke nothing else."""
    if token.refresh_token and token.expires_at and token.expires_at <= now:
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token}
        return str(ask_for_token(provider, form)["access_token"])
    return token.access_token or ""
