"""What people type is read in one form, however their keyboard or their clipboard writes it."""

from __future__ import annotations

import unicodedata

import pytest

from botkit.chat import read_event


def message(text: str):
    body = {"eventType": "PostAdded", "creatorId": "7", "groupId": "8", "text": text}
    return read_event({"ownerId": "9", "body": body})


@pytest.mark.parametrize(
    "typed, text",
    [
        ("profile\u200b", "profile"),  # a zero-width space
        ("\ufeffpro\u00adfile\u2060", "profile"),  # a byte order mark, a soft hyphen, a joiner
        ("\u202eprofile\u202c", "profile"),  # marks of direction
        ("profile\ufe0f\u2800\u3164", "profile"),  # signs without a shape
        ("ｐｒｏｆｉｌｅ", "profile"),
        ("１２３ ４５６", "123 456"),
        ("help\u00a0 drive\n", "help drive"),
        ("pro\x00file", "profile"),
    ],
)
def test_what_nobody_sees_does_not_matter(typed, text):
    assert message(typed).text == text


@pytest.mark.parametrize("typed", ["Profile.", "“profile”", "profile!?", "¿Profile?", "(profile…)"])
def test_punctuation_around_a_command_does_not_matter(typed):
    assert message(typed).command == "profile"


def test_what_was_typed_is_kept_beside_it_for_the_skills_that_store_it():
    event = message("\u200b sheet set B2 👩\u200d👧 １ \u200b")
    assert event.written == "sheet set B2 👩\u200d👧 １"


def test_what_was_typed_does_not_become_longer_than_a_message_can_be():
    """This sign is a sentence of eighteen letters."""
    assert len(message("\ufdfa" * 10_000).text) <= 10_000
    assert message("\ufdfa" * 10_000).text.startswith(message("\ufdfa" * 500).text)
    assert message("x" * 10_000).text == "x" * 10_000


@pytest.mark.parametrize("marks", ["\u0315\u0300", "\u0f73\u0301", "\uff9e\u0334"], ids=ascii)
def test_of_the_marks_on_a_letter_only_so_many_are_read_as_a_language_can_have(marks):
    """They are put into order, and that takes the longer the more there are, squared."""
    assert len(message("a" + marks * 4_000).text) < 100
    assert message("a" + marks * 4_000 + "b").text.endswith("b")


@pytest.mark.parametrize("written", ["Việt Nam", "नमस्ते", "שָׁלוֹם", "ก็ได้", "e" + "\u0301" * 30])
def test_all_marks_of_a_language_are_read(written):
    assert message(written).text == unicodedata.normalize("NFKC", written)
