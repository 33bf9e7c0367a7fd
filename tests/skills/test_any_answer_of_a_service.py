"""Whatever GitHub, Google and RingCentral answer to a skill, the reply is a sentence in bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from any_json import fields, texts, thoroughly, values
from hypothesis import given
from hypothesis import strategies as st

from botkit.errors import BotkitError, ProviderNonsense
from botkit.skills.drive.api import _end, _reasons
from botkit.skills.drive.changes import LONGEST_NAME, read_change, read_files
from botkit.skills.drive.channels import _end as channel_end
from botkit.skills.drive.channels import channels_of, is_due, life_of
from botkit.skills.github import PUBLIC, _profile_text
from botkit.skills.ringcentral import answers
from botkit.skills.ringcentral.facts import FACTS
from botkit.skills.sheets.api import read_cells, read_tabs, read_update
from botkit.skills.sheets.commands import InvalidInput, read_cell, read_range, read_row, split_cell
from botkit.skills.sheets.table import draw_answer
from botkit.storage import Service

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
FILE = ("name", "trashed", "mimeType", "createdTime", "webViewLink", "owners", "displayName")
CHANNEL = ("id", "token", "expires", "opened", "address", "resource", "channels")
TABS = ("properties", "title", "sheets", "gridProperties", "rowCount", "sheetId", "sheetType")


@thoroughly
@given(fields(*PUBLIC, "login", "email"))
def test_a_profile_cannot_end_its_block_of_code_nor_show_what_is_private(profile):
    text = _profile_text({"login": "alice", **profile})
    assert text.count("[/code]") == text.count("[code]") == 1 and text.endswith("[/code]")
    assert len(text) < 10_000 and "email" not in text.replace(str(profile.get("login")), "")
    assert "None" not in text or any("None" in str(value) for value in profile.values())


@thoroughly
@given(fields("fileId", "removed", "file"), fields(*FILE))
def test_a_change_is_told_in_short_lines_or_not_at_all(change, file):
    one = read_change(change | {"file": file}, {}, NOW, "Alice")
    if one is not None:
        assert type(one.file_id) is str and len(one.file_id) <= 200
        assert all("\n" not in line and len(line) < 12_000 for line in one.sentences)
        assert one.now is None or len(one.now[0]) <= LONGEST_NAME


@thoroughly
@given(values("files", "pageToken") | fields("files"))
def test_files_that_are_remembered_are_read_as_far_as_they_can_be(data):
    assert isinstance(read_files(Service(data=data if isinstance(data, dict) else None)), dict)


@thoroughly
@given(values())
def test_the_end_of_a_channel_is_a_moment_or_none(said):
    end = _end(said)
    assert end is None or end.tzinfo is UTC


@pytest.mark.parametrize("said", ["999999999999999", 999999999999999, "253402300800000"])
def test_an_end_after_all_calendars_is_none(said):
    assert _end(said) is None


@thoroughly
@given(fields(*CHANNEL), texts, st.booleans())
def test_channels_are_read_and_counted_with(data, address, daily):
    service = Service(1, data={"channels": [data, {"id": "1", "token": "t", "expires": "x"}]})
    for channel in channels_of(service):
        assert channel_end(channel) + timedelta(days=1)
    assert is_due(service, address, NOW, daily=daily) in (True, False)
    assert isinstance(life_of(service, NOW), timedelta)


@thoroughly
@given(values("errors", "details", "reason"))
def test_only_names_of_errors_are_repeated(error):
    assert all(reason.isascii() and len(reason) <= 60 for reason in _reasons(error))


@thoroughly
@given(fields(*TABS))
def test_tabs_have_titles_of_text_and_sizes_of_numbers(answer):
    try:
        title, tabs = read_tabs(answer)
    except BotkitError as error:
        assert "None" not in str(error)
        return
    assert type(title) is str and all(type(tab.title) is str for tab in tabs)
    assert all(type(n) is int for tab in tabs for n in (tab.rows, tab.columns, tab.gid))


@thoroughly
@given(fields("range", "values", "updatedData"))
def test_cells_are_texts_and_can_be_drawn(answer):
    try:
        rows = read_cells(answer)
    except ProviderNonsense:
        return
    assert all(type(cell) is str for row in rows for cell in row)
    drawn = draw_answer(rows, read_range("A1:C5", "Tab"))
    assert drawn.count("[/code]") <= 1 and len(drawn) < 10_000


@thoroughly
@given(values("updatedData", "range", "values"))
def test_what_was_written_is_read_back_or_told_not_to_be(update):
    try:
        place, cells = read_update(update, "Tab")
    except BotkitError as error:
        assert "look with **sheet read**" in str(error)
        return
    assert type(place.tab) is str and all(type(cell) is str for cell in cells)


@thoroughly
@given(texts)
def test_whatever_people_write_about_a_sheet_is_read_or_explained(text):
    for read in (read_row, lambda one: read_range(one, "Tab"), lambda one: read_cell(one, "Tab")):
        try:
            read(text)
        except InvalidInput as error:
            assert len(str(error)) < 400
    assert len(split_cell(text)) == 2


FIELDS = ("schedule", "weeklyRanges", "monday", "from", "to", "serviceFeatures", "featureName")
FIELDS += ("enabled", "byDevice", "callerId", "voicemails", "notifyByEmail", "contact", "name")


@thoroughly
@given(st.sampled_from(FACTS), fields(*FIELDS), st.booleans())
def test_every_fact_is_worded_whatever_ringcentral_says(fact, data, others):
    text = fact.wording(data, others)
    assert type(text) is str and text and len(text) < 40_000
    assert "nan" not in text.lower().split() or "nan" in str(data).lower()


@thoroughly
@given(values())
def test_a_value_is_shown_in_one_line_and_never_as_none(value):
    shown = answers.as_text(value)
    assert "\n" not in shown and len(shown) <= answers.LONGEST + 1
    assert value is not None or shown == ""
    assert answers.from_utc(value) == "" or answers.from_utc(value).startswith("UTC")
    assert type(answers.period({"duration": value, "durationUnit": value})) is str
