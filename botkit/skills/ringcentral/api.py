"""Ask RingCentral's account API, and turn its errors into sentences.

`request` returns the members of a good answer.  Every other answer becomes an error that says who
can do something about it: the person, an administrator, or the owner of the bot.

Sources: RingCentral developer guide, "API error codes" and "Rate limits".
"""

from __future__ import annotations

import re

import requests

from botkit.errors import ProviderError, ProviderNonsense, ProviderRefused, RateLimited
from botkit.oauth import ApiSession, read_fields
from botkit.skills.ringcentral.answers import Data, records, value_at


def request(api: ApiSession, path: str, body: Data | None = None) -> Data:
    """GET `path`, or PUT `body` there; return the members of the answer.

    Raises `ProviderError`.
    """
    answer = api.get(path) if body is None else api.put(path, json=body)
    fields = read_fields(answer)
    if 200 <= answer.status_code < 300 and (fields or body is not None):
        return fields
    raise _error_of(answer, fields)


def _error_of(answer: requests.Response, fields: Data) -> ProviderError:
    """Return an error that says what happened, and who can do something about it."""
    status, reason = answer.status_code, _reason(fields)
    if status == 403 and reason == "CMN-401":
        return ProviderRefused(
            f"This bot's app is not allowed to do that at RingCentral{_permission(fields)}.",
            advice="The owner of this bot must give the app that permission.",
        )
    if status == 403:
        return ProviderRefused(
            f"RingCentral does not allow you to do that{_permission(fields)}.",
            advice="Your company's administrator at RingCentral must allow it.",
        )
    if status == 404:
        return ProviderRefused("RingCentral has nothing like that for your extension.", advice="")
    if status == 400:
        code = f" ({reason})" if reason else ""
        return ProviderRefused(
            f"RingCentral did not accept that{code}.", advice="Nothing was changed."
        )
    if status == 429:
        return RateLimited(
            "RingCentral asks us to wait.",
            seconds=60,
            advice="Nothing is wrong with your connection. Try again in a minute.",
        )
    if answer.ok:
        return ProviderNonsense("RingCentral sent an answer that cannot be read.")
    return ProviderNonsense(f"RingCentral has a problem of its own (it answered {status}).")


def _reason(fields: Data) -> str:
    """Return RingCentral's code for an error, such as CMN-408; empty if there is none."""
    codes = [value_at(one, "errorCode") for one in (fields, *records(fields, "errors"))]
    return next((str(code) for code in codes if re.fullmatch(r"[A-Z]{3}-[0-9]{3}", str(code))), "")


def _permission(fields: Data) -> str:
    """Return the missing permission, if its name looks like one; nothing else is repeated."""
    reasons = (fields, *records(fields, "errors"))
    told = [str(value_at(one, "permissionName") or "") for one in reasons]
    told += re.findall(r"\[([^\]]*)\]", str(value_at(fields, "message")))
    names = (one for one in told if re.fullmatch(r"[A-Z][A-Za-z]{2,39}", one))
    name = next(names, "")
    return f": the permission {name} is missing" if name else ""
