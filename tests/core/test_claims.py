"""A claim on a row: one worker at a time, for a while, and never longer than an hour."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from botkit.storage import Storage

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}


class Row:
    """A bot or a connection that workers claim."""

    def __init__(self, storage: Storage, kind: str) -> None:
        self.storage, self.kind = storage, kind
        self.key = "bot"
        if kind == "bot":
            storage.save_bot("bot", token={"access_token": "t"}, data={"name": "Bot"})
        else:
            self.key = storage.save_service("GitHub", **ALICE, data={"name": "Bot"}).id

    def claim(self, **options) -> str | None:
        options = {"seconds": 60} | options
        return getattr(self.storage, f"claim_{self.kind}")(self.key, **options)

    def release(self, claim: str) -> None:
        getattr(self.storage, f"release_{self.kind}")(self.key, claim)

    @property
    def data(self) -> dict:
        get = {"bot": self.storage.find_bot, "service": self.storage.get_service}[self.kind]
        return get(self.key).data


@pytest.fixture(params=["bot", "service"])
def row(request, storage) -> Row:
    return Row(storage, request.param)


def test_a_claim_keeps_others_away_until_it_is_released(row):
    claim = row.claim()
    assert claim and row.claim() is None
    row.release("another claim")
    assert row.claim() is None
    row.release(claim)
    assert row.data == {"name": "Bot"}
    assert row.claim()


def test_of_many_that_claim_at_once_one_alone_has_the_row(row):
    start, claims = threading.Barrier(8), []

    def claim() -> None:
        start.wait()
        claims.append(row.claim())

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 8 and len(list(filter(None, claims))) == 1


def test_a_claim_lapses_at_its_end_and_then_belongs_to_the_next(row, clock):
    first = row.claim(seconds=60)
    clock.advance(seconds=59.999)
    assert row.claim() is None
    clock.advance(seconds=0.001)
    second = row.claim(seconds=60)
    assert second and second != first
    row.release(first)  # it comes late, and releases nothing
    assert row.claim() is None


def test_who_holds_a_claim_may_keep_it_for_longer_and_nobody_else(row, clock):
    claim = row.claim(seconds=60)
    clock.advance(seconds=30)
    assert row.claim(held="another claim") is None
    longer = row.claim(seconds=60, held=claim)
    assert longer
    clock.advance(seconds=59)
    assert row.claim() is None  # without the second it would have lapsed
    assert row.claim(held=claim) is None  # which is not the one that is held now
    clock.advance(minutes=5)
    assert row.claim(held=longer)  # it has lapsed, and nobody has taken it


@pytest.mark.parametrize("left", ["held", "free"])
def test_a_claim_that_somebody_else_took_cannot_be_kept(row, left):
    mine = row.claim()
    row.release(mine)
    if left == "held":
        assert row.claim(seconds=90)
    assert row.claim(held=mine) is None


@pytest.mark.parametrize(
    ("written", "free"),
    [
        (timedelta(minutes=59), False),
        (timedelta(hours=1), True),
        (timedelta(days=365), True),
        ("soon", True),
        (17, True),
    ],
)
def test_a_claim_that_is_not_ours_holds_nobody_up_for_ever(row, clock, written, free):
    until = (clock() + written).isoformat() if isinstance(written, timedelta) else written
    if row.kind == "bot":
        row.storage.update_bot("bot", {"claimedUntil": until})
    else:
        row.storage.update_service(row.key, {"claimedUntil": until})
    assert (row.claim() is not None) is free


def test_what_is_not_there_cannot_be_claimed(storage):
    assert storage.claim_bot("nobody", seconds=60) is None
    assert storage.claim_service(4711, seconds=60) is None
    storage.release_bot("nobody", "claim")
    storage.release_service(4711, "claim")
    assert storage.find_bots() == [] == storage.find_services()


def test_one_connection_can_be_claimed_for_two_kinds_of_work(storage):
    key = storage.save_service("GitHub", **ALICE, data={}).id
    first = storage.claim_service(key, seconds=60)
    second = storage.claim_service(key, seconds=60, of="watchedUntil")
    assert first and second
    assert storage.claim_service(key, seconds=60, of="watchedUntil") is None
    storage.release_service(key, second, of="watchedUntil")
    assert storage.get_service(key).data == {"claimedUntil": first}


def test_a_row_without_data_can_be_claimed(storage):
    storage.save_service("GitHub", **ALICE, data={})
    with storage._writing() as connection:
        connection.exec_driver_sql("UPDATE services SET data = NULL")
    (row,) = storage.find_services()
    claim = storage.claim_service(row.id, seconds=60)
    assert claim
    storage.release_service(row.id, claim)
    assert storage.claim_service(row.id, seconds=60)
