"""What an entry of the log of changes means, and how it is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from botkit.skills.drive import changes as drive_changes
from botkit.skills.drive.changes import (
    FOLDER,
    FileNews,
    keep_newest,
    read_change,
    update_files,
    write_posts,
)

SINCE = datetime(2026, 11, 24, 9, tzinfo=UTC)
URL = "https://drive.google.com/file/d/1/view"


def file(**other):
    made = {"name": "plan.txt", "trashed": False, "webViewLink": URL}
    made["createdTime"] = "2026-11-24T09:30:00.000Z"
    made["lastModifyingUser"] = {"displayName": "Alice"}
    return made | other


def told(files=None, removed=False, **other):
    change = {"fileId": "1", "removed": removed, "file": file(**other)}
    one = read_change(change, files or {}, SINCE, "alice@example.com")
    return one and list(one.sentences)


# ---- what was done -----------------------------------------------------------------------------


OLD = {"createdTime": "2020-01-01T00:00:00Z"}
PLAN = f"[plan.txt]({URL})"
ADDED = f"Alice added file {PLAN}"
TRASHED = f"Alice trashed file {PLAN}"
RESTORED = f"Alice restored file {PLAN}"
RENAMED = f"Alice renamed file old.txt to {PLAN}"


@pytest.mark.parametrize(
    ("before", "now", "sentences"),
    [
        (None, {}, [ADDED]),
        (None, {"trashed": True}, [ADDED, TRASHED]),
        (None, OLD, []),
        (None, OLD | {"trashed": True}, [TRASHED]),
        (("plan.txt", False), {}, []),
        (("plan.txt", False), {"trashed": True}, [TRASHED]),
        (("plan.txt", True), {}, [RESTORED]),
        (("plan.txt", True), {"trashed": True}, []),
        (("old.txt", False), {}, [RENAMED]),
        (("old.txt", True), {}, [RENAMED, RESTORED]),
        (None, {"mimeType": FOLDER}, [f"Alice added folder {PLAN}"]),
        (("a", False), {"mimeType": FOLDER}, [f"Alice renamed folder a to {PLAN}"]),
    ],
)
def test_what_was_done_follows_from_before_and_now(before, now, sentences):
    assert told({"1": before} if before else {}, **now) == sentences


def test_a_file_that_is_gone_for_good_is_forgotten_without_a_word():
    assert read_change({"fileId": "1", "removed": True}, {}, SINCE, "a") == FileNews("1", (), None)
    assert told(removed=True) == []
    files = {"1": ("plan.txt", True), "2": ("b", False)}
    update_files(files, [FileNews("1", (), None)])
    assert files == {"2": ("b", False)}


def test_clocks_may_differ_a_little():
    assert told(createdTime="2026-11-24T08:51:00Z")
    assert not told(createdTime="2026-11-24T08:49:00Z")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"fileId": None, "file": file()},
        {"fileId": "", "file": file()},
        {"fileId": "1" * 300, "file": file()},
        {"fileId": ["1"], "file": file()},
        {"changeType": "drive", "driveId": "x"},
    ],
)
def test_an_entry_about_no_file_means_nothing(change):
    assert read_change(change, {}, SINCE, "a") is None


@pytest.mark.parametrize(
    "odd",
    [
        {"name": None, "createdTime": 17, "webViewLink": {}, "lastModifyingUser": "x", "owners": 4},
        {"name": ["x"], "trashed": "yes", "createdTime": "soon", "owners": [None]},
        {"createdTime": "2026-11-24"},
    ],
)
def test_a_file_whose_members_are_odd_does_no_harm(odd):
    assert told(**odd) == []


# ---- who, and which file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "who"),
    [
        ({"owners": [{"displayName": "Bob"}]}, "Alice"),
        ({"lastModifyingUser": None, "owners": [{"displayName": "Bob"}]}, "Bob"),
        ({"lastModifyingUser": {}, "owners": []}, "alice@example.com"),
        ({"lastModifyingUser": {"displayName": "{0.__class__} {}"}}, "{0.__class__} {}"),
        ({"lastModifyingUser": {"displayName": "![:Person](7)"}}, "!［:Person］(7)"),
    ],
)
def test_the_person_is_who_changed_it_last_or_owns_it(people, who):
    assert told(**people) == [f"{who} added file [plan.txt]({URL})"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a](http://evil.example) [b", "a］(http://evil.example) ［b"),
        ("![:Team](17)", "!［:Team］(17)"),
        ("[code]x[/code]", "［code］x［/code］"),
        ("one\ntwo\r\n\tthree", "one two three"),
        ("invoice\u202egpj.exe", "invoice gpj.exe"),
        ("half \ud83d character\x00", "half character"),
        ("Ünïcode 🐙 日本語", "Ünïcode 🐙 日本語"),
        ("   ", "without a name"),
        ("x" * 500, "x" * 119 + "…"),
        ("{0} %s {name}", "{0} %s {name}"),
    ],
)
def test_a_name_cannot_be_more_than_a_name(name, shown):
    assert told(name=name) == [f"Alice added file [{shown}]({URL})"]
    assert told({"1": (drive_changes.clean_name(name) or "without a name", False)}, name=name) == []


def test_a_name_that_was_before_is_shown_as_safely():
    (sentence,) = told(drive_changes.files_of([{"id": "1", "name": "[a](http://evil.example)"}]))
    assert sentence == f"Alice renamed file ［a］(http://evil.example) to [plan.txt]({URL})"


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://x.example/a(1)", "[plan.txt](https://x.example/a%281%29)"),
        (
            "https://x.example/a b)[c]?q=é#f",
            "[plan.txt](https://x.example/a%20b%29%5Bc%5D?q=%C3%A9#f)",
        ),
        ("https://x.example/%41", "[plan.txt](https://x.example/%41)"),
        ("https://x.example/\ud83d", "[plan.txt](https://x.example/?)"),
        ("javascript:alert(1)", "plan.txt"),
        ("//x.example/a", "plan.txt"),
        ("https://", "plan.txt"),
        ("https://[x/", "plan.txt"),
        ("https://x.example/" + "a" * 2000, "plan.txt"),
        (None, "plan.txt"),
    ],
)
def test_a_link_is_one_or_is_left_out(link, shown):
    assert told(webViewLink=link) == [f"Alice added file {shown}"]


# ---- many --------------------------------------------------------------------------------------


def many(count, length=60):
    return [FileNews(str(n), (f"{n} " + "x" * length,), ("x", False)) for n in range(count)]


def test_one_thing_is_said_as_it_is_and_several_are_a_list():
    assert [text for text, _ in write_posts(many(1, 1))] == ["0 x"]
    assert [text for text, _ in write_posts(many(2, 1))] == ["* 0 x\n* 1 x"]
    assert list(write_posts([])) == list(write_posts([FileNews("1", (), None)])) == []


@pytest.mark.parametrize("length", [60, 1_500])
def test_very_many_go_into_few_messages_and_none_is_lost(length):
    messages = list(write_posts(many(1_000, length)))
    lines = [line for text, _ in messages for line in text.split("\n")]
    assert [line.split()[1] for line in lines] == [str(n) for n in range(1_000)]
    assert [one.file_id for _, told in messages for one in told] == [str(n) for n in range(1_000)]
    assert all(len(text) <= 10_000 for text, _ in messages)
    assert len(messages) <= 1_000 * (length + 10) / 8_000


def test_the_newest_files_are_remembered():
    files = {str(n): ("x", False) for n in range(2_500)}
    update_files(files, [FileNews("3", (), ("y", False))])
    kept = keep_newest(files)
    assert len(kept) == 2_000 and kept["3"] == ("y", False) and "499" not in kept


def test_what_is_written_there_is_read_as_far_as_it_can_be():
    class Row:
        data = {"files": {"1": ["a", True], "2": "b", "3": [], "4": [5, None]}}

    assert drive_changes.read_files(Row()) == {"1": ("a", True), "4": ("5", False)}
    for data in (None, {}, {"files": None}, {"files": [1]}):
        Row.data = data
        assert drive_changes.read_files(Row()) == {}
