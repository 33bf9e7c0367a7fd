"""The whole trip without a mouse: every stop of the Tab key is seen, and focus is never lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from presenter_world import Presented

from botkit.lessons.kit import PRACTICE, Kit

FOCUS = r"""() => {
  const here = document.activeElement;
  const shown = getComputedStyle(here).opacity === "0" ? here.nextElementSibling : here;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const { width, bottom, top } = shown.getBoundingClientRect();
  const words = (here.labels?.[0] ?? here).cloneNode(true);
  for (const node of words.querySelectorAll("[aria-hidden]")) node.remove();
  return {
    name: (here.ariaLabel ?? words.textContent).trim().replace(/\s+/g, " "),
    number: [...document.body.querySelectorAll("*")].indexOf(here), // -1: the page itself
    ring: here.tagName === "IFRAME" || outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    inside: width > 0 && bottom > 0 && top < innerHeight,
  };
}"""
STOPS = """() => {
  const all = [...document.body.querySelectorAll("*")];
  const stops = "a[href], button, textarea, summary, input:checked, [tabindex='0']";
  const seen = [...document.querySelectorAll(stops)].filter((node) => node.checkVisibility());
  return seen.map((node) => all.indexOf(node));
}"""  # of radio buttons with the same name Tab stops only at the one that is chosen
CONSENT = {
    "GitHub": ("github", "profile"),
    "Google": ("drive", "bind"),
    "RingCentral": ("ringcentral", "presence"),
}


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = Kit(replace(PRACTICE, confirm=True))
    yield kit
    kit.close()


@pytest.fixture
def chat(kit: Kit, chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(kit.chat_page)
    page.locator(".post.bot").wait_for()  # it has greeted
    yield page
    context.close()


def tab(page: Any, key: str = "Tab") -> dict[str, Any]:
    """Press Tab once; what has the focus then, which everybody can see."""
    page.keyboard.press(key)
    focus: dict[str, Any] = page.evaluate(FOCUS)
    if focus["number"] >= 0:
        assert focus["ring"] and focus["inside"], focus
    return focus


def tab_to(page: Any, name: str, key: str = "Tab") -> None:
    stops: list[str] = []
    while len(stops) < 40:
        stops.append(tab(page, key)["name"])
        if stops[-1].startswith(name):
            return
    raise AssertionError(f"{name!r} is not among {stops}")


def focused(page: Any) -> str:
    return str(page.evaluate(FOCUS)["name"])


def ask_for_a_link(chat: Any) -> Any:
    """Write to the bot and follow its link; GitHub's page."""
    assert focused(chat) == "Your message"
    chat.keyboard.type("profile")
    chat.keyboard.press("Enter")
    chat.locator(".post.bot", has_text="You are not connected yet").wait_for()
    tab_to(chat, "Connect your GitHub account", "Shift+Tab")
    with chat.context.expect_page() as opened:
        chat.keyboard.press("Enter")
    opened.value.set_default_timeout(10_000)
    opened.value.wait_for_load_state()  # its style sheet too, which draws the ring
    return opened.value


def test_a_person_connects_with_the_keys_alone(chat: Any) -> None:
    github = ask_for_a_link(chat)
    tab_to(github, "Alice Rivera")
    github.keyboard.press("ArrowDown")
    assert focused(github).startswith("Bob")
    tab_to(github, "Approve")
    github.keyboard.press("Enter")
    github.get_by_role("heading", name="One more step").wait_for()
    code = github.locator(".code").inner_text()
    github.close()
    tab_to(chat, "Your message")
    chat.keyboard.type(code)
    chat.keyboard.press("Enter")
    chat.locator(".post.bot", has_text="Connected to GitHub as bob-practice").wait_for()
    assert focused(chat) == "Your message"


def test_a_person_denies_with_the_keys_alone(chat: Any) -> None:
    github = ask_for_a_link(chat)
    tab_to(github, "Deny")
    github.keyboard.press("Enter")
    github.get_by_role("heading", name="Not connected").wait_for()


def test_arrow_keys_change_who_one_is_and_keep_the_focus(chat: Any) -> None:
    tab_to(chat, "Alice")
    for name, words in [("Bob", "Only you and the bot"), ("Mallory", "Alice, Bob, Mallory")]:
        chat.keyboard.press("ArrowRight")
        chat.wait_for_url(f"**#{name}")
        chat.get_by_text(words).last.wait_for()
        assert focused(chat) == name


@pytest.mark.parametrize("width", [1280, 360])
def test_tab_reaches_everything_in_the_chat_and_goes_on(kit: Kit, chat: Any, width: int) -> None:
    chat.set_viewport_size({"width": width, "height": 720})
    kit.alice.say("profile")
    chat.locator(".post.bot", has_text="You are not connected yet").wait_for()
    reaches_everything(chat)


@pytest.mark.parametrize("service", ["GitHub", "Google", "RingCentral"])
def test_tab_reaches_everything_on_a_consent_page(chromium: Any, service: str) -> None:
    skill, command = CONSENT[service]
    kit = Kit(replace(PRACTICE, skills=(skill,)))
    kit.alice.say(command)
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(kit.alice.link)
    page.get_by_role("button", name="Approve").wait_for()
    reaches_everything(page)
    page.close()
    kit.close()


def reaches_everything(page: Any) -> None:
    """Once around, forwards and backwards: each stop once, and then the first again."""
    wanted = page.evaluate(STOPS)
    assert len(wanted) >= 3
    for key in ("Tab", "Shift+Tab"):
        around: list[int] = []
        while len(around) < 60:
            number = tab(page, key)["number"]
            if number in around:
                break
            if number >= 0:
                around.append(number)
        assert sorted(around) == sorted(wanted)
        assert number == around[0]


@pytest.mark.parametrize("stop", ["Your message", "Team", "Connect your GitHub account", "Alice"])
def test_news_leaves_the_focus_where_it_is(kit: Kit, chat: Any, stop: str) -> None:
    kit.alice.say("profile")
    chat.locator(".post.bot", has_text="You are not connected yet").wait_for()
    if stop != "Your message":  # where a person begins
        tab_to(chat, stop, "Shift+Tab")
    kit.alice.say("help")
    kit.mallory.say("Hello, team!", chat="Team")
    chat.locator(".count").wait_for()
    assert focused(chat).startswith(stop)
    tab(chat)  # and the next stop is near, not at the top of the page


def test_the_button_to_new_messages_hands_the_focus_to_them(kit: Kit, chat: Any) -> None:
    tab_to(chat, "Team", "Shift+Tab")
    chat.keyboard.press("Enter")
    kit.mallory.say("Hello,\n" * 60 + "team!", chat="Team")
    chat.locator("#log").get_by_text("team!").wait_for()
    tab_to(chat, "Messages")
    chat.locator("#log").evaluate("log => log.scrollTop = 0")
    chat.evaluate("() => new Promise(requestAnimationFrame)")  # the page has seen that
    kit.mallory.say("Are you there?", chat="Team")
    tab_to(chat, "New messages below")
    chat.keyboard.press("Enter")
    chat.locator("#jump").wait_for(state="hidden")
    assert focused(chat) == "Messages"


def test_tab_leads_through_the_frames_of_the_presenters_view_and_out_again(chromium: Any) -> None:
    presented, page = Presented(), chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(presented.view.url)
    page.wait_for_selector("body:not([data-state=busy])")
    tab_to(page, "The messages so far")
    for name in ("Next", "Flow", "Reset"):
        assert tab(page)["name"].startswith(name)
    tab_to(page, "Next", "Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#arrows .step").wait_for(state="attached")
    assert focused(page).startswith("Next")
    page.close()
    presented.close()
