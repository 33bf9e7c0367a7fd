"""How long anything waits for the database: a lock, a slow statement, a server that hangs.

Here the limits themselves are tested.  What a person sees of them is in
tests/system/test_faults_database.py.
"""

from __future__ import annotations

import os
import threading
import time

import pytest
import sqlalchemy as sa
from missing import left_out
from python_process import run

from botkit.errors import DatabaseBusy, StorageError
from botkit.storage import Storage
from botkit.storage import postgresql as tuned
from botkit.storage.database import BUSY_SECONDS, CONNECT_SECONDS, CONNECTIONS
from botkit.storage.postgresql import PING_SECONDS, lift_limits

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}


# ---- a server that is slow, or hangs


@pytest.fixture
def on_server(postgresql_url):
    storage = Storage(postgresql_url)
    storage.set_up()
    yield storage
    storage.close()


def seconds_of(action):
    """Do something that ends with a `StorageError`; the error, and how long that took."""
    began = time.monotonic()
    with pytest.raises(StorageError) as caught:
        action()
    return caught.value, time.monotonic() - began


def test_a_server_that_hangs_is_given_up_after_some_seconds(on_server, postgresql):
    on_server.save_bot("bot", data={})
    with postgresql.frozen():
        error, seconds = seconds_of(on_server.find_bots)  # on the connection that it has
        assert "does not answer" in str(error)
        assert PING_SECONDS <= seconds < PING_SECONDS + CONNECT_SECONDS + 3
        error, seconds = seconds_of(lambda: on_server.save_bot("bot", data={"a": 1}))  # on none
        assert "does not answer" in str(error) and seconds < CONNECT_SECONDS + 3
    assert [bot.id for bot in on_server.find_bots()] == ["bot"]  # without a restart


def test_a_server_that_hangs_in_the_middle_of_a_change_is_given_up_too(
    on_server, postgresql, monkeypatch
):
    monkeypatch.setattr(tuned, "SILENT_SECONDS", 0.5)
    on_server.save_bot("bot", data={})
    with pytest.raises(StorageError, match="does not answer"), on_server._writing() as connection:
        connection.execute(sa.text("DELETE FROM bots"))
        with postgresql.frozen():
            connection.execute(sa.text("SELECT 1"))
    assert [bot.id for bot in on_server.find_bots()] == ["bot"]


def test_a_long_answer_that_keeps_coming_is_waited_for(on_server, monkeypatch):
    monkeypatch.setattr(tuned, "SILENT_SECONDS", 2.0)
    many = "SELECT repeat('x', 100), pg_sleep(0.004) FROM generate_series(1, 600)"
    with on_server._reading() as connection:
        began = time.monotonic()
        assert len(connection.execute(sa.text(many)).all()) == 600
        assert time.monotonic() - began > 2.0


def test_a_slow_statement_is_ended_by_the_server(on_server):
    def slow():
        with on_server._reading() as connection:
            connection.execute(sa.text("SELECT pg_sleep(60)"))

    error, seconds = seconds_of(slow)
    assert type(error) is DatabaseBusy
    assert BUSY_SECONDS <= seconds < BUSY_SECONDS + 5
    assert on_server.find_bots() == []


def test_setting_up_a_large_database_may_take_its_time(on_server, monkeypatch):
    monkeypatch.setattr(tuned, "SILENT_SECONDS", 0.2)
    with on_server._transaction() as connection:
        lift_limits(connection)
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "0"
        connection.execute(sa.text("SELECT pg_sleep(0.6)"))
    with on_server._writing() as connection:
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "5s"


def test_what_the_address_says_of_its_timeouts_counts(postgresql_url):
    given = sa.make_url(postgresql_url).update_query_dict({"connect_timeout": "7"})
    storage = Storage(given.render_as_string(hide_password=False))
    with storage._reading() as connection:
        info = connection.connection.driver_connection.info.get_parameters()
    assert (info["connect_timeout"], info["tcp_user_timeout"]) == ("7", "3000")
    storage.close()


def test_more_threads_than_connections_wait_and_not_for_ever(on_server, monkeypatch):
    monkeypatch.setattr(on_server._engine.pool, "_timeout", 0.1)
    engine = on_server._engine
    held = [engine.connect() for _ in range(2 * CONNECTIONS)]
    error, _ = seconds_of(on_server.find_bots)
    assert type(error) is DatabaseBusy
    held.pop().close()
    assert on_server.find_bots() == []
    for connection in held:
        connection.close()


# ---- one writer at a time


def test_writers_of_one_process_wait_in_a_row_and_not_for_ever(sqlite_url):
    storage = Storage(sqlite_url, busy_seconds=0.05)
    storage.set_up()
    told = []

    def another():
        try:
            storage.save_bot("bot", data={})
        except DatabaseBusy as error:
            told.append(str(error))

    with storage._writing():
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(20)
    assert told == ["The database is busy with somebody else's work."]
    another()
    assert storage.find_bot("bot") and len(told) == 1
    storage.close()


def test_a_thread_that_waits_to_write_holds_no_connection(sqlite_url):
    storage = Storage(sqlite_url)
    storage.set_up()
    count = 2 * CONNECTIONS + 5  # more than there may be connections
    with storage._writing():
        threads = [
            threading.Thread(target=storage.save_bot, args=(f"{n}",), kwargs={"data": {}})
            for n in range(count)
        ]
        for thread in threads:
            thread.start()
        assert storage.find_bots() == []
    for thread in threads:
        thread.join(20)
    assert len(storage.find_bots()) == count
    storage.close()


# ---- child processes


def test_a_child_process_opens_connections_of_its_own(database_url):
    """And the parent's stay open, also when the child ends."""
    if not hasattr(os, "fork"):  # Windows
        left_out("fork")
    done = run("-c", FORKS, database_url, timeout=120)
    assert (done.stdout.split(), done.stderr) == (["0", "both"], "")


FORKS = """
import os, sys, threading
from botkit.storage import Storage

storage = Storage(sys.argv[1])
storage.set_up()
before = storage._engine.pool
assert before.checkedin() == 1
turn = storage._turn
turn.__enter__()  # as another thread of the parent might hold it in this moment
child = os.fork()
if not child:
    assert storage._engine.pool is not before and storage._engine.pool.checkedin() == 0
    storage.save_bot("child", data={})
    storage.close()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
turn.__exit__()
assert storage._engine.pool is before
storage.save_bot("parent", data={})
assert {bot.id for bot in storage.find_bots()} == {"child", "parent"}
print("both")
"""
