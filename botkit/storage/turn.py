"""Know which message this thread is answering, and whether it may start again.

A *turn* is one run of the skills for one message.  It can end in the middle: the process dies, or
the chat or a provider asks us to wait.  Then the message is still in the database, and another turn
for it starts from the beginning.  So a turn keeps three things in mind:

* What it wants to say is kept in `replies`, and written to the database when the message is done.
  A turn that ends in the middle has said nothing, so nothing is said twice.
* Before it sends a request that changes something at a provider, it calls `changes`.  After that no
  second turn runs for this message, because such a request must not be sent twice.
* Before it asks a provider, it calls `visit`.  Only some turns may be at one host at the same time,
  so that a slow one leaves threads to the others.

Start with `current_turn`, which is None outside of a turn: in a web request, or in a notebook.

Not here: what starts a turn (`botkit.bot.worker`), and the messages that wait (`messages.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botkit.errors import HostCrowded, TryLater

CROWDED_AGAIN = 5.0  # seconds, if no turn that leaves the host calls this one before


class Turn:
    """One run of the skills for one message.

    `begin()` writes down that this message must not get a second turn.  `enter(host)` takes a place
    at a host, and returns whether there was one; `hosts` are those at which this turn has a place.
    """

    def __init__(
        self, begin: Callable[[], None], enter: Callable[[str], bool] = lambda host: True
    ) -> None:
        self.replies: list[Any] = []  # each is a `botkit.storage.Job`
        self.has_changed = False
        self.hosts: set[str] = set()
        self._begin = begin
        self._enter = enter

    def changes(self) -> None:
        """Say that what comes next must not be done twice.  Raises `StorageError`."""
        if not self.has_changed:
            self._begin()
            self.has_changed = True

    def visit(self, host: str) -> None:
        """Take a place at a host until the end of this turn.

        Raises `HostCrowded` if there is none.  A turn that must not start again goes on without.
        """
        if host in self.hosts or self.has_changed:
            return
        if not self._enter(host):
            raise HostCrowded(CROWDED_AGAIN, host)
        self.hosts.add(host)

    def wait(self, seconds: float) -> None:
        """Let the message wait in the database; return if it must not start again.

        Raises `TryLater`, which ends this turn.
        """
        if not self.has_changed:
            raise TryLater(seconds)


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


def current_turn() -> Turn | None:
    """Return the turn that this thread is in."""
    return _turn.get()


@contextmanager
def in_turn(turn: Turn) -> Iterator[Turn]:
    """Be in a turn for the length of a `with` block."""
    token = _turn.set(turn)
    try:
        yield turn
    finally:
        _turn.reset(token)


_gathered: ContextVar[list[Any] | None] = ContextVar("gathered", default=None)


def gathered_jobs() -> list[Any] | None:
    """Return where the jobs go that this thread adds, if somebody gathers them."""
    turn = current_turn()
    return turn.replies if turn is not None else _gathered.get()


@contextmanager
def gathering() -> Iterator[list[Any]]:
    """Gather the jobs that are added inside, so that they are written together with something."""
    jobs: list[Any] = []
    token = _gathered.set(jobs)
    try:
        yield jobs
    finally:
        _gathered.reset(token)
