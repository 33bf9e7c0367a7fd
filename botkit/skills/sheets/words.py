"""What people write about a spreadsheet: a link to it, a range of its cells, values for a row.

All of it is judged here, before anything is sent.  `Unclear` says what is wrong and shows how it is
written.  Source: Google's page "Google Sheets API overview" (spreadsheet ID, A1 notation).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from botkit.chat import plain
from botkit.errors import BotkitError

LAST_ROW, LAST_COLUMN = 10_000_000, 18_278  # no sheet is longer, or wider than ZZZ
TAKE_LINK = "Open the spreadsheet in your browser and copy the link from the address bar."
GOOD_RANGE = "Write a range like **A1:C5**, **B2**, **A:C** or **Sheet2!A1:B2**."
GOOD_ROW = 'Write it like **sheet add Rent, 950** or **sheet add "Rent, May", 950**.'

_ID = r"[A-Za-z0-9_-]{20,100}"
_PATH = rf"/(?:a/[^/]+/)?spreadsheets/(?:u/[0-9]+/)?d/({_ID})(?:/.*)?"
_CORNER = r"([A-Za-z]*)([0-9]*)"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_DIGITS = 15  # of a number that a spreadsheet keeps exactly


class Unclear(BotkitError):
    """What somebody wrote is no link, no range or no value; nothing was sent."""


# ---- links -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A spreadsheet, and the tab (by Google's number for it) that the link opens."""

    id: str
    gid: int | None = None


def read_link(text: str, *, home: str = "") -> Link:
    """The spreadsheet that a link, or an ID alone, means.

    `home` is the address of another Google than Google's own.  Raises `Unclear`.
    """
    text = re.sub(r"^\[[^\]]*\]\((.*)\)$|^<(.*)>$", r"\1\2", text.strip(" .,;!?")).strip()
    if re.fullmatch(_ID, text):
        return Link(text)
    if not text or " " in text or not re.search(r"[./]", text):
        raise Unclear(f"Say **sheet use** and the link of a spreadsheet. {TAKE_LINK}")
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        if home and text.startswith(f"{home}/"):
            url = urlsplit("https://docs.google.com" + text.removeprefix(home))
        ours = url.scheme in ("http", "https") and url.hostname == "docs.google.com"
    except ValueError:
        ours = False
    if not ours:
        raise Unclear(f"This is no link to a Google spreadsheet. {TAKE_LINK}")
    if "/d/e/" in url.path:
        raise Unclear(f"This link shows a published copy. {TAKE_LINK}")
    found = re.fullmatch(_PATH, url.path)
    if found is None:
        raise Unclear(f"This is a link to Google, but to no spreadsheet. {TAKE_LINK}")
    gid = re.search(r"(?:^|[#&])gid=([0-9]{1,10})(?![0-9])", f"{url.fragment}#{url.query}")
    return Link(found[1], int(gid[1]) if gid else None)


# ---- ranges ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Range:
    """A rectangle of cells of one tab, ends included; rows and columns are counted from 1."""

    tab: str
    top: int = 1
    left: int = 1
    bottom: int = LAST_ROW
    right: int = LAST_COLUMN

    @property
    def cells(self) -> str:
        """In A1 notation, without the tab."""
        first, last = f"{letters(self.left)}{self.top}", f"{letters(self.right)}{self.bottom}"
        return first if first == last else f"{first}:{last}"

    @property
    def sent(self) -> str:
        """As it is sent to Google: the tab always in quotes, since it may be called `A1`."""
        return f"{quoted(self.tab)}!{self.cells}"

    def __str__(self) -> str:
        """As people write it."""
        bare = re.fullmatch(r"(?![A-Za-z]{1,3}[0-9]+$)[^\W\d]\w*", self.tab)
        return f"{self.tab if bare else quoted(self.tab)}!{self.cells}"

    def first(self, rows: int, columns: int) -> Range:
        """Its upper left part, at most so large."""
        bottom, right = self.top + rows - 1, self.left + columns - 1
        return replace(self, bottom=min(self.bottom, bottom), right=min(self.right, right))


def read_range(text: str, tab: str) -> Range:
    """The range that `text` names, in `tab` if it names no other.  Raises `Unclear`.

    Whole columns (`A:C`) and rows (`2:5`) will do; `B2:A1` is the same as `A1:B2`.
    """
    title, mark, cells = text.strip().rpartition("!")
    title = title.strip().replace("\u2018", "'").replace("\u2019", "'")
    if len(title) > 2 and title[0] == title[-1] == "'":
        title = title[1:-1].replace("''", "'")
    first, colon, second = cells.partition(":")
    start = re.fullmatch(_CORNER, first.strip())
    end = re.fullmatch(_CORNER, second.strip()) if colon else start
    half = start is not None and not (start[1] and start[2])  # `A` or `1`: that needs an end
    if not (start and end and start[0] and end[0]) or (mark and not title) or (half and not colon):
        raise Unclear(f"“{shown(text)}” is no range of cells. {GOOD_RANGE}")
    top, bottom = sorted((_row(start[2], 1), _row(end[2], LAST_ROW)))
    left, right = sorted((_column(start[1], 1), _column(end[1], LAST_COLUMN)))
    return Range(title or tab, top, left, bottom, right)


def read_cell(text: str, tab: str) -> Range:
    """The one cell that `text` names.  Raises `Unclear`."""
    place = read_range(text, tab)
    if (place.top, place.left) != (place.bottom, place.right):
        raise Unclear("**sheet set** writes into one cell. Name it like **B2** or **Sheet2!B2**.")
    return place


def _row(digits: str, missing: int) -> int:
    if not digits:
        return missing
    if len(digits) > 8 or not 1 <= int(digits) <= LAST_ROW:
        raise Unclear(f"There is no row {digits[:12]}: rows are counted from 1. {GOOD_RANGE}")
    return int(digits)


def _column(name: str, missing: int) -> int:
    if len(name) > 3:
        raise Unclear(
            f"There is no column {name[:12]}: a column has one to three letters. {GOOD_RANGE}"
        )
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number or missing


def letters(column: int) -> str:
    """The name of a column: 1 is `A`, 26 `Z`, 27 `AA`."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def quoted(tab: str) -> str:
    return "'" + tab.replace("'", "''") + "'"


# ---- values ------------------------------------------------------------------------------------


def read_row(text: str) -> list[str | int | float]:
    """The values between the commas; one in double quotes may hold a comma.  Raises `Unclear`."""
    # Telephones turn quotation marks into pretty ones.
    text = re.sub(r"(^|,)\s*“([^“”\"]*)”\s*(?=,|$)", r'\1"\2"', text.strip())
    try:
        rows = list(csv.reader(io.StringIO(text, ""), skipinitialspace=True, strict=True))
    except csv.Error:
        raise Unclear(f"The quotation marks do not fit together. {GOOD_ROW}") from None
    values = [value.strip() for row in rows for value in row]
    if not any(values):
        raise Unclear(f"What shall I add? {GOOD_ROW}")
    if len(rows) > 1:
        raise Unclear(f"One row at a time, please. {GOOD_ROW}")
    return [read_value(value) for value in values]


def read_value(text: str) -> str | int | float:
    """A number if it looks like one and loses nothing by it; `007`, a date or `=1+2` stay text."""
    if re.fullmatch(_NUMBER, text) and sum(map(str.isdigit, text)) <= _DIGITS:
        return float(text) if "." in text else int(text)
    return text


def shown(text: str, longest: int = 60) -> str:
    """What strangers wrote, in one short line."""
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    return str(plain(text if len(text) <= longest else f"{text[: longest - 1]}…"))
