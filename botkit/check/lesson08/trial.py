"""How the checks of lesson 08 ask the learner's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botkit.check.verdict import NotYet


def ask(function: Callable[..., Any], when: str, *args: Any) -> Any:
    """What the function returns; if it stops, the verdict says when, and with what."""
    try:
        return function(*args)
    except (NotImplementedError, NotYet):
        raise
    except Exception as error:
        name = type(error).__name__
        raise NotYet(f"{when}, and your code stopped with {name}: {error}") from error
