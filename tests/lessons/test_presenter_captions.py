"""The presenter's view in its parts: the words for an arrow, the gate, and opening a browser."""

from __future__ import annotations

import threading
import webbrowser
from typing import Any

import pytest
from presenter_world import PATIENCE, Apart

from botkit.lessons.presenter import screen
from botkit.lessons.presenter.captions import ANSWERS, REQUESTS, caption
from botkit.lessons.presenter.gate import Gate, name_of
from botkit.trace import Exchange

LONGEST = 80  # characters: two lines below the drawing


def exchange(ends: str, method: str = "POST", path: str = "/x", **more: Any) -> Exchange:
    sender, receiver = ends.split(" → ")
    return Exchange(sender, receiver, method, path, **{"number": 1, **more})


# ---- the words


def test_every_sentence_is_short_enough_for_two_lines():
    sentences = [rule.sentence.format(them="RingCentral") for rule in (*REQUESTS, *ANSWERS)]
    assert [sentence for sentence in sentences if len(sentence) > LONGEST] == []


@pytest.mark.parametrize(
    ("message", "answer", "title", "sentence"),
    [
        (
            exchange("bot → Google", fields=(("grant_type", "refresh_token"),)),
            False,
            "‹refresh› + ‹secret›",
            "The bot asks Google for a new token.",
        ),
        (
            exchange("bot → Google", answer=(("access_token", "‹token·2›"),), status=200),
            True,
            "‹token·2›",
            "Google gives the bot a token. It never goes through the browser.",
        ),
        (
            exchange("bot → GitHub", "DELETE", "/applications/x/grant"),
            False,
            "forget the token",
            "The bot tells GitHub to forget the connection.",
        ),
        (
            exchange("Google → bot", path="/google/webhook"),
            False,
            "POST webhook",
            "A request goes from Google to bot.",
        ),
        (
            exchange("bot → Google", answer=(("name", "Plan"),), status=200),
            True,
            "an answer",
            "An answer comes from Google.",
        ),
    ],
)
def test_other_services_have_words_too(message, answer, title, sentence):
    told = caption(message, answer=answer)
    assert (told["title"], told["sentence"]) == (title, sentence)


def test_an_answer_goes_the_other_way_and_trouble_is_named():
    refused = exchange("bot → GitHub", answer=(("error", "bad_verification_code"),), status=200)
    told = caption(refused, answer=True)
    assert (told["from"], told["to"], told["style"]) == ("GitHub", "bot", "answer")
    assert told["sentence"] == "GitHub refuses. Nothing is given."
    assert caption(exchange("browser → bot", status=410), answer=False)["trouble"] == "410"
    lost = exchange("bot → GitHub", error="ConnectionError")
    assert caption(lost, answer=False)["trouble"] == "ConnectionError"
    assert caption(lost, answer=False)["fields"] == [["no answer", "ConnectionError"]]
    assert caption(exchange("bot → GitHub", status=200), answer=False)["trouble"] == ""


@pytest.mark.parametrize("said", ["123 456", "123456", "123-456"])
def test_a_code_that_is_said_is_not_shown(said):
    told = caption(exchange("chat → bot", fields=(("text", said),)), answer=False)
    assert said not in str(told) and told["fields"] == [["text", "‹six digits›"]]


def test_what_somebody_writes_is_no_template():
    text = (("text", "{them} {0} ‹token› {text}"),)
    told = caption(exchange("chat → bot", fields=text), answer=False)
    assert told["title"] == "“{them} {0} ‹token› {text}”"


def test_a_title_fits_its_arrow_and_only_what_tells_something_is_below_it():
    long = caption(exchange("chat → bot", fields=(("text", "a long story " * 9),)), answer=False)
    assert long["title"] == "“a long story a long story a l"
    fields = (("grant_type", "x"), ("client_id", "c"), *((name, name.upper()) for name in "abcd"))
    told = caption(exchange("Google → bot", fields=fields), answer=False)
    assert told["fields"] == [["a", "A"], ["b", "B"], ["c", "C"]]


# ---- the gate


def test_only_the_request_to_where_an_answer_has_sent_the_browser_waits():
    gate = Gate()
    gate(exchange("browser → GitHub"))  # a click: passes
    location = (("Location", "‹bot›/github/oauth"), ("code", "‹code·1›"))
    sent_on = exchange("browser → GitHub", status=302, answer=location)
    answered = Apart(lambda: gate(sent_on))
    gate.wait(PATIENCE, lambda scene: scene.held is not None)
    assert gate.release(name_of(sent_on))
    answered.result()
    back = exchange("browser → bot", "GET", "/github/oauth", number=2)
    called_back = Apart(lambda: gate(back))
    gate.wait(PATIENCE, lambda scene: scene.held == back)
    assert gate.release(name_of(back))
    called_back.result()
    again = exchange("browser → bot", "GET", "/github/oauth", number=3)
    Apart(lambda: gate(again)).result()  # by hand, once more: passes


def test_a_gate_that_is_closed_lets_go_what_waits_and_holds_nothing_any_more():
    gate = Gate()
    waiting = Apart(lambda: gate(exchange("bot → chat")))
    gate.wait(PATIENCE, lambda scene: scene.held is not None)
    gate.close()
    waiting.result()
    Apart(lambda: gate(exchange("bot → GitHub", number=2))).result()
    assert [step.number for step in gate.state().steps] == [1, 2]


def test_nothing_rests_while_a_request_has_no_answer():
    gate = Gate(flowing=True)
    assert gate.state().resting
    gate(exchange("bot → GitHub"))
    assert gate.state().held is None and not gate.state().resting
    gate(exchange("bot → GitHub", status=200))
    assert gate.state().resting


def test_the_oldest_steps_of_a_long_talk_are_forgotten():
    gate = Gate(flowing=True)
    for number in range(1, 203):
        gate(exchange("bot → chat", number=number))
    numbers = [step.number for step in gate.state().steps]
    assert numbers == [*range(3, 203)]


def test_messages_that_wait_go_in_the_order_in_which_they_came():
    gate = Gate()
    first, second = exchange("bot → chat"), exchange("bot → GitHub", number=2)
    calls = [Apart(lambda: gate(first))]
    gate.wait(PATIENCE, lambda scene: scene.held == first)
    calls.append(Apart(lambda: gate(second)))
    assert not gate.release(name_of(second))
    assert gate.release(name_of(first))
    gate.wait(PATIENCE, lambda scene: scene.held == second)
    assert gate.release(name_of(second))
    assert [call.result() for call in calls] == [None, None]
    assert [step.number for step in gate.state().steps] == [1, 2]


def test_a_delivery_that_turns_out_to_be_nothing_is_not_drawn():
    gate = Gate()
    gate(exchange("chat → bot"))
    assert gate.state().steps == () and gate.state().resting
    gate(exchange("chat → bot", status=200))
    assert len(gate.state().steps) == 1


# ---- opening a browser


class Window:
    def __init__(self, name: str) -> None:
        self.name = name
        self.opened: list[str] = []
        self.asked = threading.Event()

    def open(self, url: str, new: int) -> bool:
        self.opened.append(url)
        self.asked.set()
        raise OSError("the browser has crashed")


@pytest.fixture
def computer(monkeypatch):
    """A computer with a screen (or not) and a browser of this name."""

    def with_browser(name: str, **variables: str) -> Window:
        window = Window(name)
        monkeypatch.setattr(webbrowser, "get", lambda: window)
        monkeypatch.setattr("sys.platform", "linux")
        for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        return window

    return with_browser


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
def test_a_browser_with_a_window_is_asked_and_may_fail(computer, variable):
    window = computer("/usr/bin/firefox", **{variable: ":0"})
    assert screen.open_in_browser("http://127.0.0.1:1/") is True
    assert window.asked.wait(PATIENCE) and window.opened == ["http://127.0.0.1:1/"]


def test_without_a_screen_no_browser_is_asked(computer):
    window = computer("firefox")
    assert screen.open_in_browser("http://127.0.0.1:1/") is False and window.opened == []


@pytest.mark.parametrize("name", ["w3m", "/usr/bin/lynx", "elinks", "www-browser"])
def test_a_browser_that_takes_over_the_terminal_is_not_asked(computer, name):
    window = computer(name, DISPLAY=":0")
    assert screen.open_in_browser("http://127.0.0.1:1/") is False and window.opened == []


def test_a_computer_without_any_browser_is_no_trouble(computer, monkeypatch):
    computer("", DISPLAY=":0")

    def none():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    assert screen.open_in_browser("http://127.0.0.1:1/") is False
