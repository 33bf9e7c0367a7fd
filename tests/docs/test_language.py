"""Lessons, guide and the page about bots keep to plain English.

Sentences are short, words are common, and short forms are explained.  Learners who are still
learning English must be able to follow.  Code and the addresses of links are no part of a sentence.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
GUIDE = NOTEBOOKS / "INSTRUCTORS.md"
OWN_BOT = NOTEBOOKS.parent / "WRITE_A_BOT.md"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
each_text = pytest.mark.parametrize("file", [*LESSONS, GUIDE, OWN_BOT], ids=lambda file: file.stem)

MOST_WORDS = 26  # in a sentence; one also ends at : and ;

# They call something easy that may be hard for the reader, or are idioms, or are rare.
NOT_HERE = """
    simply, just, merely, obviously, of course, easy, easily, trivial, trivially, straightforward,
    anew, afresh, albeit, hence, lest, mend, mended, notwithstanding, seldom, stand-in, thereby,
    thus, whereas, whilst, mistyped, patience, at hand, bad day, goes its own way, in a hurry,
    in spite of, on and on, run out, shut out, the heart of, without a word
"""

# Short forms that those who write Python have met, and parts of names.
KNOWN = {"JSON", "HTTP", "URL", "URI", "GET", "POST", "SHA-256", "ID"}
KNOWN |= {"CREATE", "INDEX", "UPSERT"}  # titles of pages about SQLite


def prose(file: Path) -> str:
    """The text of a lesson or of the guide, without its code."""
    if file.suffix == ".ipynb":
        cells = nbformat.read(file, 4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = file.read_text(encoding="utf-8")
    text = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->|<[^<>]+>", "\n\n", text, flags=re.S)
    text = re.sub(r"`[^`\n]+`", "CODE", text)
    return re.sub(r"\[([^\]\n]+)\]\([^)\s]+\)", r"\1", text)


def sentences(text: str) -> list[str]:
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[*>-]|\d+\.)\s)|\n?\|", text)
    lines = [" ".join(block.split()) for block in blocks]
    return [one for line in lines for one in re.split(r"(?<=[.!?:;])[\"”’*)]*\s+", line) if one]


def length(sentence: str) -> int:
    return len(re.findall(r"\w[\w’'/.-]*", sentence))


def unwanted(text: str) -> list[str]:
    words = "|".join(re.escape(" ".join(word.split())) for word in NOT_HERE.split(","))
    return re.findall(rf"(?<![\w-])(?:{words})(?![\w-])", " ".join(text.split()), re.I)


def unexplained(texts: list[str]) -> list[str]:
    """Short forms that come before the text in which they stand in bold, explained."""
    explained, found = set(KNOWN), []
    for text in texts:
        explained |= set(re.findall(r"\*\*([A-Z]{2}[A-Z0-9-]*)\*\*", text))
        there = re.sub(r"CODE|\b\d\d · .*", "", text)  # not in the titles of other lessons
        found += set(re.findall(r"\b[A-Z]{2}[A-Z0-9-]*\b", there)) - explained
    return found


@each_text
def test_no_sentence_is_long(file: Path) -> None:
    assert [one for one in sentences(prose(file)) if length(one) > MOST_WORDS] == []


@each_text
def test_no_word_calls_things_easy_or_is_rare(file: Path) -> None:
    assert unwanted(prose(file)) == []


def test_a_short_form_is_explained_where_it_is_met_first() -> None:
    assert unexplained([prose(file) for file in LESSONS]) == []


# ---- that these tests notice something ---------------------------------------------------------


def test_what_is_not_plain_is_noticed() -> None:
    (long,) = sentences("word " * 27)
    assert length(long) > MOST_WORDS
    assert unwanted("It is Just\nthis: in spite\nof the rain, easily adjusted.") == [
        "Just",
        "in spite of",
        "easily",
    ]
    assert unexplained(["An **API** is an address.", "The API says JWT."]) == ["JWT"]
    assert unexplained(["The API.", "An **API** is an address."]) == ["API"]


def test_code_tables_and_lists_are_no_long_sentences() -> None:
    parts = sentences("* one `a b`\n* two\n\n| three | four |\n|---|---|\n| five. Six! | seven |")
    assert max(length(part) for part in parts) <= 3
