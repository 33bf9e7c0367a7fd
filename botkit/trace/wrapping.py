"""Texts as a notebook cell shows them.

JupyterLab breaks a long line anywhere, also in the middle of a word.  So it is broken here, before.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

COLUMNS = 100  # fit beside the sidebar of a small screen


class Shown:
    """A text that a notebook cell shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def in_columns(text: str, columns: int = COLUMNS, *, hang: int = 0) -> str:
    """`text` with its long lines broken between words.

    What follows a break is indented as the line itself, and by `hang` more.  A word that is longer
    than a line stays whole.
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
