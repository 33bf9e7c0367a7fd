"""Share the web threads: some requests wait for other servers, and the chat must not wait for them.

RingCentral gives a webhook three seconds.  A callback can wait thirty seconds for its provider.  So
callbacks and installs have a limited number of places, and some threads are always left for the
webhook and for `/health`.  A request without a place is not kept waiting.  Its page loads itself
again after a second, and nothing has been changed until then.

A database that hangs is one of those servers.  So a request that asks only the database needs a
place, too.  The webhook does not ask it, and of `/health` only one request at a time does.

Start with `Places`.  Not here: the pages (`web.py`), and the threads themselves
(`botkit.run.server`, `botkit.run.gunicorn`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from botkit.errors import BotkitError

WEB_THREADS = 40  # of `python -m botkit serve`; a class of thirty can approve at the same moment
FOR_THE_CHAT = 8  # threads that never wait for other servers
INSTALLS = 2
QUESTIONS = 2  # to the database alone, while all places for callbacks are taken
FEWEST_THREADS = 4  # one callback, two installs, and one for the chat


class NoPlace(BotkitError):
    """Raised when too many requests of a kind are waiting for other servers already."""

    status = 503
    advice = "This page goes on by itself in a moment."


class Places:
    """A number of places, for requests that wait for other servers.

    `count` can be changed at any time.  `happened` is what a person reads who finds none free.
    """

    def __init__(self, count: int, happened: str) -> None:
        self.count = count
        self._happened = happened
        self._taken = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Have a place for as long as the block lasts.  Raises `NoPlace` immediately."""
        with self._lock:
            if self._taken >= self.count:
                raise NoPlace(self._happened)
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1


class WebPlaces:
    """The places of one process that answers requests with `threads` threads."""

    def __init__(self, threads: int = WEB_THREADS) -> None:
        self.callbacks = Places(1, "Many people are connecting at this moment.")
        self.questions = Places(0, "Many people are connecting at this moment.")
        self.installs = Places(INSTALLS, "Other bots are being installed at this moment.")
        self.share(threads)

    def share(self, threads: int) -> None:
        """Share so many threads from now on."""
        self.callbacks.count = max(1, threads - FOR_THE_CHAT)
        left = threads - self.callbacks.count - self.installs.count
        self.questions.count = min(QUESTIONS, max(0, left - 2))

    @contextmanager
    def question(self) -> Iterator[None]:
        """Have a place for as long as a request asks the database.  Raises `NoPlace` immediately.

        It is one of those for callbacks.  If they are all taken, it is one of a few others, so that
        a link that nobody waits for has its page also then.
        """
        with ExitStack() as place:
            try:
                place.enter_context(self.callbacks.one())
            except NoPlace:
                place.enter_context(self.questions.one())
            yield
