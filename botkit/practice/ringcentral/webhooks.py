"""Keep the chat's webhook subscriptions, shake hands, and deliver events.

RingCentral pushes events to an address that the bot has subscribed with.  It checks the address
once (the handshake) and then expects every delivery to be answered with 200 within three seconds;
after one bad answer the subscription is blacklisted permanently.

Events leave in the order in which they happened, one after the other, from one thread.  No lock is
held while a delivery is under way: the bot may post a message before it answers.
Sources: RingCentral developer guide, "Creating webhooks", "Receiving webhooks", "Troubleshooting".
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botkit.practice.client import Answer, NoAnswer, send
from botkit.practice.ringcentral.records import timestamp

EXTENSION = "/restapi/v1.0/account/~/extension/~"
FILTERS = {
    "posts": {"/team-messaging/v1/posts", "/restapi/v1.0/glip/posts"},
    "groups": {
        "/team-messaging/v1/groups",
        "/team-messaging/v1/chats",
        "/restapi/v1.0/glip/groups",
    },
    "extension": {EXTENSION},
}
REMINDER = "/restapi/v1.0/subscription/~?"  # sent by `remind` alone: no lesson waits for days
MAX_HANDSHAKE_BYTES = 1024
TIMED_OUT = "I/O operation is failed. Details: [Read timed out]"


@dataclass
class Subscription:
    """One address that wants to hear of events.  Times in seconds, as RingCentral counts them."""

    owner_id: str
    filters: list[str]
    address: str
    expires_in: int
    created: datetime
    verification_token: str = field(default="", repr=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "Active"
    blacklisted: dict[str, str] | None = None
    expires: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.renew(self.created)

    def renew(self, now: datetime) -> None:
        self.expires = now + timedelta(seconds=self.expires_in)

    def shape(self, server: str, now: datetime) -> dict[str, Any]:
        """Return the subscription as the API answers.

        The verification token is a secret and never comes back.
        """
        shape = {
            "uri": f"{server}/restapi/v1.0/subscription/{self.id}",
            "id": self.id,
            "eventFilters": self.filters,
            "expirationTime": timestamp(self.expires),
            "expiresIn": int((self.expires - now).total_seconds()),
            "status": self.status,
            "creationTime": timestamp(self.created),
            "deliveryMode": {
                "transportType": "WebHook",
                "address": self.address,
                "encryption": False,
            },
        }
        return shape | ({"blacklistedData": self.blacklisted} if self.blacklisted else {})


class Webhooks:
    """Keeps the subscriptions and delivers events to them.

    `timeout` is the time in seconds that an address has for its answer.  `deliver_twice` sends
    every event a second time, with the same uuid.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.timeout = 3.0
        self.deliver_twice = False
        self._now = now
        self._subscriptions: dict[str, Subscription] = {}
        self._queue: deque[tuple[Subscription, bytes]] = deque()
        self._delivering = False
        self._changed = threading.Condition()

    # ---- subscriptions -------------------------------------------------------------------------

    def add(self, subscription: Subscription) -> None:
        with self._changed:
            self._subscriptions[subscription.id] = subscription

    def remove(self, subscription: Subscription) -> None:
        with self._changed:
            self._subscriptions.pop(subscription.id, None)

    def of(self, owner_id: str) -> list[Subscription]:
        """Return the subscriptions of this bot that have not expired, oldest first."""
        with self._changed:
            everyone, now = list(self._subscriptions.values()), self._now()
        return [one for one in everyone if one.owner_id == owner_id and one.expires > now]

    def blacklist(self, subscription: Subscription, reason: str = TIMED_OUT) -> None:
        """Stop delivering to it permanently.  The bot must delete it and make a new one."""
        with self._changed:
            subscription.status = "Blacklisted"
            subscription.blacklisted = {
                "reason": reason,
                "blacklistedAt": timestamp(self._now()),
            }

    def shake_hands(self, address: str, verification_token: str) -> bool:
        """Return whether the address answers the handshake as RingCentral demands.

        The request has no body.  The answer must come in time, with status 200, JSON as its type,
        the same `Validation-Token`, and be no longer than 1024 bytes, headers included.
        """
        token = str(uuid.uuid4())
        answer = self._post(address, b"", verification_token, {"Validation-Token": token})
        return (
            answer is not None
            and answer.status == 200
            and answer.headers.get("Validation-Token") == token
            and answer.headers.get("Content-Type", "").startswith("application/json")
            and _size(answer) <= MAX_HANDSHAKE_BYTES
        )

    # ---- deliveries ----------------------------------------------------------------------------

    def publish(self, owner_id: str, kind: str, body: Mapping[str, Any]) -> None:
        """Queue an event for this bot.  `kind` is a key of FILTERS; returns immediately."""
        for subscription in self.of(owner_id):
            wanted = [one for one in subscription.filters if one in FILTERS[kind]]
            if wanted and subscription.status == "Active":
                self._enqueue(subscription, _event(wanted[0], owner_id), body)

    def remind(self, owner_id: str) -> None:
        """Queue the reminder that a subscription ends soon, for those that asked for it."""
        for subscription in self.of(owner_id):
            left = int((subscription.expires - self._now()).total_seconds())
            for one in subscription.filters:
                if one.startswith(REMINDER):
                    self._enqueue(subscription, one, {"expiresIn": left})

    def settle(self, timeout: float) -> None:
        """Wait until every queued delivery has been answered; `TimeoutError` after `timeout` s."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._delivering, timeout):
                raise TimeoutError(f"Deliveries are still under way after {timeout:g} seconds.")

    def _enqueue(self, subscription: Subscription, event: str, body: Mapping[str, Any]) -> None:
        envelope = {
            "uuid": str(uuid.uuid4()),
            "event": event,
            "timestamp": timestamp(self._now()),
            "subscriptionId": subscription.id,
            "ownerId": subscription.owner_id,
            "body": body,
        }
        # The thread lives only while there is something to deliver, so nobody has to stop it.
        with self._changed:
            self._queue.append((subscription, json.dumps(envelope).encode()))
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
                subscription, envelope = self._queue.popleft()
            for _ in range(2 if self.deliver_twice else 1):
                self._deliver(subscription, envelope)

    def _deliver(self, subscription: Subscription, envelope: bytes) -> None:
        if subscription.status != "Active":
            return
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        answer = self._post(
            subscription.address, envelope, subscription.verification_token, headers
        )
        if answer is None:
            self.blacklist(subscription)
        elif answer.status != 200:
            reason = f"WebHook responds with incorrect HTTP status. HTTP status is {answer.status}"
            self.blacklist(subscription, reason)

    def _post(
        self, address: str, body: bytes, verification_token: str, headers: Mapping[str, str]
    ) -> Answer | None:
        """Return the answer, or None when there was none in time."""
        headers = {"User-Agent": "RingCentral-WebHook", "Accept": "application/json", **headers}
        if verification_token:
            headers["Verification-Token"] = verification_token
        started = time.monotonic()
        try:
            answer = send("POST", address, headers=headers, body=body, timeout=self.timeout)
        except NoAnswer:
            return None
        return answer if time.monotonic() - started <= self.timeout else None


def _event(filter_: str, owner_id: str) -> str:
    """Return the envelope's `event`: as a rule the filter that let it through.

    The old API says "posts" for chats as well, so a client must look at the body's `eventType`.
    """
    if filter_ == EXTENSION:
        return f"/restapi/v1.0/account/~/extension/{owner_id}"
    return "/restapi/v1.0/glip/posts" if filter_.startswith("/restapi") else filter_


def _size(answer: Answer) -> int:
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}", ""]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return sum(len(line) + 2 for line in lines) + len(answer.content)
