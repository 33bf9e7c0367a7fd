"""Check the exercise of lesson 12: a command of your own."""

from __future__ import annotations

from typing import Any

from botkit.lessons.check.verdict import verdict, want

_TRIES = (
    ("tea-shop", {"stargazers_count": 3}, "tea-shop has 3 stars."),
    ("blog", {"stargazers_count": 1}, "blog has 1 star."),
    ("empty", {"stargazers_count": 0}, "empty has 0 stars."),
)
_OWNER = "bob-practice"


@verdict
def own_command(skill: Any, kit: Any = None) -> str:
    """Check the command `stars NAME` of a skill, with Bob as the person who says it.

    The skill is added to the kit, and stays there.
    """
    want(
        isinstance(skill, type) and hasattr(skill, "connects_to"),
        "the check needs your class: check.own_command(Mine, kit).",
    )
    want(hasattr(kit, "bob"), "the check needs a kit, so that Bob can try it: give it `kit`, too.")
    kit.add(skill)
    github, before = kit.world.github, kit.mishaps.raising
    kit.mishaps.raising = True  # an error in the skill ends this check
    try:
        kit.bob.connects("github")
        for name, answer, wanted in _TRIES:
            github.answers(f"GET /repos/{_OWNER}/{name}", answer)
            count = len(github.asked)
            said = kit.bob.say(f"stars {name}").text
            want(
                len(github.asked) > count,
                f"“stars {name}” asked GitHub for nothing that exists. The bot said: {said} "
                f"For Bob the path is /repos/{_OWNER}/{name}.",
            )
            want(said == wanted, f"“stars {name}” was answered with: {said} Wanted: {wanted}")
        _try_what_is_wrong(kit)
    finally:
        kit.mishaps.raising = before
    return (
        "Bob sees the stars of his repositories. What cannot be is one sentence, and no request "
        "was sent for it."
    )


def _try_what_is_wrong(kit: Any) -> None:
    said = kit.bob.say("stars nowhere").text
    wanted = "GitHub sent no repository with that name (it answered 404)."
    want(said == wanted, f"“stars nowhere” was answered with: {said} Wanted: {wanted}")
    seen = len(kit.world.github.requests_seen)
    said = kit.bob.say("stars octocat/hello").text
    sent = len(kit.world.github.requests_seen) > seen
    want(
        not sent,
        "“stars octocat/hello” sent a request to GitHub. Look at the name first, and raise a "
        "CommandError if there is a / in it.",
    )
    want(
        bool(said) and not said.startswith("GitHub") and "Something went wrong" not in said,
        f"“stars octocat/hello” was answered with: {said} Wanted: a sentence of yours, from a "
        "CommandError.",
    )
