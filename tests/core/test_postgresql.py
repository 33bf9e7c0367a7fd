"""What PostgreSQL can refuse, and what the bot says then; other tests run all else on it."""

from __future__ import annotations

import traceback

import pytest
import sqlalchemy as sa
from serve_world import free_port

from botkit.errors import DatabaseBusy, DatabaseReadOnly, StorageError
from botkit.run.doctor.database import DatabaseVisit
from botkit.storage import Storage
from botkit.storage.postgresql import tune_postgresql

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
SECRET = "-".join(["planted", "secret"])  # put together here, for tracebacks quote the source


@pytest.fixture
def database_url(postgresql_url):
    return postgresql_url


@pytest.fixture
def other(database_url):
    """Somebody else who works in the same database."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def refused(action, error=StorageError):
    """The error that `action` ends with; nothing that hangs on it holds the secret."""
    with pytest.raises(StorageError) as caught:
        action()
    assert type(caught.value) is error
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


def save(storage):
    return storage.save_service("GitHub", **ALICE, data={"accessToken": SECRET})


def test_a_server_that_hangs_up_between_two_requests_is_called_again(storage, postgresql):
    save(storage)
    postgresql.hang_up()
    assert storage.find_service("GitHub", **ALICE).access_token == SECRET


def test_a_server_that_hangs_up_in_the_middle_loses_nothing(storage, postgresql):
    save(storage)
    with pytest.raises(StorageError, match="does not answer"), storage._writing() as connection:
        connection.execute(sa.text("DELETE FROM services"))
        postgresql.hang_up()
        connection.execute(sa.text("SELECT 1"))
    assert storage.find_service("GitHub", **ALICE)


def test_a_database_that_takes_nobody_in_is_told_until_it_does_again(storage, postgresql):
    save(storage)
    storage.close()
    postgresql.run("ALTER DATABASE test ALLOW_CONNECTIONS false")
    assert "does not answer" in str(refused(lambda: save(storage)))
    postgresql.run("ALTER DATABASE test ALLOW_CONNECTIONS true")
    assert save(storage).access_token == SECRET


@pytest.mark.parametrize(
    "wrong",
    [
        {"database": "nowhere"},
        {"database": "locked_busy_readonly"},
        {"username": "nobody"},
        {"host": "127.0.0.1", "port": 9, "query": {}},
        {"host": "nowhere.invalid", "query": {}},
    ],
    ids=str,
)
def test_where_there_is_no_such_server_user_or_database(postgresql, wrong):
    url = postgresql.url(**{"database": "postgres", "password": SECRET} | wrong)
    error = refused(lambda: Storage(url).check())
    assert "does not answer" in str(error) and "its server runs" in error.advice


@pytest.mark.parametrize("character", "@/:?#%[] &=\\+")
def test_no_part_of_a_password_shows_whatever_it_is_made_of(character):
    url = f"postgresql+psycopg://user:first{character}{SECRET}@127.0.0.1:{free_port()}/name"
    refused(lambda: Storage(url).check())


def test_a_password_with_an_at_sign_is_explained():
    error = refused(lambda: Storage(f"postgresql+psycopg://user:a@{SECRET}@host/name"))
    assert "cannot be used" in str(error) and "%40" in error.advice


def test_a_read_only_database_is_named_as_such(storage, postgresql):
    storage.close()
    postgresql.run("ALTER DATABASE test SET default_transaction_read_only = on")
    refused(lambda: save(storage), DatabaseReadOnly)
    assert storage.find_services() == []


def test_a_user_who_may_not_write_is_named_as_such(storage, postgresql, other):
    postgresql.run("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    reader = Storage(postgresql.url("test", username="reader"))
    assert reader.find_services() == []
    refused(lambda: save(reader), DatabaseReadOnly)
    other.execute(sa.text("DROP TABLE authorizations"))
    other.commit()
    refused(reader.set_up, DatabaseReadOnly)
    reader.close()
    postgresql.run("DROP ROLE reader")


def test_a_row_that_somebody_holds_is_waited_for_but_not_for_ever(database_url, other):
    storage = Storage(database_url, busy_seconds=0.05)
    storage.set_up()
    row = save(storage)
    storage.save_bot("bot", data={})
    for table in ("services", "bots"):
        other.execute(sa.text(f"SELECT * FROM {table} FOR UPDATE"))
    refused(lambda: save(storage), DatabaseBusy)
    assert storage.find_service("GitHub", **ALICE) == storage.get_service(row.id)  # as before
    assert storage.find_bot("bot")
    other.rollback()
    save(storage)


def test_a_row_that_is_refused_is_not_quoted(storage, other):
    storage.save_service("GitHub", **ALICE, data={})
    other.execute(sa.text("ALTER TABLE services ADD CHECK (name <> 'GitHub') NOT VALID"))
    other.commit()
    error = refused(lambda: save(storage))
    everything = "".join(traceback.format_exception(error))
    assert "violates check constraint" in everything and "Failing row" not in everything


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_moments_are_the_same_in_every_time_zone(storage, postgresql, clock, zone):
    storage.close()
    postgresql.run(f"ALTER DATABASE test SET timezone = '{zone}'")
    save(storage)
    assert storage.find_service("GitHub", **ALICE).updated_at == clock.moment
    assert storage.find_service("GitHub", **ALICE).updated_at.tzname() == "UTC"


def test_the_doctor_looks_at_it(database_url, storage, postgresql):
    said = [(check.state, check.text) for check in DatabaseVisit(database_url).checks()]
    assert said == [
        ("ok", "The database answers: PostgreSQL."),
        ("ok", "Its tables are complete."),
        ("ok", "There is nothing secret in it."),
        ("ok", "It can be written."),
    ]
    nowhere = postgresql.url("nowhere", password=SECRET)
    (check,) = DatabaseVisit(nowhere).checks()
    assert (check.state, check.text) == ("wrong", "The database does not answer.")
    assert SECRET not in repr(check)


@pytest.mark.parametrize(
    ("busy", "statement", "lock"), [(0.5, 3, "500ms"), (3, 3, "0"), (4, 3, "0")]
)
def test_the_server_ends_what_takes_long_and_what_waits_long(database_url, busy, statement, lock):
    """Where a lock may take as long as a statement, one limit is enough."""
    engine = sa.create_engine(database_url)
    tune_postgresql(engine, busy, statement)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW statement_timeout")) == f"{statement}s"
        assert connection.scalar(sa.text("SHOW lock_timeout")) == lock
    engine.dispose()
