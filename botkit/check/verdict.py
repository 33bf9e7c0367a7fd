"""What a check is made of: the verdict, and how a check comes to one.

A check never raises.  It returns a `Verdict`, whose text says either what is proven now (✔) or what
was given and what was wanted (…).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

from botkit.wrapping import in_columns

if TYPE_CHECKING:  # a Python too old for the lessons has no ParamSpec, and lesson 00 must say so
    from typing import ParamSpec

    P = ParamSpec("P")


@dataclass(frozen=True, repr=False)
class Verdict:
    """The answer of a check; as the last line of a cell it is shown as one sentence."""

    solved: bool
    text: str

    def __repr__(self) -> str:
        return in_columns(f"{'✔' if self.solved else '… not yet:'} {self.text}", hang=2)


class NotYet(Exception):
    """Raised inside a check to say what is still missing."""


def want(condition: bool, sentence: str) -> None:
    """Go on if the condition holds; otherwise the verdict is "not yet" with this sentence."""
    if not condition:
        raise NotYet(sentence)


def verdict(check: Callable[P, str]) -> Callable[P, Verdict]:
    """Make a check out of a function that returns the sentence of success or raises `NotYet`.

    The first argument of a check is the learner's function.
    """

    @wraps(check)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Verdict:
        if not (args and callable(args[0])):
            call = f"check.{check.__name__}(your_function)"
            return Verdict(False, f"give the check the function itself, by its name: {call}.")
        try:
            return Verdict(True, check(*args, **kwargs))
        except NotYet as missing:
            return Verdict(False, str(missing))
        except NotImplementedError:
            return Verdict(False, "the cell above still waits for your lines.")
        except Exception as error:
            return Verdict(False, f"your code stopped with {type(error).__name__}: {error}")

    return checked
