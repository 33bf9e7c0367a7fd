"""Check round 6 of lesson 08: a token in a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import verdict, want

if TYPE_CHECKING:  # lesson 00 must be able to say that a package is missing
    from botkit.lessons.lab import Lab


@verdict
def lab_log(get_profile: Callable[[str, str, list[str]], Any], lab: Lab) -> str:
    """Check `get_profile(address, token, log)`.

    It asks the practice GitHub for a profile, and adds lines to the log.
    """
    address, logged = f"{lab.kit.github.api_url}/user", list[str]()
    code = lab.code(lab.approve(lab.kit.alice, lab.link(scope="read:user")))
    token = lab.exchange(code)["access_token"]
    before = len(lab.log)
    got = ask(get_profile, "the bot asked for Alice's profile", address, token, logged)
    want(all(isinstance(line, str) for line in logged), "the lines of the log must be texts.")
    for whose, lines in (("GitHub's server", lab.log[before:]), ("the bot", logged)):
        want(
            not any(token in line for line in lines),
            f"Mallory read the log of {whose} and found Alice's token. She is Alice at GitHub now.",
        )
        want(
            not any(token[n : n + 8] in line for line in lines for n in range(len(token) - 7)),
            f"a part of Alice's token is in the log of {whose}. With it Mallory can guess the rest "
            "sooner. Not even a few letters belong there.",
        )
    want(
        len(lab.log) > before,
        "no token is in any log. But GitHub was not asked at all: Alice gets no profile.",
    )
    want(
        isinstance(got, dict) and got.get("login") == "alice-practice",
        "no token is in any log. But Alice gets no profile: GitHub's answer is another one. It "
        "wants the header Authorization, with Bearer, a space and the token. Return the JSON.",
    )
    want(
        any("/user" in line for line in logged),
        "no token is in any log. But the bot's log does not say that it asked GitHub for /user: "
        "the owner of the bot cannot see what it does.",
    )
    return (
        "Alice gets her profile. Mallory reads both logs and sees what was asked. The token is not "
        "there."
    )
