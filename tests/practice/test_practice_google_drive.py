"""The practice Google's Drive API: files, the log of changes, scopes, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from google_world import DRIVE, METADATA, READ_SHEETS, SHEETS, World, reason_of

EVERYTHING = "nextPageToken,newStartPageToken,changes(fileId,removed,file(name,trashed))"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def start(world: World, token: str) -> str:
    return str(world.drive(token, "changes/startPageToken")["startPageToken"])


def changes(world: World, token: str, place: str, **params: str) -> list[dict[str, Any]]:
    params = {"fields": EVERYTHING} | params
    return list(world.drive(token, "changes", pageToken=place, **params)["changes"])


def test_the_list_of_files_has_few_fields_unless_more_are_asked_for(world: World) -> None:
    file = world.google.add_file("alice", "Report.pdf")
    world.google.add_file("bob", "Not yours.txt")
    token = world.token()
    short = {"kind": "drive#file", "id": file.id, "name": "Report.pdf"}
    short["mimeType"] = "application/pdf"
    assert world.drive(token, "files") == {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [short],
    }
    assert world.drive(token, f"files/{file.id}") == short
    wanted = "files(name,createdTime,trashed,owners/emailAddress,webViewLink)"
    (long,) = world.drive(token, "files", fields=wanted)["files"]
    assert long == {
        "name": "Report.pdf",
        "createdTime": "2026-11-24T12:00:00.000Z",
        "trashed": False,
        "owners": [{"emailAddress": "alice@practice.example"}],
        "webViewLink": world.google.link(file),
    }
    everything = world.drive(token, f"files/{file.id}", fields="*")
    assert everything["version"] == "1"
    assert everything["lastModifyingUser"]["displayName"] == "Alice Rivera"


@pytest.mark.parametrize("fields", ["files(nmae)", "name", "files(id", "files)id(", "files/id/x"])
def test_a_field_that_does_not_exist_is_refused(world: World, fields: str) -> None:
    answer = world.call(world.token(), "GET", "/drive/v3/files", fields=fields)
    status, reason, message = reason_of(answer)
    assert (status, reason) == (400, "invalidParameter")
    assert message.startswith("Invalid field selection ")


def test_a_mask_without_next_page_token_hides_that_there_is_more(world: World) -> None:
    for number in range(3):
        world.google.add_file("alice", f"{number}.txt")
    token = world.token()
    page = world.drive(token, "files", pageSize="2", fields="files(name)")
    assert page == {"files": [{"name": "2.txt"}, {"name": "1.txt"}]}


def test_files_come_in_pages_and_can_be_asked_for_by_trash(world: World) -> None:
    files = [world.google.add_file("alice", f"{number}.txt") for number in range(5)]
    world.google.trash(files[3])
    token, names = world.token(), []
    place: dict[str, str] = {}
    while True:
        page = world.drive(token, "files", pageSize="2", q="trashed = false", **place)
        names += [file["name"] for file in page["files"]]
        if "nextPageToken" not in page:
            break
        place = {"pageToken": page["nextPageToken"]}
    assert names == ["4.txt", "2.txt", "1.txt", "0.txt"]
    (trashed,) = world.drive(token, "files", q="trashed=true")["files"]
    assert trashed["id"] == files[3].id


def test_whose_account_it_is_can_be_asked_for_with_named_fields_only(world: World) -> None:
    token = world.token(who="bob")
    answer = world.call(token, "GET", "/drive/v3/about")
    sentence = "The 'fields' parameter is required for this method."
    assert reason_of(answer) == (400, "required", sentence)
    about = world.drive(token, "about", fields="user(displayName,emailAddress)")
    assert about["user"] == {
        "displayName": 'Bob "Bobby" O\'Hara 🐙',
        "emailAddress": "bob@practice.example",
    }


def test_the_log_says_what_changed_since_a_start_page_token(world: World) -> None:
    google, token = world.google, world.token()
    before = google.add_file("alice", "Before.txt")
    place = start(world, token)
    assert place.isdecimal() and start(world, token) == place  # asking changes nothing
    google.add_file("bob", "Not yours.txt")
    google.rename(before, "After.txt")
    new = google.add_file("alice", "New.txt")
    google.trash(new)
    page = world.drive(token, "changes", pageToken=place)
    assert page["kind"] == "drive#changeList" and "nextPageToken" not in page
    first, second = page["changes"]
    assert first == {
        "kind": "drive#change",
        "type": "file",
        "changeType": "file",
        "time": "2026-11-24T12:00:00.000Z",
        "removed": False,
        "fileId": before.id,
        "file": {
            "kind": "drive#file",
            "id": before.id,
            "name": "After.txt",
            "mimeType": "text/plain",
        },
    }
    assert second["fileId"] == new.id and "trashed" not in second["file"]  # not asked for
    assert changes(world, token, place)[1]["file"]["trashed"] is True
    assert changes(world, token, page["newStartPageToken"]) == []


def test_a_later_change_of_a_file_takes_the_place_of_an_earlier_one(world: World) -> None:
    google, token = world.google, world.token()
    place = start(world, token)
    one, two = google.add_file("alice", "1"), google.add_file("alice", "2")
    google.trash(one)
    google.restore(one)
    google.rename(one, "one")
    assert [change["fileId"] for change in changes(world, token, place)] == [two.id, one.id]
    assert changes(world, token, place)[1]["file"] == {"name": "one", "trashed": False}


def test_changes_come_in_pages_and_the_new_start_comes_with_the_last(world: World) -> None:
    google, token = world.google, world.token()
    place, found = start(world, token), []
    files = [google.add_file("alice", str(number)) for number in range(5)]
    pages = 0
    while place:
        page = world.drive(token, "changes", pageToken=place, pageSize="2")
        found += [change["fileId"] for change in page["changes"]]
        assert ("nextPageToken" in page) != ("newStartPageToken" in page)
        place, end = page.get("nextPageToken", ""), page.get("newStartPageToken")
        pages += 1
        if pages == 1:
            files.append(google.add_file("alice", "in between"))
    assert found == [file.id for file in files] and pages == 3
    assert end == start(world, token)


def test_a_removed_file_leaves_an_entry_without_the_file(world: World) -> None:
    google, token = world.google, world.token()
    place, file = start(world, token), google.add_file("alice", "Gone.txt")
    google.remove(file)
    assert changes(world, token, place) == [{"fileId": file.id, "removed": True}]
    assert changes(world, token, place, includeRemoved="false") == []
    gone = world.call(token, "GET", f"/drive/v3/files/{file.id}")
    assert reason_of(gone) == (404, "notFound", f"File not found: {file.id}.")
    with pytest.raises(ValueError, match="removed for good"):
        google.restore(file)


def test_a_file_of_another_account_is_not_found(world: World) -> None:
    file = world.google.add_file("bob", "Secret.txt")
    answer = world.call(world.token(), "GET", f"/drive/v3/files/{file.id}", fields="*")
    assert reason_of(answer) == (404, "notFound", f"File not found: {file.id}.")


@pytest.mark.parametrize(
    ("params", "reason", "message"),
    [
        ({}, "required", "Required parameter: pageToken"),
        ({"pageToken": "soon"}, "invalid", "Invalid Value"),
        ({"pageToken": "99999999"}, "invalid", "Invalid Value"),
        ({"pageToken": "1"}, "invalid", "Invalid Value"),
        ({"pageSize": "0"}, "invalidParameter", "Invalid value '0'. Values must be within"),
        ({"pageSize": "few"}, "invalid", "Invalid value at 'pageSize' (TYPE_INT32)"),
        ({"includeRemoved": "maybe"}, "invalid", "Invalid value at 'includeRemoved'"),
        ({"pagesize": "5"}, "badRequest", 'Invalid JSON payload received. Unknown name "pagesize"'),
    ],
)
def test_a_wrong_parameter_is_refused(
    world: World, params: dict[str, str], reason: str, message: str
) -> None:
    token = world.token()
    if params and "pageToken" not in params:
        params = params | {"pageToken": start(world, token)}
    status, given, sentence = reason_of(world.call(token, "GET", "/drive/v3/changes", **params))
    assert (status, given) == (400, reason)
    assert sentence.startswith(message)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "required"),
        ({"Authorization": "Bearer made-up"}, "authError"),
        ({"Authorization": "Basic {token}"}, "authError"),
        ({"Authorization": "Bearer"}, "authError"),
    ],
)
def test_without_a_live_bearer_token_the_answer_is_401(
    world: World, headers: dict[str, str], reason: str
) -> None:
    token = world.token()
    headers = {name: value.format(token=token) for name, value in headers.items()}
    url = f"{world.server.url}/drive/v3/files"
    answer = requests.get(url, headers=headers, params={"access_token": token})
    assert reason_of(answer)[:2] == (401, reason)
    error = answer.json()["error"]
    assert error["status"] == "UNAUTHENTICATED"
    assert error["errors"][0]["location"] == "Authorization"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    world.time += timedelta(hours=1)
    dead = world.call(token, "GET", "/drive/v3/files")
    assert reason_of(dead)[:2] == (401, "authError")


@pytest.mark.parametrize(
    ("scope", "opens"), [(DRIVE, True), (METADATA, True), (SHEETS, False), (READ_SHEETS, False)]
)
def test_only_a_drive_scope_opens_drive(world: World, scope: str, opens: bool) -> None:
    answer = world.call(world.token(scope=scope), "GET", "/drive/v3/files")
    assert answer.ok is opens
    if not opens:
        sentence = "Request had insufficient authentication scopes."
        assert reason_of(answer) == (403, "insufficientPermissions", sentence)
        (detail,) = answer.json()["error"]["details"]
        assert detail["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
