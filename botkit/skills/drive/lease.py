"""Let one thread of one process at a time look after a watched Drive.

`lease_of` takes the lease of a connection and holds it for the length of a `with` block.  If
another thread has it, the work is put off, and nobody waits.  A process that dies does not block
the others, because its lease ends after `LEASE_SECONDS`.

Not here: the work that needs a lease (`watch.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botkit.errors import StorageError, TryLater
from botkit.storage import Service, Storage

LEASE_SECONDS = 60.0  # longer than one step of the work can take
AGAIN_SECONDS = 1.0


class Lease:
    """The right to open channels and to read changes for one connection, until `release`."""

    def __init__(self, storage: Storage, service: Service, holder: str) -> None:
        self.service = service  # as it was when the lease began
        self._storage = storage
        self._holder = holder

    def extend(self) -> None:
        """Hold the lease for another `LEASE_SECONDS`; call this before every longer step.

        Raises `StorageError` when the connection is gone, or another process has the lease.
        """
        key = _key(self.service.id)
        held = self._storage.messages.hold(key, LEASE_SECONDS, holder=self._holder)
        if held is None or self._storage.get_service(self.service.id) is None:
            raise StorageError("The connection was removed, or somebody else went on with it.")

    def release(self) -> None:
        """Let the next one have the lease."""
        self._storage.messages.drop(_key(self.service.id), self._holder)


@contextmanager
def lease_of(storage: Storage, service_id: int) -> Iterator[Lease | None]:
    """Hold the lease; yield None when the connection is gone.

    Raises `TryLater` when another thread or process has the lease, and `StorageError`.
    """
    holder = storage.messages.hold(_key(service_id), LEASE_SECONDS)
    service = storage.get_service(service_id)
    if service is None:
        if holder is not None:
            storage.messages.drop(_key(service_id), holder)
        yield None
        return
    if holder is None:
        raise TryLater(AGAIN_SECONDS)
    lease = Lease(storage, service, holder)
    try:
        yield lease
    finally:
        lease.release()


def _key(service_id: int) -> str:
    return f"drive:{service_id}"
