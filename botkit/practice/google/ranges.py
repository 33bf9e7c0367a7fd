"""Read ranges in A1 notation, and find the table to which rows are added.

Sources: Google's page "Google Sheets API overview" (its section on A1 notation) and the reference
of the Sheets API, "Method: spreadsheets.values.append" (how the table is found).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from botkit.practice.google.cells import Sheet, Value
from botkit.practice.google.files import File

_CELL = r"(?P<column{0}>[A-Za-z]{{1,3}})?(?P<row{0}>[1-9]\d{{0,6}})?"
_RANGE = re.compile(rf"{_CELL.format(1)}(?P<to>:{_CELL.format(2)})?", re.ASCII)
_PLAIN_TITLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class BadRange(ValueError):
    """Raised when a text names no range of this spreadsheet.  The message is Google's sentence."""


@dataclass(frozen=True)
class Range:
    """A rectangle of cells of `sheet`, ends included."""

    sheet: Sheet
    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        """Return the range in A1 notation, with the title of the sheet, as answers have it."""
        start, end = f"{letters(self.left)}{self.top}", f"{letters(self.right)}{self.bottom}"
        return f"{_quoted(self.sheet.title)}!{start}" + (f":{end}" if start != end else "")

    def __contains__(self, cell: tuple[int, int]) -> bool:
        return self.top <= cell[0] <= self.bottom and self.left <= cell[1] <= self.right

    def values(self, rendering: str = "FORMATTED_VALUE") -> list[list[Value]]:
        """Return the values row by row; empty cells and rows at the end are left out."""
        filled = [cell for cell in self.sheet.cells if cell in self]
        height = max((row for row, _ in filled), default=self.top - 1) - self.top + 1
        rows: list[list[Value]] = [[] for _ in range(height)]
        for row, column in sorted(filled):
            line = rows[row - self.top]
            line += [""] * (column - self.left - len(line))
            line.append(self.sheet.cells[row, column].render(rendering))
        return rows


@dataclass
class Spreadsheet:
    """Some sheets, and the file in Drive that has their title and belongs to somebody."""

    file: File
    sheets: list[Sheet]

    def range(self, text: str) -> Range:
        """Return the range that `text` names in A1 notation; `BadRange` when it names none.

        Without a sheet's title the first sheet is meant.  What reaches over the edge is cut off.
        """
        title, mark, cells = text.rpartition("!")
        sheet = self._sheet(title) if mark else self.sheets[0]
        found = _RANGE.fullmatch(cells)
        if sheet and found and _is_range(found):
            return _rectangle(sheet, found)
        whole = self._sheet(text)
        if whole is None:
            raise BadRange(f"Unable to parse range: {text}")
        return Range(whole, 1, 1, whole.rows, whole.columns)

    def _sheet(self, title: str) -> Sheet | None:
        if len(title) > 2 and title[0] == title[-1] == "'":
            title = title[1:-1].replace("''", "'")
        return next((s for s in self.sheets if s.title.casefold() == title.casefold()), None)


def _is_range(found: re.Match[str]) -> bool:
    """Return whether this is a range: `A1`, `A1:B2`, `A:B`, `1:2` or `A2:B`, but not `A` or `1`."""
    first, second = found["column1"], found["row1"]
    if found["to"] is None:
        return bool(first and second)
    return bool((first or second) and (found["column2"] or found["row2"]))


def _rectangle(sheet: Sheet, found: re.Match[str]) -> Range:
    last = "2" if found["to"] else "1"
    top, bottom = sorted((int(found["row1"] or 1), int(found["row" + last] or sheet.rows)))
    edge = letters(sheet.columns)
    left, right = sorted(
        (_number(found["column1"] or "A"), _number(found["column" + last] or edge))
    )
    if top > sheet.rows or left > sheet.columns:
        raise BadRange(
            f"Range ({Range(sheet, top, left, bottom, right)}) exceeds grid limits. "
            f"Max rows: {sheet.rows}, max columns: {sheet.columns}"
        )
    return Range(sheet, top, left, min(bottom, sheet.rows), min(right, sheet.columns))


def _number(column: str) -> int:
    """Return the number of a column: `A` is 1, `Z` 26, `AA` 27."""
    total = 0
    for letter in column.upper():
        total = total * 26 + ord(letter) - ord("A") + 1
    return total


def letters(column: int) -> str:
    """Return the letters of a column: 1 is `A`, 26 `Z`, 27 `AA`."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _quoted(title: str) -> str:
    """Return a title as ranges have it: in quotes unless it is one plain word."""
    looks_like_a_cell = _RANGE.fullmatch(title)
    if _PLAIN_TITLE.fullmatch(title) and not looks_like_a_cell:
        return title
    return "'" + title.replace("'", "''") + "'"


# ---- tables ------------------------------------------------------------------------------------


def table_at(place: Range) -> Range | None:
    """Return the table to which rows are appended: the last one that `place` touches, or None.

    A table is a rectangle around cells that are not empty and lie next to one another.
    """
    tables = [table for table in _tables(place.sheet) if _meet(table, place)]
    return max(tables, key=lambda table: (table.bottom, table.right), default=None)


def _tables(sheet: Sheet) -> Iterator[Range]:
    rest = set(sheet.cells)
    while rest:
        row, column = rest.pop()
        box = Range(sheet, row, column, row, column)
        while near := {cell for cell in rest if cell in _wider(box)}:
            rest -= near
            rows = [box.top, box.bottom, *(row for row, _ in near)]
            columns = [box.left, box.right, *(column for _, column in near)]
            box = Range(sheet, min(rows), min(columns), max(rows), max(columns))
        yield box


def _wider(box: Range) -> Range:
    return Range(box.sheet, box.top - 1, box.left - 1, box.bottom + 1, box.right + 1)


def _meet(a: Range, b: Range) -> bool:
    return a.top <= b.bottom and b.top <= a.bottom and a.left <= b.right and b.left <= a.right
