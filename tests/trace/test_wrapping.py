"""What a cell shows is broken between words, and columns stay columns."""

from __future__ import annotations

from botkit.lessons.check.verdict import Verdict
from botkit.lessons.people import Talk
from botkit.trace import Labels, in_columns


def test_a_long_line_is_broken_between_words_and_keeps_its_indent():
    text = "short\n\n  one two three-four five"
    assert in_columns(text, 12) == "short\n\n  one two\n  three-four\n  five"
    assert in_columns(text, 12, hang=2).endswith("  one two\n    three-four\n    five")


def test_a_word_longer_than_a_line_stays_whole():
    assert (
        in_columns("see https://example.com/long here", 10) == "see\nhttps://example.com/long\nhere"
    )


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
