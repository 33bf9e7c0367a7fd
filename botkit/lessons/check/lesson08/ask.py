"""Call a learner's function, and say in which situation it stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botkit.lessons.check.verdict import NotYet


def ask(function: Callable[..., Any], when: str, *args: Any) -> Any:
    """Return what the function returns.

    Raises `NotYet` if it stops, with the situation `when` and the error.
    """
    try:
        return function(*args)
    except (NotImplementedError, NotYet):
        raise
    except Exception as error:
        name = type(error).__name__
        raise NotYet(f"{when}, and your code stopped with {name}: {error}") from error
