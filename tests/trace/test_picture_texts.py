"""Who cannot see a picture reads its text; and what a converted lesson has is built well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import nbformat
import pytest
from axe_world import NOTEBOOKS, contrast, judge
from nbconvert import HTMLExporter

from botkit.trace import Exchange, picture
from botkit.trace.diagram import Diagram

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
MAP = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.route("**/*", lambda route: route.abort())  # nbconvert's page loads from far away
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_lesson_as_a_page(page: Any, file: Path) -> None:
    html, _ = HTMLExporter().from_filename(str(file))
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
def test_a_map_says_in_words_what_it_shows(file: Path) -> None:
    """JupyterLab makes of accTitle the text of the image, and of accDescr a hidden caption."""
    cells = nbformat.read(file, as_version=4).cells
    maps = [found for cell in cells for found in MAP.findall(cell.source)]
    assert len(maps) == 1
    (title,) = re.findall(r"(?m)^ *accTitle: (.+)$", maps[0])
    (words,) = re.findall(r"(?m)^ *accDescr: (.+)$", maps[0])
    assert title == "The map of the trip"
    assert words == in_words(maps[0])


def in_words(drawing: str) -> str:
    """The text of a map: its arrows in their order, and where the reader is."""
    arrows = re.findall(r"(\w+)->>(\w+): (➤ )?(.+)", drawing)
    assert len(arrows) == 7
    words = [f"{n}. {a} to {b}, {text}." for n, (a, b, _, text) in enumerate(arrows, 1)]
    here = [str(number) for number, arrow in enumerate(arrows, 1) if arrow[2]]
    return " ".join([*words, f"Marked with ➤: {', '.join(here) or 'none'}."])


def test_a_diagram_has_a_text_and_the_same_in_words() -> None:
    evil = "<b>\"x\"</b> & 'y' #1 100% 🦊"
    exchange = Exchange("browser", "GitHub", "GET", "/login", (("state", evil),), status=302)
    diagram = Diagram([exchange])
    shown = re.fullmatch(
        r'<img alt="([^"]+)" src="data:image/svg\+xml,([^"<>#]+)" style="[^"<>]+">'
        r"<details><summary>The same in words</summary><pre[^<>]*>([^<>]+)</pre></details>",
        diagram.html,
    )
    assert shown is not None
    alt, drawn, words = shown.groups()
    assert alt == "Sequence diagram: browser, GitHub. The same in words is below."
    assert unquote(drawn) == diagram.svg
    title, description, *_ = (part.text for part in ElementTree.fromstring(diagram.svg))
    assert title == "Sequence diagram: browser, GitHub"
    assert unescape(words) == description and evil in unescape(words)


def test_what_a_diagram_draws_can_be_read() -> None:
    """axe-core does not look into an image; the ground is white, that of a number its arrow's."""
    numbers = [colour for name, colour in picture.COLOURS.items() if name != "answer"]
    for ink in [picture.INK, picture.QUIET, picture.BAD, *picture.LABELS.values(), *numbers]:
        assert contrast(ink, "#ffffff") >= 4.5, ink
    assert contrast("#777777", "#ffffff") < 4.5 < contrast("#767676", "rgb(255, 255, 255)")
