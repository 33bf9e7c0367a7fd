"""A lesson as a page can be read by a screen reader, and its map says in words what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_world import NOTEBOOKS, judge
from nbconvert import HTMLExporter

# What JupyterLab's own style makes, and nbconvert's copy of it; not ours to change.
LEFT_OUT = {
    "link-in-text-block": "its links have no underline",
    "target-size": "its <summary> is one line high, and two may follow each other",
}
ITS_OWN = [
    ".jp-InputPrompt, .jp-OutputPrompt",  # [1]: is pale
    ".highlight",  # so are some colours of code
]
NO_ALT = "No description has been provided for this image"  # what nbconvert writes for want of one
SAYS_NOTHING = ["click here", "here", "link", "this", "this page", "read more", "more", ""]
EXPORTER = HTMLExporter()  # one for all: it reads its templates once
MAP = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.route("**/*", lambda route: route.abort())  # nbconvert's page loads from far away
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_lesson_as_a_page(page: Any, file: Path) -> None:
    html, _ = EXPORTER.from_filename(str(file))
    page.set_content(html, wait_until="domcontentloaded")
    found = judge(page, *LEFT_OUT, exclude=ITS_OWN)
    assert [one for one in found if one.impact != "unsure"] == []
    alts = [img.get_attribute("alt") for img in page.locator("img").all()]
    assert NO_ALT not in alts
    links = [
        (link.text_content() or "").strip().casefold()
        for link in page.locator("main a[href]").all()
    ]
    links = [text for text in links if text != "¶"]  # nbconvert's own, beside each heading
    assert links and set(links) & set(SAYS_NOTHING) == set()


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_drawing_says_in_words_what_it_shows(file: Path) -> None:
    """JupyterLab makes of accTitle the text of the image, and of accDescr a hidden caption."""
    cells = nbformat.read(file, as_version=4).cells
    the_map, *others = [found for cell in cells for found in MAP.findall(cell.source)]
    title, words = texts_of(the_map)
    arrows = arrows_of(the_map)
    here = [str(number) for number, arrow in enumerate(arrows, 1) if arrow[2]]
    assert (title, len(arrows)) == ("The map of the trip", 7)
    assert words == f"{in_words(arrows)} Marked with ➤: {', '.join(here) or 'none'}."
    for drawing in others:
        title, words = texts_of(drawing)
        assert title != "The map of the trip"
        assert words == in_words(arrows_of(drawing)) != ""


def texts_of(drawing: str) -> tuple[str, str]:
    (title,) = re.findall(r"(?m)^ *accTitle: (.+)$", drawing)
    (words,) = re.findall(r"(?m)^ *accDescr: (.+)$", drawing)
    return title, words


def arrows_of(drawing: str) -> list[tuple[str, str, str, str]]:
    """The arrows in their order; the third part says whether the reader is there."""
    return re.findall(r"(\w+)->>(\w+): (➤ )?(.+)", drawing)


def in_words(arrows: list[tuple[str, str, str, str]]) -> str:
    return " ".join(f"{n}. {a} to {b}, {text}." for n, (a, b, _, text) in enumerate(arrows, 1))
