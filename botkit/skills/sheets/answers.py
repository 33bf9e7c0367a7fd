"""What the Sheets API answers: tabs, cells, and its ways to say no, each with what to do about it.

Source: the reference of the Sheets API, version 4, and Google's page "google.rpc.Code".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from botkit.errors import BotkitError, ProviderNonsense
from botkit.oauth import read_fields
from botkit.skills.sheets.words import LAST_COLUMN, LAST_ROW, Range, Unclear, read_range, shown

MOST_TABS = 20
LOOK_FIRST = "Perhaps it was written all the same: look with **sheet read** before you try again."


class Refusal(BotkitError):
    """Google said no; the sentence says why, and what to do."""


class Unexplained(Refusal):
    """Google said no with a status that does not tell why."""


@dataclass(frozen=True)
class Tab:
    """One sheet of a spreadsheet, as people see it; `gid` is its number in links."""

    title: str
    gid: int
    rows: int
    columns: int


def tabs_of(answer: Mapping[str, Any]) -> tuple[str, list[Tab]]:
    """The title of a spreadsheet and its tabs that have cells: some hold a chart instead."""
    try:
        title = str(answer["properties"]["title"])
        every = [sheet["properties"] for sheet in answer["sheets"]]
        tabs = [_tab(one) for one in every if one.get("sheetType", "GRID") == "GRID"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ProviderNonsense("Google Sheets answered, but not with a spreadsheet.") from error
    if not tabs:
        raise Refusal(f"**{shown(title)}** has no tab with cells. Use another link.")
    return title, tabs


def _tab(properties: Mapping[str, Any]) -> Tab:
    grid = properties.get("gridProperties", {})
    size = grid.get("rowCount", LAST_ROW), grid.get("columnCount", LAST_COLUMN)
    return Tab(str(properties["title"]), properties.get("sheetId", 0), *size)


def cells_of(answer: Any) -> list[list[str]]:
    """The rows of a ValueRange, which has no `values` where all cells are empty."""
    answer = answer if isinstance(answer, Mapping) else {}
    rows = answer.get("values", [])
    lists = isinstance(rows, list) and all(isinstance(row, list) for row in rows)
    if not lists or not isinstance(answer.get("range"), str):
        raise ProviderNonsense("Google Sheets answered, but not with cells.")
    return [[_text(value) for value in row] for row in rows]


def _text(value: Any) -> str:
    """A cell as text, without half characters, which JSON may hold and no page can show."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def written_by(update: Any, tab: str) -> tuple[Range, list[str]]:
    """Where a row was written, and what is there now: an UpdateValuesResponse."""
    try:
        cells = cells_of(update["updatedData"])
        place = read_range(update["updatedData"]["range"], tab)
    except (KeyError, TypeError, Unclear, ProviderNonsense) as error:
        happened = "Google Sheets answered, but not with what was written."
        raise Refusal(f"{happened} {LOOK_FIRST}") from error
    return place, cells[0] if cells else []


def listed(tabs: list[Tab]) -> str:
    more = f" and {len(tabs) - MOST_TABS} more" if len(tabs) > MOST_TABS else ""
    return ", ".join(shown(tab.title) for tab in tabs[:MOST_TABS]) + more


def refusal(answer: requests.Response, account: str) -> BotkitError:
    """What an answer with another status than 200 means, for somebody who is `account` there."""
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
            f"**{shown(account)}** may not {what} this spreadsheet. Share it with that account, "
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
        return Unexplained(f"Google Sheets did not accept this (it answered {code}).")
    else:
        return ProviderNonsense(f"Google Sheets has a problem of its own (it answered {code}).")
    return Refusal(happened)


def _reasons(error: Mapping[str, Any]) -> list[Any]:
    details = error.get("details")
    found = details if isinstance(details, list) else []
    return [one.get("reason") for one in found if isinstance(one, dict)]
