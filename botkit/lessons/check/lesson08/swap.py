"""Check round 3 of lesson 08: a callback that belongs to another person."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.verdict import NotYet, verdict, want

if TYPE_CHECKING:  # lesson 00 must be able to say that a package is missing
    from itsdangerous import URLSafeTimedSerializer


@verdict
def lab_swap(whose: Callable[[dict[str, str], URLSafeTimedSerializer], Any]) -> str:
    """Check `whose(query, signer)`: for which chat user is this callback?"""
    from itsdangerous import TimestampSigner, URLSafeTimedSerializer

    class HourAgo(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - 3600

    key = secrets.token_hex(16)
    signer = URLSafeTimedSerializer(key)
    for user in ("alice", "bob", "alice:mallory", "zoë"):
        query = {"user": user, "code": "1", "state": _sign(signer, user)}
        when = f"{user} came back with the signed state of a link for {user}"
        got = _whose(whose, when, query, signer)
        want(
            got == user,
            f"{when}, and you answered {_quoted(got)}. Wanted: {user!r}. An honest person must be "
            "able to connect.",
        )
    own = _sign(signer, "mallory")
    got = _whose(whose, "Mallory came back", {"user": "alice", "state": own}, signer)
    want(
        got == "mallory",
        "Mallory came back with the state of her own link and wrote user=alice into the address. "
        f"You answered {_quoted(got)}, wanted: 'mallory'. Believe only what is signed.",
    )
    payload = urlsafe_b64encode(json.dumps({"user": "alice", "mark": "1"}).encode()).decode()
    others, late = URLSafeTimedSerializer("guessed"), URLSafeTimedSerializer(key, signer=HourAgo)
    for what, state in (
        ("a state that someone else has signed", _sign(others, "alice")),
        ("her own state, with Alice's name put into it", f"{payload}.{own.partition('.')[2]}"),
        ("a state without a signature", payload),
        ("the state “alice”", "alice"),
        ("an empty state", ""),
        ("no state", None),
        ("a state of Alice that is an hour old", _sign(late, "alice")),
    ):
        query = {"user": "alice", "code": "1", **({} if state is None else {"state": state})}
        when = f"Mallory came with {what}"
        got = _whose(whose, when, query, signer)
        more = " loads() has a max_age, in seconds." if "old" in what else ""
        want(
            isinstance(got, ValueError),
            f"{when}, and you answered {_quoted(got)}. Wanted: a ValueError. Mallory's account is "
            f"connected to Alice's chat.{more}",
        )
    return (
        "Each callback belongs to the person who asked for the link, whatever the address "
        "says. Mallory can connect her account to her own chat, and that is her right."
    )


def _sign(signer: URLSafeTimedSerializer, user: str) -> str:
    return str(signer.dumps({"user": user, "mark": secrets.token_urlsafe(16)}))


def _whose(whose: Callable[..., Any], when: str, query: dict[str, str], signer: Any) -> Any:
    """Return a user, or the ValueError that was raised."""
    try:
        return whose(dict(query), signer)
    except (NotImplementedError, NotYet):
        raise
    except ValueError as error:
        return error
    except Exception as error:
        name = type(error).__name__
        raise NotYet(
            f"{when}, and your code stopped with {name}: {error}. The bot understands a "
            "ValueError; anything else is a page “Internal Server Error”."
        ) from error


def _quoted(got: object) -> str:
    return "with a ValueError" if isinstance(got, ValueError) else repr(got)
