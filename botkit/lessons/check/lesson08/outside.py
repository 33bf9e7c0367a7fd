"""Rounds 4 to 7: codes and tokens in the wrong hands."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.lesson08.trial import ask
from botkit.lessons.check.verdict import NotYet, verdict, want

if TYPE_CHECKING:  # lesson 00 must be able to say that a package is missing
    from botkit.lessons.lab import Lab

# ---- round 4 -----------------------------------------------------------------------------------


@verdict
def lab_steal(pkce: Callable[[str], Any], lab: Lab) -> str:
    """`pkce(verifier)` makes what goes into the link, and what goes to the token endpoint."""
    alices, mallorys = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    shown, kept = _parts(pkce, alices)
    _, mallorys_kept = _parts(pkce, mallorys)
    want(
        not any(alices in value for value in shown.values()),
        "the verifier itself stands in the link. It goes through Alice's browser: who finds the "
        "code there finds the verifier beside it. Only its hash may be shown.",
    )
    try:
        codes = [lab.code(lab.approve(lab.kit.alice, lab.link(**shown))) for _ in range(3)]
    except LookupError as error:
        raise NotYet(
            "Alice opened your link, and GitHub gave her no code. GitHub takes the method S256 "
            "only, and a challenge of 43 letters: the SHA-256 as urlsafe Base64, without the = at "
            "the end."
        ) from error
    for code, verifier in ((codes[0], mallorys_kept), (codes[1], {})):
        got = lab.exchange(code, **verifier)
        want(
            "access_token" not in got,
            "Mallory brought Alice's code to the bot, in a callback of her own link. GitHub gave a "
            "token for it: Mallory's chat now reads Alice's profile. GitHub must learn the "
            "challenge from the link (code_challenge and code_challenge_method).",
        )
    want(
        "access_token" in lab.exchange(codes[2], **kept),
        "Mallory was refused. But Alice too: GitHub wants the verifier whose hash was in her link "
        "(code_verifier).",
    )
    return (
        "GitHub refused Alice's code in Mallory's hands, and took it from Alice's own link. What "
        "was in the link does not help Mallory: nobody turns a hash back."
    )


def _parts(pkce: Callable[[str], Any], verifier: str) -> tuple[dict[str, str], dict[str, str]]:
    parts = ask(pkce, "the bot made a link", verifier)
    wanted = "wanted: two dicts, one for the link and one for the token endpoint."
    if not isinstance(parts, tuple | list):
        raise NotYet(f"{wanted} You return one {type(parts).__name__}.")
    want(len(parts) == 2, f"{wanted} You return {len(parts)} values.")
    for which, part in zip(("first", "second"), parts, strict=True):
        kind = type(part).__name__
        want(isinstance(part, dict), f"{wanted} Of your two values, the {which} is a {kind}.")
    one, two = ({str(n): str(value) for n, value in part.items()} for part in parts)
    return one, two


# ---- round 5 -----------------------------------------------------------------------------------


@verdict
def lab_redirect(may_redirect: Callable[[str, list[str]], Any]) -> str:
    """`may_redirect(asked, registered)`: may GitHub send a browser there, with a code?"""
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


# ---- round 6 -----------------------------------------------------------------------------------


@verdict
def lab_log(get_profile: Callable[[str, str, list[str]], Any], lab: Lab) -> str:
    """`get_profile(address, token, log)` asks the practice GitHub, and writes down what it did."""
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


# ---- round 7 -----------------------------------------------------------------------------------


@verdict
def lab_mixup(fits: Callable[[dict[str, str], str, dict[str, str]], Any]) -> str:
    """`fits(link, path, query)`: does the callback come from the service of the link?"""
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
