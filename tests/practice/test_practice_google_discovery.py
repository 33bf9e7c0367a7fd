"""The practice Google, held against Google's own discovery documents, request by request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google_discovery import Discovery, documents
from google_world import BOTH, Call, Receiver, World
from missing import left_out

from botkit.practice.google import drive as google_drive
from botkit.practice.google import files as google_files
from botkit.practice.google import sheets as google_sheets
from botkit.practice.google import userinfo as google_userinfo
from botkit.practice.google.methods import METHODS, SYSTEM_PARAMETERS, Method
from botkit.practice.google.scopes import AUTH, SCOPES

KNOWN_FIELDS = {
    "drive.about.get": google_files.ABOUT,
    "drive.files.list": google_files.FILES,
    "drive.files.get": google_files.FILE,
    "drive.changes.getStartPageToken": google_files.START,
    "drive.changes.list": google_files.CHANGES,
    "oauth2.userinfo.get": google_userinfo.USERINFO,
    "sheets.spreadsheets.get": google_sheets.BOOK,
    "sheets.spreadsheets.values.get": google_sheets.VALUES,
    "sheets.spreadsheets.values.update": google_sheets.UPDATE,
    "sheets.spreadsheets.values.append": google_sheets.APPEND,
    "sheets.spreadsheets.values.clear": google_sheets.CLEARED,
}


@pytest.fixture(scope="module")
def discoveries() -> dict[str, Discovery]:
    found = documents()
    if found is None:
        left_out("google-api-python-client")
    assert found is not None
    return {api: Discovery(document) for api, document in found.items()}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_is_as_google_describes_it(
    discoveries: dict[str, Discovery], method: Method
) -> None:
    discovery = discoveries[method.service]
    described = discovery.method(method.id)
    template = re.sub(r"<(?:path:)?(\w+)>", r"{\1}", method.path)
    assert (method.http, template) == (described["httpMethod"], discovery.path(described))
    parameters = described.get("parameters", {})
    in_path = {name for name, about in parameters.items() if about["location"] == "path"}
    assert set(re.findall(r"{(\w+)}", template)) == in_path
    assert method.parameters == parameters.keys() - in_path
    required = {name for name, about in parameters.items() if about.get("required")}
    assert method.required == required - in_path
    assert method.scopes == set(described["scopes"]) & SCOPES.keys()
    assert discovery.parameters == SYSTEM_PARAMETERS[method.service]


def test_every_scope_of_the_practice_google_exists(discoveries: dict[str, Discovery]) -> None:
    described = {
        scope
        for discovery in discoveries.values()
        for scope in discovery.document["auth"]["oauth2"]["scopes"]
    }
    assert SCOPES.keys() <= described


@pytest.mark.parametrize("method_id", KNOWN_FIELDS)
def test_every_field_that_can_be_asked_for_exists(
    discoveries: dict[str, Discovery], method_id: str
) -> None:
    discovery = discoveries[method_id.split(".")[0]]
    answer = discovery.method(method_id)["response"]
    assert discovery.unknown_fields(KNOWN_FIELDS[method_id], answer) == []


def test_a_channel_can_say_whatever_googles_can(discoveries: dict[str, Discovery]) -> None:
    channel = discoveries["drive"].document["schemas"]["Channel"]["properties"]
    assert google_drive.CHANNEL.keys() == channel.keys()


def walk(world: World, receiver: Receiver) -> None:
    """Use every method, in as many ways as there are shapes of an answer."""
    google, token = world.google, world.token(scope=f"{BOTH} {AUTH}drive email")

    def call(method: str, path: str, body: Any = None, **params: str) -> Any:
        answer = world.call(token, method, path, body, **params)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    call("GET", "/oauth2/v2/userinfo")
    call("GET", "/oauth2/v2/userinfo", fields="id,email")
    call("GET", "/drive/v3/about", fields="*")
    place = call("GET", "/drive/v3/changes/startPageToken")["startPageToken"]
    files = [google.add_file("alice", f"{number}.pdf") for number in range(3)]
    google.trash(files[0])
    google.remove(files[1])
    for fields in ("*", "nextPageToken,files(id,owners/emailAddress)"):
        call("GET", "/drive/v3/files", pageSize="1", fields=fields, q="trashed=false")
        call("GET", f"/drive/v3/files/{files[0].id}", fields="*")
    call("GET", "/drive/v3/files", supportsAllDrives="true", spaces="drive")
    call("GET", f"/drive/v3/files/{files[0].id}")
    for size in ("1", "100"):
        call("GET", "/drive/v3/changes", pageToken=place, pageSize=size)
        call("GET", "/drive/v3/changes", pageToken=place, pageSize=size, fields="*")
    channel = {"id": "c", "type": "web_hook", "address": receiver.address, "token": "t"}
    opened = call("POST", "/drive/v3/changes/watch", channel, pageToken=place)
    stopped = {"id": "c", "resourceId": opened["resourceId"]}
    call("POST", "/drive/v3/channels/stop", stopped)

    book = google.add_spreadsheet("alice", "Budget", ["Sheet1", "It's done"])
    call("GET", f"/v4/spreadsheets/{book}")
    values = {
        "majorDimension": "ROWS",
        "range": "A1:C2",
        "values": [["a", 1.5, True], [None, "=1"]],
    }
    written = {"valueInputOption": "USER_ENTERED", "includeValuesInResponse": "true"}
    call("GET", world.values(book, "A1:B2"))
    call("PUT", world.values(book, "A1:C2"), values, **written)
    for rendering in ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"):
        path = world.values(book, "A1:C2")
        call("GET", path, valueRenderOption=rendering, majorDimension="COLUMNS")
    for _ in range(2):
        path = world.values(book, "'It''s done'!A1", ":append")
        call("POST", path, {"values": [["x"]]}, insertDataOption="INSERT_ROWS", **written)
    call("POST", world.values(book, "Sheet1", ":clear"), {})


@pytest.fixture(scope="module")
def calls() -> Iterator[list[Call]]:
    world, receiver = World(), Receiver()
    walk(world, receiver)
    yield world.calls
    world.google.settle()
    world.close()
    receiver.server.stop()


def method_of(call: Call) -> Method:
    def pattern(method: Method) -> str:
        inside = re.sub(r"<path:\w+>", ".+", method.path)
        return re.sub(r"<\w+>", "[^/]+", inside)

    fits = [m for m in METHODS.values() if m.http == call.method]
    fits = [m for m in fits if re.fullmatch(pattern(m), call.path)]
    return max(fits, key=lambda method: method.path.count("/") - method.path.count("<"))


def test_the_walk_uses_every_method(calls: list[Call]) -> None:
    assert {method_of(call).id for call in calls} == METHODS.keys()


def test_every_request_of_the_walk_is_one_that_google_describes(
    calls: list[Call], discoveries: dict[str, Discovery]
) -> None:
    for call in calls:
        method = method_of(call)
        discovery = discoveries[method.service]
        described = discovery.method(method.id)
        known = described.get("parameters", {})
        assert call.params.keys() <= known.keys() | discovery.parameters, call
        for name, value in call.params.items():
            assert value in known.get(name, {}).get("enum", [value]), call
        assert ("request" in described) == (call.body is not None), call
        if call.body is not None:
            assert discovery.wrong(call.body, described["request"]) == [], call


def test_every_answer_of_the_walk_is_one_that_google_declares(
    calls: list[Call], discoveries: dict[str, Discovery]
) -> None:
    for call in calls:
        method = method_of(call)
        discovery = discoveries[method.service]
        declared = discovery.method(method.id).get("response")
        if declared is None:
            assert call.answer.content == b"", call
        else:
            assert discovery.wrong(call.answer.json(), declared) == [], call


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("Channel", {"expiration": 17}, ".expiration is no string"),
        ("Channel", {"expiration": "soon"}, ".expiration is no int64"),
        ("Channel", {"expires": "17"}, ".expires is not declared"),
        ("Channel", {"payload": "true"}, ".payload is no boolean"),
        ("FileList", {"files": [{"trashed": 1}]}, ".files[].trashed is no boolean"),
        ("FileList", {"files": {}}, ".files is no array"),
        ("ChangeList", {"changes": [{"time": "now"}]}, ".changes[].time is no date-time"),
    ],
)
def test_the_judge_sees_what_is_wrong(
    discoveries: dict[str, Discovery], name: str, value: Any, problem: str
) -> None:
    assert discoveries["drive"].wrong(value, {"$ref": name}) == [problem]


def test_the_judge_sees_wrong_numbers_words_and_fields(discoveries: dict[str, Discovery]) -> None:
    sheets = discoveries["sheets"]
    update = {"$ref": "UpdateValuesResponse"}
    assert sheets.wrong({"updatedRows": True}, update) == [".updatedRows is no integer"]
    assert sheets.wrong({"updatedRows": 1.5}, update) == [".updatedRows is no integer"]
    (problem,) = sheets.wrong({"majorDimension": "DIAGONALS"}, {"$ref": "ValueRange"})
    assert problem.startswith(".majorDimension is none of")
    fields: dict[str, Any] = {"updatedData": {"values": {}, "vlaues": {}}}
    assert sheets.unknown_fields(fields, update) == ["/updatedData/vlaues"]
