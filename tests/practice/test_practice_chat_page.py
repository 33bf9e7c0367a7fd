"""The practice chat's page: its data, who may post there, and that a text stays a text."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from chat_world import World

import botkit.practice

STATIC = Path(botkit.practice.__file__).parent / "ringcentral" / "static"
EVIL = """<script>alert("x")</script> ' & [a](javascript:alert(1)) 🤖"""


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.install(subscribed=False)
    yield world
    world.close()


def news(
    world: World, person: str = "Alice", since: int = 0, name: str | None = None
) -> dict[str, Any]:
    params: dict[str, Any] = {"since": since, "world": name or world.chat.name}
    answer = requests.get(f"{world.server.url}/people/{person}/news", params=params)
    assert answer.headers["Content-Type"] == "application/json"
    data = answer.json()
    assert isinstance(data, dict)
    return data


def post(world: World, text: object, person: str = "Alice", **headers: str) -> requests.Response:
    chat = world.chat.find_chat("Team", world.chat.person("Alice")).id
    url = f"{world.server.url}/people/{person}/chats/{chat}/posts"
    return requests.post(url, json={"text": text}, headers=headers)


def test_the_page_uses_relative_addresses_and_nothing_from_outside(world: World) -> None:
    page = requests.get(world.server.url + "/")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    links = re.findall(r"(?:href|src|action)=\"([^\"]*)\"", page.text)
    assert links == ["data:,", "static/chat.css", "static/chat.js"]
    for link in links[1:]:
        assert requests.get(f"{world.server.url}/{link}").status_code == 200
    assert "Practice world: nothing here leaves this computer." in page.text
    assert page.text.count("<h1>") == 1
    assert 'aria-live="polite"' in page.text


def test_the_script_never_makes_markup_out_of_a_text() -> None:
    script = (STATIC / "chat.js").read_text("utf-8")
    ways = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(")
    assert [way for way in ways if way in script] == []
    assert "textContent" in script
    assert re.findall(r"fetch\(|ask\([`\"']/", script) == ["fetch("]


def test_markup_in_a_text_comes_out_as_data(world: World) -> None:
    assert post(world, EVIL).status_code == 201
    (shown,) = news(world)["posts"]
    assert (shown["text"], shown["creator"], shown["bot"]) == (EVIL, "Alice", False)


def test_a_person_sees_the_direct_chat_first_and_then_the_team(world: World) -> None:
    world.chat.add_bot_to_team()
    chats = news(world)["chats"]
    assert [(chat["title"], chat["direct"], chat["hasBot"]) for chat in chats] == [
        ("Practice Bot", True, True),
        ("Team", False, True),
    ]
    assert chats[1]["members"] == ["Alice", "Bob", "Mallory", "Practice Bot"]
    assert [chat["title"] for chat in news(world, "Mallory")["chats"]] == ["Team"]


def test_nobody_sees_the_direct_chat_of_somebody_else(world: World) -> None:
    world.chat.say("Alice", "between us", chat="direct")
    assert news(world, "Bob")["posts"] == news(world, "Mallory")["posts"] == []
    assert [shown["text"] for shown in news(world)["posts"]] == ["between us"]


def test_a_post_of_the_bot_is_marked_and_mentions_carry_the_name(world: World) -> None:
    chat = world.chat.find_chat("direct", world.chat.person("Alice")).id
    text = "Hello ![:Person](2101001)"
    world.api("POST", f"/team-messaging/v1/chats/{chat}/posts", json={"text": text})
    (shown,) = news(world)["posts"]
    assert (shown["bot"], shown["mentions"]) == (True, {"2101001": "Alice"})


def test_a_page_that_waits_hears_of_a_post_as_soon_as_it_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, heard, asked = news(world)["newest"], list[dict[str, Any]](), threading.Event()
    wait_for_change = world.chat.wait_for_change

    def wait(since: int, timeout: float) -> int:
        assert timeout >= 10
        asked.set()
        return wait_for_change(since, timeout)

    monkeypatch.setattr(world.chat, "wait_for_change", wait)
    waiting = threading.Thread(target=lambda: heard.append(news(world, since=newest)))
    waiting.start()
    assert asked.wait(5)
    world.chat.say("Bob", "here I am")
    waiting.join(5)
    assert [shown["text"] for shown in heard[0]["posts"]] == ["here I am"]


def test_a_page_of_a_former_world_gets_all_of_this_one_at_once(world: World) -> None:
    world.chat.say("Bob", "from the start")
    now = news(world)
    assert now["world"] == world.chat.name
    there = news(world, since=now["newest"], name="the one before")
    assert [shown["text"] for shown in there["posts"]] == ["from the start"]


def test_whoever_waits_for_news_is_let_go_when_the_world_ends(world: World) -> None:
    heard: list[dict[str, Any]] = []
    newest = news(world)["newest"]
    waiting = threading.Thread(target=lambda: heard.append(news(world, since=newest)))
    waiting.start()
    world.chat.end()
    waiting.join(5)
    assert not waiting.is_alive() and heard[0]["posts"] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),  # another port of this machine
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://through.a.proxy"}, 201),
        ({"Content-Type": "text/plain"}, 415),
    ],
    ids=str,
)
def test_a_post_from_another_origin_is_refused(
    world: World, headers: dict[str, str], status: int
) -> None:
    assert post(world, "hi", **headers).status_code == status
    assert len(world.chat.posts()) == (status == 201)


def test_a_post_with_our_own_origin_is_taken(world: World) -> None:
    assert post(world, "hi", Origin=world.server.url).status_code == 201


def test_a_text_that_is_refused_comes_with_the_reason(world: World) -> None:
    answer = post(world, "x" * 10_001)
    assert answer.status_code == 400
    assert answer.json() == {"message": "A message has at most 10,000 characters, not 10,001."}
    assert post(world, "hi", person="Eve").status_code == 404
