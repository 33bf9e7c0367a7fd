"""Check the exercise of lesson 07: merging new tokens into what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from botkit.lessons.check.verdict import NotYet, verdict, want

_NOW = datetime.fromisoformat("2031-05-17T09:30:00+00:00")  # not today: a wrong clock is noticed
_STORED = {
    "accessToken": "old-access",
    "refreshToken": "old-refresh",
    "expiresAt": "2031-05-17T09:00:00+00:00",
    "account": {"id": "1001", "name": "alice-practice"},
    "scope": ["read:user"],
}
_PLAIN = {"access_token": "new-access", "token_type": "bearer"}
_ANSWERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("brings a new refresh token", {"expires_in": 28800, "refresh_token": "new-refresh"}),
    ("brings no refresh token", {"expires_in": 3920}),
    ("says refresh_token: null", {"expires_in": 3600, "refresh_token": None}),
    ("has no expires_in", {"refresh_token": "new-refresh"}),
)


@verdict
def merge_tokens(merge_tokens: Callable[[dict[str, Any], dict[str, Any], datetime], Any]) -> str:
    """Check `merge_tokens(stored, answer, now)` with answers of different providers."""
    for what, more in _ANSWERS:
        _try(merge_tokens, f"the answer {what}", _STORED, {**_PLAIN, **more})
    first = {"accessToken": "old-access", "account": _STORED["account"]}
    answer = {**_PLAIN, "expires_in": 3600}
    _try(merge_tokens, "neither side has a refresh token", first, answer)
    return (
        "A new refresh token is taken. If no new one comes, the old one is kept, and nothing else "
        "is lost. Alice will not notice that her token was too old."
    )


def _try(
    merge_tokens: Callable[[dict[str, Any], dict[str, Any], datetime], Any],
    when: str,
    stored: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> None:
    given = deepcopy(dict(stored))
    try:
        data = merge_tokens(given, deepcopy(dict(answer)), _NOW)
    except NotImplementedError:
        raise
    except Exception as error:
        name = type(error).__name__
        raise NotYet(f"when {when}, your code stops with {name}: {error}") from error
    want(isinstance(data, dict), f"when {when}, you return {data!r}; wanted: a dict.")
    want(
        given == stored,
        "you change `stored` itself. If saving then fails, the program goes on with data that "
        "nobody has saved. Begin with a copy: {**stored, ...}.",
    )
    _want_tokens(when, stored, answer, data)
    _want_expiry(when, answer, data)
    for key in stored:
        want(
            key == "expiresAt" or data.get(key) == stored[key] or key.endswith("Token"),
            f"when {when}, {key!r} of the stored data is lost. It is not in the answer, so it must "
            "stay as it was.",
        )
    foreign = sorted(set(data) - {*_STORED})
    want(
        not foreign,
        f"when {when}, you return the key {foreign[:1]} too. The row uses other names: take "
        "from the answer what you need, and rename it.",
    )


def _want_tokens(
    when: str, stored: Mapping[str, Any], answer: Mapping[str, Any], data: Mapping[str, Any]
) -> None:
    want(
        data.get("accessToken") == answer["access_token"],
        f"when {when}, 'accessToken' is {data.get('accessToken')!r}; wanted: "
        f"{answer['access_token']!r}. The old one is refused, so each message of Alice would lead "
        "to a refresh.",
    )
    wanted = answer.get("refresh_token") or stored.get("refreshToken")
    if answer.get("refresh_token"):
        why = "The old one has been used up. At the next refresh the person must connect again."
    else:
        why = "The stored one is still good, and Google sends it once only. Without it the person "
        why += "must connect again every hour."
    want(
        data.get("refreshToken") == wanted,
        f"when {when}, 'refreshToken' is {data.get('refreshToken')!r}; wanted: {wanted!r}. {why}",
    )


def _want_expiry(when: str, answer: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    found = data.get("expiresAt")
    if "expires_in" not in answer:
        want(
            found is None,
            f"when {when}, you keep an 'expiresAt'. It belongs to the old token. The bot would "
            "believe that the new one is over, too, and refresh it at each message.",
        )
        return
    want(
        found is not None,
        f"when {when}, there is no 'expiresAt'. The bot would not know when the token ends.",
    )
    want(
        isinstance(found, str),
        f"when {when}, 'expiresAt' is a {type(found).__name__}; wanted: text, because the column "
        "holds JSON. A datetime has the method isoformat().",
    )
    wanted = _NOW + timedelta(seconds=answer["expires_in"])
    want(
        _moment(str(found)) == wanted,
        f"when {when}, `now` is {_NOW.isoformat()} and expires_in is {answer['expires_in']}: "
        f"'expiresAt' is {found!r}; wanted: {wanted.isoformat()!r}. With a wrong end the bot "
        "refreshes at each message, or uses a token that is over.",
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
