"""Word what has changed in a Drive.

Start with `read_change`.  Google's log has one entry for each file, the newest, and shows the file
as it is now.  What was done to it is known only by comparing it with how it was before: its name,
and whether it was in the trash.  That is kept in the connection's `data`, for the newest
`REMEMBERED` files of a Drive:

    "files": {"1aBc...": ["plan.txt", false], ...}

A file that is not remembered was *added* if it is younger than the watch, and *trashed* if it is in
the trash.  Nothing is said about any other file this time: it may have been edited, renamed or
shared, and nobody can know.  What is remembered is not said twice.

Not here: reading the log (`api.py`), and when it is read (`watch.py`).

Source: Google's page "Changes and revisions overview" (Drive API).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from botkit.chat import LONGEST_POST, plain
from botkit.storage import Service

REMEMBERED = 2_000  # files; some 150 kilobytes
LONGEST_NAME = 120  # characters of a name that are remembered and shown
LONGEST_LINK = 1_000
SKEW = timedelta(minutes=10)  # Google's clock and ours; files of that age were there to be seen
FOLDER = "application/vnd.google-apps.folder"

Before = tuple[str, bool]  # a file's name, and whether it is in the trash
Files = dict[str, Before]


@dataclass(frozen=True)
class FileNews:
    """The sentences about one file, and how to remember it after that; None: not at all."""

    file_id: str
    sentences: tuple[str, ...]
    now: Before | None


def read_change(
    change: Mapping[str, Any], files: Files, since: datetime, account: str
) -> FileNews | None:
    """Return what one entry of the log means; None if it is not about a file.

    `files` are the files as remembered, and `since` is when the watch began.  `account` is named
    where Google names no person.
    """
    file_id, file = change.get("fileId"), change.get("file")
    if not isinstance(file_id, str) or not 0 < len(file_id) <= 200:
        return None
    if change.get("removed") is True or not isinstance(file, Mapping):
        return FileNews(file_id, (), None)  # deleted for good, or no longer shared with the account
    name, trashed = _name(file), file.get("trashed") is True
    who = _person(file) or clean_name(account)
    what = "folder" if file.get("mimeType") == FOLDER else "file"
    linked, before = _linked(name, file.get("webViewLink")), files.get(file_id)
    told = []
    if before is None:
        if _is_younger(file.get("createdTime"), since):
            told.append(f"{who} added {what} {linked}")
        was_trashed = False
    else:
        if before[0] != name:
            told.append(f"{who} renamed {what} {before[0]} to {linked}")
        was_trashed = before[1]
    if trashed != was_trashed:
        told.append(f"{who} {'trashed' if trashed else 'restored'} {what} {linked}")
    return FileNews(file_id, tuple(told), (name, trashed))


def update_files(files: Files, news: Iterable[FileNews]) -> None:
    """Note in `files` how they are now; the newest come last."""
    for one in news:
        files.pop(one.file_id, None)
        if one.now is not None:
            files[one.file_id] = one.now


def read_files(service: Service) -> Files:
    """Return the files that are remembered with a connection, as far as they can be read."""
    files = (service.data or {}).get("files")
    return {
        file_id: (str(before[0]), before[1] is True)
        for file_id, before in (files.items() if isinstance(files, dict) else ())
        if isinstance(before, list | tuple) and len(before) == 2
    }


def files_of(listed: Sequence[Mapping[str, Any]]) -> Files:
    """Return how to remember files that Google lists, the newest first."""
    return {
        one["id"]: (_name(one), one.get("trashed") is True)
        for one in reversed(listed)
        if isinstance(one.get("id"), str)
    }


def keep_newest(files: Files) -> Files:
    """Return the newest `REMEMBERED` files."""
    return dict(list(files.items())[-REMEMBERED:])


def write_posts(news: Iterable[FileNews]) -> Iterator[tuple[str, list[FileNews]]]:
    """Yield messages of a length that the chat takes, each with the news in it.

    Several sentences become one list, because the chat limits how often a bot may speak.
    """
    lines: list[str] = []
    told: list[FileNews] = []
    for one in news:
        if lines and sum(map(len, (*lines, *one.sentences))) + 8 * len(lines) > LONGEST_POST - 500:
            yield _post(lines), told
            lines, told = [], []
        lines += one.sentences
        told.append(one)
    if lines:
        yield _post(lines), told


def _post(lines: list[str]) -> str:
    return lines[0] if len(lines) == 1 else "\n".join(f"* {line}" for line in lines)


# ---- what other people wrote -------------------------------------------------------------------


def clean_name(name: Any) -> str:
    """Return a name in one line, cut, without characters that hide or reverse others.

    For its brackets see `botkit.chat.plain`.
    """
    if not isinstance(name, str):
        return ""
    hidden = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
    text = " ".join(re.sub(hidden, " ", name[: 10 * LONGEST_NAME]).split())
    text = str(plain(text))
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _name(file: Mapping[str, Any]) -> str:
    return clean_name(file.get("name")) or "without a name"


def _linked(name: str, link: Any) -> str:
    """Return the name as a link, if there is one that can be shown."""
    if not isinstance(link, str) or len(link) > LONGEST_LINK:
        return name
    try:
        there = urlsplit(link)
    except ValueError:
        return name
    if there.scheme not in ("http", "https") or not there.netloc:
        return name
    return f"[{name}]({quote(link, safe=_IN_LINKS, errors='replace')})"


_IN_LINKS = (
    ":/?#@!$&'*+,;=%~"  # characters that a link may contain unchanged; brackets are not among them
)


def _person(file: Mapping[str, Any]) -> str:
    owners = file.get("owners")
    people = [file.get("lastModifyingUser"), *(owners if isinstance(owners, list) else [])]
    names = [clean_name(one.get("displayName")) for one in people if isinstance(one, Mapping)]
    return next(filter(None, names), "")


def _is_younger(created: Any, since: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(str(created))
    except ValueError:
        return False
    return moment.tzinfo is not None and moment >= since - SKEW
