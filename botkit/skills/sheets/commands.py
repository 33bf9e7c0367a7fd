"""Read what people write about a spreadsheet: a link, a range of cells, the values of a row.

Everything is checked here before a request is sent.  `InvalidInput` says what is wrong, and shows
an example.

Source: Google's page "Google Sheets API overview" (spreadsheet ID, A1 notation).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from botkit.chat import plain, read_text
from botkit.errors import CommandError

LAST_ROW = 10_000_000  # no sheet is longer
LAST_COLUMN = 18_278  # ZZZ; no sheet is wider
TAKE_LINK = "Open the spreadsheet in your browser and copy the link from the address bar."
GOOD_RANGE = "Write a range like **A1:C5**, **B2**, **A:C** or **Sheet2!A1:B2**."
GOOD_ROW = 'Write it like **sheet add Rent, 950** or **sheet add "Rent, May", 950**.'

CURLY = "\u2018\u2019"
STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
LONGEST_TITLE = 250  # characters of a tab's title and cells, which a hint must not cut

_ID = r"[A-Za-z0-9_-]{20,100}"
_PATH = rf"/(?:a/[^/]+/)?spreadsheets/(?:u/[0-9]+/)?d/({_ID})(?:/.*)?"
_CORNER = r"([A-Za-z]*)([0-9]*)"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_DIGITS = 15  # of a number that a spreadsheet keeps exactly


Value = str | int | float


class InvalidInput(CommandError):
    """Raised when what a person wrote is not a link, a range or a value; nothing was sent."""


# ---- links -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A spreadsheet, and the tab (by Google's number for it) that the link opens."""

    id: str
    gid: int | None = None


def read_link(text: str, *, home: str = "") -> Link:
    """Return the spreadsheet in a link; an ID alone is also taken.

    `home` is the address of a Google that is not Google's own.  Raises `InvalidInput`.
    """
    text = re.sub(r"^\[[^\]]*\]\((.*)\)$|^<(.*)>$", r"\1\2", text.strip(" .,;!?")).strip()
    if re.fullmatch(_ID, text):
        return Link(text)
    if not text or " " in text or not re.search(r"[./]", text):
        raise InvalidInput(f"Say **sheet use** and the link of a spreadsheet. {TAKE_LINK}")
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        if home and text.startswith(f"{home}/"):
            url = urlsplit("https://docs.google.com" + text.removeprefix(home))
        ours = url.scheme in ("http", "https") and url.hostname == "docs.google.com"
    except ValueError:
        ours = False
    if not ours:
        raise InvalidInput(f"This is no link to a Google spreadsheet. {TAKE_LINK}")
    if "/d/e/" in url.path:
        raise InvalidInput(f"This link shows a published copy. {TAKE_LINK}")
    found = re.fullmatch(_PATH, url.path)
    if found is None:
        raise InvalidInput(f"This is a link to Google, but to no spreadsheet. {TAKE_LINK}")
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
    def a1(self) -> str:
        """In A1 notation for Google: the tab always in quotes, since it may be called `A1`."""
        return f"{quoted(self.tab)}!{self.cells}"

    def __str__(self) -> str:
        """Return it as people write it."""
        bare = re.fullmatch(r"(?![A-Za-z]{1,3}[0-9]+$)[^\W\d]\w*", self.tab)
        return f"{self.tab if bare else quoted(self.tab)}!{self.cells}"

    def first(self, rows: int, columns: int) -> Range:
        """Return its upper left part, at most so large."""
        bottom, right = self.top + rows - 1, self.left + columns - 1
        return replace(self, bottom=min(self.bottom, bottom), right=min(self.right, right))


def read_range(text: str, tab: str) -> Range:
    """Return the range that `text` names, in `tab` if it names no other.  Raises `InvalidInput`.

    Whole columns (`A:C`) and rows (`2:5`) are allowed, and `B2:A1` is the same as `A1:B2`.
    """
    title, mark, cells = text.strip().rpartition("!")
    title, cells = _without_quotes(title.strip()), read_text(cells)
    first, colon, second = cells.partition(":")
    start = re.fullmatch(_CORNER, first.strip())
    end = re.fullmatch(_CORNER, second.strip()) if colon else start
    half = start is not None and not (start[1] and start[2])  # `A` or `1`: that needs an end
    if not (start and end and start[0] and end[0]) or (mark and not title) or (half and not colon):
        raise InvalidInput(f"“{one_line(text)}” is no range of cells. {GOOD_RANGE}")
    top, bottom = sorted((_row(start[2], 1), _row(end[2], LAST_ROW)))
    left, right = sorted((_column(start[1], 1), _column(end[1], LAST_COLUMN)))
    return Range(title or tab, top, left, bottom, right)


def _without_quotes(title: str) -> str:
    """Return the title of a tab; quotes around it go, and those in it stay as they were typed."""
    if len(title) > 2 and title[0] == title[-1] == "'":
        return title[1:-1].replace("''", "'")
    if len(title) > 2 and title[0] in CURLY and title[-1] in f"{CURLY}'":  # as phones write them
        return title[1:-1]
    return title


def split_cell(text: str) -> tuple[str, str | None]:
    """Return the cell and the value in `'My tab'!B2 some text`; None if there is no value.

    The tab may have spaces and quotes in its title if it is in quotes.
    """
    for title in (r"'(?:[^']|'')+'!", rf"[{CURLY}].+?[{CURLY}']!", ""):
        if found := re.fullmatch(rf"({title}\S+)(?:\s+(.+))?", text, re.DOTALL):
            return found[1], found[2]
    return "", None


def is_same_tab(said: str, title: str) -> bool:
    """Return whether somebody who said this meant the tab with this title.

    The bot shows brackets as others that look alike, cuts long titles, and writes them in one line.
    A phone writes curly quotes.  What people copy from there must lead to the tab again.
    """
    ours, theirs = _comparable(said), _comparable(title)
    beginning = ours.removesuffix("...")  # NFKC makes three dots of an ellipsis
    return ours == theirs or (beginning != ours and theirs.startswith(beginning))


def _comparable(title: str) -> str:
    title = read_text(title.encode("utf-8", "replace").decode())
    return title.translate(STRAIGHT).casefold()


def read_cell(text: str, tab: str) -> Range:
    """Return the one cell that `text` names.  Raises `InvalidInput`."""
    place = read_range(text, tab)
    if (place.top, place.left) != (place.bottom, place.right):
        raise InvalidInput(
            "**sheet set** writes into one cell. Name it like **B2** or **Sheet2!B2**."
        )
    return place


def _row(digits: str, missing: int) -> int:
    if not digits:
        return missing
    if len(digits) > 8 or not 1 <= int(digits) <= LAST_ROW:
        raise InvalidInput(f"There is no row {digits[:12]}: rows are counted from 1. {GOOD_RANGE}")
    return int(digits)


def _column(name: str, missing: int) -> int:
    if len(name) > 3:
        raise InvalidInput(
            f"There is no column {name[:12]}: a column has one to three letters. {GOOD_RANGE}"
        )
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number or missing


def letters(column: int) -> str:
    """Return the name of a column: 1 is `A`, 26 `Z`, 27 `AA`."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def quoted(tab: str) -> str:
    """Return the name of a tab in quotes, as A1 notation wants it."""
    return "'" + tab.replace("'", "''") + "'"


# ---- values ------------------------------------------------------------------------------------


def read_row(text: str) -> list[Value]:
    """Return the values between commas; one in double quotes may hold a comma.

    Raises `InvalidInput`.
    """
    # Phones turn quotation marks into pretty ones.
    text = re.sub(r"(^|,)\s*“([^“”\"]*)”\s*(?=,|$)", r'\1"\2"', text.strip())
    try:
        rows = list(csv.reader(io.StringIO(text, ""), skipinitialspace=True, strict=True))
    except csv.Error:
        raise InvalidInput(f"The quotation marks do not fit together. {GOOD_ROW}") from None
    values = [value.strip() for row in rows for value in row]
    if not any(values):
        raise InvalidInput(f"What shall I add? {GOOD_ROW}")
    if len(rows) > 1:
        raise InvalidInput(f"One row at a time, please. {GOOD_ROW}")
    return [read_value(value) for value in values]


def read_value(text: str) -> Value:
    """Return a number if nothing is lost by that; `007`, a date or `=1+2` stay text."""
    if re.fullmatch(_NUMBER, text) and sum(map(str.isdigit, text)) <= _DIGITS:
        return float(text) if "." in text else int(text)
    return text


def one_line(text: str, longest: int = 60) -> str:
    """Return what other people wrote in one line, `longest` characters at most."""
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    return str(plain(text if len(text) <= longest else f"{text[: longest - 1]}…"))
