"""Turn a function into a check that never raises and always ends.

Start with `verdict`, the decorator of every check.  A check returns a `Verdict`.  Its text says
what is proven (✔), or what was given and what was wanted (…).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

from botkit.lessons.check.bounded import ROUND, Call

if TYPE_CHECKING:  # a Python too old for the lessons has no ParamSpec, and lesson 00 must say so
    from typing import ParamSpec

    P = ParamSpec("P")

_ROUNDS = 2000  # of waiting for a check: most need less than a hundred


@dataclass(frozen=True, repr=False)
class Verdict:
    """The result of a check, which a cell shows as one sentence."""

    solved: bool
    text: str

    def __repr__(self) -> str:
        from botkit.trace import in_columns  # here: lesson 00 runs without a package, too

        return in_columns(f"{'✔' if self.solved else '… not yet:'} {self.text}", hang=2)


class NotYet(Exception):
    """Raised inside a check to say what is still missing."""


def want(condition: bool, sentence: str) -> None:
    """Raise `NotYet` with this sentence unless the condition holds."""
    if not condition:
        raise NotYet(sentence)


def verdict(check: Callable[P, str]) -> Callable[P, Verdict]:
    """Make a check of a function that returns a sentence or raises `NotYet`.

    The sentence is for success.  The first argument of a check is the learner's function.  The
    check runs in its own thread: if the learner's code never ends, the verdict says so.
    """

    @wraps(check)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Verdict:
        if not (args and callable(args[0])):
            call = f"check.{check.__name__}(your_function)"
            return Verdict(False, f"give the check the function itself, by its name: {call}.")
        call_of_check = Call(lambda: check(*args, **kwargs))
        try:
            ended = call_of_check.ends_within(_ROUNDS)
        except BaseException:  # Kernel > Interrupt Kernel
            call_of_check.stop()
            raise
        if ended:
            return _verdict_on(call_of_check)
        call_of_check.stop()
        return Verdict(
            False,
            f"your code did not end within {_ROUNDS * ROUND:.0f} seconds. Look for a loop that "
            "never ends, or a lock that is never released, and change it.",
        )

    return checked


def _verdict_on(call: Call) -> Verdict:
    error = call.error
    if error is None:
        return Verdict(True, str(call.result))
    if isinstance(error, NotYet):
        return Verdict(False, str(error))
    if isinstance(error, NotImplementedError):
        return Verdict(False, "the cell above still waits for your lines.")
    return Verdict(False, f"your code stopped with {type(error).__name__}: {error}")
