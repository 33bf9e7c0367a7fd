"""The table of services: one row for one owner, found, saved, deleted."""

from __future__ import annotations

import json
import sqlite3
import threading
import traceback
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from botkit.errors import DatabaseBusy, DatabaseReadOnly, StateUnknown, StorageError
from botkit.storage import Storage, services, setup_database, store

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
BOB = {"bot_id": "bot", "group_id": "team", "user_id": "bob"}


def test_a_saved_service_is_found_with_its_data(storage):
    storage.save_service("GitHub", **ALICE, data={"accessToken": "t"})
    found = storage.find_service("GitHub", **ALICE)
    assert found.data == {"accessToken": "t"}
    assert found.access_token == "t"


def test_each_person_has_a_connection_of_their_own(storage):
    storage.save_service("GitHub", **ALICE, data={"accessToken": "a"})
    storage.save_service("GitHub", **BOB, data={"accessToken": "b"})
    assert storage.find_service("GitHub", **ALICE).access_token == "a"
    assert storage.find_service("GitHub", **BOB).access_token == "b"


@pytest.mark.parametrize("other", ["name", "bot_id", "group_id", "user_id"])
def test_a_connection_is_found_only_by_its_whole_key(storage, other):
    storage.save_service("GitHub", **ALICE, data={})
    key = {"name": "GitHub", **ALICE, other: "somebody else"}
    assert storage.find_service(key.pop("name"), **key) is None


def test_a_connection_shared_by_the_chat_is_not_a_persons_own(storage):
    storage.save_service("GoogleDrive", bot_id="bot", group_id="team", data={"a": 1})
    assert storage.find_service("GoogleDrive", bot_id="bot", group_id="team").data == {"a": 1}
    assert storage.find_service("GoogleDrive", **ALICE) is None


def test_saving_again_merges_and_none_removes(storage):
    storage.save_service("GitHub", **ALICE, data={"accessToken": "1", "keep": "k", "drop": "d"})
    again = storage.save_service("GitHub", **ALICE, data={"accessToken": "2", "drop": None})
    assert again.data == {"accessToken": "2", "keep": "k"}
    assert storage.find_service("GitHub", **ALICE).data == again.data


def test_timestamps_are_utc_and_only_the_second_one_moves(storage, clock):
    first = storage.save_service("GitHub", **ALICE, data={})
    clock.advance(minutes=5)
    storage.save_service("GitHub", **ALICE, data={})
    row = storage.find_service("GitHub", **ALICE)
    assert row.created_at == first.created_at
    assert row.updated_at == clock.moment
    assert row.updated_at.tzinfo is UTC


def test_thirty_two_saves_at_once_leave_one_row_and_lose_no_key(storage):
    start = threading.Barrier(32)

    def save(number: int) -> None:
        start.wait()
        storage.save_service("GitHub", **ALICE, data={f"key{number}": number})

    threads = [threading.Thread(target=save, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(storage.find_services(bot_id="bot")) == 1
    assert len(storage.find_service("GitHub", **ALICE).data) == 32


def test_deleting_removes_that_row_only_and_may_be_repeated(storage):
    alice = storage.save_service("GitHub", **ALICE, data={})
    storage.save_service("GitHub", **BOB, data={})
    storage.delete_service(alice)
    storage.delete_service(alice)
    assert [row.user_id for row in storage.find_services(bot_id="bot")] == ["bob"]


def test_find_services_narrows_by_chat_and_person(storage):
    storage.save_service("GitHub", **ALICE, data={})
    storage.save_service("GitHub", **BOB, data={})
    storage.save_service("GitHub", bot_id="bot", group_id="other", user_id="alice", data={})
    assert len(storage.find_services(bot_id="bot")) == 3
    assert len(storage.find_services(bot_id="bot", group_id="team")) == 2
    assert len(storage.find_services(bot_id="bot", group_id="team", user_id="bob")) == 1
    oldest = [row.group_id for row in storage.find_services(user_id="alice", limit=1)]
    assert oldest == ["team"] and len(storage.find_services(user_id="alice", limit=9)) == 2


def test_a_bot_is_remembered_and_goes_with_everything_it_had(storage):
    storage.save_bot("bot", token={"access_token": "t"}, data={"a": 1})
    storage.save_bot("bot", data={"b": 2})
    bot = storage.find_bot("bot")
    assert (bot.token, bot.data) == ({"access_token": "t"}, {"a": 1, "b": 2})
    storage.save_service("GitHub", **ALICE, data={})
    storage.delete_bot("bot")
    assert storage.find_bot("bot") is None
    assert storage.find_services(bot_id="bot") == []


@pytest.fixture
def elsewhere(storage, database_url):
    """The same database in another process."""
    other = Storage(database_url)
    yield other
    other.close()


def test_a_known_bot_is_as_it_was_read_unless_it_is_written_here(storage, elsewhere):
    storage.save_bot("bot", data={"a": 1})
    assert storage.known_bot("bot").data == {"a": 1}
    elsewhere.save_bot("bot", data={"a": 2})
    assert storage.known_bot("bot").data == {"a": 1}
    assert storage.known_bot("bot", anew=True).data == {"a": 2}
    assert storage.known_bot("bot").data == {"a": 2}
    storage.update_bot("bot", {"a": 3})
    assert storage.known_bot("bot").data == {"a": 3}
    storage.save_bot("bot", data={"b": 1})
    assert storage.known_bot("bot").data == {"a": 3, "b": 1}
    storage.delete_bot("bot")
    assert storage.known_bot("bot") is None
    elsewhere.save_bot("bot", data={"a": 4})
    assert storage.known_bot("bot").data == {"a": 4}  # nobody is known to be missing


def test_what_is_known_of_a_bot_is_soon_old(storage, elsewhere, monkeypatch):
    monkeypatch.setattr(store, "BELIEVED", -1.0)
    storage.save_bot("bot", data={"a": 1})
    assert storage.known_bot("bot").data == {"a": 1}
    elsewhere.save_bot("bot", data={"a": 2})
    assert storage.known_bot("bot").data == {"a": 2}


def test_no_secret_shows_when_a_row_is_printed(storage):
    storage.save_bot("bot", token={"access_token": "planted-secret"}, data={})
    service = storage.save_service("GitHub", **ALICE, data={"accessToken": "planted-secret"})
    shown = repr(service) + repr(storage.find_bot("bot")) + repr(storage)
    assert "planted-secret" not in shown
    assert "alice" in shown and "2026" not in shown  # who it is, and not when


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", 'O\'Hara "Bobby" 🐙', "x" * 255])
def test_odd_names_come_back_as_they_went_in(storage, text):
    storage.save_service(text, bot_id="b", group_id=text, user_id=text, data={text: text})
    assert storage.find_service(text, bot_id="b", group_id=text, user_id=text).data == {text: text}


def test_a_locked_database_is_named_as_such_and_loses_nothing(tmp_path, clock):
    file = tmp_path / "busy.sqlite"
    storage = Storage(f"sqlite:///{file}", now=clock, busy_seconds=0.05)
    storage.set_up()
    storage.save_service("GitHub", **ALICE, data={"accessToken": "before"})
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy) as caught:
        storage.save_service("GitHub", **ALICE, data={"accessToken": "after"})
    assert "busy" in str(caught.value)
    assert storage.find_service("GitHub", **ALICE).access_token == "before"  # reading still works
    other.execute("ROLLBACK")
    storage.save_service("GitHub", **ALICE, data={"accessToken": "after"})
    assert storage.find_service("GitHub", **ALICE).access_token == "after"


def test_a_state_is_for_one_link_only(storage):
    link = {"provider": "GitHub", "redirect_uri": "http://127.0.0.1:9/", "verifier": "v", **ALICE}
    storage.add_authorization("one-state", **link)
    with pytest.raises(StorageError, match="a link with this state already") as caught:
        storage.add_authorization("one-state", **link)
    assert "make a new one" in caught.value.advice
    assert len(traceback.format_exception(caught.value)) < 12
    assert storage.claim_authorization("one-state", provider="GitHub").verifier == "v"


def test_a_read_only_database_is_named_as_such(tmp_path, clock):
    file = tmp_path / "read-only.sqlite"
    writable = Storage(f"sqlite:///{file}", now=clock)
    writable.set_up()
    writable.save_service("GitHub", **ALICE, data={})
    writable.close()
    storage = Storage(f"sqlite:///file:{file}?mode=ro&uri=true", now=clock)
    assert storage.find_service("GitHub", **ALICE) is not None
    secret = "-".join(["planted", "secret"])  # put together here, for tracebacks quote the source
    with pytest.raises(DatabaseReadOnly) as caught:
        storage.save_service("GitHub", **BOB, data={"accessToken": secret})
    assert "must allow it to write" in caught.value.advice
    everything = "".join(traceback.format_exception(caught.value))
    assert "The database said: attempt to write" in everything and secret not in everything


@pytest.mark.parametrize(
    "url", ["", "nonsense", "nosuchdb://host/name", "sqlite:no-slashes", "sqlite://h:pa/ss"]
)
def test_an_address_that_is_none_is_explained(url):
    with pytest.raises(StorageError, match="cannot be used") as caught:
        Storage(url)
    assert "sqlite:///botkit.sqlite" in caught.value.advice


def test_without_set_up_the_error_is_ours(database_url):
    storage = Storage(database_url)
    with pytest.raises(StorageError, match="does not have the tables yet") as caught:
        storage.check()
    assert "must set up the database" in caught.value.advice


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened") as caught:
        setup_database(f"sqlite:///{tmp_path / 'missing' / 'botkit.sqlite'}")
    assert "make its folder" in caught.value.advice


def test_a_database_in_memory_is_one_database_for_all_threads():
    storage = Storage("sqlite://")
    storage.set_up()
    thread = threading.Thread(
        target=lambda: storage.save_service("GitHub", **ALICE, data={"accessToken": "t"})
    )
    thread.start()
    thread.join()
    assert storage.find_service("GitHub", **ALICE).access_token == "t"


def test_the_file_uses_a_write_ahead_log(tmp_path, sqlite_url):
    setup_database(sqlite_url)
    mode = sqlite3.connect(tmp_path / "botkit.sqlite").execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal",)


# ---- what is kept apart, and what is wiped


def insert(connection, **values):
    """A row that did not come through `save_service`."""
    moment = datetime(values.pop("year", 2020), 1, 2, tzinfo=UTC)
    row = {"name": "GitHub", **ALICE, "created_at": moment, "updated_at": moment} | values
    row["data"] = json.dumps(row["data"])
    connection.execute(sa.insert(services).values(row))


def add_null_owner(storage, year, token):
    """A row as the original framework writes it: without an owner."""
    with storage._writing() as connection:
        insert(connection, user_id=None, year=year, data={"accessToken": token})


def test_a_row_without_an_owner_is_the_chats_and_nobodys_in_particular(storage):
    add_null_owner(storage, 2020, "t")
    assert storage.find_service("GitHub", bot_id="bot", group_id="team").access_token == "t"
    assert storage.find_service("GitHub", **ALICE) is None
    storage.save_service("GitHub", **ALICE, data={"accessToken": "a"})
    assert storage.find_service("GitHub", bot_id="bot", group_id="team").access_token == "t"


@pytest.mark.parametrize("year, found", [(2020, "ours"), (2030, "theirs")])
def test_beside_a_row_of_the_original_the_newer_one_is_found(storage, year, found):
    storage.save_service("GitHub", bot_id="bot", group_id="team", data={"accessToken": "ours"})
    add_null_owner(storage, year, "theirs")
    assert storage.find_service("GitHub", bot_id="bot", group_id="team").access_token == found


def test_saving_over_rows_of_the_original_leaves_one_and_touches_no_others(storage):
    for year in (2020, 2021):
        add_null_owner(storage, year, "theirs")
    for other in ({"user_id": "alice"}, {"group_id": "another"}, {"bot_id": "another"}):
        owner = {"bot_id": "bot", "group_id": "team", **other}
        storage.save_service("GitHub", **owner, data={"accessToken": "other"})
    storage.save_service("Drive", bot_id="bot", group_id="team", data={"accessToken": "other"})
    storage.save_service("GitHub", bot_id="bot", group_id="team", data={"accessToken": "ours"})
    tokens = sorted(row.access_token for row in storage.find_services())
    assert tokens == ["other"] * 4 + ["ours"]


def test_a_row_that_is_given_an_owner_says_when(storage, clock):
    row = storage.save_service("GitHub", bot_id="bot", group_id="team", data={})
    clock.advance(hours=1)
    storage.adopt_service(row, user_id="alice")
    found = storage.find_service("GitHub", **ALICE)
    assert (found.id, found.updated_at, found.created_at) == (row.id, clock.moment, row.created_at)


def test_a_row_that_somebody_else_makes_in_the_same_moment_is_used(storage, monkeypatch):
    """On a database with many writers, another one may come between our look and our insert."""
    look = storage._service_of

    def look_too_early(connection, **owner):
        found = look(connection, **owner)
        monkeypatch.undo()
        insert(connection, data={"theirs": 1})
        return found

    monkeypatch.setattr(storage, "_service_of", look_too_early)
    saved = storage.save_service("GitHub", **ALICE, data={"ours": 2})
    assert saved.data == {"theirs": 1, "ours": 2}
    assert len(storage.find_services()) == 1


def test_the_number_of_a_deleted_row_is_never_given_again(storage):
    first = storage.save_service("GitHub", **ALICE, data={})
    storage.delete_service(first)
    storage.save_service("GitHub", **BOB, data={})
    storage.delete_service(first)  # somebody who still holds the old row
    assert [row.user_id for row in storage.find_services()] == ["bob"]


def test_a_bot_that_goes_takes_its_waiting_links_with_it(storage):
    place = {"provider": "GitHub", "redirect_uri": "http://127.0.0.1:9/", "verifier": "v"}
    storage.add_authorization("hers", **place, **ALICE)
    storage.add_authorization("another's", **place, **(ALICE | {"bot_id": "another"}))
    storage.delete_bot("bot")
    with pytest.raises(StateUnknown):
        storage.claim_authorization("hers", provider="GitHub")
    assert storage.claim_authorization("another's", provider="GitHub").bot_id == "another"
