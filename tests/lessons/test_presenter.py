"""The presenter's view without a browser: what is held until somebody wants it, what is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from presenter_world import TRIP, Apart, Presented


def paths_seen(presented: Presented) -> list[str]:
    return [seen.path for seen in presented.kit.world.github.requests_seen]


# ---- held


def test_the_bots_request_does_not_leave_before_the_presenter_wants_it(
    presented: Presented,
) -> None:
    posts = presented.kit.world.ringcentral.posts
    presented.say("profile")
    held = presented.held()
    assert (held["from"], held["to"], held["style"]) == ("bot", "chat", "back")
    assert [post.text for post in posts("direct", "Alice")][-1] == "profile"
    presented.next()
    presented.kit.settle()
    assert "not connected yet" in posts("direct", "Alice")[-1].text


def test_the_chat_gets_its_answer_at_once_however_long_somebody_talks(presented: Presented) -> None:
    presented.say("profile")
    presented.held()
    presented.kit.world.ringcentral.webhooks.settle(2.9)  # seconds; after 3 it would give up
    (subscription,) = presented.kit.world.ringcentral.webhooks.of(presented.kit.bot_id)
    assert subscription.status == "Active"
    (step,) = presented.news()["steps"]
    assert (step["from"], step["to"], step["title"]) == ("chat", "bot", "“profile”")


def test_a_whole_trip_goes_message_by_message_in_the_order_of_lesson_01(
    presented: Presented,
) -> None:
    consent = presented.link()
    assert presented.get(consent).status_code == 200
    decision = {"account": "alice-practice", "decision": "approve"}
    browser = {"User-Agent": "Mozilla/5.0 (a test)"}
    url = f"{presented.view.url}/{consent}"
    approved = Apart(
        lambda: requests.post(url, data=decision, headers=browser, allow_redirects=False)
    )
    assert presented.next()["title"] == "‹code·1›"
    back = approved.result().headers["Location"].removeprefix(f"{presented.view.url}/")
    callback = Apart(lambda: presented.get(back))
    assert presented.next()["to"] == "bot"
    assert presented.held()["title"] == "‹code·1› + ‹secret·1›"
    assert "/login/oauth/access_token" not in paths_seen(presented)
    presented.next()
    assert presented.held()["title"] == "‹token·1›"
    assert "/login/oauth/access_token" in paths_seen(presented)
    for _ in range(3):
        presented.next()
    page = callback.result().text
    presented.say(page.split('class="code">')[1][:7])
    presented.next()
    presented.kit.settle()
    presented.say("profile")
    for _ in range(3):
        presented.next()
    presented.kit.settle()
    steps = presented.news()["steps"]
    assert [(f"{step['from']} → {step['to']}", step["title"]) for step in steps] == [*TRIP]
    asked = [step["number"] for step in steps if step["style"] != "answer"]
    assert asked == [*range(1, 13)]


def test_a_second_press_for_the_same_message_does_nothing(presented: Presented) -> None:
    presented.say("profile")
    held = presented.next()
    assert presented.press(held["name"]) is False
    assert presented.post("next", {}).json() == {"done": False}


def test_a_press_from_before_a_reset_lets_nothing_of_the_new_run_go(presented: Presented) -> None:
    names, runs = [], []
    for _ in range(2):
        presented.post("reset")
        presented.say("profile")
        names.append(presented.held()["name"])
        runs.append(presented.news()["run"])
    assert names[0] == names[1] and runs[0] != runs[1]
    assert presented.press(names[0], runs[0]) is False
    assert presented.held()["name"] == names[1]
    assert presented.press(names[1], runs[1]) is True


def test_when_it_flows_nothing_waits_and_what_waited_goes(presented: Presented) -> None:
    presented.say("profile")
    presented.held()
    presented.post("flow", {"flowing": True})
    presented.kit.settle()
    presented.say("help")
    presented.kit.settle()
    news = presented.news()
    assert (news["flowing"], news["held"], len(news["steps"])) == (True, None, 4)
    presented.post("flow", {"flowing": False})
    presented.say("help")
    assert presented.held()["to"] == "chat"


# ---- told


def test_the_news_wait_until_something_has_changed(presented: Presented) -> None:
    first = presented.news()
    known = {"run": first["run"], "since": first["version"], "ready": "false"}
    later = Apart(lambda: presented.news(**known))
    presented.say("profile")
    assert later.result()["version"] > first["version"]


def test_the_news_say_when_the_chats_page_has_been_told_everything(presented: Presented) -> None:
    assert presented.news()["ready"] is False  # nobody has looked at the chat yet
    waiting, newest = look_at_the_chat(presented)
    presented.say("profile")
    assert waiting.result().json()["newest"] > newest
    assert presented.news()["ready"] is False


def look_at_the_chat(presented: Presented) -> tuple[Apart, int]:
    """As its page does: the question for news, which waits, and the newest that it knows."""
    chat = presented.kit.world.ringcentral
    newest = first_news(presented)["newest"]
    known = {"since": newest, "world": chat.name}
    waiting = Apart(lambda: presented.get(news_of(presented), params=known))
    told = presented.news()
    assert presented.news(run=told["run"], since=told["version"], ready="false")["ready"] is True
    return waiting, newest


def first_news(presented: Presented) -> Any:
    """What the chat's page is told when it is opened."""
    return presented.get(news_of(presented)).json()


def news_of(presented: Presented) -> str:
    return f"at/{presented.kit.world.ports['chat']}/people/Alice/news"


def test_after_a_reset_the_chats_page_has_to_be_told_anew(presented: Presented) -> None:
    _, newest = look_at_the_chat(presented)
    presented.post("reset")
    assert first_news(presented)["newest"] == newest
    told = presented.news()
    assert presented.view.gate.state().resting and told["ready"] is False


def test_who_asks_for_news_while_a_reset_begins_gets_those_of_the_new_run(
    presented: Presented, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, lock = presented.news(), Interrupted(presented.view._changing, presented.view.reset)
    monkeypatch.setattr(presented.view, "_changing", lock)
    told = presented.news(run=known["run"], since=known["version"], ready="false")
    assert lock.then == [] and told["run"] != known["run"]


class Interrupted:
    """A lock: whoever gives it back first waits until something else has been done."""

    def __init__(self, lock: Any, then: Callable[[], None]) -> None:
        self.lock, self.then = lock, [then]

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()
        while self.then:
            self.then.pop()()


def test_no_secret_is_in_any_of_the_news(presented: Presented) -> None:
    told = []
    consent = presented.link()
    state = parse_qs(urlsplit(consent).query)["state"][0]
    presented.post("flow", {"flowing": True})
    page = presented.kit.alice.browser.visit(f"{presented.view.url}/{consent}").approve()
    told.append(presented.get("news").text)
    digits = re.search(r"\b\d{3} \d{3}\b", page.text)[0]
    presented.kit.world.ringcentral.say("Alice", digits, "direct")
    presented.kit.settle()
    told.append(presented.get("news").text)
    (service,) = presented.kit.storage.find_services(bot_id=presented.kit.bot_id)
    (bot,) = presented.kit.storage.find_bots()
    secrets = [state, digits, service.access_token, bot.token["access_token"]]
    secrets += [app.client_secret for app in presented.kit.world.github.apps.values()]
    secrets += parse_qs(urlsplit(page.url).query)["code"]
    assert len(set(secrets)) == 6 and "six digits" in told[1]
    assert [secret for secret in secrets if secret in "".join(told)] == []
