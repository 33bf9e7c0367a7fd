"""Break long lines for a notebook cell.

JupyterLab breaks a long line anywhere, also inside a word.  `in_columns` breaks it between words
before JupyterLab can.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

COLUMNS = 100  # fit beside the sidebar of a small screen


class DisplayedText:
    """A string that a notebook cell shows as it is, without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def in_columns(text: str, columns: int = COLUMNS, *, hang: int = 0) -> str:
    """Return `text` with its long lines broken between words.

    A line has at most `columns` characters.  What follows a break has the indent of its line, and
    `hang` more spaces.  A word that is longer than a line stays whole.
    """
    return "\n".join(part for line in text.splitlines() for part in _broken(line, columns, hang))


def _broken(line: str, columns: int, hang: int) -> Iterator[str]:
    if len(line) <= columns:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip()) + hang)
    yield from wrap(
        line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
