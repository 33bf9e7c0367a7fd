"""What a person does in the practice chat, in a real browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

import botkit
from botkit.lessons.kit import PRACTICE, Kit, stop


def say(page, text):
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")


def test_a_person_takes_the_trip_in_the_practice_chat(chromium):
    kit = Kit(replace(PRACTICE, confirm=True))
    context = chromium.new_context()
    page = context.new_page()
    page.goto(kit.chat_page)
    say(page, "profile")
    answer = page.locator(".post.bot", has_text="You are not connected yet")
    with context.expect_page() as opened:
        answer.get_by_role("link", name="Connect your GitHub account").click()
    github = opened.value
    assert "read:user" in github.locator("main").inner_text()
    github.get_by_role("button", name="Approve").click()
    github.get_by_role("heading", name="One more step").wait_for()
    assert "alice-practice" in github.locator("main").inner_text()
    code = github.locator(".code").inner_text()
    github.close()
    say(page, code)
    page.locator(".post.bot", has_text="Connected to GitHub as alice-practice").wait_for()
    say(page, "profile")
    profile = page.locator(".post.bot", has_text="Here is your GitHub profile")
    profile.wait_for()
    assert '"login": "alice-practice"' in profile.locator("pre").inner_text()
    context.close()
    kit.close()


def test_before_the_chats_are_there_nothing_can_be_written(kit, chromium):
    page = chromium.new_page()
    held = []
    page.route("**/news?**", lambda route: held.append(route))
    page.goto(kit.chat_page)
    assert page.locator("#message").is_disabled() and page.locator("#send").is_disabled()
    page.unroute("**/news?**")  # and what was held goes on
    say(page, "profile")  # waits until it is possible
    page.locator(".post.bot", has_text="You are not connected yet").wait_for()
    assert page.evaluate("document.activeElement.id") == "message"
    page.close()


def test_markup_in_a_message_stays_text(kit, chromium):
    page = chromium.new_page()
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(kit.chat_page)
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)"> "quotes" 🐙'
    page.locator("#message").fill(evil)
    page.locator("#message").press("Enter")
    own = page.locator(".post.own .bubble")
    own.wait_for()
    assert own.inner_text() == evil and alerts == []
    page.close()


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "dark")])
def test_pages_fit_the_screen(kit, chromium, width, scheme):
    kit.alice.say("profile")
    context = chromium.new_context(viewport={"width": width, "height": 720}, color_scheme=scheme)
    page = context.new_page()
    for url in [kit.chat_page, kit.alice.link, kit.address, kit.address + "/github/oauth?state=x"]:
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(20, 23, 28)")
    context.close()


def test_a_chat_that_is_open_goes_on_in_the_kit_that_is_started_next(chromium):
    """As between two demos: the same steps again, on the same page."""
    kit = botkit.start(confirm=False)
    page = chromium.new_page()
    page.goto(kit.chat_page)
    for _ in range(2):
        say(page, "profile")
        page.locator(".post.own", has_text="profile").wait_for()
        link = page.locator(".post.bot").last.get_by_role("link")
        link.wait_for()
        with page.context.expect_page() as opened:
            link.click()
        opened.value.get_by_role("button", name="Approve").click()
        opened.value.get_by_role("heading", name="Connected").wait_for()
        opened.value.close()
        kit = botkit.start(confirm=False)
        page.locator(".post.own").wait_for(state="detached")
    page.close()
    stop()
