"""The gate: the kit's messages wait here until the presenter lets them go, one by one.

A message is a request, or an answer that brings something (a code, a token, an error) and so is an
arrow of its own.  `Gate` is called by `botkit.trace.trace.Trace` before either goes; it keeps the
thread that sends waiting.  The bot's own time limits begin only after that (botkit/oauth/http.py).

Not held: what a person has done just now, for their click is the step; and what has little time,
such as the chat's deliveries, to which the bot must answer within three seconds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from botkit.trace import DULL, Exchange

MOST_STEPS = 200  # then the oldest are forgotten


@dataclass
class Step:
    """An arrow: a request, or the `answer` to it, under the request's number."""

    exchange: Exchange
    number: int
    answer: bool = False


@dataclass(frozen=True)
class Scene:
    """What can be seen at one moment.  `held` waits; `resting`: nothing that we know of moves."""

    version: int
    flowing: bool
    steps: tuple[Step, ...]
    held: Exchange | None
    resting: bool


class Gate:
    """`version` counts what has changed; a gate that follows another one counts on from there."""

    def __init__(self, version: int = 0, *, flowing: bool = False) -> None:
        self.version = version
        self.flowing = flowing
        self.closed = False
        self._changed = threading.Condition()
        self._held: list[Exchange] = []
        self._steps: deque[Step] = deque(maxlen=MOST_STEPS)
        self._asked: dict[int, Step] = {}  # what may still be answered, by its ticket
        self._under_way: set[int] = set()
        self._sent_on: set[str] = set()  # where an answer has sent the browser
        self._count = 0

    def __call__(self, message: Exchange) -> None:
        """Let a message pass, now or when the presenter wants it."""
        with self._changed:
            if self._has_to_wait(message):
                self._held.append(message)
                self._tell()
                self._changed.wait_for(lambda: message not in self._held)
            else:
                self._pass(message)

    def _has_to_wait(self, message: Exchange) -> bool:
        if self.flowing or self.closed:
            return False
        if is_answer(message):
            return message.sender in ("bot", "browser") and brings_something(message)
        return message.sender == "bot" or (
            message.sender == "browser" and _target(message) in self._sent_on
        )

    def _pass(self, message: Exchange) -> None:
        ticket = message.number
        if not is_answer(message):
            self._sent_on.discard(_target(message))
            if message.sender != "chat":  # of a delivery only the answer says whether it counts
                self._under_way.add(ticket)
                self._draw(message)
        else:
            self._under_way.discard(ticket)
            if ticket not in self._asked:
                self._draw(message)
            step = self._asked.pop(ticket)
            step.exchange = message
            if brings_something(message):
                self._steps.append(Step(message, step.number, answer=True))
            if message.sender == "browser":
                self._sent_on |= {value for name, value in message.answer if name == "Location"}
        self._tell()

    def _draw(self, message: Exchange) -> None:
        self._count += 1
        self._asked[message.number] = Step(message, self._count)
        self._steps.append(self._asked[message.number])

    def _tell(self) -> None:
        self.version += 1
        self._changed.notify_all()

    # ---- what the presenter does -----------------------------------------------------------

    def release(self, name: str) -> bool:
        """Let the message of this name go, if it is the first that waits."""
        with self._changed:
            if not self._held or name != name_of(self._held[0]):
                return False  # a second press, or a second window
            self._pass(self._held.pop(0))
            return True

    def flow(self, yes: bool) -> None:
        """From now on hold nothing, or hold again."""
        with self._changed:
            self.flowing = yes
            if yes:
                self._open()
            self._tell()

    def close(self) -> None:
        """Let go whatever waits here, and hold nothing any more."""
        with self._changed:
            self.closed = True
            self._open()
            self._tell()

    def _open(self) -> None:
        while self._held:
            self._pass(self._held.pop(0))

    # ---- what the presenter sees -----------------------------------------------------------

    def look(self) -> Scene:
        with self._changed:
            held = self._held[0] if self._held else None
            resting = not self._held and not self._under_way
            return Scene(self.version, self.flowing, tuple(self._steps), held, resting)

    def wait(self, seconds: float, changed: Callable[[Scene], bool]) -> None:
        """Until `changed` is true of what can be seen, at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or changed(self.look()), seconds)

    def __repr__(self) -> str:
        return f"<Gate, {'open' if self.flowing or self.closed else 'one by one'}>"


def is_answer(message: Exchange) -> bool:
    return message.status is not None or bool(message.error)


def brings_something(answer: Exchange) -> bool:
    return any(name not in DULL for name, _ in answer.answer)


def name_of(message: Exchange) -> str:
    """A name for a message, by which two windows know that they mean the same one.

    Tickets begin again with each kit, so whoever presses says which run it was, too (view.py).
    """
    return f"{message.number}{'a' if is_answer(message) else 'q'}"


def _target(request: Exchange) -> str:
    """A request's address as the answer showed it that sent the browser there."""
    return f"‹{request.receiver}›{request.path}"
