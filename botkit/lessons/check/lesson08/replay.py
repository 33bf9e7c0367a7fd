"""Check round 2 of lesson 08: a callback that is used twice, or by two at a time.

Start with `lab_replay`.  `_check_race` runs two callbacks in two threads; `_SharedLinks` is the
dict in which the second one comes while the first is at work.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botkit.lessons.check.bounded import Call
from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import NotYet, verdict, want

_NOW = datetime.fromisoformat("2031-05-17T09:30:00+00:00")  # not today: a wrong clock is noticed


@verdict
def lab_replay(claim: Callable[[dict[str, datetime], str, datetime], Any]) -> str:
    """Check `claim(ends, key, now)`: may this link be used now, for the first time?"""
    minutes, second = timedelta(minutes=10), timedelta(seconds=1)
    alice, bob = (f"{name}-{secrets.token_hex(4)}" for name in ("alice", "bob"))
    ends = {alice: _NOW + minutes, bob: _NOW + minutes, "alice-2": _NOW + second}
    for name, key, now in (("Alice", alice, _NOW), ("Bob", bob, _NOW + minutes - second)):
        when = f"{name} came back for the first time, within the ten minutes"
        want(
            bool(ask(claim, when, ends, key, now)),
            f"{when}, and you refused. Now {name} asks for a new link again and again.",
        )
        want("alice-2" in ends, f"when {name} came back, Alice's other link was lost, too.")
        when = f"{name} was connected; Mallory opened the same callback from the history"
        want(
            not ask(claim, when, ends, key, now),
            f"{when}, and you let her in a second time, with a code of her own.",
        )
    for what, key, now in (
        ("a link that ended at this very moment", "alice-2", _NOW + second),
        ("a link that ended an hour ago", "carol-1", _NOW),
        ("a link that never was", "mallory-1", _NOW),
    ):
        ends |= {"alice-2": _NOW + second, "carol-1": _NOW - timedelta(hours=1)}
        when = f"Mallory came with {what}"
        want(not ask(claim, when, ends, key, now), f"{when}, and you let her in.")
    _check_race(claim, alice)
    return (
        "Alice and Bob got in, once each. Mallory found their callbacks in the history, and could "
        "not use them, not even at the same moment as Alice."
    )


_MOST_READS = 6  # of the links, before the second callback starts
_ROUNDS_FOR_THE_SECOND = 1000  # of waiting for the second callback, after the first has ended


def _check_race(claim: Callable[[dict[str, datetime], str, datetime], Any], key: str) -> None:
    """Start the second callback after the first, second, ...  read of the links."""
    races = list[_Race]()
    while not races or (races[-1].overlapped and len(races) < _MOST_READS):
        races.append(_Race(claim, key, reads=len(races) + 1))
    both = "if callbacks come one after the other, all is right. But two came at the same moment, "
    want(
        not any(race.let_in == [True, True] for race in races),
        f"{both}and both got in. You look first and remove later, and Mallory came in between. Let "
        "one operation do both: ends.pop(key, None) removes the entry and says what it was.",
    )
    for error in (error for race in races for error in race.errors):
        stopped = f"{both}and your code stopped with {type(error).__name__}"
        want(
            not isinstance(error, KeyError),
            f"{stopped}. The one took the entry away while the other was at work: Alice may get an "
            "error page. ends.pop(key, None) removes the entry and says what it was. If it is "
            "gone, you get None, and no error.",
        )
        raise NotYet(f"{stopped}: {error}. Make it work in two threads at the same moment.")
    want(
        all(True in race.let_in for race in races),
        f"{both}and neither of them got in. The key was new in `ends`, but your function knows it "
        "from before. Does it remember keys in a name outside of itself? Only `ends` may tell what "
        "is used: a used key is no longer in it.",
    )


class _Race:
    """Two callbacks with one key, in two threads.

    The second starts while the first is at work.  If the first holds a lock, the second waits for
    it.  So the first goes on when the second has ended, or cannot go on.
    """

    def __init__(
        self, claim: Callable[[dict[str, datetime], str, datetime], Any], key: str, reads: int
    ) -> None:
        self._claim = claim
        self._key = key
        self._ends = _SharedLinks({key: _NOW + timedelta(minutes=10)})
        self._ends.interrupt = self._start_second
        self._ends.reads = reads
        self._second: Call | None = None
        self.let_in = list[bool]()
        self.errors = list[BaseException]()
        try:
            self.let_in.append(self._come())
        except Exception as error:
            self.errors.append(error)
        if self._second is None:  # the first read less often, so the second starts after it
            self._second = Call(self._come)
        self._finish_second(self._second)

    @property
    def overlapped(self) -> bool:
        """Whether the second started while the first was at work."""
        return self._ends.reads <= 0

    def _come(self) -> bool:
        return bool(self._claim(self._ends, self._key, _NOW))

    def _start_second(self) -> None:
        self._second = Call(self._come)
        self._second.is_held()

    def _finish_second(self, second: Call) -> None:
        if not second.ends_within(_ROUNDS_FOR_THE_SECOND):
            second.stop()
            raise NotYet(
                "two callbacks came at the same moment, and the second never got an answer. "
                "Release every lock that you take: `with lock:` does so, whatever happens."
            )
        if second.error:
            self.errors.append(second.error)
        else:
            self.let_in.append(second.result)


class _SharedLinks(dict[str, datetime]):
    """Links that another thread uses at the same time.

    `interrupt` is called after `reads` reads.  A view, or a copy, has the links as they were when
    it was read.
    """

    reads = 0
    interrupt: Callable[[], None]

    def _was_read(self) -> None:
        self.reads -= 1
        if self.reads == 0:
            self.interrupt()

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        self._was_read()
        return found

    def __getitem__(self, key: str) -> datetime:
        found = super().__getitem__(key)
        self._was_read()
        return found

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key, default)
        self._was_read()
        return found

    def setdefault(self, key: str, default: Any = None) -> Any:
        found = super().setdefault(key, default)
        self._was_read()
        return found

    def copy(self) -> dict[str, datetime]:
        found = super().copy()
        self._was_read()
        return found

    def keys(self) -> Any:
        return self.copy().keys()

    def values(self) -> Any:
        return self.copy().values()

    def items(self) -> Any:
        return self.copy().items()


_SharedLinks.__name__ = "dict"  # so Python's own messages call it
