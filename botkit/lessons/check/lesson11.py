"""Check the exercise of lesson 11: which systems are live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botkit.lessons.check.verdict import NotYet, verdict, want

_GITHUB = {"GITHUB_CLIENT_ID": "an-id", "GITHUB_CLIENT_SECRET": "a-secret"}
_CHAT = {
    "RINGCENTRAL_CHATBOT_CLIENT_ID": "another-id",
    "RINGCENTRAL_CHATBOT_CLIENT_SECRET": "another-secret",
}
_LIVE: tuple[tuple[str, dict[str, str], list[str]], ...] = (
    ("nothing set", {}, []),
    ("GitHub's two variables", _GITHUB, ["GitHub"]),
    ("the chat's two variables", _CHAT, ["chat"]),
    ("all four variables", _CHAT | _GITHUB, ["GitHub", "chat"]),
    ("four empty texts", dict.fromkeys(_GITHUB | _CHAT, ""), []),
    ("BOTKIT_PRACTICE=1 and all four", _GITHUB | _CHAT | {"BOTKIT_PRACTICE": "1"}, []),
    ("BOTKIT_PRACTICE=0 and GitHub's two", _GITHUB | {"BOTKIT_PRACTICE": "0"}, ["GitHub"]),
    ("BOTKIT_PRACTICE=1 and one half", {"GITHUB_CLIENT_ID": "x", "BOTKIT_PRACTICE": "1"}, []),
)


@verdict
def what_is_live(answer: Callable[[Mapping[str, str]], Any]) -> str:
    """Check `what_is_live(environment)`.

    It returns the live systems, and raises `ValueError` if half of the credentials are missing.
    """
    for what, environment, wanted in _LIVE:
        try:
            live = answer(dict(environment))
        except ValueError as error:
            raise NotYet(f"with {what} it raised ValueError: {error}") from None
        want(live == wanted, f"with {what} it returned {live!r}, and {wanted!r} was wanted.")
    for missing in _GITHUB | _CHAT:
        for half in ({}, {missing: ""}):
            _stops_at_half(answer, missing, (_GITHUB | _CHAT | half), half)
    return "Right. Half of the credentials is a mistake, and your function says so."


def _stops_at_half(
    answer: Callable[[Mapping[str, str]], Any],
    missing: str,
    environment: dict[str, str],
    half: dict[str, str],
) -> None:
    if not half:
        del environment[missing]
    how = "empty" if half else "missing"
    try:
        live = answer(environment)
    except ValueError as error:
        want(missing in str(error), f"{missing} is {how}; your sentence does not name it: {error}")
        shown = [value for value in environment.values() if value and value in str(error)]
        want(not shown, "your sentence shows a value. It may end in a log that others read.")
        return
    raise NotYet(f"{missing} is {how}, and it returned {live!r}. That hides a mistake.")
