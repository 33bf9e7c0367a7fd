"""Check round 8 of lesson 08: a forwarded link, and the code said in the chat."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from botkit.lessons.check.lesson08.ask import ask
from botkit.lessons.check.verdict import verdict, want

_CODE = "428913"


@verdict
def lab_forward(confirm: Callable[[dict[str, Any], str, str, str], Any]) -> str:
    """Check `confirm(waiting, user, chat, text)`: does the connection count now?"""
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
    when = "Alice mistyped four times, others said codes, too, and then she says the right one"
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
    waiting = _waiting("mallory")
    for guess in guesses[:5]:
        ask(confirm, "Mallory guesses", waiting, "mallory", "chat-7", guess)
    want(
        not ask(confirm, "Mallory guesses", waiting, "mallory", "chat-7", _CODE),
        "Mallory said five wrong codes, and then the right one. You let her in. The fifth wrong "
        "code ends it: after that, even the right one is refused.",
    )
    return (
        "Alice connects her account, also if she mistypes. Mallory has forwarded her link, but "
        "her chat does not get what Alice has approved."
    )


def _waiting(user: str) -> dict[str, Any]:
    return {"code": _CODE, "user": user, "chat": "chat-7", "tries": 0}
