"""Check the exercise of lesson 01: the order of the trip."""

from __future__ import annotations

from collections.abc import Callable

from botkit.lessons.check.verdict import verdict, want

_TRIP = "EBCGFAD"
_TOO_EARLY = {
    "A": "the bot has no code yet",
    "B": "nobody has asked the bot for anything yet",
    "C": "there is no link yet that could be opened",
    "D": "the bot has no token yet",
    "F": "Alice has not decided yet, so there is no code",
    "G": "no page is open yet",
}


@verdict
def trip_order(answer: Callable[[], str]) -> str:
    """Check the order of the seven messages of the trip."""
    order = answer()
    want(order is not None, "your function returned None. End it with `return ...`.")
    if isinstance(order, str):
        order = "".join(letter for letter in order.upper() if letter.isalpha())
    want(
        isinstance(order, str) and sorted(order) == sorted(_TRIP),
        f"give each of the letters A to G once, as one text such as 'ABCDEFG'; this was {order!r}.",
    )
    for place, (given, right) in enumerate(zip(order, _TRIP, strict=True), start=1):
        reason = _TOO_EARLY.get(given, "Alice has long asked")
        want(given == right, f"message {place} cannot be {given}, because {reason}.")
    return (
        "Right: a link goes out, a code comes back, and the token never goes through the browser."
    )
