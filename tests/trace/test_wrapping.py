"""What a cell shows is broken between words, and columns stay columns."""

from __future__ import annotations

from botkit.trace import in_columns


def test_a_long_line_is_broken_between_words_and_keeps_its_indent():
    text = "short\n\n  one two three-four five"
    assert in_columns(text, 12) == "short\n\n  one two\n  three-four\n  five"
    assert in_columns(text, 12, hang=2).endswith("  one two\n    three-four\n    five")


def test_a_word_longer_than_a_line_stays_whole():
    assert (
        in_columns("see https://example.com/long here", 10) == "see\nhttps://example.com/long\nhere"
    )
