"""Check round 7 of lesson 08: a code that goes to the wrong service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import verdict, want


@verdict
def lab_mixup(fits: Callable[[dict[str, str], str, dict[str, str]], Any]) -> str:
    """Check `fits(link, path, query)`: is the callback from the link's service?"""
    hub = {"path": "/github/oauth", "issuer": "https://github.example/login/oauth"}
    box = {"path": "/cloudbox/oauth", "issuer": "https://cloudbox.example"}
    for what, link, query in (
        ("GitHub, which says who it is", hub, {"code": "1", "iss": hub["issuer"]}),
        ("CloudBox, which says who it is", box, {"code": "2", "iss": box["issuer"]}),
        ("CloudBox, which does not say who it is", box, {"code": "3"}),
    ):
        when = f"Alice came back from {what}, to the path of that service"
        want(
            bool(ask(fits, when, dict(link), link["path"], dict(query))),
            f"{when}, and you refused her. Many honest services do not send iss yet.",
        )
    for what, path, issuer in (
        ("to CloudBox's path, with GitHub's iss", box["path"], hub["issuer"]),
        ("to GitHub's path, with GitHub's iss", hub["path"], hub["issuer"]),
        ("to GitHub's path, without iss", hub["path"], None),
        ("to GitHub's path, with CloudBox's iss", hub["path"], box["issuer"]),
        ("with an iss that only begins like CloudBox's", box["path"], f"{box['issuer']}.evil"),
        ("to CloudBox's path, with an empty iss", box["path"], ""),
    ):
        when = f"a link was made for CloudBox, and the answer came {what}"
        query = {"code": "4", **({} if issuer is None else {"iss": issuer})}
        want(
            not ask(fits, when, dict(box), path, query),
            f"{when}. You took it: the bot sends a code of GitHub to Mallory's CloudBox.",
        )
    return "Each code goes to the service that gave it. CloudBox gets its own codes, and no other."
