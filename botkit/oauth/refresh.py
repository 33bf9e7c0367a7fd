"""Refresh an access token once, however many threads and processes ask for it.

An access token lives for an hour or so.  With a refresh token the bot gets the next one without
asking the person.  Many providers *rotate*: each refresh token works once, and the answer contains
the next one.  So two refreshes at the same time would break the connection, and so would an answer
that is not saved.

The rule: the caller that holds `refresh:<row>` refreshes, saves the new pair, and only then uses
it.  All others wait, and read the row again.  If the request fails, those who waited do not ask: a
provider in trouble gets one request, and not one from each of them.  And an answer is saved only if
the row still holds the tokens that it was asked with: the person may have connected again, or
disconnected, while the provider was slow.  Start with `fresh_service`.
Source: RFC 6749, section 6; RFC 9700, section 4.14.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from botkit.errors import ProviderRefused, ProviderUnreachable, ReconnectNeeded
from botkit.oauth.account import revoke_quietly
from botkit.oauth.provider import Provider
from botkit.oauth.tokens import ask_for_token, token_data
from botkit.storage import Service, Storage

LEEWAY = timedelta(minutes=5)  # a token that expires so soon is refreshed before it is used
# Longer than a request (`http.TOTAL_SECONDS`) and the writing of its answer can take together, so
# that a hold lapses only if its process has died.
HOLD_SECONDS = 40.0
POLL_SECONDS = 0.05
PERMANENT_ERRORS = ("invalid_grant", "bad_refresh_token")  # this refresh token never works again


def fresh_service(
    storage: Storage,
    provider: Provider,
    service: Service,
    *,
    rejected: str | None = None,
    hold_seconds: float = HOLD_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Service:
    """Return the connection with a token that is good now, refreshed if necessary.

    `rejected` is a token that the API has just refused: a row that still has it needs a refresh.
    Raises `ReconnectNeeded` if the person must connect again, `ProviderError` if the provider
    cannot be asked now, `StorageError`.
    """
    waited = False
    while True:
        row = storage.get_service(service.id)
        if row is None or not row.access_token or (row.data or {}).get("needsReconnect"):
            raise _reconnect(provider)
        if not _needs_refresh(row, storage.now(), rejected):
            return row
        if not row.refresh_token:
            if rejected is None:
                return row  # it may still be good, and nothing better can be had
            raise _reconnect(provider)
        key = f"refresh:{row.id}"
        # The one we waited for may have died; then its hold is still there, and has lapsed.
        failed = waited and not storage.messages.has_lapsed(key)
        holder = storage.messages.hold(key, hold_seconds)
        if holder is None:
            waited = True
            sleep(POLL_SECONDS)
            continue
        try:
            refreshed = _refresh(storage, provider, row.id, rejected, failed=failed)
        finally:
            storage.messages.drop(key, holder)
        if refreshed is not None:
            return refreshed


def last_tokens(storage: Storage, provider: Provider, service: Service) -> Service:
    """The connection that is about to end, as it is now: `revoke` will use these tokens.

    A provider may ask for a token that still works, so an old one is refreshed first.  To end
    a connection, delete the row only if it still holds what this returns.  Raises `ProviderError`
    when the provider cannot be asked now.
    """
    if provider.revocation is None:
        return service
    try:
        return fresh_service(storage, provider, service)
    except ReconnectNeeded:
        now = storage.get_service(service.id)
        return now if now is not None and (now.data or {}).get("needsReconnect") else service


def _refresh(
    storage: Storage, provider: Provider, row_id: int, rejected: str | None, *, failed: bool
) -> Service | None:
    """With the hold in hand: get the next tokens, and save them if they still belong there.

    None if something else took their place in the meantime: then the caller reads the row again.
    `failed`: the one who had the hold before us is done, and we waited for it.
    """
    # Look again: the one who had the hold before us may have done it already.
    row = storage.get_service(row_id)
    if row is None or not _needs_refresh(row, storage.now(), rejected) or not row.refresh_token:
        return row
    if failed:
        raise ProviderUnreachable(
            f"{provider.called} did not renew this connection just now.",
            advice="Nothing is wrong with your connection. Try again in a minute.",
        )
    form = {"grant_type": "refresh_token", "refresh_token": row.refresh_token}
    try:
        answer = ask_for_token(provider, form)
    except ProviderRefused as error:
        if error.code not in PERMANENT_ERRORS:
            raise
        # This connection has ended.  But a newer one in the same row has not.
        dead = {"refreshToken": None, "needsReconnect": True}
        if storage.update_service(row, dead) is not None:
            raise _reconnect(provider) from error
        return None
    data = token_data(provider, answer, storage.now())
    saved = storage.update_service(row, data)
    if saved is None:
        # Disconnected, or connected anew, while we asked: nobody will ever use these tokens.
        revoke_quietly(storage, provider, {**(row.data or {}), **data})
    return saved


def _needs_refresh(row: Service, now: datetime, rejected: str | None) -> bool:
    if rejected is not None and row.access_token == rejected:
        return True
    return row.expires_at is not None and row.expires_at <= now + _leeway(row)


def _leeway(row: Service) -> timedelta:
    """Return how long before its end a token is refreshed: 5 minutes, or a tenth of a short life.

    Otherwise a token that lives for five minutes would be refreshed each time it is used.
    """
    life = (row.data or {}).get("expiresIn")
    if isinstance(life, bool) or not isinstance(life, int) or not 0 <= life <= 10 * LEEWAY.seconds:
        return LEEWAY
    return timedelta(seconds=life) / 10


def _reconnect(provider: Provider) -> ReconnectNeeded:
    return ReconnectNeeded(f"{provider.called} no longer accepts this connection.")
