"""The presenter's view and its own name: who may call it, and where it may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from presenter_world import Presented, Room, expect

from botkit.errors import PortTaken
from botkit.lessons import kit
from botkit.lessons.presenter.host_guard import HostGuard
from botkit.practice import HERE, Server

HUB = "https://hub.example/user/ann%40example/"


@pytest.fixture
def on_a_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Presented]:
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", HUB)
    presented = Presented()
    yield presented
    presented.close()


# ---- who may call


def statuses(presented: Presented, host: str) -> set[int]:
    """Of the page, its parts, the news, a press, and what is below the view; same origin all."""
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    pages = ["", "static/view.js", "news", f"at/{presented.kit.world.ports['chat']}/"]
    pages += [f"at/{presented.kit.server.port}/health"]
    got = {presented.get(page, headers=headers).status_code for page in pages}
    return got | {presented.post("flow", {"flowing": False}, **headers).status_code}


STRANGERS = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1", ""]


@pytest.mark.parametrize("host", [*STRANGERS, "0.0.0.0", "a@localhost", "hub.example"])
def test_a_page_that_gives_its_own_name_our_address_reads_nothing(
    presented_to_all: Presented, host: str
) -> None:
    assert statuses(presented_to_all, host) == {403}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LocalHost:8000", "[::1]:80"])
def test_this_computers_names_are_the_views_at_any_port(
    presented_to_all: Presented, host: str
) -> None:
    assert statuses(presented_to_all, host) == {200}


def test_the_hub_that_the_environment_names_may_call(on_a_hub: Presented) -> None:
    assert statuses(on_a_hub, "hub.example") == statuses(on_a_hub, "Hub.example:443") == {200}
    assert statuses(on_a_hub, "localhost") == {200}
    assert statuses(on_a_hub, "evil.hub.example") == statuses(on_a_hub, "") == {403}


@pytest.mark.parametrize("url", ["https://ann@hub.example/{port}", "https://hub.example:8443"])
def test_only_the_name_in_an_address_is_known(url: str) -> None:
    door = HostGuard(lambda environ, start_response: [], {})
    door.know(url)
    assert door.names == HERE | {"hub.example"}
    door.know("https://a%b")  # a name that no browser would send
    assert door.names == HERE | {"hub.example"}


def test_who_comes_through_an_unknown_proxy_is_told_what_to_set(
    presented_to_all: Presented,
) -> None:
    refusal = presented_to_all.get("", headers={"Host": "hub.example"})
    assert "set BOTKIT_PUBLIC_URL to the address" in refusal.text
    assert refusal.headers["Content-Type"].startswith("text/plain")
    assert "frame-ancestors 'self'" in refusal.headers["Content-Security-Policy"]


@pytest.mark.parametrize("outside", ["http://hub.example", "https://hub.example"])
def test_a_proxy_that_hides_its_name_gets_the_same_sentence_on_the_page(
    chromium: Any, presented: Presented, outside: str
) -> None:
    def proxy(environ: dict[str, Any], start_response: Any) -> Any:
        there = environ | {"HTTP_HOST": "localhost"}
        return presented.view.server.app(there, start_response)

    server = Server(proxy)
    context = chromium.new_context()
    page = context.new_page()

    def pass_on(route: Any) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(outside, server.url)))

    page.route(f"{outside}/**", pass_on)
    before = presented.news()["run"]
    page.goto(f"{outside}/")
    page.locator("#trouble", has_text="set BOTKIT_PUBLIC_URL to the address").wait_for()
    page.unroute_all(behavior="ignoreErrors")  # the page waits for news
    context.close()
    server.stop()
    assert presented.news()["run"] == before


# ---- where it may be


@pytest.mark.parametrize(
    "home",
    [
        "http://[",
        "http://",
        "http://a b",
        "http://localhost/a b",
        "http://localhost/?y=",
        "http://localhost/#y",
        "http://localhost/{port}",
        "http://ann@localhost/",
        "localhost",
        "http://localhost:99999/",
        "http://localhost:x/",
        "http://local\nhost/",
        "http:///x",
        "javascript:alert(1)",
        "ftp://localhost/",
        "file://localhost/",
        "file:///etc/passwd",
        "http://localhost\\@evil.example/",
        "http://localhost/\u00e9",
        ["http://localhost/"],
    ],
    ids=str,
)
def test_what_is_no_address_of_a_page_is_refused_in_a_sentence(
    presented_to_all: Presented, home: Any
) -> None:
    before = presented_to_all.news()
    answer = presented_to_all.post("reset", {"home": home})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("That is not an address of this view.")
    after = presented_to_all.news()
    assert (after["run"], after["home"]) == (before["run"], before["home"])


def test_the_view_goes_to_no_host_that_the_environment_does_not_name(
    presented_to_all: Presented,
) -> None:
    before = presented_to_all.news()
    answer = presented_to_all.post("reset", {"home": "https://hub.example/user/ann/proxy/1/"})
    assert answer.status_code == 400 and "BOTKIT_PUBLIC_URL" in answer.json()["message"]
    assert presented_to_all.news()["run"] == before["run"]


@pytest.mark.parametrize(
    "home", ["http://localhost:8000/", "http://[::1]:1/", "https://127.0.0.1/x/"]
)
def test_on_this_computer_the_page_may_be_anywhere(presented: Presented, home: str) -> None:
    assert presented.post("reset", {"home": home}).status_code == 200
    assert presented.news()["home"] == home


def test_the_kit_gives_out_links_to_where_the_browser_has_found_the_view(
    on_a_hub: Presented,
) -> None:
    assert on_a_hub.news()["home"] == f"{HUB}proxy/{on_a_hub.view.server.port}/"
    home = "https://Hub.example:8443/user/b@example/proxy/4711/"
    assert on_a_hub.post("reset", {"home": home}).status_code == 200
    assert on_a_hub.news()["home"] == home
    port = on_a_hub.kit.server.port
    assert on_a_hub.kit.callback_url == f"{home}at/{port}/github/oauth"


def test_localhost_is_learned_from_the_page(chromium: Any, presented: Presented) -> None:
    room = Room(chromium, presented)
    home = f"http://localhost:{presented.view.server.port}/"
    room.open(home)
    room.press()
    assert presented.news()["home"] == home
    room.context.close()
    assert room.troubles == []


# ---- a reset that fails


class Broken:
    def __init__(self, *_: Any, **__: Any) -> None:
        raise PortTaken("A port is taken.", advice="Close the other program.")


def test_a_reset_that_fails_says_why_and_the_view_goes_on(
    presented: Presented, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = presented.news()
    with monkeypatch.context() as broken:
        broken.setattr(kit, "Kit", Broken)
        answer = presented.post("reset", {"home": "http://localhost:1/"})
    sentence = "A port is taken. Close the other program."
    assert (answer.status_code, answer.json()) == (500, {"message": sentence})
    told = presented.news()
    assert told["run"] != before["run"] and told["home"] == before["home"]
    assert (told["trouble"], told["steps"]) == (sentence, [])
    assert presented.post("reset").status_code == 200
    assert presented.news()["trouble"] == ""
    presented.say("profile")
    assert presented.next()["to"] == "chat"


def test_the_page_shows_why_a_reset_has_failed_and_r_tries_again(
    chromium: Any, presented: Presented, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(chromium, presented).open()
    room.press()
    with monkeypatch.context() as broken:
        broken.setattr(kit, "Kit", Broken)
        assert presented.post("reset").status_code == 500  # as another window would
        expect(room.arrows).to_have_count(0)
        sentence = "A port is taken. Close the other program."
        assert room.page.locator("#trouble").inner_text() == sentence
        with room.page.expect_response("**/reset"):
            room.page.keyboard.press("r")
    assert room.page.locator("#trouble").inner_text() == sentence
    room.page.keyboard.press("r")
    room.page.locator("#trouble").wait_for(state="hidden")
    room.state("act")
    room.press()
    room.context.close()


def test_a_refusal_is_not_made_by_the_kit_itself(presented: Presented) -> None:
    """The bot's own server is called by services and tunnels, whatever their names are."""
    url = f"{presented.kit.server.url}/health"
    assert requests.get(url, headers={"Host": "bot.example"}, timeout=10).status_code == 200
