"""Check the exercise of lesson 06: the addresses to register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botkit.lessons.check.verdict import NotYet, verdict, want

_NO_PUBLIC_ADDRESS = {
    "http://bot.example": "Over http others on the network can read the code.",
    "http://127.0.0.1.evil.example": (
        "It begins like loopback, but it is a stranger's computer. Over http others on the network "
        "can read the code."
    ),
    "https://bot.example/chat": "The bot has no pages below /chat, so nothing would arrive.",
    "https://bot.example?x=1": "After a query no path can follow, so nothing would arrive.",
    "https://bot.example?": "After a ? no path can follow, so nothing would arrive.",
    "https://bot.example#": "What stands after # is never sent, so nothing would arrive.",
    "https://bot.example#top": "What stands after # is never sent, so nothing would arrive.",
    "bot.example": "Without https:// this is not a web address.",
    "https://": "There is no host in it.",
    "ftp://bot.example": "A browser does not send a callback over ftp.",
    "": "There is nothing in it.",
}


@verdict
def addresses(addresses_to_register: Callable[[str], Any]) -> str:
    """Check `addresses_to_register(public_url)` with good and bad addresses."""
    for given in (
        "https://bot.example",
        "https://bot.example/",
        "http://127.0.0.1:8000",
        "http://localhost:8000",
    ):
        origin = given.rstrip("/")
        wanted = {"callback": f"{origin}/github/oauth", "webhook": f"{origin}/bot/webhook"}
        try:
            result = addresses_to_register(given)
        except ValueError as error:
            raise NotYet(f"{given!r} is a good address, and you refuse it: {error}") from error
        want(result == wanted, f"for {given!r} you return {result!r}; wanted: {wanted!r}.")
    for given, why in _NO_PUBLIC_ADDRESS.items():
        try:
            result = addresses_to_register(given)
        except ValueError as error:
            want(
                " " in str(error),
                f"for {given!r} you raise a ValueError; wanted: one with a sentence that says what "
                "is wrong.",
            )
        except Exception as error:
            name = type(error).__name__
            raise NotYet(f"for {given!r} you raise {name}; wanted: ValueError.") from error
        else:
            want(not isinstance(result, str), f"for {given!r} you return a text. Raise it instead.")
            raise NotYet(f"you accept {given!r}. {why} Wanted: ValueError with a sentence.")
    return (
        "Good addresses get exactly two paths. Where a code would be lost, or could be read by "
        "others, you refuse with a sentence."
    )
