"""The Google Sheets skill in the practice chat: the four commands, and what they say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sheets_world import ROWS, connect, sheets_kit

from botkit.lessons.kit import Kit


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    """Nobody is connected here."""
    with sheets_kit() as kit:
        yield kit


# ---- before there is a spreadsheet -------------------------------------------------------------


@pytest.mark.parametrize("text", ["sheet read", "sheet use x", "sheet add a", "Sheet SET B2 x"])
def test_without_a_connection_a_command_brings_the_link(kit, text):
    answer = kit.alice.say(text).text
    assert answer.startswith("You are not connected yet. [Connect your Google Sheets account](http")


@pytest.mark.parametrize("text", ["sheet", "Sheet!", "sheets", "sheet music please", "sheet 💥"])
def test_anything_else_about_sheets_brings_the_list(kit, text):
    answer = kit.alice.say(text).text
    assert answer.startswith("With a sheet I understand:\n* **sheet use LINK** chooses the")
    assert all(f"* **sheet {verb} " in answer for verb in ("use", "read", "add", "set"))


def test_a_near_miss_is_noticed(kit):
    assert kit.alice.say("sheet reed A1").text.startswith("Did you mean **sheet read**? With")


def test_other_messages_are_left_to_others(desk):
    for text in ("worksheet read", "sheetread", "read sheet", "add a, b"):
        assert desk.say(text).startswith("I did not understand that.")
    assert "Did you mean **sheet read**?" in desk.say("shete read")


@pytest.mark.parametrize("topic", ["sheets", "sheet", "SHEETS!"])
def test_help_tells_how_values_and_names_are_written(kit, topic):
    answer = kit.alice.say(f"help {topic}").text
    assert answer.startswith("* **sheet use LINK** chooses the spreadsheet\n")
    assert '**sheet add "Rent, May", 950**' in answer and "**sheet read 'My tab'!A1:C5**" in answer


def test_once_connected_it_says_what_to_do_next(desk):
    hello = "Connected to Google Sheets as **alice@practice.example**. "
    desk.keep(None)
    expected = f"{hello}Say **sheet use LINK** with the link of a spreadsheet."
    assert connect(desk.kit, "alice", "connect sheets") == expected
    desk.say(f"sheet use {desk.link}")
    expected = f"{hello}Your spreadsheet is still **Budget**: say **sheet read**."
    assert connect(desk.kit, "alice", "connect sheets") == expected


@pytest.mark.parametrize("text", ["sheet read A1", "sheet add a", "sheet set B2 x"])
def test_without_a_spreadsheet_it_asks_for_one(desk, text):
    desk.keep(None)
    assert desk.say(text) == "No spreadsheet is chosen yet. Say **sheet use LINK** first."


@pytest.mark.parametrize("kept", ["x", [], {"id": "x"}, {"id": None, "title": "t", "tab": "t"}])
def test_it_asks_for_one_also_when_something_strange_is_kept(desk, kept):
    desk.keep(kept)
    assert desk.say("sheet read").startswith("No spreadsheet is chosen yet.")


# ---- sheet use ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{link}", "[Budget]({link})", "<{link}>", "{book}", "{link}."])
def test_use_chooses_a_spreadsheet_and_names_its_tabs(desk, form):
    desk.keep(None)
    assert desk.say("sheet use " + form.format(link=desk.link, book=desk.book)) == (
        "I use **Budget** now, its tab **Sheet1**. There are 2 tabs: Sheet1, My tab. "
        "Say **sheet read** to see it."
    )
    (service,) = desk.kit.storage.find_services(bot_id=desk.kit.bot_id)
    assert service.data["sheet"] == {"id": desk.book, "title": "Budget", "tab": "Sheet1"}


def test_use_takes_the_tab_that_the_link_opens(desk):
    assert ", its tab **My tab**. There are" in desk.say(f"sheet use {desk.link}#gid=1")
    assert desk.say("sheet add x").startswith("Added to **Budget** at **'My tab'!A1**:")
    assert desk.say(f"sheet use {desk.link}#gid=77").startswith(
        "I use **Budget** now, its tab **Sheet1**. The tab in the link is gone, or has no cells."
    )


def test_use_without_a_link_asks_google_nothing(desk):
    before = desk.requests
    for text in ("", " hello", " https://docs.google.com/document/d/" + desk.book):
        assert "copy the link from the address bar" in desk.say(f"sheet use{text}")
    assert desk.requests == before
    assert "Rent" in desk.say("sheet read"), "the choice of before still counts"


def test_a_title_cannot_write_into_the_chat(desk):
    _, link = desk.new("[click](http://evil.example)\n![:Person](1)" + "x" * 999, ["[t](http://u)"])
    answer = desk.say(f"sheet use {link}")
    assert "](http" not in answer and "[click]" not in answer and "![:" not in answer
    assert "\n" not in answer and len(answer) < 300


def test_many_tabs_are_not_all_listed(desk):
    _, link = desk.new("Wide", [f"T{number}" for number in range(50)])
    assert "There are 50 tabs: T0, T1, " in desk.say(f"sheet use {link}")
    assert "T19 and 30 more. Say" in desk.say(f"sheet use {link}")


# ---- sheet read --------------------------------------------------------------------------------

TABLE = "  | A    | B\n1 | Item | Amount\n2 | Rent | 950\n3 | Tea  | 12.5"


@pytest.mark.parametrize(
    "range", ["A1:B3", "", "b3:a1.", "A:B", "1:3", "Sheet1!A1:C5", "sheet1!A:C"]
)
def test_read_shows_a_table(desk, range):
    answer = desk.say(f"sheet read {range}")
    assert (
        answer
        == f"**Budget**, {'sheet1' if 'sheet1' in range else 'Sheet1'}:\n[code]{TABLE}[/code]"
    )


def test_read_shows_a_part_of_it_and_another_tab(desk):
    assert desk.say("sheet read B2") == "**Budget**, Sheet1:\n[code]  | B\n2 | 950[/code]"
    desk.google.type_cells(desk.book, "'My tab'!C7", [["there", "=1+2"]])
    expected = "**Budget**, My tab:\n[code]  | C     | D\n7 | there | 3[/code]"
    assert desk.say("sheet read 'My tab'!C7:E9") == expected


def test_read_says_when_there_is_nothing(desk):
    assert desk.say("sheet read D1:E9") == "**Sheet1!D1:E9** of **Budget** is empty."
    desk.say(f"sheet use {desk.link}#gid=1")
    assert desk.say("sheet read") == (
        "The tab **My tab** of **Budget** is empty. **sheet add a, b, c** writes its first row."
    )


def test_read_shows_what_fits_and_where_it_goes_on(desk):
    desk.google.type_cells(desk.book, "A1", [[f"r{row}", "x" * 300] for row in range(1, 81)])
    answer = desk.say("sheet read A:B")
    assert "30 | r30 | xxx" in answer and "r31" not in answer and "x…" in answer
    assert answer.endswith("[/code]\n… 50 more rows: **sheet read Sheet1!A31:B60**")
    assert "31 | r31" in desk.say("sheet read Sheet1!A31:B60")


def test_read_does_not_fetch_a_whole_warehouse(desk):
    desk.google.type_cells(desk.book, "A1", [[row] for row in range(1_200)])
    answer = desk.say("sheet read")
    assert answer.endswith("… at least 970 more rows: **sheet read Sheet1!A31:AX60**")
    assert desk.requests[-1].endswith("/values/'Sheet1'!A1:AX1000")


def test_what_a_stranger_typed_stays_text_in_the_chat(desk):
    desk.google.type_cells(desk.book, "A1", [["[/code] ![:Person](1) [x](http://y)"]])
    answer = desk.say("sheet read A1")
    assert answer.count("[/code]") == 1 and "![:" not in answer and "[x]" not in answer


# ---- sheet add and sheet set -------------------------------------------------------------------


def test_add_appends_a_row_and_shows_it(desk):
    assert desk.say('sheet add "Rent, May", 950, paid') == (
        "Added to **Budget** at **Sheet1!A4:C4**:\n"
        "[code]  | A         | B   | C\n4 | Rent, May | 950 | paid[/code]"
    )
    assert desk.cells()[3] == ["Rent, May", "950", "paid"] and desk.cells()[:3] != ROWS


def test_what_begins_with_an_equals_sign_stays_text_and_so_does_007(desk):
    desk.say("sheet add =1+2, 007, 2026-11-24")
    assert desk.cells("A4:C4") == [["=1+2", "007", "2026-11-24"]]
    assert desk.say("sheet set B2 =IMPORTDATA(A1)").endswith("[code]=IMPORTDATA(A1)[/code]")
    assert desk.cells("B2") == [["=IMPORTDATA(A1)"]]


def test_a_wide_row_is_added_whole_and_shown_in_part(desk):
    answer = desk.say("sheet add " + ", ".join(map(str, range(50))))
    assert answer.startswith("Added to **Budget** at **Sheet1!A4:AX4**:")
    assert "more columns: **sheet read Sheet1!" in answer
    assert desk.cells("AX4") == [["49"]]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello   World", "Hello   World"),
        ("Two\nlines", "Two\nlines"),
        ("a, b. What?!", "a, b. What?!"),
        ("茶 👩‍👩‍👧 é", "茶 👩‍👩‍👧 é"),
        ('"quoted"', '"quoted"'),
        ("x" * 9_900, "x" * 9_900),
        ("950", "950"),
    ],
)
def test_set_writes_a_value_as_it_was_typed_and_reads_it_back(desk, text, kept):
    answer = desk.say(f"sheet set B2 {text}")
    assert answer.startswith(f"**Sheet1!B2** of **Budget** is now:\n[code]{kept[:1_000]}")
    assert ("(9,900 characters in all)[/code]" in answer) == (len(kept) > 1_000)
    assert desk.cells("B2") == [[kept]]


@pytest.mark.parametrize("nothing", ['""', "“”"])
def test_set_empties_a_cell(desk, nothing):
    answer = desk.say(f"sheet set 'Sheet1'!a2 {nothing}")
    assert answer == "**Sheet1!A2** of **Budget** is empty now." and desk.cells("A2") == []


def test_nothing_is_sent_of_what_is_not_clear(desk):
    before, cells = desk.requests, desk.cells()
    for text, sentence in {
        "add": "What shall I add? Write it like **sheet add Rent, 950**",
        'add "a, b': "The quotation marks do not fit together.",
        "set": "Which cell, and what shall I write? Say **sheet set B2 value**.",
        "set B2": "What shall I write? Say **sheet set B2 value**, or **sheet set B2 \"\"** to",
        "set B2:C3 x": "**sheet set** writes into one cell.",
        "set A0 x": "There is no row 0: rows are counted from 1.",
        "set My tab!B2 x": "“My” is no range of cells.",
        "read AAAA1": "There is no column AAAA: a column has one to three letters.",
        "read 1A": "“1A” is no range of cells. Write a range like **A1:C5**",
    }.items():  # fmt: skip
        assert desk.say(f"sheet {text}").startswith(sentence)
    assert (desk.requests, desk.cells()) == (before, cells)
