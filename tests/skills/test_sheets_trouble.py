"""When Google says no to the Sheets skill, or makes no sense; and whose sheet is whose."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sheets_world import Desk, connect, sheets_kit

from botkit.lessons.kit import Kit
from botkit.oauth import http
from botkit.storage import Storage

COMMANDS = {
    "use": "sheet use {link}",
    "read": "sheet read A1",
    "add": "sheet add a, b",
    "set": "sheet set B2 x",
}
PERHAPS = "Perhaps it was written all the same: look with **sheet read** before you try again."
LATER = "Please try again in a moment."
MAY_NOT = "**alice@practice.example** may not "


@pytest.fixture
def kit() -> Iterator[Kit]:
    with sheets_kit() as kit:
        yield kit


def error(code: int, status: str, message: str = "", reason: str = "") -> str:
    body = {"code": code, "status": status, "message": message}
    return json.dumps({"error": body | ({"details": [{"reason": reason}]} if reason else {})})


def answer_to(desk: Desk, verb: str) -> str:
    answer = desk.say(COMMANDS[verb].format(link=desk.link))
    assert "Traceback" not in answer and desk.book not in answer
    return answer


# ---- every command, every kind of no -----------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (403, error(403, "PERMISSION_DENIED"), MAY_NOT),
        (403, "no JSON", MAY_NOT),
        (403, error(403, "X", reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "I was not allowed to"),
        (403, error(403, "X", reason="SERVICE_DISABLED"), "The Google Sheets API is not switched"),
        (400, error(400, "FAILED_PRECONDITION"), "This is a file of another kind, perhaps from E"),
        (400, error(400, "X", "a protected cell"), "Somebody protected these cells."),
        (400, "[]", "Google Sheets did not accept this (it answered 400)."),
        (404, error(404, "NOT_FOUND"), "There is no such spreadsheet, or no longer."),
        (418, '{"error": "teapot"}', "Google Sheets did not accept this (it answered 418)."),
        (429, error(429, "RESOURCE_EXHAUSTED"), "Google Sheets has had too many requests."),
    ],
)
def test_a_no_is_explained(desk, status, body, sentence):
    cells = desk.cells()
    for verb in COMMANDS:
        desk.google.trouble.next(path="/v4/", status=status, body=body)
        answer = answer_to(desk, verb)
        assert answer.startswith(sentence) and PERHAPS not in answer, verb
    assert desk.cells() == cells


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (500, error(500, "INTERNAL"), "Google Sheets has a problem of its own (it answered 500)."),
        (503, "<html>", "Google Sheets has a problem of its own (it answered 503)."),
        (200, "<html>", "Google Sheets answered, but not with "),
        (200, "[]", "Google Sheets answered, but not with "),
        (200, "[" * 9_999, "Google Sheets answered, but not with "),
        (200, '{"range": "A1", "values": 7}', "Google Sheets answered, but not with "),
        (200, '{"range": 7, "values": [[1]]}', "Google Sheets answered, but not with "),
        (200, '{"updates": [], "updatedData": {"range": "?"}}', "Google Sheets answered, but no"),
        (200, '{"properties": {"title": "x"}, "sheets": [7]}', "Google Sheets answered, but not"),
    ],
)
def test_an_answer_without_sense_is_told_and_what_to_do(desk, status, body, sentence):
    for verb in COMMANDS:
        desk.google.trouble.next(path="/v4/", status=status, body=body)
        answer = answer_to(desk, verb)
        assert answer.startswith(sentence), verb
        assert answer.endswith(LATER if verb in ("use", "read") else PERHAPS), verb


@pytest.mark.parametrize("verb", COMMANDS)
def test_no_answer_at_all_is_told_as_well(desk, verb, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 2.0)
    desk.google.trouble.next(path="/v4/", status=200, delay=30)
    answer = answer_to(desk, verb)
    assert answer.startswith("Google Sheets did not answer in time. ")
    assert answer.endswith(LATER if verb in ("use", "read") else PERHAPS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_wait_that_is_too_long_is_told(desk, verb):
    desk.google.trouble.next(path="/v4/", status=429, headers={"Retry-After": "3600"})
    assert answer_to(desk, verb).startswith(
        "Google Sheets asks us to wait 3600 seconds. Nothing is"
    )


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_token_that_ran_out_is_refreshed_without_a_word(desk, verb):
    desk.google.expire_everything()
    assert answer_to(desk, verb).startswith(("I use **Budget**", "**Budget**", "Added", "**Sheet1"))


def test_a_grant_that_was_withdrawn_brings_a_new_link(kit):
    for verb in COMMANDS:
        desk = Desk(kit)  # connects Alice again
        desk.say(f"sheet use {desk.link}")
        desk.google.revoke("alice")
        answer = answer_to(desk, verb)
        assert answer.startswith("Google Sheets no longer accepts this connection. [Connect your")
        kit.storage.delete_service(*kit.storage.find_services(bot_id=kit.bot_id))


def test_a_row_that_is_not_shown_again_may_be_there_or_not(desk):
    body = '{"updates": {"updatedData": {"range": "Sheet1!A4"}}}'
    desk.google.trouble.next(path="/v4/", status=200, body=body)
    assert answer_to(desk, "add") == f"Google Sheets does not show what was added. {PERHAPS}"


def test_half_a_character_in_a_cell_harms_nobody(desk):
    body = '{"range": "Sheet1!A1", "values": [["half \\ud800", null, true, {"x": 1}]]}'
    desk.google.trouble.next(path="/v4/", status=200, body=body)
    assert "1 | half ? |   | True | {'x': 1}" in answer_to(desk, "read")


def test_a_value_that_is_read_back_cannot_end_the_code_block(desk):
    answer = desk.say("sheet set B2 [/code] ![:Person](1)")
    assert answer.count("[/code]") == 1 and "![:" not in answer
    assert desk.cells("B2") == [["[/code] ![:Person](1)"]]


# ---- sheets that change ------------------------------------------------------------------------


def test_what_is_written_outside_of_the_sheet_is_explained(desk):
    has = "**Sheet1** has 1000 rows and 26 columns"
    assert desk.say("sheet set B2000 x") == f"{has}; B2000 lies outside."
    assert desk.say("sheet read AB1:AC2") == f"{has}; AB1:AC2 lies outside."
    desk.google.trouble.next(path="/v4/", status=400, body=error(400, "INVALID_ARGUMENT"))
    assert desk.say("sheet add " + "x," * 30) == f"{has}; A1:AE1 lies outside."


def test_a_tab_that_is_not_there_is_explained(desk):
    expected = "**Budget** has no tab **Foo**. It has: Sheet1, My tab. Choose one with"
    assert desk.say("sheet read Foo!A1").startswith(expected)
    desk.keep({"id": desk.book, "title": "Budget", "tab": "Foo"})
    for command in ("sheet read", "sheet add x", "sheet set A1 x"):
        assert desk.say(command).startswith(expected)


def test_a_spreadsheet_without_any_cells_is_not_taken(desk):
    chart = {"properties": {"title": "Curve", "sheetType": "OBJECT"}}
    body = json.dumps({"properties": {"title": "Charts"}, "sheets": [chart]})
    desk.google.trouble.next(path="/v4/", status=200, body=body)
    assert answer_to(desk, "use") == "**Charts** has no tab with cells. Use another link."


def test_a_spreadsheet_that_was_deleted_or_taken_away_is_explained(desk):
    file = desk.google.spreadsheet_file(desk.book)
    file.account = "bob@practice.example"
    assert desk.say("sheet read").startswith(f"{MAY_NOT}open this spreadsheet. Share it with that")
    assert desk.say("sheet add x").startswith(f"{MAY_NOT}change this spreadsheet. Share it with")
    desk.google.remove(file)
    for command in ("sheet read", "sheet add x", "sheet set A1 x"):
        assert desk.say(command).startswith("There is no such spreadsheet, or no longer.")


# ---- whose it is -------------------------------------------------------------------------------


def test_a_box_that_was_not_ticked_is_explained_and_can_be_mended(kit):
    kit.world.google.grant_only = []
    assert connect(kit, "alice") == (
        "Connected to Google Sheets as **alice@practice.example**. But I was not allowed to see "
        "and edit spreadsheets, so I can do nothing yet. Say **connect sheets** and leave the box "
        "for Google Sheets ticked."
    )
    desk = Desk(kit)
    assert desk.say(f"sheet use {desk.link}").startswith("I was not allowed to see and edit your")
    kit.world.google.grant_only = None
    assert connect(kit, "alice", "connect sheets").endswith("with the link of a spreadsheet.")
    assert desk.say(f"sheet use {desk.link}").startswith("I use **Budget** now")


def test_two_people_in_one_chat_have_two_sheets(kit):
    desk = Desk(kit)
    for name in ("alice", "bob"):
        connect(kit, name, "@bot sheet read", "Team")
        book, link = desk.new(f"Of {name}", ["Sheet1"], name)
        assert f"I use **Of {name}** now" in desk.say(f"@bot sheet use {link}", name, "Team")
        desk.google.type_cells(book, "A1", [[f"secret of {name}"]])
    assert "secret of alice" in desk.say("@bot sheet read", "alice", "Team")
    assert "secret of bob" in desk.say("@bot sheet read", "bob", "Team")
    assert f"{MAY_NOT}open" in desk.say(f"@bot sheet use {link}", "alice", "Team")
    assert "not connected yet" in desk.say("@bot sheet read", "mallory", "Team")
    assert desk.say("sheet read").startswith("No spreadsheet"), "another chat is another choice"


def test_a_connection_that_ends_meanwhile_is_told(desk, monkeypatch):
    monkeypatch.setattr(Storage, "update_service", lambda *_: None)
    assert answer_to(desk, "use").startswith("You are not connected any more. [Connect your Goo")
