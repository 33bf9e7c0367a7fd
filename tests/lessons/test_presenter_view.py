"""The presenter's keys and hands, in Chromium: what each press does, and what is held."""

from __future__ import annotations

from presenter_world import AT_REST, TRIP, Room, expect

TOKEN = "/login/oauth/access_token"


# ---- the trip


def test_each_press_brings_one_arrow_until_the_trip_is_over(room: Room) -> None:
    assert room.coming() == "Alice writes “profile”"
    for expected in TRIP:
        room.press()
        assert room.newest() == expected
        assert room.page.locator("#arrows .newest .title").is_visible()
        inside = "(a, b) => a.getBoundingClientRect().bottom <= b.getBoundingClientRect().bottom"
        drawing = room.page.locator("#drawing").element_handle()
        assert room.page.locator("#arrows .newest .shaft").evaluate(inside, drawing)
    room.state("finished")
    assert room.coming() == "the trip is over; R begins again"
    assert '"login": "alice-practice"' in room.chat.locator(".post.bot pre").inner_text()
    room.page.keyboard.press("Space")
    assert room.arrows.count() == len(TRIP)


def test_the_line_at_the_bottom_says_who_sends_next_and_no_more(room: Room) -> None:
    said = [room.coming()]
    for _ in range(6):
        room.press()
        said.append(room.coming())
    assert said == [
        "Alice writes “profile”",
        "bot → chat",
        "Alice opens the link",
        "Alice presses Approve",
        "GitHub → browser",
        "browser → bot",
        "bot → GitHub",
    ]


def test_what_is_held_has_not_been_sent(room: Room) -> None:
    github = room.presented.kit.world.github
    for _ in range(6):
        room.press()
    assert room.coming() == "bot → GitHub"
    assert TOKEN not in [seen.path for seen in github.requests_seen]
    room.press()
    assert [seen.path for seen in github.requests_seen].count(TOKEN) == 1
    assert room.coming() == "GitHub → bot"
    assert room.page.locator("#whose").inner_text() == ": waiting for a page"


def test_the_browser_says_whose_page_it_shows(room: Room) -> None:
    whose = room.page.locator("#whose")
    for _ in range(3):
        room.press()
    assert whose.inner_text() == ": a page of GitHub"
    for _ in range(7):
        room.press()
    assert whose.inner_text() == ": a page of the bot"
    room.browser.get_by_role("heading", name="One more step").wait_for()


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
    for expected in TRIP:
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
