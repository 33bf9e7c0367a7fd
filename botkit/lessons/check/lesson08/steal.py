"""Check round 4 of lesson 08: a stolen code, and PKCE against it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import NotYet, verdict, want

if TYPE_CHECKING:  # lesson 00 must be able to say that a package is missing
    from botkit.lessons.lab import Lab


@verdict
def lab_steal(pkce: Callable[[str], Any], lab: Lab) -> str:
    """Check `pkce(verifier)`: what goes into the link, what to the token endpoint."""
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
