"""Whose account was connected, and what the person granted: both may differ from what we expect.

Another person may have pressed Approve than the one who asked in the chat, and people may untick
what they do not want to grant.  So step 2 asks and looks, and does not assume.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import requests

from botkit.errors import BotkitError, ProviderNonsense
from botkit.oauth.http import ApiSession, read_fields
from botkit.oauth.provider import Provider
from botkit.oauth.tokens import ask_for_token, revoke_token
from botkit.storage import Service, Storage

log = logging.getLogger("botkit")


def fetch_account(provider: Provider, access_token: str) -> dict[str, Any] | None:
    """Ask the provider whose token this is: another person may have pressed Approve."""
    if provider.account_url is None:
        return None
    with ApiSession(provider.called, provider.account_url, access_token) as api:
        return read_account(provider, api.get(provider.account_url))


def read_account(provider: Provider, answer: requests.Response) -> dict[str, Any]:
    """Id and name of the account, from what `account_url` answers.  Raises `ProviderNonsense`."""
    account = read_fields(answer)
    if answer.status_code != 200 or provider.account_id_field not in account:
        raise ProviderNonsense(f"{provider.called} did not say whose account it is.")
    return {
        "id": str(account[provider.account_id_field]),
        "name": _whole(str(account.get(provider.account_name_field) or "no name")),
    }


def _whole(text: str) -> str:
    """Without half characters, which JSON may hold and no page can show."""
    return text.encode("utf-8", "replace").decode("utf-8")


def missing_scopes(provider: Provider, service: Service) -> list[str]:
    """What we asked for and did not get."""
    written = (service.data or {}).get("scope", provider.scopes)
    listed = written if isinstance(written, list | tuple) else ()
    granted = {scope for scope in listed if isinstance(scope, str)}
    for scope in tuple(granted):
        granted.update(provider.implied_scopes.get(scope, ()))
    return [scope for scope in provider.scopes if scope not in granted]


def would_end_others(provider: Provider, service: Service, others: Iterable[Service]) -> bool:
    """Whether revoking `service` would end one of the `others`, too.

    It would where the provider forgets everything that a person has granted, and the same account
    is connected in another chat, or by another skill.
    """
    if provider.revocation is None or provider.revocation.ends == "connection":
        return False
    names, account = {service.name, *provider.same_grant}, service.account.get("id")
    return account is not None and any(
        other.id != service.id and other.name in names and other.account.get("id") == account
        for other in others
    )


def revoke_quietly(storage: Storage, provider: Provider, data: Mapping[str, Any]) -> None:
    """Let the provider forget a token that became no connection, or is one no longer.

    `data` is what `services.data` held, or would have held.  A token is left alone where forgetting
    it would end a connection that counts.  Nothing rests on this, so trouble goes to the log.
    """
    token, revocation = Service(name=provider.name, data=dict(data)), provider.revocation
    if revocation is None or not token.access_token:
        return
    if revocation.ends == "everything" and token.account.get("id") is None:
        return  # whose grant would that be?
    try:
        if not would_end_others(provider, token, storage.find_services()):
            revoke_token(provider, revocation, _living(provider, token, storage.now()))
    except BotkitError as error:
        log.warning("A token that nobody uses any more may still be alive: %s", error)


def _living(provider: Provider, token: Service, now: datetime) -> str:
    """A provider may ask for a token that still works."""
    if token.refresh_token and token.expires_at and token.expires_at <= now:
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token}
        return str(ask_for_token(provider, form)["access_token"])
    return token.access_token or ""
