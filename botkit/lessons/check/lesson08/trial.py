"""How the checks of lesson 08 ask the learner's function, and who else is at work meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from botkit.lessons.check.verdict import NotYet


def ask(function: Callable[..., Any], when: str, *args: Any) -> Any:
    """What the function returns; if it stops, the verdict says when, and with what."""
    try:
        return function(*args)
    except (NotImplementedError, NotYet):
        raise
    except Exception as error:
        name = type(error).__name__
        raise NotYet(f"{when}, and your code stopped with {name}: {error}") from error


class Busy(dict[str, datetime]):
    """Links at which somebody else is at work too: `meanwhile` happens after so many looks.

    A view, or a copy, shows the links as they were at the look.
    """

    looks = 0
    meanwhile: Callable[[], None]

    def _looked(self) -> None:
        self.looks -= 1
        if self.looks == 0:
            self.meanwhile()

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        self._looked()
        return found

    def __getitem__(self, key: str) -> datetime:
        found = super().__getitem__(key)
        self._looked()
        return found

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key, default)
        self._looked()
        return found

    def setdefault(self, key: str, default: Any = None) -> Any:
        found = super().setdefault(key, default)
        self._looked()
        return found

    def copy(self) -> dict[str, datetime]:
        found = super().copy()
        self._looked()
        return found

    def keys(self) -> Any:
        return self.copy().keys()

    def values(self) -> Any:
        return self.copy().values()

    def items(self) -> Any:
        return self.copy().items()


Busy.__name__ = "dict"  # so Python's own messages call it
