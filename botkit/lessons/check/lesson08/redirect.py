"""Check round 5 of lesson 08: a link that asks for another redirect URI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import verdict, want


@verdict
def lab_redirect(may_redirect: Callable[[str, list[str]], Any]) -> str:
    """Check `may_redirect(asked, registered)`: may GitHub send a code there?"""
    home, second = "https://bot.example/oauth", "https://bot.example:8443/app/oauth?team=7"
    for asked in (home, second):
        when = f"an honest bot asked for {asked}, as it is registered"
        want(
            bool(ask(may_redirect, when, asked, [home, second])),
            f"{when}, and you refused. Nobody can connect this bot.",
        )
    for asked in (
        f"{home}/../files/mallory",
        f"{home}-of-mallory",
        f"{home}/",
        f"{home}?next=https://evil.example",
        f"{home}#",
        "https://bot.example/other",
        "https://bot.example@evil.example/oauth",
        "https://bot.example.evil.example/oauth",
        "https://evil.example/?https://bot.example/oauth",
        "http://bot.example/oauth",
        "https://bot.example/OAUTH",
        "https://bot.example:8443/oauth",
        "https://bot.example",
        "",
    ):
        when = f"Mallory made a link that asks for {asked or 'an empty address'}"
        want(
            not ask(may_redirect, when, asked, [home, second]),
            f"{when}; registered is {home}. You allowed it: Alice's code may land with Mallory. "
            "Two addresses are the same if every letter is.",
        )
    want(
        not ask(may_redirect, "no address is registered", home, []),
        "no address is registered, and you allow one.",
    )
    return "Codes go to the registered addresses. Fourteen of Mallory's are none of them."
