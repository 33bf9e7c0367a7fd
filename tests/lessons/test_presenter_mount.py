"""The presenter's view and the kit below it: who may stand in a frame, who may press, resetting."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
import requests
from presenter_world import Apart, Presented

from botkit.errors import PortTaken
from botkit.lessons.kit import start, stop
from botkit.lessons.presenter.view import View
from botkit.settings import PLACE_OF, Settings

# ---- below /at/


def headers_of(answer: requests.Response) -> tuple[str | None, str]:
    return answer.headers.get("X-Frame-Options"), answer.headers["Content-Security-Policy"]


def test_only_below_the_view_may_a_page_stand_in_a_frame(presented_to_all: Presented) -> None:
    ports = presented_to_all.kit.world.ports
    places = {ports["chat"]: "", ports["github"]: "", presented_to_all.kit.server.port: "health"}
    for port, path in places.items():
        options, policy = headers_of(presented_to_all.get(f"at/{port}/{path}"))
        assert options is None and policy.endswith("frame-ancestors 'self'")
        assert policy.count("frame-ancestors") == 1 and "default-src" in policy
    direct = requests.get(f"{presented_to_all.kit.world.github.address}/")
    assert headers_of(direct) == ("DENY", direct.headers["Content-Security-Policy"])
    assert "frame-ancestors 'none'" in headers_of(direct)[1]
    bots_page = requests.get(f"{presented_to_all.kit.server.url}/")
    assert "frame-ancestors 'none'" in headers_of(bots_page)[1]


def test_nothing_else_of_this_computer_is_below_the_view(presented_to_all: Presented) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert presented_to_all.get(f"at/{other.getsockname()[1]}/").status_code == 404
    assert presented_to_all.get("at/99999/").status_code == 404
    assert presented_to_all.get("at/x/").status_code == 404


def test_an_address_without_its_slash_leads_to_the_one_with_it(presented_to_all: Presented) -> None:
    port = presented_to_all.kit.world.ports["chat"]
    answer = presented_to_all.get(f"at/{port}", params={"a": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{port}/?a=1")
    assert "Practice chat" in presented_to_all.get(f"at/{port}/").text


def test_the_page_needs_nothing_from_outside_and_nothing_absolute(
    presented_to_all: Presented,
) -> None:
    page = presented_to_all.get("")
    links = [part.split('"')[0] for part in page.text.split('ref="')[1:]]
    links += [part.split('"')[0] for part in page.text.split('src="')[1:]]
    assert sorted(links) == ["data:,", "static/view.css", "static/view.js"]
    for link in ["static/view.css", "static/view.js", "static/frames.js", "static/drawing.js"]:
        assert presented_to_all.get(link).status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    parts = policy.split("; ")
    assert {"frame-ancestors 'self'", "form-action 'none'", "base-uri 'none'"} <= {*parts}
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "<style" not in page.text and "style=" not in page.text and page.text.count("<h1") == 1


# ---- who may press


@pytest.mark.parametrize("path", ["next", "flow", "reset"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_another_page_cannot_press(
    presented_to_all: Presented, path: str, headers: dict[str, str]
) -> None:
    before = presented_to_all.news()
    body: dict[str, Any] = {"flowing": True, "held": "1q"}
    assert presented_to_all.post(path, body, **headers).status_code == 403
    after = presented_to_all.news()
    assert (after["run"], after["flowing"]) == (before["run"], False)


def test_a_form_is_no_press(presented_to_all: Presented) -> None:
    for path in ("next", "flow", "reset"):
        answer = requests.post(f"{presented_to_all.view.url}/{path}", data={"flowing": "true"})
        assert answer.status_code == 415


# ---- starting again


def test_reset_makes_a_new_kit_at_the_same_addresses(presented: Presented) -> None:
    presented.link()
    before, old = presented.news(), presented.kit
    answer = presented.post("reset")
    forgotten = re.findall(r"(\w+)_account=;", answer.headers["Set-Cookie"])
    assert answer.status_code == 200
    assert sorted(forgotten) == ["github", "google", "practice", "ringcentral", "teapot"]
    after = presented.news()
    assert after["run"] != before["run"] and after["version"] > before["version"]
    assert (after["steps"], after["held"], after["chat"]) == ([], None, before["chat"])
    assert presented.kit is not old and presented.kit.world.ports == old.world.ports
    presented.link()
    fields = presented.news()["steps"][-1]["fields"]
    assert ["state", "‹state·1›"] in fields
    assert len(presented.kit.world.ringcentral.posts("direct", "Alice")) == 3


def test_reset_lets_go_whoever_waits_and_nothing_of_it_is_in_the_new_run(
    presented: Presented,
) -> None:
    presented.say("profile")
    presented.held()
    gate = presented.view.gate
    presented.post("reset")
    assert gate.state().held is None and len(gate.state().steps) == 2
    assert presented.news()["steps"] == []


def test_a_port_that_is_taken_is_told_in_a_sentence_and_nothing_is_left_running() -> None:
    before = start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is taken by another program"):
            View(Settings(practice=True, port=port))
    assert requests.get(f"{before.address}/health").ok  # it has not come as far as the kit
    stop()


def test_all_skills_can_be_there() -> None:
    presented = Presented(skills=tuple(PLACE_OF))
    names = set(presented.news()["places"].values())
    presented.close()
    assert names == {"the bot", "the chat", "GitHub", "Google", "RingCentral"}


def test_who_waits_for_news_when_the_view_closes_is_told_so() -> None:
    presented = Presented()
    known = presented.news()
    asked = {"run": known["run"], "since": known["version"], "ready": "false"}
    waiting = Apart(lambda: presented.get("news", params=asked))
    presented.close()
    assert waiting.result().status_code == 503
