"""Answer as the Sheets API, version 4: read, write, append and clear values.

Who writes says how the values are to be understood: RAW keeps text that begins with `=` as text,
USER_ENTERED makes a formula of it, as if somebody had typed it.  Every write is also a change in
Drive.  Not played: formats, dates, R1C1 notation, and everything about looks.

Source: the reference of the Sheets API, and its discovery document.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from flask import Blueprint, request

from botkit.practice.google.answers import (
    GoogleApiError,
    Json,
    boolean,
    choice,
    endpoint,
    json_object,
    parse_fields,
)
from botkit.practice.google.cells import Rows, Sheet
from botkit.practice.google.files import SPREADSHEET, Drive
from botkit.practice.google.ledger import AccessToken, GoogleLedger
from botkit.practice.google.ranges import BadRange, Range, Spreadsheet, letters, table_at

DIMENSIONS = ("ROWS", "COLUMNS")
RENDERINGS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
VALUE_RANGE = {"range": str, "majorDimension": str, "values": list}
#: Every field that can be asked for.
BOOK = parse_fields(
    "spreadsheetId,spreadsheetUrl,properties(title,locale,timeZone),sheets(properties("
    "sheetId,title,index,sheetType,gridProperties(rowCount,columnCount)))"
)
VALUES = parse_fields("range,majorDimension,values")
UPDATE = parse_fields("spreadsheetId,updatedRange,updatedRows,updatedColumns,updatedCells")
UPDATE |= {"updatedData": VALUES}
APPEND = parse_fields("spreadsheetId,tableRange") | {"updates": UPDATE}
CLEARED = parse_fields("spreadsheetId,clearedRange")


class SheetsApi:
    """The routes below `/v4/spreadsheets`, as a Flask `blueprint`."""

    def __init__(self, ledger: GoogleLedger, drive: Drive, address: Callable[[], str]) -> None:
        self.spreadsheets: dict[str, Spreadsheet] = {}
        self._drive = drive
        self._address = address
        self.blueprint = Blueprint("google_sheets", __name__)
        for name, view, known in (
            ("get", self._get, BOOK),
            ("values.get", self._get_values, VALUES),
            ("values.update", self._update, UPDATE),
            ("values.append", self._append, APPEND),
            ("values.clear", self._clear, CLEARED),
        ):
            endpoint(self.blueprint, ledger, f"sheets.spreadsheets.{name}", view, known)

    def add(self, account: str, title: str, sheets: list[str]) -> Spreadsheet:
        """Make a new spreadsheet of `account`, with these (empty) sheets."""
        file = self._drive.add(account, title, SPREADSHEET)
        book = Spreadsheet(file, [Sheet(number, name) for number, name in enumerate(sheets)])
        self.spreadsheets[file.id] = book
        return book

    def edit(self, book: Spreadsheet, place: Range, rows: Rows, option: str) -> int:
        """Write from the top left corner of `place`; the number of cells that were written."""
        count = place.sheet.write(place.top, place.left, rows, option)
        self._drive.update(book.file, content=True)
        return count

    # ---- reading -------------------------------------------------------------------------------

    def _get(self, token: AccessToken, spreadsheetId: str) -> Json:
        book = self._book(token, spreadsheetId)
        return {
            "spreadsheetId": book.file.id,
            "spreadsheetUrl": book.file.link(self._address()),
            "properties": {"title": book.file.name, "locale": "en_US", "timeZone": "Etc/GMT"},
            "sheets": [_sheet_shape(sheet, index) for index, sheet in enumerate(book.sheets)],
        }

    def _get_values(self, token: AccessToken, spreadsheetId: str, range: str) -> Json:
        place = _range(self._book(token, spreadsheetId), range)
        dimension = choice("majorDimension", *DIMENSIONS)
        return _shape(place, choice("valueRenderOption", *RENDERINGS), dimension)

    # ---- writing -------------------------------------------------------------------------------

    def _update(self, token: AccessToken, spreadsheetId: str, range: str) -> Json:
        book = self._book(token, spreadsheetId)
        writing = _writing(book, range)
        place, beyond = writing.place, ""
        if len(writing.rows) > place.bottom - place.top + 1:
            beyond = f"row [{place.bottom + 1}]"
        if writing.width > place.right - place.left + 1:
            beyond = f"column [{letters(place.right + 1)}]"
        if beyond:
            message = f"Requested writing within range [{place}], but tried writing to {beyond}"
            raise GoogleApiError(400, message)
        return self._written(book, writing, place)

    def _append(self, token: AccessToken, spreadsheetId: str, range: str) -> Json:
        book = self._book(token, spreadsheetId)
        writing = _writing(book, range)
        inserting = choice("insertDataOption", "OVERWRITE", "INSERT_ROWS") == "INSERT_ROWS"
        place, table = writing.place, table_at(writing.place)
        body: Json = {"spreadsheetId": book.file.id}
        if table:
            body["tableRange"] = str(table)
            place = Range(table.sheet, table.bottom + 1, table.left, table.bottom + 1, table.left)
        if inserting:
            place.sheet.insert_rows(place.top, len(writing.rows))
        return body | {"updates": self._written(book, writing, place)}

    def _written(self, book: Spreadsheet, writing: _Writing, place: Range) -> Json:
        """Write, and say what was written: an UpdateValuesResponse."""
        count = self.edit(book, place, writing.rows, writing.option)
        height, width = len(writing.rows), writing.width
        bottom, right = place.top + max(height, 1) - 1, place.left + max(width, 1) - 1
        written = Range(place.sheet, place.top, place.left, bottom, right)
        body: Json = {
            "spreadsheetId": book.file.id,
            "updatedRange": str(written),
            "updatedRows": height,
            "updatedColumns": width,
            "updatedCells": count,
        }
        return body | ({"updatedData": _shape(written, writing.echo)} if writing.echo else {})

    def _clear(self, token: AccessToken, spreadsheetId: str, range: str) -> Json:
        book = self._book(token, spreadsheetId)
        place = _range(book, range)
        json_object({})
        cells = place.sheet.cells
        place.sheet.cells = {cell: cells[cell] for cell in cells if cell not in place}
        self._drive.update(book.file, content=True)
        return {"spreadsheetId": book.file.id, "clearedRange": str(place)}

    def _book(self, token: AccessToken, spreadsheet_id: str) -> Spreadsheet:
        book = self.spreadsheets.get(spreadsheet_id)
        if book is None or book.file.removed:
            raise GoogleApiError(404, "Requested entity was not found.", "notFound")
        if book.file.account != token.owner:
            raise GoogleApiError(403, "The caller does not have permission", "forbidden")
        return book


def _range(book: Spreadsheet, text: str) -> Range:
    try:
        return book.range(text)
    except BadRange as error:
        raise GoogleApiError(400, str(error)) from error


@dataclass(frozen=True)
class _Writing:
    """What a request wants written.  `echo`: how to render it in the answer, if at all."""

    place: Range
    rows: Rows
    option: str
    echo: str

    @property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)


def _writing(book: Spreadsheet, range: str) -> _Writing:
    """Read all of the request, and check it before anything is changed."""
    option = request.args.get("valueInputOption", "INPUT_VALUE_OPTION_UNSPECIFIED")
    if option == "INPUT_VALUE_OPTION_UNSPECIFIED":
        raise GoogleApiError(400, "'valueInputOption' is required but not specified")
    choice("valueInputOption", "RAW", "USER_ENTERED")
    rendering = choice("responseValueRenderOption", *RENDERINGS)
    echo = rendering if boolean("includeValuesInResponse", False) else ""
    place, body = _range(book, range), json_object(VALUE_RANGE)
    if "range" in body and _range(book, body["range"]) != place:
        raise GoogleApiError(400, f"The range in the body is not the one in the path: {place}")
    rows = _checked(body.get("values", []))
    if body.get("majorDimension", "ROWS") not in DIMENSIONS:
        raise GoogleApiError(400, "Invalid value at 'data.major_dimension'")
    if body.get("majorDimension") == "COLUMNS":
        rows = _turned(rows, None)
    return _Writing(place, rows, option, echo)


def _checked(rows: list[Any]) -> Rows:
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise GoogleApiError(400, f"Invalid value at 'data.values[{number}]'")
        for place, value in enumerate(row):
            finite = not isinstance(value, float) or math.isfinite(value)
            if not isinstance(value, str | int | float | None) or not finite:
                raise GoogleApiError(400, f"Invalid values[{number}][{place}]")
    return rows


def _sheet_shape(sheet: Sheet, index: int) -> Json:
    grid = {"rowCount": sheet.rows, "columnCount": sheet.columns}
    shape = {"sheetId": sheet.id, "title": sheet.title, "index": index, "sheetType": "GRID"}
    return {"properties": shape | {"gridProperties": grid}}


def _shape(place: Range, rendering: str, dimension: str = "ROWS") -> Json:
    """Return a ValueRange.  Without any value it has no `values` at all."""
    values: list[list[Any]] = [*place.values(rendering)]
    if dimension == "COLUMNS":
        values = _turned(values, "")
        for line in values:
            while line and line[-1] == "":
                line.pop()
    body: Json = {"range": str(place), "majorDimension": dimension}
    return body | ({"values": values} if values else {})


def _turned(lines: list[list[Any]], missing: str | None) -> list[list[Any]]:
    """Return columns for rows, with `missing` where a line is too short."""
    return [list(line) for line in zip_longest(*lines, fillvalue=missing)]
