"""Rounds 1 to 3: whose answer is this callback?"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.bounded import Call
from botkit.lessons.check.lesson08.trial import Busy, ask
from botkit.lessons.check.verdict import NotYet, verdict, want

if TYPE_CHECKING:  # lesson 00 must be able to say that a package is missing
    from itsdangerous import URLSafeTimedSerializer

_NOW = datetime.fromisoformat("2031-05-17T09:30:00+00:00")  # not today: a clock of one's own shows

# ---- round 1 -----------------------------------------------------------------------------------


class _State(str):
    """A text that notices when it is compared, letter by letter, with one that is not it."""

    compared = False

    def __eq__(self, other: object) -> bool:
        if other and not str.__eq__(self, other):
            _State.compared = True
        return str.__eq__(self, other)

    __hash__ = str.__hash__


_State.__name__ = "str"  # so Python's own messages call it


@verdict
def lab_forge(knows: Callable[[str | None, list[str]], Any]) -> str:
    """`knows(sent, given)`: is the state of a callback one that the bot has given out?"""
    texts = [f"{secrets.token_urlsafe(32)}-z" for _ in range(3)]
    given: list[str] = [_State(text) for text in texts]
    _State.compared = False
    for name, text in zip(("Alice", "Bob", "Carol"), texts, strict=True):
        when = f"{name} came back with the state of the link that {name} was given"
        want(
            bool(ask(knows, when, text, list(given))),
            f"{when}, and you refused. A guard must let honest people in. If it does not, people "
            "switch it off.",
        )
    for what, sent, there in (
        ("no state", None, given),
        ("an empty state", "", given),
        ("a state of her own", "made-by-mallory", given),
        ("the state “é”", "é", given),
        ("the first half of Alice's state", texts[0][:20], given),
        ("one letter more than Alice's state", texts[0] + "x", given),
        ("Bob's state in small letters", texts[1].swapcase(), given),
        ("no state, when no link was given out", None, []),
        ("an empty state, when no link was given out", "", []),
    ):
        when = f"Mallory came back with {what}"
        want(
            not ask(knows, when, sent, list(there)),
            f"{when}, and you let her in. Alice's chat now acts as Mallory's account.",
        )
    want(
        not _State.compared,
        "the right people get in. But you compare with ==, or with `in`. That stops at the first "
        "wrong letter, so the time that it takes tells Mallory how many letters were right. Use "
        "hmac.compare_digest(one.encode(), other.encode()).",
    )
    return "Mallory came nine times, and was refused. Alice, Bob and Carol got in."


# ---- round 2 -----------------------------------------------------------------------------------


@verdict
def lab_replay(claim: Callable[[dict[str, datetime], str, datetime], Any]) -> str:
    """`claim(ends, key, now)`: may the link with this key be used now, for the first time?"""
    minutes, second = timedelta(minutes=10), timedelta(seconds=1)
    alice, bob = (f"{name}-{secrets.token_hex(4)}" for name in ("alice", "bob"))
    ends = {alice: _NOW + minutes, bob: _NOW + minutes, "alice-2": _NOW + second}
    for name, key, now in (("Alice", alice, _NOW), ("Bob", bob, _NOW + minutes - second)):
        when = f"{name} came back for the first time, within the ten minutes"
        want(
            bool(ask(claim, when, ends, key, now)),
            f"{when}, and you refused. Now {name} asks for a new link again and again.",
        )
        want("alice-2" in ends, f"when {name} came back, Alice's other link was lost, too.")
        when = f"{name} was connected; Mallory opened the same callback from the history"
        want(
            not ask(claim, when, ends, key, now),
            f"{when}, and you let her in a second time, with a code of her own.",
        )
    for what, key, now in (
        ("a link that ended at this very moment", "alice-2", _NOW + second),
        ("a link that ended an hour ago", "carol-1", _NOW),
        ("a link that never was", "mallory-1", _NOW),
    ):
        ends |= {"alice-2": _NOW + second, "carol-1": _NOW - timedelta(hours=1)}
        when = f"Mallory came with {what}"
        want(not ask(claim, when, ends, key, now), f"{when}, and you let her in.")
    _at_once(claim, alice)
    return (
        "Alice and Bob got in, once each. Mallory found their callbacks in the history, and could "
        "not use them, not even at the same moment as Alice."
    )


_MOST_LOOKS = 6  # after so many looks at the links, the second callback comes no later
_ANSWER = 1000  # rounds of waiting for the second callback, when the first has ended


def _at_once(claim: Callable[[dict[str, datetime], str, datetime], Any], key: str) -> None:
    """Let the second callback come when the first has looked at the links once, twice, ..."""
    ways = list[_Two]()
    while not ways or (ways[-1].met and len(ways) < _MOST_LOOKS):
        ways.append(_Two(claim, key, looks=len(ways) + 1))
    both = "if callbacks come one after the other, all is right. But two came at the same moment, "
    want(
        not any(way.let_in == [True, True] for way in ways),
        f"{both}and both got in. You look first and remove later, and Mallory came in between. Let "
        "one operation do both: ends.pop(key, None) removes the entry and says what it was.",
    )
    for error in (error for way in ways for error in way.errors):
        stopped = f"{both}and your code stopped with {type(error).__name__}"
        want(
            not isinstance(error, KeyError),
            f"{stopped}. The one took the entry away while the other was at work: Alice may get an "
            "error page. ends.pop(key, None) removes the entry and says what it was. If it is "
            "gone, you get None, and no error.",
        )
        raise NotYet(f"{stopped}: {error}. Make it work in two threads at the same moment.")
    want(
        all(True in way.let_in for way in ways),
        f"{both}and neither of them got in. The key was new in `ends`, but your function knows it "
        "from before. Does it remember keys in a name outside of itself? Only `ends` may tell what "
        "is used: a used key is no longer in it.",
    )


class _Two:
    """Two callbacks with one key, in two threads: the second comes while the first is at work.

    If the first holds a lock, the second waits for it.  So the first goes on when the second has
    ended, or cannot go on.
    """

    def __init__(
        self, claim: Callable[[dict[str, datetime], str, datetime], Any], key: str, looks: int
    ) -> None:
        self._claim, self._key = claim, key
        self._ends = Busy({key: _NOW + timedelta(minutes=10)})
        self._ends.meanwhile, self._ends.looks = self._second_comes, looks
        self._second: Call | None = None
        self.let_in = list[bool]()
        self.errors = list[BaseException]()
        try:
            self.let_in.append(self._come())
        except Exception as error:
            self.errors.append(error)
        if self._second is None:  # the first looked less often: the second comes after it
            self._second = Call(self._come)
        self._second_ends(self._second)

    @property
    def met(self) -> bool:
        """Whether the second came while the first was at work."""
        return self._ends.looks <= 0

    def _come(self) -> bool:
        return bool(self._claim(self._ends, self._key, _NOW))

    def _second_comes(self) -> None:
        self._second = Call(self._come)
        self._second.is_held()

    def _second_ends(self, second: Call) -> None:
        if not second.ends_within(_ANSWER):
            second.stop()
            raise NotYet(
                "two callbacks came at the same moment, and the second never got an answer. "
                "Release every lock that you take: `with lock:` does so, whatever happens."
            )
        if second.error:
            self.errors.append(second.error)
        else:
            self.let_in.append(second.result)


# ---- round 3 -----------------------------------------------------------------------------------


@verdict
def lab_swap(whose: Callable[[dict[str, str], URLSafeTimedSerializer], Any]) -> str:
    """`whose(query, signer)`: for which chat user is this callback?"""
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
        "Each callback belongs to the person for whom the link was made, whatever the address "
        "says. Mallory can connect her account to her own chat, and that is her right."
    )


def _sign(signer: URLSafeTimedSerializer, user: str) -> str:
    return str(signer.dumps({"user": user, "mark": secrets.token_urlsafe(16)}))


def _whose(whose: Callable[..., Any], when: str, query: dict[str, str], signer: Any) -> Any:
    """A user, or the ValueError that was raised."""
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
