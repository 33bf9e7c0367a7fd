"""One at a time: who opens channels and reads changes has the lease, on both databases."""

from __future__ import annotations

import threading

import pytest

from botkit.errors import StorageError
from botkit.skills.drive.lease import lease_of
from botkit.storage import Storage


@pytest.fixture
def row(storage):
    place = {"bot_id": "b", "group_id": "g"}
    return storage.save_service("GoogleDrive", **place, data={"accessToken": "t"})


def test_one_process_waits_for_the_lease_of_another(storage, row, database_url):
    other = Storage(database_url, now=storage.now)
    order, waits = [], threading.Event()

    def second():
        with lease_of(other, row.id, sleep=lambda _: waits.set() or threading.Event().wait(0.01)):
            order.append("second")

    with lease_of(storage, row.id):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(10)
        assert storage.claim_service(row.id, seconds=9)  # to refresh a token is another matter
        order.append("first")
    thread.join(10)
    other.close()
    assert order == ["first", "second"]


def test_the_lease_of_a_dead_process_passes_on(storage, row, clock):
    assert storage.claim_service(row.id, seconds=120, of="watchedUntil")
    with lease_of(storage, row.id, sleep=lambda _: clock.advance(minutes=3)) as lease:
        assert lease is not None


def test_who_has_lost_the_lease_stops(storage, row, clock):
    with lease_of(storage, row.id) as slow:
        clock.advance(minutes=1)
        slow.extend()
        clock.advance(minutes=3)
        with lease_of(storage, row.id) as other:
            with pytest.raises(StorageError):
                slow.extend()
            other.extend()
        with pytest.raises(StorageError):
            slow.extend()


def test_there_is_no_lease_for_a_connection_that_is_gone(storage, row):
    storage.delete_service(row)
    with lease_of(storage, row.id) as lease:
        assert lease is None
