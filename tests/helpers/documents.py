"""The documents of this repository, as Markdown that a test can look through."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import mistune
import nbformat

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
LESSONS = sorted(ROOT.glob("notebooks/*.ipynb"))
GUIDE = ROOT / "notebooks" / "INSTRUCTORS.md"
CONTRIBUTING, CHANGES = ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"
MOVING, OWN_BOT = ROOT / "MOVING.md", ROOT / "WRITE_A_BOT.md"
DOCUMENTS = [README, OWN_BOT, CONTRIBUTING, CHANGES, MOVING, *LESSONS, GUIDE]


@cache
def texts_of(file: Path) -> tuple[str, ...]:
    """The Markdown of a document: of a notebook each text cell, otherwise the whole."""
    if file.suffix != ".ipynb":
        return (file.read_text(encoding="utf-8"),)
    cells = nbformat.read(file, as_version=4).cells
    return tuple(cell.source for cell in cells if cell.cell_type == "markdown")


@cache
def tokens_in(text: str) -> tuple[dict[str, Any], ...]:
    """What a Markdown text is made of, in order: headings, links, code, ..., the inner ones too."""
    markdown = mistune.create_markdown(renderer="ast", plugins=["table", "url"])
    return tuple(_flat(markdown(text)))


def _flat(tokens: Any) -> Iterator[dict[str, Any]]:
    for token in tokens:
        yield token
        yield from _flat(token.get("children", []))


def words_of(token: dict[str, Any]) -> str:
    """The plain words of a heading or a link."""
    return "".join(part.get("raw", "") for part in _flat(token.get("children", [])))
