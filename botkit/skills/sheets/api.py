"""Send the requests of the Sheets skill, and read what the Sheets API answers.

Start with `SheetsApi`.  Below it: how answers are read, and what Google's errors mean.  Every error
says in two sentences what happened and what to do.

Values are written RAW: text that begins with `=` stays text, so nobody can plant a formula from the
chat.

Sources: the reference of the Sheets API, version 4, and Google's page "google.rpc.Code".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import requests

from botkit.errors import BotkitError, CommandError, ProviderNonsense, ProviderUnreachable
from botkit.oauth import ApiSession, read_fields
from botkit.skills.sheets.commands import (
    LAST_COLUMN,
    LAST_ROW,
    LONGEST_TITLE,
    InvalidInput,
    Range,
    Value,
    is_same_tab,
    one_line,
    quoted,
    read_range,
)

PathOf = Callable[[Range], str]  # what comes after `values/`
MOST_TABS = 20  # that are listed
RAW = {"valueInputOption": "RAW", "includeValuesInResponse": "true"}
CHECK_FIRST = "Perhaps it was written all the same: look with **sheet read** before you try again."


class SheetsRefused(CommandError):
    """Raised when Google refuses a request; the message also says what to do."""


class UnexplainedRefusal(SheetsRefused):
    """Raised when Google refuses a request and does not say why."""


@dataclass(frozen=True)
class Tab:
    """One tab of a spreadsheet; `gid` is its number in links."""

    title: str
    gid: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Sheet:
    """A tab that a person has chosen, in the spreadsheet with this id and title."""

    id: str
    title: str
    tab: str


class SheetsApi:
    """The requests of the four commands, for one connection.

    `open_session` opens a session for the API, and `account` names the account in errors.  Every
    method may raise `SheetsRefused` or `ProviderError`.
    """

    def __init__(self, open_session: Callable[[], ApiSession], account: str) -> None:
        self._open_session = open_session
        self._account = account

    def find_tabs(self, spreadsheet_id: str) -> tuple[str, list[Tab]]:
        """Return the title of a spreadsheet, and its tabs."""
        fields = {"fields": "properties.title,sheets.properties"}
        return read_tabs(self._ask("GET", f"/spreadsheets/{spreadsheet_id}", params=fields))

    def read(self, sheet: Sheet, place: Range) -> list[list[str]]:
        """Return the rows at `place`; without the empty cells at their ends."""
        return read_cells(self._call(sheet, place, "GET", _cells))

    def append(self, sheet: Sheet, row: Sequence[Value]) -> tuple[Range, list[str]]:
        """Add a row below the table; return where it is, and its cells."""
        answer = self._write(
            sheet,
            Range(sheet.tab, bottom=1, right=len(row)),
            "POST",
            lambda _: _path(quoted(sheet.tab), ":append"),
            params={**RAW, "insertDataOption": "INSERT_ROWS"},
            json={"values": [row]},
        )
        return read_update(answer.get("updates"), sheet.tab)

    def write(self, sheet: Sheet, place: Range, value: Value) -> tuple[Range, list[str]]:
        """Write one cell; return where it is, and what is there now."""
        body = {"values": [[value]]}
        answer = self._write(sheet, place, "PUT", _cells, params=RAW, json=body)
        return read_update(answer, sheet.tab)

    def _write(
        self, sheet: Sheet, place: Range, method: str, path: PathOf, **options: Any
    ) -> dict[str, Any]:
        """Do as `_call` does; without an answer nobody knows whether something was written."""
        try:
            return self._call(sheet, place, method, path, **options)
        except (ProviderUnreachable, ProviderNonsense) as error:
            raise SheetsRefused(f"{error} {CHECK_FIRST}") from error

    def _call(
        self, sheet: Sheet, place: Range, method: str, path: PathOf, **options: Any
    ) -> dict[str, Any]:
        """Call a method of spreadsheets.values; find out what is wrong with `place` on a 400.

        A tab may be called otherwise than it was said: then the call is made again with its title.
        """
        values = f"/spreadsheets/{sheet.id}/values"
        try:
            return self._ask(method, f"{values}/{path(place)}", **options)
        except UnexplainedRefusal as error:
            unexplained = error
        title, tabs = self.find_tabs(sheet.id)
        tab = next((one for one in tabs if one.title.lower() == place.tab.lower()), None)
        if tab is None:
            meant = [one for one in tabs if is_same_tab(place.tab, one.title)]
            if len(meant) == 1:
                place = replace(place, tab=meant[0].title)
                return self._call(sheet, place, method, path, **options)
            has = f"**{one_line(title)}** has no tab **{one_line(place.tab)}**."
            example = one_line(f"{quoted(tabs[0].title)}!A1", LONGEST_TITLE)
            choose = f"Choose one with **sheet use LINK**, or name it: **sheet read {example}**."
            raise SheetsRefused(f"{has} It has: {list_tabs(tabs)}. {choose}")
        last = place.left if method == "GET" else place.right
        if place.top > tab.rows or last > tab.columns:
            has = f"**{one_line(tab.title)}** has {tab.rows} rows and {tab.columns} columns"
            raise SheetsRefused(f"{has}; {one_line(place.cells)} lies outside.")
        raise unexplained

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with self._open_session() as session:
            answer = session.request(method, path, **options)
        if answer.status_code != 200:
            raise error_of(answer, self._account)
        return read_fields(answer)


def _cells(place: Range) -> str:
    return _path(place.a1)


def _path(target: str, action: str = "") -> str:
    return f"{quote(target, safe='')}{action}"


# ---- how answers are read ----------------------------------------------------------------------


def read_tabs(answer: Mapping[str, Any]) -> tuple[str, list[Tab]]:
    """Return the title of a spreadsheet, and its tabs with cells: some hold a chart instead.

    Raises `ProviderNonsense`, and `SheetsRefused` if there is no such tab.
    """
    try:
        title = _title_of(answer["properties"])
        every = [sheet["properties"] for sheet in answer["sheets"]]
        tabs = [_tab(one) for one in every if one.get("sheetType", "GRID") == "GRID"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ProviderNonsense("Google Sheets answered, but not with a spreadsheet.") from error
    if not tabs:
        raise SheetsRefused(f"**{one_line(title)}** has no tab with cells. Use another link.")
    return title, tabs


def _tab(properties: Mapping[str, Any]) -> Tab:
    found = properties.get("gridProperties")
    grid = found if isinstance(found, Mapping) else {}
    return Tab(
        _title_of(properties),
        _count(properties.get("sheetId"), 0),
        _count(grid.get("rowCount"), LAST_ROW),
        _count(grid.get("columnCount"), LAST_COLUMN),
    )


def _title_of(properties: Mapping[str, Any]) -> str:
    """Return the title in some properties.  Raises `TypeError` if it is no text."""
    title = properties["title"]
    if not isinstance(title, str):
        raise TypeError
    return title


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def read_cells(answer: Any) -> list[list[str]]:
    """Return the rows of a ValueRange, which has no `values` where all cells are empty.

    Raises `ProviderNonsense`.
    """
    answer = answer if isinstance(answer, Mapping) else {}
    rows = answer.get("values", [])
    lists = isinstance(rows, list) and all(isinstance(row, list) for row in rows)
    if not lists or not isinstance(answer.get("range"), str):
        raise ProviderNonsense("Google Sheets answered, but not with cells.")
    return [[_text(value) for value in row] for row in rows]


def _text(value: Any) -> str:
    """Return a cell as text, without lone surrogates: JSON may hold them, no page can show them."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def read_update(update: Any, tab: str) -> tuple[Range, list[str]]:
    """Return where a row was written and what is there now, from an UpdateValuesResponse.

    Raises `SheetsRefused`.
    """
    try:
        cells = read_cells(update["updatedData"])
        place = read_range(update["updatedData"]["range"], tab)
    except (KeyError, TypeError, InvalidInput, ProviderNonsense) as error:
        happened = "Google Sheets answered, but not with what was written."
        raise SheetsRefused(f"{happened} {CHECK_FIRST}") from error
    return place, cells[0] if cells else []


def list_tabs(tabs: list[Tab]) -> str:
    """Return the titles of the first tabs, and how many more there are."""
    more = f" and {len(tabs) - MOST_TABS} more" if len(tabs) > MOST_TABS else ""
    return ", ".join(one_line(tab.title, LONGEST_TITLE) for tab in tabs[:MOST_TABS]) + more


# ---- what an error means -----------------------------------------------------------------------


def error_of(answer: requests.Response, account: str) -> BotkitError:
    """Return the error for an answer whose status is not 200; `account` may be named in it."""
    error = read_fields(answer).get("error")
    error = error if isinstance(error, dict) else {}
    code, reasons = answer.status_code, _reasons(error)
    if "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons:
        happened = (
            "I was not allowed to see and edit your spreadsheets when you connected. "
            "Say **connect sheets** and leave the box for Google Sheets ticked."
        )
    elif "SERVICE_DISABLED" in reasons:
        happened = (
            "The Google Sheets API is not switched on for this bot. "
            "Its owner can do that in Google's console, under “APIs & Services”."
        )
    elif error.get("status") == "FAILED_PRECONDITION":
        happened = (
            "This is a file of another kind, perhaps from Excel. Open it, choose “Save as Google "
            "Sheets” in its menu “File”, and use the link of the new one."
        )
    elif "protected" in str(error.get("message")):
        happened = "Somebody protected these cells. Ask the owner of the spreadsheet."
    elif code == 403:
        what = "open" if answer.request.method == "GET" else "change"
        happened = (
            f"**{one_line(account)}** may not {what} this spreadsheet. Share it with that account, "
            "as an editor if I am to write, or choose another one with **sheet use LINK**."
        )
    elif code == 404:
        happened = (
            "There is no such spreadsheet, or no longer. Look at the link, or choose another one "
            "with **sheet use LINK**."
        )
    elif code == 429:
        happened = "Google Sheets has had too many requests. Nothing was done; wait a minute."
    elif 400 <= code < 500:
        return UnexplainedRefusal(f"Google Sheets did not accept this (it answered {code}).")
    else:
        return ProviderNonsense(f"Google Sheets has a problem of its own (it answered {code}).")
    return SheetsRefused(happened)


def _reasons(error: Mapping[str, Any]) -> list[Any]:
    details = error.get("details")
    found = details if isinstance(details, list) else []
    return [one.get("reason") for one in found if isinstance(one, dict)]
