"""Every page that the kit and its practice world can show, and how a browser comes there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chat_world import World as ChatAlone
from presenter_world import Presented
from tour_world import PAGES, Tour, Way, found_at, page_called

from botkit.lessons.kit import PRACTICE, Kit

NOWHERE = "/nowhere/at/all"


# ---- the practice chat -----------------------------------------------------------------------


def open_chat(tour: Tour, page: Any, person: str, words: str) -> None:
    page.goto(f"{tour.kit.chat_page}#{person}")
    page.get_by_text(words).first.wait_for()


@page_called("chat, empty")
def chat_empty(tour: Tour, page: Any) -> None:
    chat = ChatAlone()
    tour.opened.append(chat)
    page.goto(f"{chat.server.url}#Mallory")
    page.get_by_text("No messages yet. Write the first one below.").wait_for()
    page.get_by_text("The bot is not in this team.").wait_for()


@page_called("chat, with messages")
def chat_full(tour: Tour, page: Any) -> None:
    open_chat(tour, page, "Alice", "Here is your GitHub profile")


@page_called("chat, with unread messages")
def chat_unread(tour: Tour, page: Any) -> None:
    page.goto(f"{tour.kit.chat_page}#Alice")
    page.locator("#chats").get_by_role("button", name="Team").click()
    tour.kit.mallory.say("Hello,\n" * 60 + "team!", chat="Team")
    page.locator("#log").get_by_text("team!").wait_for()
    page.locator("#log").evaluate("log => log.scrollTop = 0")
    page.evaluate("() => new Promise(requestAnimationFrame)")  # the page has seen that
    tour.kit.mallory.say("Are you there?", chat="Team")
    page.get_by_role("button", name="New messages below").wait_for()
    tour.kit.alice.say("help")
    page.locator(".count").wait_for()


@page_called("chat, in trouble")
def chat_trouble(tour: Tour, page: Any) -> None:
    open_chat(tour, page, "Alice", "Here is your GitHub profile")
    page.route("**/posts", lambda route: route.abort())
    page.locator("#message").fill("Is anybody there?")
    page.locator("#message").press("Enter")
    page.get_by_role("alert").wait_for()


# ---- the services ----------------------------------------------------------------------------

COMMANDS = {
    "GitHub": "profile",
    "Drive": "bind",
    "Sheets": "sheet read",
    "RingCentral": "presence",
    "Teapot": "teapot",
    "GitLab": "todos",
}
for name, command in COMMANDS.items():
    PAGES[f"{name}, consent"] = found_at(
        lambda tour, command=command: tour.ask(command) + "&prompt=consent"
    )


def query(tour: Tour, command: str, **changes: str) -> str:
    """The bot's link, with something wrong in it."""
    base, _, parameters = tour.ask(command).partition("?")
    names = [one.split("=")[0] for one in parameters.split("&")]
    assert set(changes) <= set(names)
    kept = [one for one in parameters.split("&") if one.split("=")[0] not in changes]
    return f"{base}?{'&'.join([*kept, *(f'{key}={value}' for key, value in changes.items())])}"


def wrong(command: str, **changes: str) -> Way:
    return found_at(lambda tour: query(tour, command, **changes))


PAGES |= {
    "GitHub, home": found_at(lambda tour: tour.github.address),
    "GitHub, grant": found_at(lambda tour: tour.github.address + tour.github_app),
    "GitHub, no grant": found_at(lambda tour: f"{tour.github.address}{tour.github_app}?login=bob"),
    "GitHub, no such app": wrong("profile", client_id="nobody"),
    "GitHub, 404": found_at(lambda tour: tour.github.address + NOWHERE),
    "Google, home": found_at(lambda tour: f"{tour.google.address}/?login_hint=alice"),
    "Google, file": found_at(lambda tour: tour.google.link(tour.file)),
    "Google, trashed file": found_at(lambda tour: tour.google.link(tour.trash)),
    "Google, sheet": found_at(lambda tour: tour.google.link(tour.sheet)),
    "Google, no connections": found_at(lambda tour: f"{tour.google.address}/connections"),
    "Google, redirect_uri_mismatch": wrong("bind", redirect_uri="https%3A%2F%2Fa.example%2Fb"),
    "Google, 404": found_at(lambda tour: tour.google.address + NOWHERE),
    "RingCentral, no such app": wrong("presence", client_id="nobody"),
    "RingCentral, 404": found_at(lambda tour: tour.kit.chat_page + NOWHERE),
    "Teapot, home": found_at(lambda tour: tour.kit.bot.provider("Teapot").authorize_url[:-15]),
    "Teapot, no such app": wrong("teapot", client_id="nobody"),
    "GitLab, no such app": wrong("todos", client_id="nobody"),
}


@page_called("Google, connections")
def google_connections(tour: Tour, page: Any) -> None:
    link = tour.ask("bind", "alice")
    tour.kit.alice.browser.visit(link).approve()
    page.goto(f"{tour.google.address}/connections?login_hint=alice")


# ---- the bot's own ---------------------------------------------------------------------------


def decide(tour: Tour, page: Any, decision: str, command: str = "teapot") -> None:
    page.goto(tour.ask(command))
    page.get_by_role("button", name=decision).click()
    page.wait_for_url(f"{tour.kit.address}/**")


@page_called("bot, connected")
def bot_connected(tour: Tour, page: Any) -> None:
    decide(tour, page, "Approve")
    page.get_by_role("heading", name="Connected").wait_for()


@page_called("bot, already used")
def bot_already_used(tour: Tour, page: Any) -> None:
    decide(tour, page, "Approve")
    page.reload()
    page.get_by_role("heading", name="Already used").wait_for()


@page_called("bot, not connected")
def bot_not_connected(tour: Tour, page: Any) -> None:
    decide(tour, page, "Deny", "bind")
    page.get_by_role("heading", name="Not connected").wait_for()


@page_called("bot, one more step")
def bot_one_more_step(tour: Tour, page: Any) -> None:
    kit = Kit(replace(PRACTICE, confirm=True))
    tour.opened.append(kit)
    kit.alice.say("profile")
    page.goto(kit.alice.link)
    page.get_by_role("button", name="Approve").click()
    page.locator(".code").wait_for()


PAGES |= {
    "bot, home": found_at(lambda tour: tour.kit.address),
    "bot, not our state": found_at(lambda tour: f"{tour.kit.address}/github/oauth?state=x"),
    "bot, not installed": found_at(lambda tour: f"{tour.kit.address}/bot/oauth"),
    "bot, 404": found_at(lambda tour: tour.kit.address + NOWHERE),
}


# ---- the presenter's view --------------------------------------------------------------------


def present(tour: Tour, page: Any, arrows: int) -> None:
    """Open the view and press the key for that many arrows."""
    presented = Presented()
    tour.opened.append(presented)
    page.goto(presented.view.url)
    for done in range(arrows + 1):
        page.wait_for_selector("body:not([data-state=busy])")
        assert page.locator("#arrows .step").count() == done
        if done < arrows:
            page.keyboard.press("Space")
            page.locator("#arrows .step").nth(done).wait_for(state="attached")


PRESENTED: dict[str, Way] = {
    "presenter, at first": lambda tour, page: present(tour, page, 0),
    "presenter, on the way": lambda tour, page: present(tour, page, 5),
}
PAGES |= PRESENTED
