"""A new key: every row is sealed anew, and whoever stops in the middle loses nothing."""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import closing, suppress
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from python_process import start

from botkit.errors import WrongKey
from botkit.storage import Seal, Storage, authorizations, columns_of, database, new_key

LINK = {"bot_id": "b", "group_id": "g", "provider": "GitHub", "redirect_uri": "https://b.example/x"}
ROWS = 9  # 5 connections, 2 bots, 2 links


@pytest.fixture
def opened(database_url):
    storages = []

    def opened(*keys: str) -> Storage:
        storages.append(Storage(database_url, seal=Seal(keys)))
        return storages[-1]

    opened().set_up()
    yield opened
    for storage in storages:
        storage.close()


def fill(plain: Storage, sealing: Storage) -> None:
    """Rows from before there was a key, and rows from afterwards."""
    for number in range(5):
        owner = {"bot_id": "b", "group_id": "g", "user_id": str(number)}
        (sealing if number else plain).save_service("GitHub", **owner, data=secret(number))
    for bot_id in ("b", "c"):
        sealing.save_bot(bot_id, token={"access_token": f"planted-{bot_id}"}, data={})
    for state in ("used", "waits"):
        sealing.add_authorization(state, **LINK, user_id="1", verifier="planted-verifier")
    sealing.claim_authorization("used", provider="GitHub")


def secret(number: int) -> dict[str, str]:
    return {"accessToken": f"planted-{number}"}


def assert_all_there(storage: Storage) -> None:
    services = storage.find_services()
    assert [row.data for row in services] == [secret(number) for number in range(5)]
    assert [row.token["access_token"] for row in storage.find_bots()] == ["planted-b", "planted-c"]
    with storage._reading() as connection:
        written = connection.execute(sa.select(*columns_of(authorizations)))
        verifiers = sorted(
            storage._open(connection, authorizations, row)["verifier"] for row in written
        )
    assert verifiers == ["planted-verifier"] * 2


def test_afterwards_the_old_key_is_not_needed_and_times_are_as_they_were(opened):
    old, new = new_key(), new_key()
    fill(opened(), opened(old))
    before = [row.updated_at for row in opened(old).find_services()]
    assert len(list(opened(new, old).reseal())) == ROWS
    assert_all_there(opened(new))
    assert [row.updated_at for row in opened(new).find_services()] == before
    with pytest.raises(WrongKey):
        opened(old).find_bots()
    assert opened(new).claim_authorization("waits", provider="GitHub").verifier


@pytest.mark.parametrize("how", ["reseal", "set_up"])
def test_it_leaves_the_database_to_others_for_as_long_as_it_wrote(opened, monkeypatch, how):
    fill(opened(), opened())
    moments, slept = itertools.count(), []
    clock = SimpleNamespace(monotonic=lambda: next(moments), sleep=slept.append)
    monkeypatch.setattr(database, "time", clock)
    monkeypatch.setattr(database, "PIECE", 2)
    storage = opened(new_key())
    if how == "reseal":
        assert len(list(storage.reseal())) == ROWS
        assert slept == [1] * ROWS
    else:
        assert storage.set_up() == [f"Sealed {ROWS} rows of an older version again."]
        assert slept == [1] * 4  # after each two rows
    assert_all_there(storage)


def test_it_may_stop_after_any_row(opened):
    keys = [new_key()]
    fill(opened(), opened(keys[0]))
    for count in range(ROWS + 1):
        keys.insert(0, new_key())
        rows = opened(*keys[:2]).reseal()
        for _ in range(count):
            next(rows)
        rows.close()  # stopped here
        assert_all_there(opened(*keys[:2]))
        assert len(list(opened(*keys[:2]).reseal())) == ROWS  # begun again
        assert_all_there(opened(keys[0]))


def test_it_may_fail_in_the_middle_of_any_row(opened):
    keys = [new_key()]
    fill(opened(), opened(keys[0]))
    for count in range(1, ROWS + 1):
        keys.insert(0, new_key())
        storage, seen = opened(*keys[:2]), []

        @sa.event.listens_for(storage._engine, "after_cursor_execute")
        def fail(_connection, _cursor, statement, *_, seen=seen, count=count):
            seen.extend([1] if statement.startswith("UPDATE") else [])
            if len(seen) == count:
                raise ZeroDivisionError  # the row is written, and the transaction is open

        with pytest.raises(ZeroDivisionError):
            list(storage.reseal())
        assert_all_there(opened(*keys[:2]))
        assert len(list(opened(*keys[:2]).reseal())) == ROWS
        assert_all_there(opened(keys[0]))


KILLED = """
import os, signal, sys
from botkit.storage import Seal, Storage
url, count, *keys = sys.argv[1:]
for done, _ in enumerate(Storage(url, seal=Seal(keys)).reseal(), start=1):
    if done == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("count", [1, 5])
def test_it_may_be_killed(opened, database_url, count):
    old, new = new_key(), new_key()
    fill(opened(), opened(old))
    assert start("-c", KILLED, database_url, str(count), new, old).wait(60) == -9
    assert_all_there(opened(new, old))
    assert len(list(opened(new, old).reseal())) == ROWS
    assert_all_there(opened(new))


def test_it_runs_beside_a_bot_that_saves(opened):
    old, new = new_key(), new_key()
    fill(opened(), opened(old))
    serving, stop = opened(new, old), threading.Event()
    saved, claimed = [0], []

    def serve():
        while not stop.is_set():
            saved[0] += 1
            serving.update_service(serving.find_services()[0].id, {"saved": saved[0]})
            state = f"state-{saved[0]}"
            serving.add_authorization(state, **LINK, user_id="1", verifier=state)
            claimed.append(serving.claim_authorization(state, provider="GitHub").verifier == state)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while saved[0] < 20 and time.monotonic() < deadline:
            list(opened(new, old).reseal())
    finally:
        stop.set()
        thread.join()
    assert saved[0] >= 20 and all(claimed) and len(claimed) == saved[0]
    row = opened(new).find_services()[0]
    assert row.data == secret(0) | {"saved": saved[0]}


def test_a_row_that_goes_meanwhile_is_no_trouble(opened):
    key = new_key()
    fill(opened(), opened(key))
    rows = opened(key).reseal()
    next(rows)
    for service in opened(key).find_services()[3:]:
        opened(key).delete_service(service)
    assert len(list(rows)) >= ROWS - 3
    assert len(opened(key).find_services()) == 3


def test_with_a_key_that_does_not_fit_it_says_so_and_changes_nothing(opened):
    old = new_key()
    fill(opened(), opened(old))
    with pytest.raises(WrongKey):
        list(opened(new_key()).reseal())
    assert_all_there(opened(old))


def test_what_was_plain_is_gone_from_the_file_and_its_log(sqlite_url):
    key = new_key()
    plain, sealing = Storage(sqlite_url), Storage(sqlite_url, seal=Seal([key]))
    plain.set_up()
    fill(plain, plain)
    file = sqlite_url.removeprefix("sqlite:///")

    def on_disk() -> bytes:
        found = b""
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError), open(file + end, "rb") as part:
                found += part.read()
        return found

    assert b"planted-" in on_disk()
    with closing(plain), closing(sealing):
        list(sealing.reseal())
        assert b"planted-" not in on_disk()  # although the bot, who has the file open, still runs
        assert_all_there(sealing)
