"""The practice Google's Sheets API: A1 notation, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google_world import SHEETS, World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def book(world: World) -> str:
    """A spreadsheet of Alice's with awkward titles."""
    titles = ("Sheet1", "Q3 plan", "It's done", "a/b?c#d", "B2", "über")
    return world.google.add_spreadsheet("alice", "Budget", titles)


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["status"], error["message"]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("A1", "Sheet1!A1"),
        ("a1:b2", "Sheet1!A1:B2"),
        ("B2:A1", "Sheet1!A1:B2"),
        ("Sheet1!A1:C5", "Sheet1!A1:C5"),
        ("sheet1!C3", "Sheet1!C3"),
        ("Sheet1", "Sheet1!A1:Z1000"),
        ("A:C", "Sheet1!A1:C1000"),
        ("2:3", "Sheet1!A2:Z3"),
        ("A2:B", "Sheet1!A2:B1000"),
        ("A1:ZZ2000", "Sheet1!A1:Z1000"),
        ("'Q3 plan'!A1", "'Q3 plan'!A1"),
        ("Q3 plan!A1", "'Q3 plan'!A1"),
        ("Q3 plan", "'Q3 plan'!A1:Z1000"),
        ("'It''s done'!A1", "'It''s done'!A1"),
        ("'a/b?c#d'!A1:B2", "'a/b?c#d'!A1:B2"),
        ("B2", "Sheet1!B2"),
        ("'B2'", "'B2'!A1:Z1000"),
        ("'B2'!A1", "'B2'!A1"),
        ("über!A1", "'über'!A1"),
    ],
)
def test_a_range_is_understood_and_answered_in_full(
    world: World, book: str, asked: str, answered: str
) -> None:
    path = world.values(book, asked)
    answer = world.call(world.token(scope=SHEETS), "GET", path)
    assert answer.json() == {"range": answered, "majorDimension": "ROWS"}


@pytest.mark.parametrize(
    "asked",
    [
        "Sheet9!A1",
        "Sheet9",
        "A",
        "1",
        "A0",
        "A1:",
        ":B2",
        "A1:B2:C3",
        "Sheet1!",
        "!A1",
        "AAAA1",
        "-",
    ],
)
def test_a_range_that_cannot_be_read_or_a_sheet_that_does_not_exist_is_a_400(
    world: World, book: str, asked: str
) -> None:
    answer = world.call(world.token(scope=SHEETS), "GET", world.values(book, asked))
    assert error_of(answer) == (400, "INVALID_ARGUMENT", f"Unable to parse range: {asked}")


@pytest.mark.parametrize("asked", ["AA1", "A1001", "AA1:AB5", "1001:1002"])
def test_a_range_beyond_the_edge_is_a_400(world: World, book: str, asked: str) -> None:
    answer = world.call(world.token(scope=SHEETS), "GET", world.values(book, asked))
    status, name, message = error_of(answer)
    assert (status, name) == (400, "INVALID_ARGUMENT")
    assert message.endswith("exceeds grid limits. Max rows: 1000, max columns: 26")


def test_an_unknown_spreadsheet_is_404_and_another_accounts_is_403(world: World) -> None:
    token, theirs = world.token(scope=SHEETS), world.google.add_spreadsheet("bob", "Secret")
    gone = world.google.add_spreadsheet("alice", "Gone")
    world.google.remove(world.google.spreadsheet_file(gone))
    not_found = (404, "NOT_FOUND", "Requested entity was not found.")
    forbidden = (403, "PERMISSION_DENIED", "The caller does not have permission")
    body, raw = {"values": [["x"]]}, {"valueInputOption": "RAW"}
    for book, expected in (("made-up", not_found), (gone, not_found), (theirs, forbidden)):
        path = world.values(book, "A1")
        answers = [
            world.call(token, "GET", path),
            world.call(token, "PUT", path, body, **raw),
            world.call(token, "POST", f"{path}:append", body, **raw),
            world.call(token, "POST", f"{path}:clear"),
            world.call(token, "GET", f"/v4/spreadsheets/{book}"),
        ]
        assert [error_of(answer) for answer in answers] == [expected] * 5


def test_a_trashed_spreadsheet_still_opens(world: World, book: str) -> None:
    world.google.trash(world.google.spreadsheet_file(book))
    assert world.call(world.token(scope=SHEETS), "GET", world.values(book, "A1")).status_code == 200


@pytest.mark.parametrize("option", [None, "INPUT_VALUE_OPTION_UNSPECIFIED"])
@pytest.mark.parametrize(("method", "action"), [("PUT", ""), ("POST", ":append")])
def test_how_the_input_is_to_be_understood_must_be_said(
    world: World, book: str, method: str, action: str, option: str | None
) -> None:
    params = {"valueInputOption": option} if option else {}
    path = world.values(book, "A1", action)
    answer = world.call(world.token(scope=SHEETS), method, path, {"values": [["x"]]}, **params)
    sentence = "'valueInputOption' is required but not specified"
    assert error_of(answer) == (400, "INVALID_ARGUMENT", sentence)


@pytest.mark.parametrize(
    ("range", "values", "message"),
    [
        (
            "A1:B1",
            [["a", "b", "c"]],
            "Requested writing within range [Sheet1!A1:B1], but tried writing to column [C]",
        ),
        (
            "B2",
            [["a"], ["b"]],
            "Requested writing within range [Sheet1!B2], but tried writing to row [3]",
        ),
        ("A1", ["a"], "Invalid value at 'data.values[0]'"),
        ("A1", [[{"a": 1}]], "Invalid values[0][0]"),
        ("A1", [[["a"]]], "Invalid values[0][0]"),
        ("A1", "a", "Invalid value at 'values'"),
    ],
)
def test_values_that_do_not_fit_are_refused_and_nothing_is_written(
    world: World, book: str, range: str, values: Any, message: str
) -> None:
    token, path = world.token(scope=SHEETS), world.values(book, range)
    answer = world.call(token, "PUT", path, {"values": values}, valueInputOption="RAW")
    assert error_of(answer) == (400, "INVALID_ARGUMENT", message)
    assert world.google.read_cells(book) == []


@pytest.mark.parametrize(
    ("params", "body"),
    [
        ({"valueInputOption": "COOKED"}, {}),
        ({"responseValueRenderOption": "PRETTY"}, {}),
        ({"includeValuesInResponse": "perhaps"}, {}),
        ({"fields": "updatedRnage"}, {}),
        ({"valueinputoption": "RAW"}, {}),
        ({"insertDataOption": "OVERWRITE"}, {}),  # known to `append` alone
        ({}, {"range": "C3"}),
        ({}, {"majorDimension": "DIAGONALS"}),
        ({}, {"vlaues": []}),
    ],
)
def test_a_misspelt_or_wrong_option_is_refused_and_nothing_is_written(
    world: World, book: str, params: dict[str, str], body: dict[str, str]
) -> None:
    params = {"valueInputOption": "RAW"} | params
    path = world.values(book, "A1")
    full = {"values": [["x"]]} | body
    answer = world.call(world.token(scope=SHEETS), "PUT", path, full, **params)
    assert error_of(answer)[:2] == (400, "INVALID_ARGUMENT")
    assert world.google.read_cells(book) == []


def test_a_refused_append_inserts_no_rows(world: World, book: str) -> None:
    world.google.type_cells(book, "A1", [["a"], [""], ["b"]])
    path, token = world.values(book, "A1", ":append"), world.token(scope=SHEETS)
    params = {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"}
    answer = world.call(token, "POST", path, {"values": [[{}]]}, **params)
    assert answer.status_code == 400
    assert world.google.read_cells(book) == [["a"], [], ["b"]]


def test_a_body_that_is_no_json_object_is_refused(world: World, book: str) -> None:
    headers = {"Authorization": f"Bearer {world.token(scope=SHEETS)}"}
    headers["Content-Type"] = "application/json"
    url = f"{world.server.url}{world.values(book, 'A1')}?valueInputOption=RAW"
    for data in ("{no json", "[]", '{"values": [[NaN]]}'):
        answer = requests.put(url, data=data, headers=headers)
        assert error_of(answer)[:2] == (400, "INVALID_ARGUMENT")


def test_the_body_may_repeat_the_range(world: World, book: str) -> None:
    body = {"range": "Sheet1!A1", "majorDimension": "ROWS", "values": [["x"]]}
    path, token = world.values(book, "A1"), world.token(scope=SHEETS)
    assert world.call(token, "PUT", path, body, valueInputOption="RAW").status_code == 200
