"""One at a time: who opens channels and reads changes has the lease, on both databases."""

from __future__ import annotations

import pytest

from botkit.errors import StorageError, TryLater
from botkit.skills.drive.lease import lease_of
from botkit.storage import Storage


@pytest.fixture
def row(storage):
    place = {"bot_id": "b", "group_id": "g"}
    return storage.save_service("GoogleDrive", **place, data={"accessToken": "t"})


def test_one_process_comes_again_while_another_has_the_lease(storage, row, database_url):
    other = Storage(database_url, now=storage.now)
    with lease_of(storage, row.id):
        with pytest.raises(TryLater) as caught, lease_of(other, row.id):
            pass
        assert caught.value.seconds == 1.0
        assert storage.messages.hold(f"refresh:{row.id}", 9)  # refreshing a token is another matter
    with lease_of(other, row.id) as lease:
        assert lease is not None
    other.close()


def test_the_lease_of_a_dead_process_passes_on(storage, row, clock):
    assert storage.messages.hold(f"drive:{row.id}", 60)
    with pytest.raises(TryLater), lease_of(storage, row.id):
        pass
    clock.advance(minutes=1.1)
    with lease_of(storage, row.id) as lease:
        assert lease is not None


def test_who_has_lost_the_lease_stops(storage, row, clock):
    with lease_of(storage, row.id) as slow:
        clock.advance(minutes=0.5)
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
    assert storage.messages.hold(f"drive:{row.id}", 60)  # and nothing is left behind
