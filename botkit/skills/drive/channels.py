"""Keep the channels open through which Google notifies the bot of changes in a Drive.

A channel leads from one account's log of changes to POST /google/webhook.  It has an id, a secret
token that comes with every notification, and an end.  It cannot be renewed, so a new one replaces
it before that.  For a while both are open, and notifications of both are accepted.

Start with `replace_channels` and `find_watched`.  Channels are kept in the connection's `data`:

    "channels": [{"id", "token", "address", "opened", "resource", "expires"}, ...]

Google has not confirmed a channel without a `resource` yet.

Not here: the requests (`api.py`), and who may open channels (`lease.py`).

Source: Google's page "Notifications for resource changes" (Drive API).
"""

from __future__ import annotations

import hmac
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botkit.errors import ProviderError
from botkit.oauth import ApiSession
from botkit.skills.drive import api as drive_api
from botkit.storage import Service, Storage, read_moment

WEBHOOK = "/google/webhook"
Channel = dict[str, Any]

RENEW_WITHIN = timedelta(days=2)  # the daily check must find a channel that is still open


# ---- a notification comes ----------------------------------------------------------------------


def find_watched(storage: Storage, channel_id: str, token: str) -> Service | None:
    """Return the connection that a notification belongs to; None if it is not from Google.

    The channel's id begins with the number of the row, and the token proves that Google sends it.
    The resource id proves nothing: everyone who watches the account has the same one.
    """
    named = re.fullmatch(r"([0-9]{1,9})-[\w-]{32}", channel_id, re.ASCII)
    service = storage.get_service(int(named[1])) if named else None
    if named is None or service is None:
        return None
    given = f"{channel_id} {token}".encode("utf-8", "replace")
    for channel in channels_of(service):
        expected = f"{channel['id']} {channel['token']}".encode()
        if hmac.compare_digest(expected, given) and _end(channel) > storage.now():
            return service
    return None


# ---- the channels of a connection --------------------------------------------------------------


def channels_of(service: Service) -> list[Channel]:
    """Return the channels that are kept with a connection, as far as they can be read."""
    data = service.data if isinstance(service.data, dict) else {}
    listed = data.get("channels")
    return [
        channel
        for channel in (listed if isinstance(listed, list) else [])
        if isinstance(channel, dict)
        and all(isinstance(channel.get(name), str) for name in ("id", "token", "expires"))
    ]


def is_due(service: Service, address: str, now: datetime, *, daily: bool) -> bool:
    """Return whether a connection needs a new channel.

    `address` is the bot's, or "" in a process that does not know it.  The `daily` check renews a
    channel in the last two days of its life.  A check after a notification waits for its second
    half, if Google gave it less than four days.
    """
    webhook = address and f"{address}{WEBHOOK}"
    for channel in channels_of(service):
        end = _end(channel)
        half = (end - (read_moment(channel.get("opened")) or now)) / 2
        within = RENEW_WITHIN if daily else min(RENEW_WITHIN, half)
        there = channel.get("resource") and webhook in ("", channel.get("address"))
        if there and end > now + within:
            return False
    return True


def replace_channels(
    storage: Storage, api: ApiSession, service: Service, page_token: str, address: str
) -> Service:
    """Open a channel, then close the others; return the connection with the new one.

    The caller has the lease.  The new channel is saved before the request, because its first
    notification may come before Google's answer.  When Google refuses, nothing has changed.
    Raises `ProviderError`.
    """
    now, before = storage.now(), channels_of(service)
    new: Channel = {
        "id": f"{service.id}-{secrets.token_urlsafe(24)}",
        "token": secrets.token_urlsafe(32),
        "address": address,
        "opened": now.isoformat(),
        "expires": (now + drive_api.LONGEST_LIFE).isoformat(),
    }
    storage.update_service(service.id, {"channels": [*before, new]})
    named = {name: new[name] for name in ("id", "token", "address")}
    try:
        new["resource"], end = drive_api.open_channel(api, page_token, **named, now=now)
    except ProviderError:
        storage.update_service(service.id, {"channels": before})
        raise
    new["expires"] = end.isoformat()
    storage.update_service(service.id, {"channels": [*before, new]})
    close_channels(api, before, storage.now())
    return storage.update_service(service.id, {"channels": [new]}) or service


def close_channels(api: ApiSession, channels: list[Channel], now: datetime) -> None:
    """Close the channels that Google knows; one that does not close ends by itself."""
    for channel in channels:
        if channel.get("resource") and _end(channel) > now:
            with suppress(ProviderError):
                drive_api.close_channel(api, channel["id"], channel["resource"])


def known_address(service: Service, address: str) -> str:
    """Return the URL for notifications: at `address`, or if that is "", the one used before.

    Raises `ProviderError` when there has been none.
    """
    before = [str(channel.get("address") or "") for channel in channels_of(service)]
    found = f"{address}{WEBHOOK}" if address else next(filter(None, before), "")
    if not found:
        raise ProviderError("There is no public address at which Google could deliver.")
    return found


def life_of(service: Service, now: datetime) -> timedelta:
    """Return how long the newest channel will last."""
    return max((_end(channel) - now for channel in channels_of(service)), default=timedelta())


def _end(channel: Channel) -> datetime:
    """Return when a channel ends; 1970 if that cannot be read."""
    return read_moment(channel["expires"]) or datetime.fromtimestamp(0, UTC)
