"""Send the requests of the Drive skill, and read what Google answers.

There are five: where the log of changes ends, a page of that log, a page of the files, open a
channel, close a channel.  Every answer that Google's reference does not promise becomes a
`ProviderError`, and every function here may raise one.

Not here: what the changes mean (`changes.py`), and when to ask (`watch.py`).

Sources: the reference of the Drive API v3; Google's pages "Resolve errors" and "Notifications for
resource changes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from botkit.errors import ProviderError, ProviderNonsense, ProviderRefused, RateLimited
from botkit.oauth import ApiSession, read_fields

FILE = (
    "id,name,mimeType,trashed,createdTime,webViewLink,"
    "lastModifyingUser(displayName),owners(displayName)"
)
CHANGES = f"nextPageToken,newStartPageToken,changes(fileId,removed,file({FILE}))"
LONGEST_LIFE = timedelta(days=7)  # of a channel; what we ask for
DEFAULT_LIFE = timedelta(hours=1)  # when Google does not say
TOO_FAST = ("rateLimitExceeded", "userRateLimitExceeded")
NO_PERMISSION = ("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
MISSING_BOX = (
    "Google did not give me the permission to see your Drive. Say **bind** and leave the box for "
    "Google Drive ticked this time."
)


class PageTokenUnknown(ProviderError):
    """Raised when Google no longer knows a page token; ask for the end of the log again."""


# ---- the log of changes ------------------------------------------------------------------------


def fetch_log_end(api: ApiSession) -> str:
    """Return a page token for the end of the log: what happens from now on comes after it."""
    answer = _answer(api.get("/changes/startPageToken"))
    return _text(answer, "startPageToken") or _bad_answer("where its log of changes ends")


def fetch_changes(api: ApiSession, page_token: str) -> tuple[list[dict[str, Any]], str, bool]:
    """Return a page of changes, the next page token, and whether that is the end of the log.

    Raises `PageTokenUnknown` when Google does not know `page_token`.
    """
    query = {"pageToken": page_token, "pageSize": "1000", "fields": CHANGES}
    response = api.get("/changes", params=query)
    if response.status_code in (400, 404, 410) and "pageToken" in response.text:
        raise PageTokenUnknown("Google does not know any more which changes I have seen.")
    answer = _answer(response)
    more, end = _text(answer, "nextPageToken"), _text(answer, "newStartPageToken")
    following = more or end or _bad_answer("what comes after its page of changes")
    return _objects(answer.get("changes")), following, not more


def fetch_newest_files(api: ApiSession, most: int) -> list[dict[str, Any]]:
    """Return the files that changed last, the newest first, at most `most`."""
    query = {"pageSize": "1000", "orderBy": "modifiedTime desc"}
    query["fields"] = "nextPageToken,files(id,name,trashed)"
    found: list[dict[str, Any]] = []
    while len(found) < most:
        answer = _answer(api.get("/files", params=query))
        files, query["pageToken"] = _objects(answer.get("files")), _text(answer, "nextPageToken")
        found += files
        if not query["pageToken"] or not files:
            break
    return found[:most]


# ---- channels ----------------------------------------------------------------------------------


def open_channel(
    api: ApiSession, page_token: str, *, id: str, token: str, address: str, now: datetime
) -> tuple[str, datetime]:
    """Ask Google to notify `address` of every change; return the channel's resource id and end.

    Google decides when the channel ends, whatever was asked for.
    """
    channel = {"id": id, "type": "web_hook", "address": address, "token": token}
    channel["expiration"] = str(int((now + LONGEST_LIFE).timestamp() * 1000))
    answer = _answer(api.post("/changes/watch", params={"pageToken": page_token}, json=channel))
    resource = _text(answer, "resourceId")
    if answer.get("id") != id or not resource:
        _bad_answer("whether it opened the channel")
    return resource, _end(answer.get("expiration")) or now + DEFAULT_LIFE


def close_channel(api: ApiSession, id: str, resource: str) -> None:
    """Close a channel.  Raises `ProviderError` if there is no such channel any more."""
    _answer(api.post("/channels/stop", json={"id": id, "resourceId": resource}))


def _end(milliseconds: Any) -> datetime | None:
    """Read a moment as Google writes it: milliseconds since 1970, as text."""
    if not re.fullmatch(r"[0-9]{1,15}", str(milliseconds)):
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds))
    except OverflowError:  # after the year 9999
        return None


# ---- what an answer means ----------------------------------------------------------------------


def _answer(response: requests.Response) -> dict[str, Any]:
    """Return the members of a good answer.  Raises `ProviderError` for any other."""
    status = response.status_code
    if status == 204:
        return {}
    answer = read_fields(response)
    if status == 200:
        return answer or _bad_answer("what we asked")
    reasons = _reasons(answer.get("error"))
    if status == 429 or any(reason in TOO_FAST for reason in reasons):
        raise RateLimited("Google asks us to be slower.", seconds=60, advice="I try again later.")
    if any(reason in NO_PERMISSION for reason in reasons):
        raise ProviderRefused(MISSING_BOX, code="insufficientPermissions", advice="")
    if any(reason.startswith("push.webhookUrl") for reason in reasons):
        raise ProviderRefused(
            "Google does not accept the address of this bot for its notifications. The owner of "
            "the bot must give it a public address that begins with https.",
            code="push.webhookUrl",
        )
    if status >= 500:
        raise ProviderNonsense(f"Google Drive has a problem of its own (it answered {status}).")
    named = f", {reasons[0]}" if reasons else ""
    raise ProviderRefused(f"Google Drive refused this (it answered {status}{named}).")


def _reasons(error: Any) -> list[str]:
    """Return Google's names for an error, if they look like names."""
    if not isinstance(error, Mapping):
        return []
    entries = [*_objects(error.get("errors")), *_objects(error.get("details"))]
    found = [str(entry.get("reason", "")) for entry in entries]
    return [reason for reason in found if re.fullmatch(r"[A-Za-z_.]{1,60}", reason)]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) and len(value) <= 1000 else ""


def _bad_answer(what: str) -> Any:
    raise ProviderNonsense(f"Google Drive answered, but did not say {what}.")
