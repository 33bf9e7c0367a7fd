"""What a person sees of a trip: the list, the diagrams, `show`.  No secret, and always the same."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote, urlencode
from xml.etree import ElementTree

import pytest
import requests
from colours import contrast
from flask import Flask, jsonify, redirect, request

from botkit.oauth import Session
from botkit.practice.server import Server
from botkit.trace import COLUMNS, Exchange, Labels, Trace, picture, show
from botkit.trace.diagram import Diagram

SVG = "{http://www.w3.org/2000/svg}"
CLIENT_ID = "Ov23li9f8e7d6c5b4a32"


@dataclass
class Trip:
    """A whole trip over real servers, and every value of it that nobody may see."""

    trace: Trace
    labels: Labels
    link: str
    planted: list[str]


def take_a_trip(monkeypatch: pytest.MonkeyPatch) -> Trip:
    labels = Labels()
    trace = Trace(labels)
    state, code, token, bot_token, verifier, challenge, secret = planted = [
        secrets.token_urlsafe(24) for _ in range(7)
    ]
    github, chat, bot = (Flask(name) for name in ("github", "chat", "bot"))
    github.get("/authorize", endpoint="ask")(lambda: "<h1>Approve?</h1>")
    github.post("/authorize", endpoint="decide")(
        lambda: redirect(f"{request.args['redirect_uri']}?code={code}&state={state}")
    )
    github.post("/token", endpoint="token")(lambda: jsonify(access_token=token, scope="read:user"))
    github.get("/user", endpoint="user")(lambda: jsonify(login="alice", email="a@example.com"))
    chat.post("/posts")(lambda: jsonify(text=request.get_json()["text"]))
    bot.post("/webhook")(lambda: "")
    servers = {
        name: Server(trace.around(app, name))
        for name, app in (("GitHub", github), ("chat", chat), ("bot", bot))
    }
    at = {name: server.url for name, server in servers.items()}
    for name, url in at.items():
        labels.name_origin(url, name)
    monkeypatch.setattr("botkit.oauth.http.watchers", [trace])
    ours, bearer = Session(), {"Authorization": f"Bearer {bot_token}"}

    def callback() -> str:
        body = {"client_id": CLIENT_ID, "client_secret": secret, "code": request.args["code"]}
        ours.post(f"{at['GitHub']}/token", data={**body, "code_verifier": verifier})
        ours.get(f"{at['GitHub']}/user", headers={"Authorization": f"Bearer {token}"})
        return "You may close this page."

    bot.get("/cb")(callback)
    query = {"client_id": CLIENT_ID, "redirect_uri": f"{at['bot']}/cb", "scope": "read:user"}
    query |= {"state": state, "code_challenge": challenge}
    link = f"{at['GitHub']}/authorize?{urlencode(query)}"
    browser = {"User-Agent": "Mozilla/5.0 (practice browser)"}
    event = {"uuid": secrets.token_hex(16), "body": {"text": "profile"}}
    requests.post(f"{at['bot']}/webhook", json=event, headers={"User-Agent": "RingCentral-WebHook"})
    ours.post(f"{at['chat']}/posts", json={"text": f"[Connect]({link})"}, headers=bearer)
    requests.get(link, headers=browser)
    requests.post(link, data={"decision": "approve"}, headers=browser)
    for server in servers.values():
        server.stop()
    planted += [url.rpartition(":")[2] for url in at.values()]
    return Trip(trace, labels, link, planted)


@pytest.fixture
def trip(monkeypatch: pytest.MonkeyPatch) -> Trip:
    return take_a_trip(monkeypatch)


def everything_shown(trip: Trip) -> str:
    trace, labels = trip.trace, trip.labels
    values = (trace, trace.exchanges, trace.list(), trace.diagram(), trace.diagram().svg)
    texts = [*map(str, values), *map(repr, values), *trace._repr_mimebundle_().values()]
    return "\n".join([*texts, str(show(trip.link, labels))])


# ---- a trip ------------------------------------------------------------------------------------


def test_the_list_tells_the_trip(trip: Trip) -> None:
    heads = [line for line in str(trip.trace.list()).splitlines() if line[0] != " "]
    assert heads == [
        "1. chat → bot  POST /webhook [200]  (back channel)",
        "2. bot → chat  POST /posts [200]  (back channel)",
        "3. browser → GitHub  GET /authorize [200]  (front channel)",
        "4. browser → GitHub  POST /authorize [302]  (front channel)",
        "5. browser → bot  GET /cb [200]  (front channel)",
        "6. bot → GitHub  POST /token [200]  (back channel)",
        "7. bot → GitHub  GET /user [200]  (back channel)",
    ]
    fields = "     code_verifier = ‹verifier·1›\n     ← access_token = ‹token·2›\n"
    assert fields in str(trip.trace.list())


def test_no_planted_secret_and_no_port_is_shown_anywhere(trip: Trip) -> None:
    shown = everything_shown(trip)
    assert [value for value in trip.planted if value in shown] == []
    assert all(f"‹{kind}·1›" in shown for kind in ("state", "code", "secret", "verifier", "token"))


def test_two_runs_with_other_secrets_and_ports_look_the_same(
    trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = take_a_trip(monkeypatch)
    assert set(other.planted).isdisjoint(trip.planted)
    assert everything_shown(other) == everything_shown(trip)


def test_the_diagram_has_neighbours_side_by_side_and_only_what_matters(trip: Trip) -> None:
    text = repr(trip.trace.diagram())
    assert text.split("\n")[0].split() == ["chat", "bot", "browser", "GitHub"]
    assert text.count("Authorization = Bearer") == 1 and "client_id" not in text
    assert text.count("state = ‹state·1›") == 4  # the form of step 4 does not say it again


def test_only_keeps_one_party_or_channel_and_the_numbers(trip: Trip) -> None:
    assert re.findall(r"(?m)^\d", str(trip.trace.list(only="front"))) == ["3", "4", "5"]
    assert re.findall(r"(?m)^\d", str(trip.trace.list(only="chat"))) == ["1", "2"]
    assert "GitHub" not in str(trip.trace.diagram(only="chat", details=False))


def test_a_notebook_gets_the_picture_and_the_text(trip: Trip) -> None:
    bundle = trip.trace._repr_mimebundle_()
    assert bundle == trip.trace.diagram()._repr_mimebundle_()
    assert list(bundle) == ["text/html", "image/svg+xml", "text/plain"]
    assert bundle["text/plain"] == repr(trip.trace.diagram())


# ---- the drawings --------------------------------------------------------------------------------


def exchange(sender: str = "browser", receiver: str = "bot", **more: object) -> Exchange:
    values: dict[str, object] = {"method": "GET", "path": "/x", "status": 200, "number": 1}
    return Exchange(sender, receiver, **(values | more))  # type: ignore[arg-type]


NASTY = [
    exchange(
        fields=(("<script>", "alert('x') & \"y\" 🦊 漢字漢字漢字漢字漢字"), ("text", "w " * 200))
    ),
    exchange("bot", "bot", path="/<&>/" + "long/" * 40, status=500, number=2),
    exchange("bot", 'a<b>"host".example.com', error="ReadTimeout", status=None, number=3),
    exchange("you", "GitHub", answer=(("error_description", "no " * 40),), number=12),
    exchange("GitHub", "chat", method="DELETE", path="/<&>", number=13),
    exchange("GitHub", 'a<b>"host".example.com', fields=(("name", "word " * 30),), number=14),
]


def texts_of(svg: str) -> Iterator[tuple[float, float, float, str]]:
    """Left edge, right edge, baseline and words of every text, as wide as DejaVu Sans Mono is."""
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        words = "".join(element.itertext())
        wide = len(words) + sum(ord(character) > 0x2E80 for character in words)
        width, x = wide * 0.602 * float(element.attrib["font-size"]), float(element.attrib["x"])
        left = {"start": x, "middle": x - width / 2, "end": x - width}[
            element.attrib["text-anchor"]
        ]
        yield left, left + width, float(element.attrib["y"]), words


@pytest.mark.parametrize("count", range(len(NASTY) + 1))
@pytest.mark.parametrize("details", [True, False])
def test_all_text_lies_within_the_picture_and_on_no_other_text(count: int, details: bool) -> None:
    svg = Diagram(NASTY[:count], details=details).svg
    root, texts = ElementTree.fromstring(svg), list(texts_of(svg))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert width <= 900
    assert all(0 < left < right < width and 0 < y < height for left, right, y, _ in texts)
    for n, (left, right, y, words) in enumerate(texts):
        for other_left, other_right, other_y, other in texts[n + 1 :]:
            apart = abs(y - other_y) >= 11 or right <= other_left or other_right <= left
            assert apart, (words, other)


def test_the_picture_is_plain_svg_with_a_title_and_without_scripts() -> None:
    root = ElementTree.fromstring(Diagram(NASTY).svg)
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title" and "browser" in (root[0].text or "")
    assert "alert('x') & \"y\" 🦊" in (root[1].text or "")
    plain = {f"{SVG}{tag}" for tag in ["title", "desc", "rect", "path", "text", "tspan", "circle"]}
    assert {element.tag for element in root.iter()} - {root.tag} <= plain


def test_the_channels_differ_in_colour_and_in_dashes(trip: Trip) -> None:
    paths = ElementTree.fromstring(trip.trace.diagram(details=False).svg).iter(f"{SVG}path")
    looks = {
        (p.get("stroke"), p.get("stroke-dasharray")) for p in paths if p.get("stroke-dasharray")
    }
    assert len({colour for colour, _ in looks}) == len({dashes for _, dashes in looks}) == 2


@pytest.mark.parametrize("count", range(len(NASTY) + 1))
def test_the_text_diagram_keeps_within_its_columns(count: int) -> None:
    lines = repr(Diagram(NASTY[:count])).splitlines()
    assert max(map(columns_of, lines)) <= COLUMNS
    assert all(line == line.rstrip() for line in lines)


def columns_of(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_wide_letters_do_not_move_the_lifelines() -> None:
    lines = repr(Diagram(NASTY[:1])).splitlines()
    (wide,) = (line for line in lines if "漢" in line)
    assert [columns_of(wide[:n]) for n, c in enumerate(wide) if c == "│"] == [5, 53]


def test_the_text_diagram_shows_a_replay_with_the_same_label() -> None:
    again = [
        exchange(fields=(("code", "‹code·1›"),), number=n, status=s)
        for n, s in ((1, 200), (2, 410))
    ]
    assert repr(Diagram(again)) == (
        "    bot                                           browser\n"
        "     │                                               │\n"
        "     │ 1 GET /x                                      │\n"
        " 200 │◄╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌│\n"
        "     │  code = ‹code·1›                              │\n"
        "     │                                               │\n"
        "     │ 2 GET /x                                      │\n"
        " 410 │◄╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌│\n"
        "     │  code = ‹code·1›                              │\n"
        "     │                                               │\n"
        "    bot                                           browser\n"
        "\n"
        "╌╌╌► front channel, through the browser"
    )


# ---- for people who cannot see the picture, or not well -----------------------------------------


def test_a_diagram_has_a_text_and_the_same_in_words() -> None:
    evil = "<b>\"x\"</b> & 'y' #1 100% 🦊"
    exchange = Exchange("browser", "GitHub", "GET", "/login", (("state", evil),), status=302)
    diagram = Diagram([exchange])
    shown = re.fullmatch(
        r'<img alt="([^"]+)" src="data:image/svg\+xml,([^"<>#]+)" style="[^"<>]+">'
        r"<details><summary>The same in words</summary><pre[^<>]*>([^<>]+)</pre></details>",
        diagram.html,
    )
    assert shown is not None
    alt, drawn, words = shown.groups()
    assert alt == "Sequence diagram: browser, GitHub. The same in words is below."
    assert unquote(drawn) == diagram.svg
    title, description, *_ = (part.text for part in ElementTree.fromstring(diagram.svg))
    assert title == "Sequence diagram: browser, GitHub"
    assert unescape(words) == description and evil in unescape(words)


def test_what_a_diagram_draws_can_be_read() -> None:
    """axe-core does not look into an image; the ground is white, that of a number its arrow's."""
    numbers = [colour for name, colour in picture.COLOURS.items() if name != "answer"]
    for ink in [picture.INK, picture.QUIET, picture.BAD, *picture.LABELS.values(), *numbers]:
        assert contrast(ink, "#ffffff") >= 4.5, ink
    assert contrast("#777777", "#ffffff") < 4.5 < contrast("#767676", "rgb(255, 255, 255)")
