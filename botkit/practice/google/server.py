"""Serve the practice Google on loopback: OAuth, Drive and Sheets, quirks included.

This module puts it together, and has the knobs with which a lesson causes trouble on purpose, and
what people do with their files.  What is remembered is in `ledger.py` (consents and tokens),
`files.py` and `ranges.py`, and Google's way of OAuth in `oauth.py`.  A person sees `pages.py`, and
a program `drive.py`, `sheets.py` and `userinfo.py`.

    google = Google(now=lambda: datetime.now(UTC))
    server = Server(google.wsgi)
    google.address = server.url
    client_id, client_secret = google.register_client(
        "My bot", ["http://127.0.0.1:8000/google/oauth"]
    )

Paths are those of Google, which has a host for each: `/o/oauth2/v2/auth`, `/token`, `/revoke`,
`/oauth2/v2/userinfo`, `/drive/v3/...` and `/v4/spreadsheets/...`.  Nobody has a password.  The
person at the consent page is Alice, unless the browser's cookie `google_account`, the parameter
`login_hint` or a choice on the page says otherwise.  Wherever an account is named, `alice` will do.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from botkit.practice.google.cells import Rows, Value
from botkit.practice.google.drive import OPENED, DriveApi
from botkit.practice.google.files import Drive, File
from botkit.practice.google.ledger import (
    PEOPLE,
    GoogleClient,
    GoogleLedger,
    account,
    checked_uris,
)
from botkit.practice.google.oauth import GoogleOAuthServer
from botkit.practice.google.pages import GooglePages, http_problem_page
from botkit.practice.google.push import Push
from botkit.practice.google.sheets import SheetsApi
from botkit.practice.google.userinfo import UserinfoApi
from botkit.practice.service import PracticeService, make_web

_SYNC_SECONDS = 5.0


class Google(PracticeService):
    """A Google with three accounts, in memory, with knobs.

    `now` is the clock that decides every life time.  How it is served: see `PracticeService`.

    Knobs: `iss` is "right", "missing" or "wrong" (RFC 9207); `grant_only` lists the scopes that
    people agree to beside those for signing in, whatever they tick (None: what they tick);
    `testing_mode` ends refresh tokens after seven days; `trouble` spoils answers; `revoke()` and
    `expire_everything()`.  Those of the push channels are in `push`: see `Push`.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.iss = "right"
        self.push = Push(now)
        self._ledger = GoogleLedger(now)
        self._drive = Drive(now, self.push.publish)
        self._sheets = SheetsApi(self._ledger, self._drive, self._for_people)
        self._oauth = GoogleOAuthServer(self._ledger, self._issuer)
        self._web = self._make_web()

    def _one_at_a_time(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        answer = super()._one_at_a_time(environ, start_response)
        if self.push.sync_first and OPENED in environ:
            environ[OPENED].synced.wait(_SYNC_SECONDS)
        return answer

    def _make_web(self) -> Flask:
        web = make_web(__name__)
        pages = GooglePages(self._ledger, self._oauth, self._drive, self._sheets.spreadsheets)
        api = DriveApi(self._ledger, self._drive, self.push, self._for_people)
        for part in (pages, api, self._sheets, UserinfoApi(self._ledger)):
            web.register_blueprint(part.blueprint)
        web.register_error_handler(HTTPException, http_problem_page)
        self._told.apis = ("/drive/v3", "/v4")
        self._told.serve(web)
        return web

    def owner_of(self, token: str) -> str | None:
        found = self._ledger.live_access(token)
        return str(found.owner) if found else None

    def _for_people(self) -> str:
        """Return what the links to files begin with, because people open them."""
        return self.browser_address or self.address

    def _issuer(self) -> str | None:
        issuers = {"right": self.address, "missing": None}
        return issuers.get(self.iss, "https://not-google.example")

    # What the owner of a client does in Google's console

    def register_client(
        self, name: str, redirect_uris: Sequence[str], *, project: str = "practice-project"
    ) -> tuple[str, str]:
        """Register a web client; its client id and secret.

        The client id follows from `name` and the number of clients, so that it is the same each
        time.  People consent to a `project`, with all its clients.

        Raises `ValueError` for a redirect URI that Google does not take.
        """
        uris = checked_uris(redirect_uris)
        with self._lock:
            digest = hashlib.sha256(f"{len(self.clients)} {name}".encode()).hexdigest()
            client_id = f"1061{int(digest[:8], 16):010d}-{digest[:32]}.apps.googleusercontent.com"
            secret = f"GOCSPX-{secrets.token_urlsafe(21)}"
            self.clients[client_id] = GoogleClient(client_id, secret, name, uris, project)
        return client_id, secret

    def change_redirect_uris(self, client_id: str, redirect_uris: Sequence[str]) -> None:
        """Register other redirect URIs.  `KeyError`: there is no such client."""
        uris = checked_uris(redirect_uris)
        with self._lock:
            self.clients[client_id].redirect_uris = uris

    @property
    def clients(self) -> dict[str, GoogleClient]:
        return self._ledger.apps

    # What people do with their files; each of these reaches the push channels

    def add_file(self, account: str, name: str) -> File:
        """Put a new file into the Drive of `account`."""
        with self._lock:
            return self._drive.add(_account(account), name)

    def trash(self, file: File) -> None:
        with self._lock:
            self._drive.update(file, trashed=True)

    def restore(self, file: File) -> None:
        with self._lock:
            self._drive.update(file, trashed=False)

    def rename(self, file: File, name: str) -> None:
        with self._lock:
            self._drive.update(file, name=name)

    def remove(self, file: File) -> None:
        """Delete it.  After that, changing it raises `ValueError`."""
        with self._lock:
            self._drive.update(file, removed=True)

    def add_spreadsheet(self, account: str, title: str, sheets: Sequence[str] = ("Sheet1",)) -> str:
        """Make a spreadsheet with these empty sheets, which is a file in Drive as well; its id."""
        with self._lock:
            return self._sheets.add(_account(account), title, list(sheets)).file.id

    def spreadsheet_file(self, spreadsheet_id: str) -> File:
        """Return the spreadsheet as a file, to rename or trash it.  `KeyError`: there is none."""
        return self._sheets.spreadsheets[spreadsheet_id].file

    def read_cells(self, spreadsheet_id: str, range: str = "A1:Z1000") -> list[list[Value]]:
        """Return what a person sees in these cells, empty ends left out.

        `BadRange` for no range.
        """
        with self._lock:
            return self._sheets.spreadsheets[spreadsheet_id].range(range).values()

    def type_cells(self, spreadsheet_id: str, range: str, rows: Rows) -> None:
        """Type values into the sheet as a person does; the range's first cell is the first."""
        with self._lock:
            book = self._sheets.spreadsheets[spreadsheet_id]
            self._sheets.edit(book, book.range(range), rows, "USER_ENTERED")

    def link(self, file: File) -> str:
        """Return the address at which a browser shows the file.

        For a spreadsheet what `sheet use` takes.
        """
        return file.link(self._for_people())

    # Knobs

    @property
    def grant_only(self) -> list[str] | None:
        return self._ledger.grant_only

    @grant_only.setter
    def grant_only(self, scopes: list[str] | None) -> None:
        self._ledger.grant_only = scopes

    @property
    def testing_mode(self) -> bool:
        return self._ledger.testing_mode

    @testing_mode.setter
    def testing_mode(self, testing: bool) -> None:
        self._ledger.testing_mode = testing

    def revoke(self, account: str) -> None:
        """Remove the access of every project, as the person can.

        `KeyError`: nobody has this account.
        """
        known = _account(account)
        with self._lock:
            for project in {client.project for client in self.clients.values()}:
                self._ledger.revoke(project, known)

    def expire_everything(self) -> None:
        """Let every access token and unused code expire now.  Refresh tokens still work."""
        with self._lock:
            self._ledger.expire()

    def settle(self, timeout: float = 5.0) -> None:
        """Wait until every notification is delivered; `TimeoutError` after `timeout` seconds."""
        self.push.settle(timeout)

    def __repr__(self) -> str:
        grants = len(self._ledger.grants)
        return f"<practice Google: {len(self.clients)} clients, {grants} grants>"


def _account(name: str) -> str:
    known = account(name)
    if known is None:
        raise KeyError(f"Nobody has the account {name!r}. There are: {', '.join(PEOPLE)}.")
    return known
