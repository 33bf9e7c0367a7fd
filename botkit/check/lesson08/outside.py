"""Rounds 4 to 8: codes, tokens and links in the wrong hands."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.check.lesson08.trial import ask
from botkit.check.verdict import NotYet, verdict, want

if TYPE_CHECKING:  # lesson 00 must be able to say that a package is missing
    from botkit.lab import Lab

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
    want(
        isinstance(parts, tuple | list)
        and len(parts) == 2
        and all(isinstance(part, dict) for part in parts),
        f"wanted: two dicts, one for the link and one for the token endpoint. You return "
        f"a {type(parts).__name__}.",
    )
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
            f"a part of Alice's token is in the log of {whose}. Mallory guesses less with it, and "
            "knows where to look. Not even a few letters belong there.",
        )
    want(
        len(lab.log) > before,
        "no token is in any log. But GitHub was not asked at all: Alice gets no profile.",
    )
    want(
        isinstance(got, dict) and got.get("login") == "alice-practice",
        "no token is in any log. But Alice is locked out: GitHub's answer is not her profile. It "
        "wants the header Authorization, with Bearer, a space and the token. Return the JSON.",
    )
    want(
        any("/user" in line for line in logged),
        "no token is in any log. But the bot's log does not say that it asked GitHub for /user: "
        "who runs the bot cannot see what it does.",
    )
    return (
        "Alice gets her profile. Mallory reads both logs and finds out what was asked; the key to "
        "it is not there."
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
            f"{when}. You took it: the bot carries a code of GitHub to Mallory's CloudBox.",
        )
    return "Each code goes to the service that gave it. CloudBox gets its own codes, and no other."


# ---- round 8 -----------------------------------------------------------------------------------

_CODE = "428913"


@verdict
def lab_forward(confirm: Callable[[dict[str, Any], str, str, str], Any]) -> str:
    """`confirm(waiting, user, chat, text)`: does the connection that waits count now?"""
    for text in (_CODE, "428 913", "428-913", " 428 913 "):
        when = f"Alice asked for the link, and says {text!r} in the chat where she asked"
        want(
            bool(ask(confirm, when, _waiting("alice"), "alice", "chat-7", text)),
            f"{when}. You refused her, so nobody can connect.",
        )
    waiting = _waiting("alice")
    for _ in range(4):
        when = "Alice mistyped her code"
        want(
            not ask(confirm, when, waiting, "alice", "chat-7", "428 931"),
            f"{when}, and was let in. A wrong code must not count.",
        )
    for user, chat in [("bob", "chat-7"), ("mallory", "chat-9"), ("alice", "chat-9")] * 3:
        where = "in the same chat" if chat == "chat-7" else "in another chat"
        when = f"the code was said by {user.title()} {where}; Alice had asked in chat-7"
        want(
            not ask(confirm, when, waiting, user, chat, _CODE),
            f"{when}. You took it: that is not who asked, where it was asked.",
        )
        ask(confirm, when, waiting, user, chat, "000 000")
    when = "Alice mistyped four times, others said codes too, and then she says the right one"
    want(
        bool(ask(confirm, when, waiting, "alice", "chat-7", _CODE)),
        f"{when}. You refused her. She has five tries, and what others say must not use them up.",
    )
    waiting = _waiting("mallory")
    for text in ("", "4289", "profile", f"{_CODE}1", "000 001"):
        want(
            not ask(confirm, "Mallory guesses", waiting, "mallory", "chat-7", text),
            f"Mallory forwarded her link to Alice, and says {text!r}, which is not the code. You "
            "let her in: she reads Alice's profile.",
        )
    guesses = [f"{secrets.randbelow(400_000):06d}" for _ in range(200)]
    want(
        not any(ask(confirm, "Mallory guesses", waiting, "mallory", "chat-7", g) for g in guesses),
        "Mallory guessed wrong codes, and one of them got her in.",
    )
    want(
        not ask(confirm, "Mallory guesses", waiting, "mallory", "chat-7", _CODE),
        "Mallory forwarded her link to Alice, guessed two hundred wrong codes, and then the right "
        "one. You let her in. There are a million codes; a program tries them all in an afternoon. "
        'Count the wrong ones in waiting["tries"], and stop at five.',
    )
    return (
        "Alice connects her account, also if she mistypes. Mallory has forwarded her link, and "
        "what Alice has approved does not reach Mallory's chat."
    )


def _waiting(user: str) -> dict[str, Any]:
    return {"code": _CODE, "user": user, "chat": "chat-7", "tries": 0}
