"""Say whether the bot can work, for a program that watches it.

Anyone may ask `/health`, as often as they like.  So it writes nothing, one request at a time asks
the database, and the others repeat what the last one learned.

Start with `Health.check`.  Not here: what is checked (`botkit.storage.Storage.check`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from botkit.errors import StorageError
from botkit.storage import Storage

SHOWN = ("waiting", "oldest", "overdue", "unwritten")  # not which bots RingCentral makes wait
LATE_SECONDS = 60.0  # that a message may wait before somebody should look


class Health:
    """The health of a bot with this `storage`.

    `queue` returns what is told about the messages that wait, such as `waiting` (how many) and
    `overdue` (for how many seconds nobody has taken the oldest one).
    """

    def __init__(self, storage: Storage, queue: Callable[[], Mapping[str, Any]] = dict) -> None:
        self._storage = storage
        self._queue = queue
        self._asking = threading.Lock()
        self._last: StorageError | None = None
        self._said: dict[str, Any] = {"status": "ok"}

    def check(self) -> dict[str, Any]:
        """Return the members of the answer: "status", which is "ok" or "late", and the queue's.

        Raises `StorageError` when the database cannot be used.
        """
        if self._asking.acquire(blocking=False):
            try:
                self._said, self._last = self._ask(), None
            except StorageError as error:
                self._last = error
            finally:
                self._asking.release()
        if self._last is not None:
            raise type(self._last)(str(self._last), advice=self._last.advice)
        return self._said

    def _ask(self) -> dict[str, Any]:
        self._storage.check()
        queue = self._queue()
        late = queue.get("overdue", 0.0) > LATE_SECONDS or queue.get("broken", False)
        shown = {name: queue[name] for name in SHOWN if name in queue}
        return {"status": "late" if late else "ok", **shown}
