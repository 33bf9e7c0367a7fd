"""Leave threads to the other services, however slow one of them is.

A turn keeps its thread until its provider has answered, which may take fifteen seconds.  So only
some turns may be at one host at the same time.  A message that finds no place there waits in the
database, first in its chat, and the next turn that leaves the host calls it.  Everything else that
people say is answered by the threads that are left.

Start with `Hosts.enter`.  Who asks for a place is `botkit.storage.turn`, by what the skills do.

Not here: the places of web requests (`places.py`), and how many threads there are (`bot.py`).
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

# Of 32 threads, of which one bot may have 24.  With 12 of 24, a class of thirty that asks GitHub at
# the same moment would wait for two seconds and more.
TURNS_PER_HOST = 20


class Hosts:
    """How many turns of this process are at each host, and the lanes that wait for a place there.

    `hurry(lane)` lets a lane that waits be due immediately.
    """

    def __init__(self, hurry: Callable[[str], None]) -> None:
        self._hurry = hurry
        self._turns: Counter[str] = Counter()
        self._waiting: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._lock = threading.Lock()

    def enter(self, host: str) -> bool:
        """Take a place for a turn; return whether there was one."""
        with self._lock:
            if self._turns[host] >= TURNS_PER_HOST:
                return False
            self._turns[host] += 1
            return True

    def leave(self, hosts: Iterable[str]) -> None:
        """Give the places of a turn back, and call the lanes that have waited for the longest."""
        for host in hosts:
            with self._lock:
                self._turns[host] -= 1
            self._call_next(host)

    def wait(self, host: str, lane: str) -> None:
        """Remember a lane that found no place.  Its message is in the database again."""
        with self._lock:
            self._waiting[host][lane] = None
        self._call_next(host)  # one may have become free before this

    def _call_next(self, host: str) -> None:
        with self._lock:
            lanes, turns = self._waiting[host], self._turns[host]
            lane = next(iter(lanes), None) if turns < TURNS_PER_HOST else None
            if lane is not None:
                del lanes[lane]
            if not lanes:
                del self._waiting[host]
            if not turns:
                del self._turns[host]
        if lane is not None:
            self._hurry(lane)
