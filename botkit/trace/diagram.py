"""Draw a trace as a sequence diagram with characters, and put the picture in HTML.

Start with `Diagram`.  The same exchanges always give the same characters, so that the stored output
of a notebook can be compared.

Not here: the picture itself (`picture.py`) and what is drawn (`arrows.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from botkit.trace.arrows import LEGEND, Arrow, arrows_of, cut, field_lines, fit, lanes_of, width_of
from botkit.trace.exchange import NOTHING, Exchange, listing
from botkit.trace.picture import svg


class Diagram:
    """A sequence diagram: a picture in a notebook, characters in a terminal."""

    def __init__(self, exchanges: Sequence[Exchange], *, details: bool = True) -> None:
        self.svg = svg(exchanges, details=details)
        self.text = text(exchanges, details=details)
        self.html = html(exchanges, self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "image/svg+xml": self.svg, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def html(exchanges: Sequence[Exchange], picture: str) -> str:
    """Return the picture, and below it the same in words for people who cannot see it.

    JupyterLab shows plain SVG as an image without a description, which a screen reader skips, and
    shows none of it before the cell was run.
    """
    # Letters and digits stay readable in the address: a secret would be found there as elsewhere.
    source = quote(picture, safe=" ,:;=/?!()'@*+$|[]")
    names = ", ".join(lanes_of(exchanges)) or "empty"
    alt = escape(f"Sequence diagram: {names}. The same in words is below.")
    look = "white-space:pre-wrap;overflow-wrap:anywhere"
    size = "max-width:100%;min-width:560px;height:auto"  # smaller, it could not be read
    return (
        f'<img alt="{alt}" src="data:image/svg+xml,{source}" style="{size}">'
        "<details><summary>The same in words</summary>"
        f'<pre style="{look}">{escape(listing(exchanges))}</pre></details>'
    )


COLUMNS = 100  # the width of the whole
FIRST = 5  # the column of the first lifeline
SHAFTS = {"front": "╌", "back": "─", "answer": "┈"}


def text(exchanges: Sequence[Exchange], *, details: bool = True) -> str:
    """Return the diagram for a terminal, at most 100 columns wide."""
    names, arrows = lanes_of(exchanges), list(arrows_of(exchanges, details))
    if not names:
        return NOTHING
    gap = min(48, (COLUMNS - FIRST - 6) // max(len(names) - 1, 1))
    lanes = [FIRST + gap * n for n in range(max(len(names), 2))]
    titles = [cut(name, gap - 2) for name in names]
    heads = [(x - width_of(name) // 2, name) for x, name in zip(lanes, titles, strict=False)]
    lifelines = [(x, "│") for x in lanes[: len(names)]]
    rows = [heads, lifelines]
    for arrow in arrows:
        left, number = lanes[arrow.gap], f"{arrow.number} " if arrow.number else ""
        at, room = left, gap - 3 - len(number)
        if width_of(arrow.label) > room and abs(arrow.end - arrow.start) > 1:
            at = min(lanes[arrow.start], lanes[arrow.end])
            room = gap * abs(arrow.end - arrow.start) - 3 - len(number)
        rows.append([*lifelines, (at + 2, number + fit(arrow.label, room))])
        rows.append([*lifelines, *_text_arrow(arrow, lanes)])
        fields = field_lines(arrow, gap - 4 if gap > 26 else 30)
        rows += [*([*lifelines, (left + 3, line)] for _, line in fields), lifelines]
    used = {arrow.style for arrow in arrows}
    legend = [f"{SHAFTS[s] * 3}► {words}" for s, words in LEGEND.items() if s in used]
    return "\n".join([*map(_row, [*rows, heads]), "", "   ".join(legend)])


def _text_arrow(arrow: Arrow, lanes: Sequence[int]) -> list[tuple[int, str]]:
    start, end, shaft = lanes[arrow.start], lanes[arrow.end], SHAFTS[arrow.style]
    if start == end:  # to itself
        return [(start + 1, f"◄{shaft}┘")]
    if start < end:
        return [(start + 1, shaft * (end - start - 2) + "►"), (end + 2, arrow.status)]
    return [(end + 1, "◄" + shaft * (start - end - 2)), (end - 4, arrow.status)]


def _row(pieces: Sequence[tuple[int, str]]) -> str:
    """Return a line with each piece at its column; a later piece covers earlier ones."""
    cells = [" "] * COLUMNS
    for column, piece in pieces:
        column = max(min(column, COLUMNS - width_of(piece)), 0)
        for character in piece:
            width = width_of(character)
            if width:
                cells[column : column + width] = [character, ""][:width]
            else:  # an accent belongs to the letter before it
                cells[column - 1] += character
            column += width
    return "".join(cells).rstrip()
