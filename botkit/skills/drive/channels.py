"""The channels through which Google tells us that something has changed in a Drive.

A channel leads from one account's log of changes to POST /google/webhook.  It has an id, a secret
token that comes back with every notification, and an end; it cannot be renewed, so a new one takes
its place before that.  For a while both are open, and notifications of both are believed.

They are kept in the connection's `data`:

    "channels": [{"id", "token", "address", "opened", "resource", "expires"}, ...]

A channel without a `resource` is one that Google has not confirmed yet.

Source: Google's page "Notifications for resource changes" (Drive API).
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botkit.errors import ProviderError, StorageError
from botkit.oauth import ApiSession
from botkit.skills.drive import api as drive_api
from botkit.storage import Service, Storage

WEBHOOK = "/google/webhook"
Channel = dict[str, Any]

TURN = "watchedUntil"  # the name of the claim; refreshing a token has another one
TURN_SECONDS = 120.0  # longer than one step of the work can take
LOOK_AGAIN_SECONDS = 0.1
RENEW_WITHIN = timedelta(days=2)  # those who look after channels come once a day


# ---- one at a time -----------------------------------------------------------------------------


class Turn:
    """The right to open channels and to read changes for one connection, until it is given back."""

    def __init__(self, storage: Storage, service: Service, claim: str) -> None:
        self.service = service  # as it was when the turn began
        self._storage = storage
        self._claim = claim

    def go_on(self) -> None:
        """Say before every longer step that we are still there."""
        held = self._storage.claim_service(
            self.service.id, seconds=TURN_SECONDS, of=TURN, held=self._claim
        )
        if held is None:
            raise StorageError("The connection was removed, or somebody else went on with it.")
        self._claim = held

    def end(self) -> None:
        self._storage.release_service(self.service.id, self._claim, of=TURN)

    def __repr__(self) -> str:
        return f"<Turn of {self.service!r}>"


@contextmanager
def turn_of(
    storage: Storage, service_id: int, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Turn | None]:
    """Wait for the turn, in any thread of any process; None when the connection is gone."""
    while True:
        claim = storage.claim_service(service_id, seconds=TURN_SECONDS, of=TURN)
        service = storage.get_service(service_id)
        if claim is not None or service is None:
            break
        sleep(LOOK_AGAIN_SECONDS)
    if claim is None or service is None:
        yield None
        return
    turn = Turn(storage, service, claim)
    try:
        yield turn
    finally:
        turn.end()


# ---- a notification comes ----------------------------------------------------------------------


def watched_by(storage: Storage, channel_id: str, token: str) -> Service | None:
    """The connection to which a notification belongs; None for one that nobody should believe.

    The channel's id begins with the number of the row.  The id says where to look, the token proves
    that Google sends it.  The resource id proves nothing: all who watch one account share it.
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
    """What is written there, as far as it can be a channel."""
    data = service.data if isinstance(service.data, dict) else {}
    listed = data.get("channels")
    return [
        channel
        for channel in (listed if isinstance(listed, list) else [])
        if isinstance(channel, dict)
        and all(isinstance(channel.get(name), str) for name in ("id", "token", "expires"))
    ]


def is_due(service: Service, address: str, now: datetime, *, daily: bool) -> bool:
    """Whether a connection needs a new channel; `address` is "" in a process that knows none.

    Whoever comes `daily` does not let one be that ends before the day after tomorrow.  Whoever
    comes with a notification waits for the last two days of its life, or for its second half if
    Google has granted it less.
    """
    webhook = address and f"{address}{WEBHOOK}"
    for channel in channels_of(service):
        end = _end(channel)
        half = (end - (moment(channel.get("opened")) or now)) / 2
        within = RENEW_WITHIN if daily else min(RENEW_WITHIN, half)
        there = channel.get("resource") and webhook in ("", channel.get("address"))
        if there and end > now + within:
            return False
    return True


def replace_channels(
    storage: Storage, api: ApiSession, service: Service, place: str, address: str
) -> Service:
    """Open a channel, and then close those that were there.  Only for whoever has the turn.

    The new one is saved before Google is asked, because its first notification may come before
    Google's answer.  When Google refuses, all is as before.  Raises `ProviderError`.
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
        new["resource"], end = drive_api.open_channel(api, place, **named, now=now)
    except ProviderError:
        storage.update_service(service.id, {"channels": before})
        raise
    new["expires"] = end.isoformat()
    storage.update_service(service.id, {"channels": [*before, new]})
    close_channels(api, before, storage.now())
    return storage.update_service(service.id, {"channels": [new]}) or service


def close_channels(api: ApiSession, channels: list[Channel], now: datetime) -> None:
    """Close those that Google knows; one that does not close ends by itself."""
    for channel in channels:
        if channel.get("resource") and _end(channel) > now:
            with suppress(ProviderError):
                drive_api.close_channel(api, channel["id"], channel["resource"])


def known_address(service: Service, address: str) -> str:
    """Where Google shall deliver: at the bot's address; in a process without one, as before.

    Raises `ProviderError` when there has been none.
    """
    before = [str(channel.get("address") or "") for channel in channels_of(service)]
    found = f"{address}{WEBHOOK}" if address else next(filter(None, before), "")
    if not found:
        raise ProviderError("There is no public address at which Google could deliver.")
    return found


def life_of(service: Service, now: datetime) -> timedelta:
    """How long the newest channel will last."""
    return max((_end(channel) - now for channel in channels_of(service)), default=timedelta())


def _end(channel: Channel) -> datetime:
    """When a channel ends; long ago if that cannot be read."""
    return moment(channel["expires"]) or datetime.fromtimestamp(0, UTC)


def moment(written: Any) -> datetime | None:
    """A moment as we write it, or None if it cannot be read."""
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else None
