"""Draw cells as a table of text: columns aligned, long cells cut.

Start with `draw_answer`.  The chat shows the table in letters of equal width.  The package wcwidth
says how wide a letter is drawn: Chinese and emoji take two places, accents none.

Sources: Unicode Standard Annexes #11, "East Asian Width", and #29, "Text Segmentation".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from botkit.chat import plain
from botkit.skills.sheets.commands import Range, letters, one_line

WIDEST = 62  # letters in a line, so that the chat does not break it
TALLEST = 30  # rows
LONGEST = 9_000  # characters, of the 10,000 that a message may have
LONGEST_VALUE = 1_000  # characters, of a cell that is shown alone
LIMITS = (60, 40, 28, 20, 14, 10)  # how wide a column may be, from generous to tight
BETWEEN = " | "
MOST_PARTS = 16  # characters that make one letter; a family of emoji has eleven
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")  # would turn the line around


@dataclass(frozen=True)
class Table:
    """`text` shows the first `rows` rows and `columns` columns of what there was."""

    text: str
    rows: int
    columns: int


def draw_answer(rows: Sequence[Sequence[str]], place: Range, *, cut_short: bool = False) -> str:
    """Draw what was found at `place`, and say how to read the rest if the chat cannot show all.

    `cut_short` says that there may be more rows than were fetched.
    """
    table = draw(rows, top=place.top, left=place.left)
    text = f"[code]{table.text}[/code]"
    if below := len(rows) - table.rows:
        least = "at least " if cut_short else ""
        start = place.top + table.rows
        goes_on = replace(place, top=start, bottom=start + table.rows - 1)
        text += f"\n… {least}{_count(below, 'more row')}: **sheet read {one_line(str(goes_on))}**"
    if right := max(map(len, rows)) - table.columns:
        start = place.left + table.columns
        goes_on = replace(place, left=start, right=start + right - 1).first(table.rows, right)
        text += f"\n… {_count(right, 'more column')}: **sheet read {one_line(str(goes_on))}**"
    return text


def draw(rows: Sequence[Sequence[str]], *, top: int, left: int) -> Table:
    """Draw `rows`, whose first cell is in row `top` and column `left` of the sheet."""
    columns = min(max(map(len, rows)), WIDEST // len(BETWEEN))  # no more can find room
    lines = [[plain(_one_line(cell)) for cell in row[:columns]] for row in rows[:TALLEST]]
    lines = [[*line, *[""] * (columns - len(line))] for line in lines]
    numbers = [str(top + place) for place in range(len(lines))]
    gutter = len(numbers[-1])
    grid = [[letters(left + place) for place in range(columns)], *lines]
    widths = _widths(grid, WIDEST - gutter)
    drawn, length = [], 0
    for number, line in zip(["", *numbers], grid, strict=True):
        cells = [fit(cell, width) for cell, width in zip(line, widths, strict=False)]
        drawn.append(BETWEEN.join([number.rjust(gutter), *cells]).rstrip())
        length += len(drawn[-1]) + 1
        if length > LONGEST:
            drawn.pop()
            break
    return Table("\n".join(drawn), len(drawn) - 1, len(widths))


def _widths(grid: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the width of each column; columns at the right that have no room are left out."""
    needed = [max(map(width, column)) for column in zip(*grid, strict=True)]
    for limit in LIMITS:
        widths = [min(need, limit) for need in needed]
        if _total(widths) <= room:
            return widths
    while len(widths) > 1 and _total(widths) > room:
        widths.pop()
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(BETWEEN) * len(widths)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("s" if number != 1 else "")


def draw_cell(value: str) -> str:
    """Draw the value of one cell, alone."""
    more = f"…\n({len(value):,} characters in all)" if len(value) > LONGEST_VALUE else ""
    return f"[code]{plain(value[:LONGEST_VALUE])}{more}[/code]"


# ---- letters -----------------------------------------------------------------------------------


def width(text: str) -> int:
    """Return how many places `text` takes."""
    return sum(places for _, places in _clusters(text))


def fit(text: str, room: int) -> str:
    """Return `text` filled up with spaces, or cut with `…`, so that it takes `room` places."""
    wide = width(text)
    if wide <= room:
        return text + " " * (room - wide)
    kept, taken = "", 0
    for cluster, places in _clusters(text):
        if taken + places > room - 1:
            break
        kept, taken = kept + cluster, taken + places
    return f"{kept}…{' ' * (room - 1 - taken)}"


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Yield what is drawn as one letter, and its places: an emoji may be several characters."""
    # Imported here: its tables are large, and a process that draws no table needs none of them.
    from wcwidth import iter_graphemes, wcswidth

    for letter in iter_graphemes(text):
        yield letter[:MOST_PARTS], max(0, wcswidth(letter))


def _one_line(text: str) -> str:
    """Return the beginning of a cell, without what breaks a table, such as line breaks."""
    text = _TURNS.sub("", text[:LONGEST_VALUE]).replace("\r\n", "\n")
    text = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return "".join(cluster for cluster, _ in _clusters(text))
