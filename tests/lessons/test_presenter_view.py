"""The presenter's keys and hands, in Chromium: what each press does, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from presenter_world import AT_REST, TRIP, Presented, Room, expect

from botkit.settings import PLACE_OF

TOKEN = "/login/oauth/access_token"


# ---- the trip


@dataclass
class Moment:
    """What the view shows after a press, and what GitHub has seen by then."""

    newest: tuple[str, str] | None
    coming: str
    whose: str
    page: str  # the heading of the browser's page
    tokens: int  # requests for one
    caption: float  # how high it is
    cut: bool  # whether a part of its text is hidden
    seen: bool  # whether the newest arrow is in the picture


def look(room: Room) -> Moment:
    page, github = room.page, room.presented.kit.world.github
    arrow, caption = page.locator("#arrows .newest"), page.locator("#caption")
    headings = room.browser.get_by_role("heading").all_inner_texts()
    return Moment(
        newest=room.newest() if arrow.count() else None,
        coming=room.coming(),
        whose=page.locator("#whose").inner_text(),
        page=headings[0] if headings else "",
        tokens=[one.path for one in github.requests_seen].count(TOKEN),
        caption=caption.bounding_box()["height"],
        cut=caption.evaluate(IS_CUT),
        seen=arrow.count() == 1 and arrow.locator(".shaft").evaluate(IS_SEEN),
    )


IS_CUT = "e => e.scrollHeight > e.clientHeight || e.scrollWidth > e.clientWidth"
IS_SEEN = """shaft => {
  const title = shaft.closest(".newest").querySelector(".title");
  const drawing = document.querySelector("#drawing").getBoundingClientRect();
  return title.checkVisibility() && shaft.getBoundingClientRect().bottom <= drawing.bottom;
}"""


@pytest.fixture(scope="module")
def trip(chromium: Any) -> tuple[list[Moment], dict[str, Any]]:
    """The whole trip, press by press from the first moment, and what there is in the end."""
    presented = Presented(skills=tuple(PLACE_OF))
    room = Room(chromium, presented).open()
    moments = [look(room)]
    for _ in TRIP:
        room.press()
        moments.append(look(room))
    room.state("finished")
    profile = room.chat.locator(".post.bot pre").inner_text()
    room.page.keyboard.press("Space")
    end = {"profile": profile, "arrows": room.arrows.count(), "troubles": room.troubles}
    room.context.close()
    presented.close()
    return moments, end


def test_each_press_brings_one_arrow_until_the_trip_is_over(trip) -> None:
    (first, *moments), end = trip
    assert first.newest is None
    assert tuple(moment.newest for moment in moments) == TRIP
    assert all(moment.seen for moment in moments)
    assert moments[-1].coming == "the trip is over; R begins again"
    assert '"login": "alice-practice"' in end["profile"]
    assert (end["arrows"], end["troubles"]) == (len(TRIP), [])


def test_every_sentence_fits_below_the_drawing(trip) -> None:
    moments, _ = trip
    assert not any(moment.cut for moment in moments)
    assert len({moment.caption for moment in moments}) == 1
    assert not any("…" in moment.newest[1] for moment in moments[1:])


def test_the_line_at_the_bottom_says_who_sends_next_and_no_more(trip) -> None:
    moments, _ = trip
    assert [moment.coming for moment in moments[:8]] == [
        "Alice writes “profile”",
        "bot → chat",
        "Alice opens the link",
        "Alice presses Approve",
        "GitHub → browser",
        "browser → bot",
        "bot → GitHub",
        "GitHub → bot",
    ]


def test_what_is_held_has_not_been_sent(trip) -> None:
    moments, _ = trip
    assert [moment.tokens for moment in moments] == [0] * 7 + [1] * 10


def test_the_browser_says_whose_page_it_shows(trip) -> None:
    moments, _ = trip
    assert moments[3].whose == ": a page of GitHub"
    assert moments[7].whose == ": waiting for a page"
    assert (moments[10].whose, moments[10].page) == (": a page of the bot", "One more step")


# ---- by hand


def test_the_presenter_may_do_everything_by_hand_and_the_view_follows(room: Room) -> None:
    message = room.chat.locator("#message")
    message.fill("profile")
    message.press("Enter")
    room.state("held")
    room.press("PageDown")  # a clicker; the message box still has the keyboard
    room.chat.get_by_role("link", name="Connect your GitHub account").click()
    assert len(room.context.pages) == 1
    room.browser.get_by_role("button", name="Deny").click()
    room.state("held")
    assert room.newest() == ("browser → GitHub", "deny")
    room.press()
    assert room.newest() == ("GitHub → browser", "a no")
    room.press()
    room.browser.get_by_role("heading", name="Not connected").wait_for()
    assert "brings no code but a no" in room.page.locator("#sentence").inner_text()
    assert room.coming() == "Alice writes “profile”"
    room.press()
    room.press()
    assert ["state", "‹state·2›"] in room.presented.news()["steps"][-1]["fields"]


def test_a_button_that_has_been_clicked_is_not_pressed_again_by_space(room: Room) -> None:
    for _ in range(3):
        room.press()
    approve = room.browser.get_by_role("button", name="Approve")
    approve.click()
    room.state("held")
    approve.click()  # the old page still stands there, with its button
    room.press()
    assert room.newest() == ("GitHub → browser", "‹code·1›")
    methods = [seen.method for seen in room.presented.kit.world.github.requests_seen]
    assert methods.count("POST") == 1


def test_who_presses_twice_in_a_hurry_says_it_once(room: Room) -> None:
    for _ in range(3):
        room.page.keyboard.press("Space")
    room.page.locator(AT_REST).wait_for()
    posts = room.presented.kit.world.ringcentral.posts("direct", "Alice")
    assert [post.text for post in posts if post.creator == "Alice"] == ["profile"]


def test_keys_work_inside_the_frames_but_not_while_somebody_writes(room: Room) -> None:
    message = room.chat.locator("#message")
    message.click()
    room.page.keyboard.type("help fr")
    assert message.input_value() == "help fr" and room.arrows.count() == 0
    message.fill("")
    room.press("Space")
    room.press("ArrowRight")
    room.press("Space")
    room.browser.get_by_role("heading", name="Authorize Practice Bot").click()
    room.press("Space")
    assert room.newest() == ("browser → GitHub", "Approve")


def test_the_button_does_what_the_key_does(room: Room) -> None:
    room.page.get_by_role("button", name="Next").click()
    expect(room.arrows).to_have_count(1)
    room.page.get_by_role("button", name="Flow").click()
    expect(room.arrows).to_have_count(2)
    room.page.locator(AT_REST).wait_for()
    room.press("Space")  # and not the button that was clicked last
    assert room.presented.view.gate.flowing


# ---- F and R


def test_f_lets_everything_flow_and_f_again_stops_it(room: Room) -> None:
    room.press()
    room.page.keyboard.press("f")
    expect(room.arrows).to_have_count(2)
    expect(room.page.locator("#flow")).to_have_attribute("aria-pressed", "true")
    room.page.locator(AT_REST).wait_for()
    room.press()
    room.page.keyboard.press("Space")
    expect(room.arrows).to_have_count(10)
    room.page.keyboard.press("F")
    expect(room.page.locator("#flow")).to_have_attribute("aria-pressed", "false")
    room.state("act")
    room.press()
    assert room.coming() == "bot → chat"


def test_r_begins_anew_with_the_first_label_even_while_something_waits(room: Room) -> None:
    for _ in range(7):
        room.press()
    room.state("held")
    room.page.keyboard.press("r")
    expect(room.arrows).to_have_count(0)
    room.state("act")
    assert room.coming() == "Alice writes “profile”"
    expect(room.page.locator("#sentence")).to_contain_text("Press Space to begin")
    expect(room.page.locator("#page")).to_be_hidden()
    expect(room.chat.locator(".post")).to_have_count(1)
    for expected in TRIP[:4]:
        room.press()
        assert room.newest() == expected
    steps = room.presented.news()["steps"]
    assert ["state", "‹state·1›"] in steps[1]["fields"]


def test_a_link_that_has_ended_is_refused_and_the_next_press_asks_for_another(room: Room) -> None:
    for _ in range(3):
        room.press()
    room.presented.kit.clock.advance(minutes=11)
    for _ in range(3):
        room.press()
    room.browser.get_by_text("more than ten minutes old").wait_for()
    expect(room.page.locator("#sentence")).to_contain_text("the bot refuses it")
    assert room.coming() == "Alice writes “profile”"
