"""SQLite under the tables: how it is opened, and moments as it keeps them."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import CacheStats

from botkit.errors import DatabaseFull, StateExpired, StorageError
from botkit.storage import Storage, authorizations, bots, columns_of, services, setup_database

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
LINK = {"provider": "GitHub", "redirect_uri": "http://127.0.0.1:9/", "verifier": "v", **ALICE}


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


def test_no_token_is_in_an_error_of_the_database(storage):
    with storage._writing() as connection:
        connection.exec_driver_sql("DROP TABLE services")
    secret = "-".join(["planted", "secret"])  # put together here, for tracebacks quote the source
    with pytest.raises(StorageError) as caught:
        storage.save_service("GitHub", **(ALICE | {"user_id": secret}), data={})
    everything = "".join(traceback.format_exception(caught.value))
    assert "The database said: " in everything and secret not in everything
    assert len(everything.splitlines()) < 40
    hidden = caught.value.__context__
    while hidden is not None:
        assert secret not in repr(hidden) + str(hidden) + repr(vars(hidden))
        hidden = hidden.__context__


def test_a_save_does_not_wait_for_the_disk_as_the_write_ahead_log_allows(storage):
    with storage._reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # NORMAL


def test_a_read_only_database_without_a_write_ahead_log_can_be_read(tmp_path):
    file = tmp_path / "copy.sqlite"
    setup_database(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    connection.close()
    storage = Storage(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert storage.find_services() == []
    storage.close()


def test_in_memory_a_second_thread_waits_for_the_one_connection():
    """With a connection of its own it would see an empty database."""
    storage, errors = Storage("sqlite://"), []
    storage.set_up()

    def save() -> None:
        try:
            storage.save_service("GitHub", **ALICE, data={})
        except StorageError as error:
            errors.append(error)

    thread = threading.Thread(target=save)
    with storage._reading() as connection:
        connection.execute(sa.text("SELECT 1"))  # held until the end of this block
        thread.start()
        thread.join(0.2)  # time enough to go wrong
        assert thread.is_alive() and errors == []
    thread.join()
    assert len(storage.find_services()) == 1 and errors == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_makes_no_file(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    assert len(setup_database(url)) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_was_closed_leaves_one_file(tmp_path, storage):
    storage.save_service("GitHub", **ALICE, data={})
    assert len(list(tmp_path.glob("botkit.sqlite*"))) > 1
    storage.close()  # the last connection takes the write-ahead log with it
    assert [file.name for file in tmp_path.glob("botkit.sqlite*")] == ["botkit.sqlite"]


def test_a_statement_is_compiled_once_for_each_table(storage):
    compiled = {}
    with storage._reading() as connection:
        connection = connection.execution_options(compiled_cache=compiled)
        for table in (bots, services, authorizations) * 2:
            connection.execute(sa.select(*columns_of(table)))
    assert len(compiled) == 3


def test_a_statement_is_compiled_once_for_all_databases_of_a_process(tmp_path, monkeypatch):
    monkeypatch.setattr("botkit.storage.sqlite.compiled", {})
    how = []
    for name in ("first", "second"):
        storage = Storage(f"sqlite:///{tmp_path}/{name}.sqlite")
        with storage._reading() as connection:
            result = connection.execute(sa.select(sa.literal(name)))
            assert result.scalar() == name
            how.append(result.context.cache_hit)
        storage.close()
    assert how == [CacheStats.CACHE_MISS, CacheStats.CACHE_HIT]


# ---- moments


def test_a_clock_of_another_time_zone_makes_no_difference(database_url):
    moment = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    home = timezone(timedelta(hours=5, minutes=30))
    moments = [moment.astimezone(home)]
    storage = Storage(database_url, now=lambda: moments[-1])
    storage.set_up()
    row = storage.save_service("GitHub", **ALICE, data={})
    assert row.updated_at == storage.find_service("GitHub", **ALICE).updated_at == moment
    storage.add_authorization("in time", **LINK)
    storage.add_authorization("late", **LINK)
    moments.append(moment + timedelta(minutes=9))  # here the clock is changed to UTC
    assert storage.claim_authorization("in time", provider="GitHub").user_id == "alice"
    moments.append((moment + timedelta(minutes=11)).astimezone(timezone(timedelta(hours=-8))))
    with pytest.raises(StateExpired):
        storage.claim_authorization("late", provider="GitHub")
    storage.close()


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-24 09:00:00.000 +00:00",
        "2026-11-24 11:00:00.000 +02:00",
        "2026-11-24 04:00:00.000 -05:00",
        "2026-11-24T09:00:00Z",
        "2026-11-24 09:00:00",
    ],
)
def test_a_moment_is_read_in_every_form_in_which_it_may_stand(storage, written, clock):
    storage.save_service("GitHub", **ALICE, data={})
    with storage._writing() as connection:
        connection.exec_driver_sql(f"UPDATE services SET updatedAt = '{written}'")
    found = storage.find_service("GitHub", **ALICE).updated_at
    assert found == clock.moment and found.tzinfo is UTC


# ---- the check behind /health


def changes(storage) -> int:
    """How many rows this connection has changed since it was opened."""
    with storage._reading() as connection:
        return connection.connection.driver_connection.total_changes


def test_a_check_writes_nothing_as_long_as_all_goes_well(storage):
    storage.save_bot("bot", token={"access_token": "t"}, data={})
    before = changes(storage)
    storage.check()
    assert changes(storage) == before


@pytest.fixture
def full(storage):
    """The storage, whose disk has no room; what makes room."""
    with storage._writing() as connection:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseFull, match="disk"):
        storage.save_bot("bot", token={"access_token": "t" * 100_000}, data={})
    return storage


def test_a_full_disk_is_remembered_and_a_check_writes_nothing(full):
    before = changes(full)
    for _ in range(2):
        with pytest.raises(DatabaseFull) as caught:
            full.check()
        assert "whether the disk is full" in caught.value.advice
    assert changes(full) == before


def test_a_row_that_can_be_written_again_ends_a_full_disk_and_is_not_kept(full):
    before = changes(full)
    full.try_to_write()  # there is room for one more row
    assert changes(full) == before + 2 and full.find_bots() == []
    full.check()
    full.try_to_write()  # now there is no reason to
    assert changes(full) == before + 2


def test_any_change_that_succeeds_ends_a_full_disk(full):
    full.save_bot("bot", data={})
    full.check()


def test_another_error_in_a_transaction_is_no_full_disk(storage):
    with pytest.raises(StorageError, match="a mistake"), storage._writing():
        raise StorageError("a mistake of one caller")
    storage.check()


NO_DATABASES = [b"Shopping list: milk, bread\n" * 100, b"SQLite format 3\0" + b"x" * 5000]


@pytest.mark.parametrize("content", NO_DATABASES)
def test_a_file_that_is_no_database_is_told_as_such_and_left_alone(tmp_path, content):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(StorageError) as told:
        Storage(f"sqlite:///{file}").set_up()
    assert "is no database, or it is damaged" in str(told.value)
    assert "name another file" in told.value.advice
    assert file.read_bytes() == content


def test_a_text_that_postgresql_does_not_take_is_not_a_database_that_is_away(postgresql_url):
    storage = Storage(postgresql_url)
    storage.set_up()
    with pytest.raises(StorageError) as told:
        storage.find_service("GitHub", bot_id="1\0", group_id="g")
    assert "does not answer" not in str(told.value)
    storage.close()


def test_tables_of_an_older_version_lead_to_the_command_that_completes_them(database_url):
    storage = Storage(database_url)
    storage.set_up()
    with storage._writing() as connection:
        connection.exec_driver_sql("DROP TABLE holds")
    with pytest.raises(StorageError) as told:
        storage.messages.hold("key", 1)
    assert told.value.advice.endswith("python -m botkit setup-database")
    storage.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_new_file_is_for_its_owner_alone(tmp_path, storage):
    storage.save_service("GitHub", **ALICE, data={})
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o600}


def test_a_file_that_was_there_and_is_gone_is_told_and_not_made_anew(tmp_path, storage):
    storage._engine.dispose()
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(StorageError, match="cannot be opened"):
        storage.find_service("GitHub", **ALICE)
    assert list(tmp_path.iterdir()) == []
