"""Let one thread of one process at a time look after a watched Drive.

`lease_of` waits for the lease of a connection and holds it for the length of a `with` block.  A
process that dies does not block the others: its lease ends after `LEASE_SECONDS`.

Not here: the work that needs a lease (`watch.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botkit.errors import StorageError
from botkit.storage import Service, Storage

CLAIM = "watchedUntil"  # where the claim is kept in `data`; refreshing a token has another one
LEASE_SECONDS = 120.0  # longer than one step of the work can take
POLL_SECONDS = 0.1


class Lease:
    """The right to open channels and to read changes for one connection, until `release`."""

    def __init__(self, storage: Storage, service: Service, claim: str) -> None:
        self.service = service  # as it was when the lease began
        self._storage = storage
        self._claim = claim

    def extend(self) -> None:
        """Hold the lease for another `LEASE_SECONDS`; call this before every longer step.

        Raises `StorageError` when the connection is gone, or another process has the lease.
        """
        held = self._storage.claim_service(
            self.service.id, seconds=LEASE_SECONDS, of=CLAIM, held=self._claim
        )
        if held is None:
            raise StorageError("The connection was removed, or somebody else went on with it.")
        self._claim = held

    def release(self) -> None:
        """Let the next one have the lease."""
        self._storage.release_service(self.service.id, self._claim, of=CLAIM)


@contextmanager
def lease_of(
    storage: Storage, service_id: int, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Lease | None]:
    """Wait for the lease and hold it; yield None when the connection is gone.

    `sleep` waits that many seconds.  Raises `StorageError`.
    """
    while True:
        claim = storage.claim_service(service_id, seconds=LEASE_SECONDS, of=CLAIM)
        service = storage.get_service(service_id)
        if claim is not None or service is None:
            break
        sleep(POLL_SECONDS)
    if claim is None or service is None:
        yield None
        return
    lease = Lease(storage, service, claim)
    try:
        yield lease
    finally:
        lease.release()
