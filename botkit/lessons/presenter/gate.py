"""Hold the kit's messages until the presenter releases them, one by one.

Start with `Gate`.  `botkit.trace.Trace` calls it before each message, and the thread that sends
waits inside the call.  A message is a request, or an answer that contains something (a code, a
token, an error) and so has its own arrow.  The bot's time limits start after the wait.

Not held: what a person did just now, because their click is the step; and what has little time,
such as the chat's deliveries, which the bot must answer within three seconds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from botkit.trace import LEFT_OUT_FIELDS, Exchange

MOST_STEPS = 200  # then the oldest are forgotten


@dataclass
class Step:
    """An arrow: a request, or the answer to it, which has the request's number."""

    exchange: Exchange
    number: int
    answer: bool = False


@dataclass(frozen=True)
class GateState:
    """What can be seen at one moment.

    `held` is the first message that waits.  `resting` is true if no message is held or on its way.
    """

    version: int
    flowing: bool
    steps: tuple[Step, ...]
    held: Exchange | None
    resting: bool


class Gate:
    """A place where messages wait.

    `version` counts the changes.  A gate that replaces another one continues its count.  A
    `flowing` gate holds nothing.
    """

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
        """Return when the message may go: immediately, or when the presenter wants it."""
        with self._changed:
            if self._has_to_wait(message):
                self._held.append(message)
                self._notify()
                self._changed.wait_for(lambda: message not in self._held)
            else:
                self._pass(message)

    def _has_to_wait(self, message: Exchange) -> bool:
        if self.flowing or self.closed:
            return False
        if is_answer(message):
            return message.sender in ("bot", "browser") and has_content(message)
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
            if has_content(message):
                self._steps.append(Step(message, step.number, answer=True))
            if message.sender == "browser":
                self._sent_on |= {value for name, value in message.answer if name == "Location"}
        self._notify()

    def _draw(self, message: Exchange) -> None:
        self._count += 1
        self._asked[message.number] = Step(message, self._count)
        self._steps.append(self._asked[message.number])

    def _notify(self) -> None:
        self.version += 1
        self._changed.notify_all()

    # ---- what the presenter does -----------------------------------------------------------

    def release(self, name: str) -> bool:
        """Release the message of this name if it is the first that waits.

        Return whether it was.
        """
        with self._changed:
            if not self._held or name != name_of(self._held[0]):
                return False  # a second press, or a second window
            self._pass(self._held.pop(0))
            return True

    def flow(self, yes: bool) -> None:
        """Hold nothing from now on, or hold messages again."""
        with self._changed:
            self.flowing = yes
            if yes:
                self._open()
            self._notify()

    def close(self) -> None:
        """Release everything that waits, and hold nothing any more."""
        with self._changed:
            self.closed = True
            self._open()
            self._notify()

    def _open(self) -> None:
        while self._held:
            self._pass(self._held.pop(0))

    # ---- what the presenter sees -----------------------------------------------------------

    def state(self) -> GateState:
        """Return what can be seen now."""
        with self._changed:
            held = self._held[0] if self._held else None
            resting = not self._held and not self._under_way
            return GateState(self.version, self.flowing, tuple(self._steps), held, resting)

    def wait(self, seconds: float, changed: Callable[[GateState], bool]) -> None:
        """Wait until `changed` is true of the state, at most this many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or changed(self.state()), seconds)


def is_answer(message: Exchange) -> bool:
    """Return whether a message is an answer, or the error instead of one."""
    return message.status is not None or bool(message.error)


def has_content(answer: Exchange) -> bool:
    """Return whether an answer has fields worth an arrow."""
    return any(name not in LEFT_OUT_FIELDS for name, _ in answer.answer)


def name_of(message: Exchange) -> str:
    """Return a name for a message, the same in two windows.

    Tickets start from 1 with each kit, so a key press also names its run (see `view.py`).
    """
    return f"{message.number}{'a' if is_answer(message) else 'q'}"


def _target(request: Exchange) -> str:
    """Return a request's address as the redirect to it showed it."""
    return f"‹{request.receiver}›{request.path}"
