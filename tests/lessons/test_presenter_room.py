"""The presenter's view as a room sees it, on a projector of 1280 by 720, and below a prefix."""

from __future__ import annotations

import re
from typing import Any

from colours import contrast
from presenter_world import TRIP, Presented, Room

from botkit.practice.server import Server


def test_it_can_be_read_from_the_back(room: Room) -> None:
    page = room.page
    for _ in range(9):
        room.press()
        for pair in in_both_schemes(page, "#fields dd"):
            assert contrast(*pair) >= 7, (room.newest(), pair)
    fits = "e => [e.scrollWidth <= innerWidth, e.scrollHeight <= innerHeight]"
    assert page.locator("html").evaluate(fits) == [True, True]
    assert page.locator("body").evaluate("e => [scrollX, scrollY]") == [0, 0]
    texts = page.locator("#stage, #stage *, footer, footer *").evaluate_all(SIZES)
    assert texts and min(size for _, size in texts) >= 16
    assert float(page.locator("#sentence").evaluate(SIZE)) >= 22
    for part in ("#sentence", "#ends strong", "#ends .channel", "#fields dt", "#next-ends"):
        for pair in in_both_schemes(page, part):
            assert contrast(*pair) >= 7, (part, pair)
    for part in ("#arrows .title", "#arrows .newest .title", "#lanes b", "#legend li"):
        for pair in in_both_schemes(page, part):
            assert contrast(*pair) >= 4.5, (part, pair)


def in_both_schemes(page: Any, part: str) -> list[list[str]]:
    """The ink and the ground of each of these elements, in light and in dark."""
    pairs = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        pairs += page.locator(part).evaluate_all(COLOURS)
    assert len({ground for _, ground in pairs}) > 1
    return pairs


def test_on_a_narrow_window_one_stands_below_the_other(
    chromium: Any, presented_in_full: Presented
) -> None:
    room = Room(chromium, presented_in_full, viewport={"width": 800, "height": 900}).open()
    room.press()
    boxes = [room.page.locator(part).bounding_box() for part in ("#chat", "#trip")]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"] and boxes[1]["width"] > 700
    assert room.page.locator("html").evaluate("e => e.scrollWidth") <= 800
    room.context.close()


def test_it_works_below_a_prefix_with_one_port(chromium: Any, presented_in_full: Presented) -> None:
    prefix = "/user/ann/proxy/4711"

    def hub(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        assert path.startswith(f"{prefix}/"), path
        there = environ | {"PATH_INFO": path.removeprefix(prefix)}
        return presented_in_full.view.server.app(there, start_response)

    server = Server(hub)
    asked: list[str] = []
    room = Room(chromium, presented_in_full)
    room.page.on("request", lambda request: asked.append(request.url))
    room.open(f"{server.url}{prefix}/")
    for expected in TRIP:
        room.press()
        assert room.newest() == expected
    room.context.close()
    server.stop()
    assert [url for url in asked if not re.match(f"({server.url}{prefix}/|data:)", url)] == []


# ---- how a page looks

SIZE = "e => parseFloat(getComputedStyle(e).fontSize)"
SIZES = """all => all
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .filter(e => !e.closest('.unseen, [hidden]'))
    .map(e => [e.textContent, parseFloat(getComputedStyle(e).fontSize)])"""
COLOURS = """all => all.map(e => {
    const style = getComputedStyle(e);
    let ground = e.closest('.newest')?.querySelector('.band');
    if (ground) return [style.fill, getComputedStyle(ground).fill];
    for (ground = e; getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)';)
        ground = ground.parentElement;
    const ink = e instanceof SVGElement ? style.fill : style.color;
    return [ink, getComputedStyle(ground).backgroundColor];
})"""
