"""Tell the addresses that opened a push channel that something changed.

A channel leads from one account's changes to one address, until it expires; it cannot be renewed.
A notification has no body.  Its headers say which channel it belongs to and that something changed,
but not what: the receiver must ask.  The first one, `sync`, only says that the channel is open.

Notifications leave in order, one after the other, from one thread.  No lock is held while one is
under way, so the receiver may call the API before it answers.
Source: Google's page "Notifications for resource changes" (Drive API).
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botkit.practice.client import NoAnswer, send
from botkit.practice.google.ledger import GoogleClient

DEFAULT_LIFE = timedelta(hours=1)
LONGEST_LIFE = timedelta(days=7)
TRY_AGAIN = (500, 502, 503, 504)
TRIES = 4
AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"


def resource_id(account: str) -> str:
    """Return the id of an account's changes, which all channels that watch it share."""
    return hashlib.sha256(f"changes of {account}".encode()).hexdigest()[:27]


@dataclass
class Channel:
    """One address that wants to hear of the changes of one account.

    `answered`: the answer to the watch request has left.  `synced`: the sync message has.
    """

    id: str
    account: str
    client: GoogleClient = field(repr=False)
    address: str = field(repr=False)
    resource_uri: str = field(repr=False)
    expires: datetime
    token: str | None = field(default=None, repr=False)
    stopped: bool = False
    answered: threading.Event = field(default_factory=threading.Event, repr=False)
    synced: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def expiration(self) -> str:
        """Milliseconds since 1970, as text."""
        return str(int(self.expires.timestamp() * 1000))

    def shape(self) -> dict[str, Any]:
        shape = {
            "kind": "api#channel",
            "id": self.id,
            "resourceId": resource_id(self.account),
            "resourceUri": self.resource_uri,
            "expiration": self.expiration,
        }
        return shape | ({"token": self.token} if self.token is not None else {})

    def headers(self, number: int, state: str) -> dict[str, str]:
        headers = {
            "User-Agent": AGENT,
            "X-Goog-Channel-ID": self.id,
            "X-Goog-Channel-Expiration": self.expires.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "X-Goog-Message-Number": str(number),
            "X-Goog-Resource-ID": resource_id(self.account),
            "X-Goog-Resource-State": state,
            "X-Goog-Resource-URI": self.resource_uri,
        }
        return headers | ({"X-Goog-Channel-Token": self.token} if self.token is not None else {})


@dataclass(frozen=True)
class Delivery:
    """One try to deliver a notification.  `status` None: no answer came."""

    channel_id: str
    message_number: int
    state: str
    status: int | None


class Push:
    """Keeps the channels and delivers notifications to them.

    Knobs: `sync_first` (the sync message arrives before the answer to the watch request),
    `deliver_twice`, `drop_next_notifications` (so many changes go untold), `longest_life` of a
    channel, `timeout` in seconds for an answer, and `wait(seconds)`, called between two tries; it
    does not wait at all unless somebody puts a function here that does.  `find` tells where an
    address really is, if a proxy is in front of it.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.sync_first = False
        self.deliver_twice = False
        self.drop_next_notifications = 0
        self.longest_life = LONGEST_LIFE
        self.timeout = 5.0
        self.wait: Callable[[float], None] = lambda seconds: None
        self.find: Callable[[str], str] = str
        self.channels: dict[str, Channel] = {}
        self.deliveries: list[Delivery] = []
        self._now = now
        self._number = 1_594_405  # numbers rise by leaps, as one count serves everybody
        self._queue: deque[tuple[Channel, int, str]] = deque()
        self._delivering = False
        self._changed = threading.Condition()

    def is_live(self, channel: Channel) -> bool:
        return not channel.stopped and self._now() < channel.expires

    # ---- what is to be told --------------------------------------------------------------------

    def open(self, channel: Channel) -> None:
        """Keep a new channel.  Its sync message leaves when `channel.answered` is set."""
        with self._changed:
            self.channels[channel.id] = channel
            self._enqueue(channel, 1, "sync")
        if self.sync_first:
            channel.answered.set()

    def publish(self, account: str) -> None:
        """Queue a notification of a change for each channel of this account."""
        with self._changed:
            for channel in self.channels.values():
                if channel.account == account and self.is_live(channel):
                    self._number += 7
                    if self.drop_next_notifications > 0:
                        self.drop_next_notifications -= 1
                    else:
                        self._enqueue(channel, self._number, "change")

    def settle(self, timeout: float) -> None:
        """Wait until nothing is under way any more; `TimeoutError` after `timeout` seconds."""
        if not self.is_idle(timeout):
            raise TimeoutError(f"Notifications are still under way after {timeout:g} seconds.")

    def is_idle(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds, and return whether nothing is under way any more."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._delivering, timeout)

    # ---- deliveries ----------------------------------------------------------------------------

    def _enqueue(self, channel: Channel, number: int, state: str) -> None:
        # The thread lives only while there is something to deliver, so nobody has to stop it.
        self._queue.append((channel, number, state))
        if not self._delivering:
            self._delivering = True
            threading.Thread(target=self._deliver_all, daemon=True).start()

    def _deliver_all(self) -> None:
        while True:
            with self._changed:
                if not self._queue:
                    self._delivering = False
                    self._changed.notify_all()
                    return
                channel, number, state = self._queue.popleft()
            for _ in range(2 if self.deliver_twice else 1):
                self._deliver(channel, number, state)
            channel.synced.set()

    def _deliver(self, channel: Channel, number: int, state: str) -> None:
        """Try until it is taken or refused; only some statuses ask for another try."""
        if state == "sync":
            channel.answered.wait(self.timeout)
        for attempt in range(TRIES):
            if not self.is_live(channel):
                return
            status = self._post(channel, number, state)
            self.deliveries.append(Delivery(channel.id, number, state, status))
            if status not in TRY_AGAIN:
                return
            if attempt + 1 < TRIES:
                self.wait(2.0**attempt)

    def _post(self, channel: Channel, number: int, state: str) -> int | None:
        headers = channel.headers(number, state) | {"Accept": "*/*"}
        try:
            address = self.find(channel.address)
            return send("POST", address, headers=headers, timeout=self.timeout).status
        except NoAnswer:
            return None
