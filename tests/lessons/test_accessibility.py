"""axe-core finds nothing on any page nor in what a notebook shows: wide, narrow, light and dark.

What the rules of axe-core cannot see is in test_keyboard.py and test_picture_texts.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_world import GROUNDS, WIDTHS, judge, judge_in_every_look, outputs, show_output
from colours import contrast
from pages_world import PAGES, PRESENTED
from tour_world import Tour

PROJECTOR = (1280,)  # nobody presents on a phone


@pytest.fixture(scope="module")
def tour() -> Iterator[Tour]:
    tour = Tour()
    yield tour
    tour.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_page(tour: Tour, page: Any, name: str) -> None:
    with tour.visit(page, name):
        assert judge_in_every_look(page, PROJECTOR if name in PRESENTED else WIDTHS) == []
        for icon in page.locator(".face, .mark").all():
            assert icon.get_attribute("aria-hidden") == "true"


def test_every_template_is_on_the_tour(tour: Tour, page: Any) -> None:
    for name in [name for name in PAGES if name not in tour.visited]:
        with tour.visit(page, name):
            assert page.title()
    assert tour.templates() - tour.seen == set()


@pytest.mark.parametrize("scheme", GROUNDS)
def test_what_the_presenters_view_draws_can_be_read(tour: Tour, page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    with tour.visit(page, "presenter, on the way"):
        ground = page.locator("#trip").evaluate("trip => getComputedStyle(trip).backgroundColor")
        inks = page.locator("#arrows text, #arrows tspan").evaluate_all(
            "all => all.map((text) => getComputedStyle(text).fill)"
        )
    assert len(inks) >= 5
    assert min(contrast(ink, ground) for ink in inks) >= 4.5


@pytest.mark.parametrize("scheme", GROUNDS)
def test_axe_finds_nothing_in_what_a_notebook_shows(page: Any, scheme: str) -> None:
    found, shown = {}, outputs()
    assert len(shown) >= 28
    for name, output in shown.items():
        show_output(page, output, scheme)
        found[name] = judge(page)
    assert {name: one for name, one in found.items() if one} == {}


def test_axe_sees_what_is_wrong(page: Any) -> None:
    """Else the tests above might be green because nobody looked."""
    show_output(page, '<img src="data:,"><p style="color:#999;background:#fff">pale</p>', "light")
    assert {(one.impact, one.rule) for one in judge(page)} == {
        ("critical", "image-alt"),
        ("serious", "color-contrast"),
    }
