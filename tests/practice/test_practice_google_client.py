"""Google's own client library, pointed at the practice Google: what it understands is Google's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from google_discovery import documents
from google_world import BOTH, DRIVE, Receiver, World
from missing import left_out


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


class Library:
    """Services of the library for Alice.  She is known by her refresh token alone."""

    def __init__(self, world: World, scope: str = BOTH) -> None:
        found = documents()
        if found is None:
            left_out("google-api-python-client")
        self._documents: Any = found
        self._root = f"{world.server.url}/"
        credentials = import_module("google.oauth2.credentials").Credentials(
            token=None,
            refresh_token=world.connect(scope=scope)["refresh_token"],
            token_uri=f"{world.server.url}/token",
            client_id=world.client_id,
            client_secret=world.secret,
        )
        plain = import_module("httplib2").Http(proxy_info=None)
        self._http = import_module("google_auth_httplib2").AuthorizedHttp(credentials, http=plain)
        self.HttpError = import_module("googleapiclient.errors").HttpError
        self.RefreshError = import_module("google.auth.exceptions").RefreshError

    def service(self, api: str) -> Any:
        build = import_module("googleapiclient.discovery").build_from_document
        return build(self._documents[api] | {"rootUrl": self._root}, http=self._http)


def test_it_refreshes_and_reads_files_and_changes_page_by_page(world: World) -> None:
    drive = Library(world).service("drive")
    place = drive.changes().getStartPageToken().execute()["startPageToken"]
    files = [world.google.add_file("alice", f"{number}.txt") for number in range(5)]
    names, request = [], drive.files().list(pageSize=2, fields="nextPageToken,files(name)")
    while request is not None:
        answer = request.execute()
        names += [file["name"] for file in answer["files"]]
        request = drive.files().list_next(request, answer)
    assert sorted(names) == [file.name for file in files]
    seen, request = [], drive.changes().list(pageToken=place, pageSize=2)
    while request is not None:
        answer = request.execute()
        seen += [change["file"]["name"] for change in answer["changes"]]
        request = drive.changes().list_next(request, answer)
    assert seen == [file.name for file in files]
    assert "newStartPageToken" in answer
    fields = {"fields": "name,trashed"}
    assert drive.files().get(fileId=files[0].id, **fields).execute()["trashed"] is False


def test_it_opens_and_stops_a_channel(world: World) -> None:
    drive, receiver = Library(world).service("drive"), Receiver()
    place = drive.changes().getStartPageToken().execute()["startPageToken"]
    body = {"id": "c", "type": "web_hook", "address": receiver.address, "token": "t"}
    opened = drive.changes().watch(pageToken=place, body=body).execute()
    world.google.add_file("alice", "Report.pdf")
    world.google.settle()
    stop = {"id": opened["id"], "resourceId": opened["resourceId"]}
    drive.channels().stop(body=stop).execute()
    world.google.add_file("alice", "Another.pdf")
    world.google.settle()
    receiver.server.stop()
    assert receiver.states == ["sync", "change"]


def test_it_writes_and_reads_a_sheet(world: World) -> None:
    book = world.google.add_spreadsheet("alice", "Budget", ["It's done"])
    sheets = Library(world).service("sheets").spreadsheets()
    values, where = sheets.values(), {"spreadsheetId": book, "range": "'It''s done'!A1:B2"}
    body = {"values": [["a", "=1+2"]]}
    values.update(**where, body=body, valueInputOption="RAW").execute()
    values.append(**where, body=body, valueInputOption="USER_ENTERED").execute()
    assert values.get(**where).execute()["values"] == [["a", "=1+2"], ["a", "3"]]
    values.clear(**where, body={}).execute()
    assert "values" not in values.get(**where).execute()
    title = sheets.get(spreadsheetId=book).execute()["sheets"][0]["properties"]["title"]
    assert title == "It's done"


def test_it_learns_who_has_signed_in(world: World) -> None:
    userinfo = Library(world, scope=f"{DRIVE} email").service("oauth2").userinfo()
    answer = userinfo.get().execute()
    assert (answer["email"], answer["verified_email"]) == ("alice@practice.example", True)


def test_it_reads_the_errors(world: World) -> None:
    library = Library(world, scope=DRIVE)
    drive, sheets = library.service("drive"), library.service("sheets")
    with pytest.raises(library.HttpError) as missing:
        drive.files().get(fileId="none").execute()
    assert (missing.value.status_code, missing.value.reason) == (404, "File not found: none.")
    assert missing.value.error_details[0]["reason"] == "notFound"
    with pytest.raises(library.HttpError) as narrow:
        book = world.google.add_spreadsheet("alice", "Budget")
        body: dict[str, Any] = {"values": []}
        where = {"spreadsheetId": book, "range": "A1", "valueInputOption": "RAW"}
        sheets.spreadsheets().values().update(**where, body=body).execute()
    assert narrow.value.status_code == 403
    assert narrow.value.error_details[0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_it_notices_a_revoked_grant(world: World) -> None:
    library = Library(world)
    drive = library.service("drive")
    drive.files().list().execute()
    world.google.revoke("alice")
    with pytest.raises(library.RefreshError, match="Token has been expired or revoked"):
        drive.files().list().execute()
