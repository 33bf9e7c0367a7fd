"""Do work after a web request was answered.

RingCentral waits three seconds for the answer of a webhook, and never calls again after a late one.
So the web app answers first, and gives the work to a few threads that wait here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botkit.errors import BotkitError

log = logging.getLogger("botkit")


class Work:
    """A few threads that do jobs; one that fails is logged and does not stop the others."""

    def __init__(self, *, threads: int = 8) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="botkit-work")
        self._open = 0
        self._changed = threading.Condition()
        self._waiting: set[threading.Timer] = set()
        self._closed = False

    def submit(self, job: Callable[..., object], *args: Any) -> None:
        """Do `job(*args)` soon, in another thread; after `close`, nothing is taken any more."""
        with self._changed:
            if self._closed:  # a job that ends now may ask for another one
                return
            self._open += 1
            future = self._pool.submit(job, *args)
        future.add_done_callback(self._finished)

    def settle(self, *, seconds: float = 30.0) -> bool:
        """Wait until no job is left, at most `seconds`; return whether that happened."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, seconds)

    def later(self, seconds: float, job: Callable[..., object], *args: Any) -> None:
        """Do `job(*args)` in so many seconds, unless the work is closed by then."""

        def due() -> None:
            with self._changed:
                self._waiting.discard(timer)
                if not self._closed:
                    self.submit(job, *args)

        timer = threading.Timer(seconds, due)
        timer.daemon = True  # nobody waits for it when the program ends
        with self._changed:
            self._waiting.add(timer)
        timer.start()

    def close(self) -> None:
        """Finish the jobs that are there and take no more; drop those that are not due yet."""
        with self._changed:
            self._closed = True
            for timer in self._waiting:
                timer.cancel()
        self._pool.shutdown(wait=True)

    def _finished(self, job: Future[object]) -> None:
        error = job.exception()
        if isinstance(error, BotkitError):
            log.warning("Work left undone: %s", error)
        elif error is not None:
            log.error("Work left undone", exc_info=error)
        with self._changed:
            self._open -= 1
            self._changed.notify_all()
