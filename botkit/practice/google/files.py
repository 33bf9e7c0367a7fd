"""Keep the files in the practice Drive, and the log of what changed.

The log has one entry for each file, its newest: a later change takes the place of an earlier one.
An entry shows the file as it is now and does not say what was done to it.  A client that
wants to know whether a file is new, renamed or restored must remember how it was before.

Source: Google's page "Changes and revisions overview" (Drive API).
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botkit.practice.google.answers import Fields, Json, parse_fields
from botkit.practice.google.ledger import PEOPLE

SPREADSHEET = "application/vnd.google-apps.spreadsheet"
FIRST_CHANGE = 2_163_776  # where the log of each account begins

_USER = "kind,displayName,me,permissionId,emailAddress"
_FILE = (
    "kind,id,name,mimeType,createdTime,modifiedTime,trashed,explicitlyTrashed,version,ownedByMe,"
    f"webViewLink,owners({_USER}),lastModifyingUser({_USER})"
)
#: Every field that can be asked for, and below it the few that come when none are named.
ABOUT: Fields = parse_fields(f"kind,user({_USER})")
START: Fields = parse_fields("kind,startPageToken")
FILE: Fields = parse_fields(_FILE)
FILES: Fields = parse_fields(f"kind,incompleteSearch,nextPageToken,files({_FILE})")
CHANGES: Fields = parse_fields(
    "kind,nextPageToken,newStartPageToken,"
    f"changes(kind,type,changeType,time,removed,fileId,file({_FILE}))"
)
SHORT_FILE = "kind,id,name,mimeType"
SHORT_FILES = f"kind,incompleteSearch,nextPageToken,files({SHORT_FILE})"
SHORT_CHANGES = (
    "kind,nextPageToken,newStartPageToken,"
    f"changes(kind,type,changeType,time,removed,fileId,file({SHORT_FILE}))"
)


def user(account: str) -> Json:
    """Return a person, as they appear in an answer to themselves."""
    return {
        "kind": "drive#user",
        "displayName": PEOPLE[account],
        "me": True,
        "permissionId": f"0{list(PEOPLE).index(account) + 1:019d}",
        "emailAddress": account,
    }


@dataclass
class File:
    """A file of one account.  `trashed` files still exist, `removed` ones do not."""

    id: str
    name: str
    account: str
    mime_type: str
    created: datetime
    modified: datetime
    trashed: bool = False
    removed: bool = False
    version: int = 1

    def link(self, address: str) -> str:
        """Return the address at which a person looks at it."""
        if self.mime_type == SPREADSHEET:
            return f"{address}/spreadsheets/d/{self.id}/edit"
        return f"{address}/file/d/{self.id}/view"

    def shape(self, address: str) -> Json:
        return {
            "kind": "drive#file",
            "id": self.id,
            "name": self.name,
            "mimeType": self.mime_type,
            "createdTime": timestamp(self.created),
            "modifiedTime": timestamp(self.modified),
            "trashed": self.trashed,
            "explicitlyTrashed": self.trashed,
            "version": str(self.version),
            "ownedByMe": True,
            "webViewLink": self.link(address),
            "owners": [user(self.account)],
            "lastModifyingUser": user(self.account),
        }


@dataclass(frozen=True)
class Change:
    """The newest change of a file.  `number` is its place in the log."""

    number: int
    time: datetime
    file: File

    def shape(self, address: str) -> Json:
        shape: Json = {
            "kind": "drive#change",
            "type": "file",  # deprecated, and still sent
            "changeType": "file",
            "time": timestamp(self.time),
            "removed": self.file.removed,
            "fileId": self.file.id,
        }
        return shape if self.file.removed else shape | {"file": self.file.shape(address)}


class Drive:
    """The files of all accounts.  `changed(account)` is called after every change."""

    def __init__(self, now: Callable[[], datetime], changed: Callable[[str], None]) -> None:
        self.now = now
        self._changed = changed
        self._files: dict[str, File] = {}
        self._changes: dict[str, dict[str, Change]] = {account: {} for account in PEOPLE}
        self._next = dict.fromkeys(PEOPLE, FIRST_CHANGE)

    def add(self, account: str, name: str, mime_type: str = "") -> File:
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        now, number = self.now(), len(self._files)
        digest = hashlib.sha256(
            f"{number} {account} {name}".encode()
        ).digest()  # the same each time
        new_id = f"1{base64.urlsafe_b64encode(digest)[:32].decode()}"
        file = File(new_id, name, account, mime_type or guessed, created=now, modified=now)
        self._files[file.id] = file
        self._note(file)
        return file

    def update(self, file: File, *, content: bool = False, **changes: Any) -> None:
        """Set attributes of the file; `content` says that it was edited."""
        if file.removed:
            raise ValueError("This file has been removed for good.")
        for name, value in changes.items():
            setattr(file, name, value)
        if content:
            file.modified = self.now()
        file.version += 1
        self._note(file)

    def file(self, file_id: str, account: str) -> File | None:
        """Return the file, if it exists and `account` may see it."""
        file = self._files.get(file_id)
        return file if file and file.account == account and not file.removed else None

    def files_of(self, account: str) -> list[File]:
        """Return the files of an account, newest first."""
        files = reversed(self._files.values())
        return [file for file in files if file.account == account and not file.removed]

    def next_change(self, account: str) -> int:
        """Return the number that the next change of this account will have."""
        return self._next[account]

    def changes_from(self, account: str, number: int) -> list[Change]:
        """Return the changes from this number on, oldest first."""
        return [each for each in self._changes[account].values() if each.number >= number]

    def _note(self, file: File) -> None:
        log, number = self._changes[file.account], self._next[file.account]
        self._next[file.account] += 1
        log.pop(file.id, None)  # so that the new entry stands at the end
        log[file.id] = Change(number, self.now(), file)
        self._changed(file.account)


def timestamp(moment: datetime) -> str:
    """Return the moment as RFC 3339 writes it, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
