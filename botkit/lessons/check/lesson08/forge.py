"""Check round 1 of lesson 08: a callback with a forged state."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import verdict, want


class _WatchedState(str):
    """A string that notices when it is compared with `==` and differs."""

    compared = False

    def __eq__(self, other: object) -> bool:
        if other and not str.__eq__(self, other):
            _WatchedState.compared = True
        return str.__eq__(self, other)

    __hash__ = str.__hash__


_WatchedState.__name__ = "str"  # so Python's own messages call it


@verdict
def lab_forge(knows: Callable[[str | None, list[str]], Any]) -> str:
    """Check `knows(sent, given)`: has the bot given out the state of this callback?"""
    texts = [f"{secrets.token_urlsafe(32)}-z" for _ in range(3)]
    given: list[str] = [_WatchedState(text) for text in texts]
    _WatchedState.compared = False
    for name, text in zip(("Alice", "Bob", "Carol"), texts, strict=True):
        when = f"{name} came back with the state of the link that {name} was given"
        want(
            bool(ask(knows, when, text, list(given))),
            f"{when}, and you refused. A guard must let honest people in. If it does not, people "
            "switch it off.",
        )
    for what, sent, there in (
        ("no state", None, given),
        ("an empty state", "", given),
        ("a state of her own", "made-by-mallory", given),
        ("the state “é”", "é", given),
        ("the first half of Alice's state", texts[0][:20], given),
        ("one letter more than Alice's state", texts[0] + "x", given),
        ("Bob's state in small letters", texts[1].swapcase(), given),
        ("no state, when no link was given out", None, []),
        ("an empty state, when no link was given out", "", []),
    ):
        when = f"Mallory came back with {what}"
        want(
            not ask(knows, when, sent, list(there)),
            f"{when}, and you let her in. Alice's chat now acts as Mallory's account.",
        )
    want(
        not _WatchedState.compared,
        "the right people get in. But you compare with ==, or with `in`. That stops at the first "
        "wrong letter, so the time that it takes tells Mallory how many letters were right. Use "
        "hmac.compare_digest(one.encode(), other.encode()).",
    )
    return "Mallory came nine times, and was refused. Alice, Bob and Carol got in."
