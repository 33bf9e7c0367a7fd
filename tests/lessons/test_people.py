"""People in the practice chat: what they see, and how a cell shows it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from botkit.lessons.check.verdict import Verdict
from botkit.lessons.people import Talk
from botkit.trace import Labels


def test_a_person_sees_what_is_new_and_only_that(kit):
    assert "Hello!" in kit.alice.reads().text
    assert kit.alice.reads().messages == []
    talk = kit.alice.say("help")
    assert [who for who, _ in talk.messages] == ["Alice", "Practice Bot"]


def test_before_the_first_link_there_is_none(kit):
    with pytest.raises(LookupError, match="Alice has not seen a link yet"):
        print(kit.alice.link)


def test_what_is_displayed_holds_no_secret_and_no_port(kit):
    talk = kit.alice.say("profile")
    state = parse_qs(urlsplit(kit.alice.link).query)["state"][0]
    shown = repr(talk) + talk._repr_html_() + repr(kit.show(kit.alice.link)) + repr(kit)
    assert state not in shown and "127.0.0.1" not in shown
    assert "‹GitHub›/login/oauth/authorize" in repr(talk)


def test_bubbles_escape_what_people_write(kit):
    html = kit.alice.say('<img src=x onerror="alert(1)"> **bold** & [code]a<b[/code]')._repr_html_()
    assert "<img" not in html and "&lt;img" in html
    assert "<b>bold</b>" in html and "a&lt;b</pre>" in html


def test_a_verdict_and_a_talk_fit_beside_a_sidebar():
    words = "seven letters " * 20
    talk = Talk("Alice", [("Alice", words), ("Practice Bot", words)], Labels())
    for shown in repr(Verdict(True, words)), repr(talk):
        lines = shown.splitlines()
        assert max(map(len, lines)) <= 100
        assert not any(line.startswith(("seven", "letters")) for line in lines)


def test_in_code_stars_and_brackets_are_what_they_are():
    code = "| A    | B\n| **x** | [y](https://a.example/)"
    said = f"Your **sheet**:\n[code]{code}[/code]\nDone, **Bob**."
    talk = Talk("Bob", [("Bob", said)], Labels())
    assert f">{code}</pre>" in talk._repr_html_()
    assert talk._repr_html_().count("<b>") == 2
    assert repr(talk).splitlines() == [
        "Bob  Your sheet:",
        *(f"     {line}" for line in code.splitlines()),
        "     Done, Bob.",
    ]
