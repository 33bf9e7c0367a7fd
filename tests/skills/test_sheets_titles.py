"""Every tab that Google allows can be read and set, and each hint works when it is repeated."""

from __future__ import annotations

import re

import pytest

from botkit.skills.sheets.commands import is_same_tab, quoted, read_range, split_cell

TITLES = (
    "Bob’s tab",
    "Bob's tab",
    "‘quoted’",
    "'quoted'",
    "Sales [2024]",
    "Wow! A1:B2",
    "A1",
    "R1C1",
    "Ａ１",
    "½ year…",
    "two  spaces",
    "ends with '",
    "“May”, June; 50% & more",
    "日本語 👩\u200d👧",
    "x" * 100,
    "a " * 50 + "z",
)


@pytest.mark.parametrize("title", TITLES)
def test_every_title_can_be_read_and_set_when_it_is_in_quotes(title):
    for cells in ("A1:B2", "B2"):
        place = read_range(f"{quoted(title)}!{cells}", "Tab")
        assert (place.tab, place.cells) == (title, cells)
    cell, value = split_cell(f"{quoted(title)}!B2 it's 5'!A1")
    assert (read_range(cell, "Tab").tab, value) == (title, "it's 5'!A1")


@pytest.mark.parametrize("title", TITLES)
def test_a_tab_is_found_by_what_the_bot_and_a_phone_make_of_its_title(title):
    shown = title.replace("[", "［").replace("]", "］")
    for said in (title, shown, shown.replace("'", "’"), " ".join(shown.split()), title.upper()):
        assert is_same_tab(said, title)
    assert not is_same_tab("another", title) and not is_same_tab("", title)


def test_a_title_that_was_cut_leads_to_its_tab_and_dots_alone_to_none():
    assert is_same_tab("A long ti…", "A long title") and not is_same_tab(
        "A long to…", "A long title"
    )
    assert not is_same_tab("title", "A long title")


@pytest.mark.parametrize("title", ["Bob’s tab", "Sales [2024]", "Wow! 1", "y" * 99 + "z"])
def test_the_bots_own_hint_works_when_it_is_repeated(desk, title):
    desk.book, link = desk.new("Titles", [title])
    desk.say(f"sheet use {link}")
    hint = desk.say("sheet read Nowhere!A1")
    command = re.search(r"\*\*(sheet read .+)\*\*\.$", hint)[1]
    assert "is empty" in desk.say(command)
    hint = desk.say(f"sheet set {quoted(title)}!B2")
    command = re.search(r"Say \*\*(sheet set .+?) value\*\*", hint)[1]
    assert "is now" in desk.say(f"{command} 5")
    assert desk.cells(f"{quoted(title)}!B2") == [["5"]]
    phone = command.replace("'", "’")
    assert "is now" in desk.say(f"{phone} 6") and desk.cells(f"{quoted(title)}!B2") == [["6"]]


def test_two_tabs_that_look_alike_are_not_mistaken_for_each_other(desk):
    desk.book, link = desk.new("Alike", ["Bob’s", "Bob's"])
    desk.say(f"sheet use {link}")
    desk.say("sheet set 'Bob’s'!A1 curly")
    desk.say("sheet set 'Bob''s'!A1 straight")
    assert desk.cells("'Bob’s'!A1") == [["curly"]] and desk.cells("'Bob''s'!A1") == [["straight"]]
