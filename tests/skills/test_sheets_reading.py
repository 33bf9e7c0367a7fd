"""What people write about spreadsheets, and how cells are drawn: no server is needed for these."""

from __future__ import annotations

import pytest

from botkit.skills.sheets.commands import (
    InvalidInput,
    Link,
    Range,
    letters,
    one_line,
    read_cell,
    read_link,
    read_range,
    read_row,
    read_value,
)
from botkit.skills.sheets.table import TALLEST, WIDEST, draw, draw_answer, fit, width

ID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
LINK = f"https://docs.google.com/spreadsheets/d/{ID}/edit"
HOME = "http://127.0.0.1:8123"


# ---- links -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "gid"),
    [
        (LINK, None),
        (f"{LINK}#gid=0", 0),
        (f"{LINK}?gid=12#gid=12", 12),
        (f"{LINK}?usp=sharing", None),
        (f"{LINK}#gid=0&range=A1", 0),
        (f"{LINK}#gid=١٢", None),
        (f"https://docs.google.com/spreadsheets/u/1/d/{ID}/edit#gid=7", 7),
        (f"https://docs.google.com/a/example.com/spreadsheets/d/{ID}", None),
        (f"http://docs.google.com/spreadsheets/d/{ID}", None),
        (f"docs.google.com/spreadsheets/d/{ID}/", None),
        (f"{HOME}/spreadsheets/d/{ID}/edit", None),
        (f"[Budget (2026)]({LINK}#gid=5)", 5),
        (f"<{LINK}>", None),
        (f"  {LINK}. ", None),
        (ID, None),
    ],
)
def test_a_link_in_any_of_its_forms_is_read(text, gid):
    assert read_link(text, home=HOME) == Link(ID, gid)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Say **sheet use** and the link"),
        ("hello", "Say **sheet use** and the link"),
        ("my budget/2026 please", "Say **sheet use** and the link"),
        (f"https://docs.google.com.evil.example/spreadsheets/d/{ID}", "no link to a Google"),
        (f"https://docs.google.com@evil.example/spreadsheets/d/{ID}", "no link to a Google"),
        (f"https://evil.example/?https://docs.google.com/spreadsheets/d/{ID}", "no link to a Goo"),
        (f"http://127.0.0.1:9/spreadsheets/d/{ID}", "no link to a Google"),
        (f"{HOME}0/spreadsheets/d/{ID}", "no link to a Google"),
        (f"file://docs.google.com/spreadsheets/d/{ID}", "no link to a Google"),
        ("javascript:alert(1).x", "no link to a Google"),
        ("http://[::1", "no link to a Google"),
        (f"https://docs.google.com/document/d/{ID}/edit", "to Google, but to no spreadsheet"),
        ("https://docs.google.com/spreadsheets/u/0/", "to Google, but to no spreadsheet"),
        (f"https://docs.google.com/spreadsheets/d/../{ID}", "to Google, but to no spreadsheet"),
        (f"https://docs.google.com/spreadsheets/d/e/2PACX-{ID}/pubhtml", "a published copy"),
    ],
)
def test_what_is_no_link_to_a_spreadsheet_is_told_with_where_to_find_one(text, sentence):
    with pytest.raises(InvalidInput) as caught:
        read_link(text, home=HOME)
    assert sentence in str(caught.value) and "from the address bar" in str(caught.value)


# ---- ranges ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("A1:C5", "'Tab'!A1:C5"),
        ("a1:c5", "'Tab'!A1:C5"),
        (" B2 ", "'Tab'!B2"),
        ("B2:A1", "'Tab'!A1:B2"),
        ("A:C", "'Tab'!A1:C10000000"),
        ("2:5", "'Tab'!A2:ZZZ5"),
        ("B2:C", "'Tab'!B2:C10000000"),
        ("Sheet2!A1:B2", "'Sheet2'!A1:B2"),
        ("My tab!A1", "'My tab'!A1"),
        ("'My tab'!A1", "'My tab'!A1"),
        ("‘My tab’!A1", "'My tab'!A1"),
        ("'It''s done'!A1", "'It''s done'!A1"),
        ("'Wow! 50:50'!A1", "'Wow! 50:50'!A1"),
        ("ZZZ10000000", "'Tab'!ZZZ10000000"),
    ],
)
def test_a_range_in_any_of_its_forms_is_read(text, sent):
    assert read_range(text, "Tab").a1 == sent


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A0", "There is no row 0"),
        ("A1:B0", "There is no row 0"),
        ("A99999999", "There is no row 99999999"),
        ("A" + "9" * 9_000, "There is no row 999999999999:"),
        ("AAAA1", "There is no column AAAA"),
        ("A" * 9_000 + "1", "There is no column AAAAAAAAAAAA:"),
        ("1A", "is no range of cells"),
        ("A", "is no range of cells"),
        ("7", "is no range of cells"),
        ("A1:", "is no range of cells"),
        (":B2", "is no range of cells"),
        ("A1:B2:C3", "is no range of cells"),
        ("A1 B2", "is no range of cells"),
        ("R1C1", "is no range of cells"),
        ("!A1", "is no range of cells"),
        ("A-1", "is no range of cells"),
        ("A1;B2", "is no range of cells"),
        ("Ä1", "is no range of cells"),
        ("A١", "is no range of cells"),
        ("Tab!", "is no range of cells"),
        ("hello", "is no range of cells"),
        ("''!", "is no range of cells"),
        ("[/code]", "“［/code］” is no range"),
    ],
)
def test_what_is_no_range_is_told_with_how_one_is_written(text, sentence):
    with pytest.raises(InvalidInput) as caught:
        read_range(text, "Tab")
    assert sentence in str(caught.value) and "**A1:C5**" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_range_is_written_as_people_write_it():
    assert str(Range("Sheet1", 1, 1, 2, 2)) == "Sheet1!A1:B2"
    assert str(Range("It's", 3, 28, 3, 28)) == "'It''s'!AB3"
    assert str(Range("A1", 1, 1, 1, 1)) == "'A1'!A1"
    assert [letters(number) for number in (1, 26, 27, 702, 703)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_one_cell_is_asked_for_where_one_is_written():
    assert read_cell("B2:B2", "Tab").cells == "B2"
    with pytest.raises(InvalidInput, match="one cell"):
        read_cell("A1:B2", "Tab")


# ---- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a, b, c", ["a", "b", "c"]),
        ('"Rent, May", 950', ["Rent, May", 950]),
        ("“Rent, May”, 950", ["Rent, May", 950]),
        ('say ""hi"", 5" pipe', ['say ""hi""', '5" pipe']),
        ('"say ""hi""",', ['say "hi"', ""]),
        ("Hello  World ,  b ", ["Hello  World", "b"]),
        ('"two\nlines", b', ["two\nlines", "b"]),
        ("=1+2, 007, 2026-11-24", ["=1+2", "007", "2026-11-24"]),
        ("茶, 👩‍👩‍👧", ["茶", "👩‍👩‍👧"]),
    ],
)
def test_a_row_is_read_from_between_the_commas(text, values):
    assert read_row(text) == values


@pytest.mark.parametrize("text", ["", "  ", ",", ' , "" ,', '"a, b', '"a" b, c', "a\nb"])
def test_what_is_no_row_is_told_with_how_one_is_written(text):
    with pytest.raises(InvalidInput, match=r"\*\*sheet add Rent, 950\*\*"):
        read_row(text)


def test_a_number_is_sent_as_a_number_unless_something_would_be_lost():
    read = {text: read_value(text) for text in ("950", "-3", "0", "12.50", "123456789012345")}
    assert list(read.values()) == [950, -3, 0, 12.5, 123456789012345]
    for text in ("007", "+1", "1e5", "1,5", "٣", "5 ", "1234567890123456", ".5", "TRUE", "=1"):
        assert read_value(text) == text


# ---- tables ------------------------------------------------------------------------------------


def test_columns_stand_below_each_other():
    table = draw([["Item", "Amount"], ["茶", "12"], [], ["é", ""]], top=9, left=27)
    assert table.text.splitlines() == [
        "   | AA   | AB",
        " 9 | Item | Amount",
        "10 | 茶   | 12",
        "11 |      |",
        "12 | é    |",
    ]
    assert (table.rows, table.columns) == (4, 2)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("abc", 3),
        ("茶道", 4),
        ("é", 1),
        ("e\u0301", 1),
        ("🐙", 2),
        ("❤️", 2),
        ("👍🏽", 2),
        ("👩‍👩‍👧", 2),
        ("👩‍👩‍👧👩‍👩‍👧", 4),
        ("🏽", 2),
        ("🇫🇷", 2),
        ("a\u200bb", 2),
        ("", 0),
    ],
)
def test_a_letter_takes_as_many_places_as_it_is_wide(text, places):
    assert width(text) == places
    assert fit(text, 8) == text + " " * (8 - places)


def test_a_long_cell_is_cut_and_never_through_a_letter():
    assert fit("abcdef", 4) == "abc…"
    assert fit("茶道茶道", 4) == "茶… "
    assert fit("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5) == "👩‍👩‍👧👩‍👩‍👧…"


def test_line_breaks_and_turned_text_do_not_break_the_table():
    text = draw([["a\nb\tc\r\nd\x00", "\u202eabc"], ["x", "y"]], top=1, left=1).text
    assert text.splitlines()[1:] == ["1 | a b c d  | abc", "2 | x        | y"]


def test_what_a_stranger_wrote_cannot_end_the_code_block():
    text = draw_answer([["[/code] ![:Person](1)"]], Range("Tab"))
    assert text.count("[/code]") == 1 and text.endswith("[/code]")
    assert "![:Person](1)" not in text


@pytest.mark.parametrize("cell", ["x" * 50_000, "茶" * 900, "[" * 900, ("e" + "\u0301" * 15) * 60])
def test_however_much_there_is_a_message_can_hold_it(cell):
    text = draw_answer([[cell] * 50] * 1_000, Range("Tab").first(1_000, 50), cut_short=True)
    assert len(text) < 10_000
    lines = text.partition("[/code]")[0].splitlines()
    assert 1 < len(lines) <= TALLEST + 1 and max(map(width, lines)) <= WIDEST + len("[code]")
    assert "at least 9" in text and "more columns: **sheet read Tab!" in text


def test_it_says_how_many_are_left_and_how_to_see_them():
    rows = [[str(number)] * 40 for number in range(32)]
    assert draw_answer(rows, Range("My tab", 5, 2, 100, 41)).splitlines()[-2:] == [
        "… 2 more rows: **sheet read 'My tab'!B35:AO64**",
        "… 28 more columns: **sheet read 'My tab'!N5:AO34**",
    ]
    assert "… 1 more row: " in draw_answer([["x"]] * 31, Range("Tab"))
    assert "more" not in draw_answer([["x"]] * 30, Range("Tab"))


def test_a_strangers_title_is_one_short_plain_line():
    assert one_line("a\n b [x](http://y)") == "a b ［x］(http://y)"
    assert len(one_line("x" * 999)) == 60 and one_line("half \ud800") == "half ?"
