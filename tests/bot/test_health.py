"""What `/health` tells, and what it costs."""

from __future__ import annotations

import threading
import time

import pytest
from serve_world import SECONDS

from botkit.bot.health import LATE_SECONDS, Health
from botkit.errors import StorageError


class Asked:
    """A database that counts how often it is asked; `trouble` is what it raises."""

    def __init__(self) -> None:
        self.count = 0
        self.trouble: StorageError | None = None
        self.asked, self.go_on = threading.Semaphore(0), threading.Event()
        self.go_on.set()

    def check(self) -> None:
        self.count += 1
        self.asked.release()
        assert self.go_on.wait(SECONDS)
        if self.trouble:
            raise self.trouble


def test_it_tells_what_waits_and_whether_that_is_too_long():
    queue = {"waiting": 3, "oldest": 70.0, "overdue": LATE_SECONDS}
    health = Health(Asked(), lambda: queue)
    assert health.check() == {"status": "ok", **queue}
    queue["overdue"] += 1
    assert health.check()["status"] == "late"


def test_a_thread_that_has_died_is_told():
    assert Health(Asked(), lambda: {"broken": True}).check()["status"] == "late"


def test_strangers_are_not_told_which_bots_there_are():
    told = Health(Asked(), lambda: {"penalties": {"2109001": 42.0}}).check()
    assert told == {"status": "ok"}


def test_trouble_of_the_database_is_told_with_what_to_do_until_it_is_over():
    database = Asked()
    health = Health(database)
    database.trouble = StorageError("It is gone.", advice="Bring it back.")
    for _ in range(2):
        with pytest.raises(StorageError, match="It is gone") as caught:
            health.check()
        assert caught.value.advice == "Bring it back."
    database.trouble = None
    assert health.check() == {"status": "ok"}


def test_while_the_database_hangs_one_request_waits_for_it_and_no_other():
    database = Asked()
    health = Health(database)
    health.check()
    database.go_on.clear()
    thread = threading.Thread(target=health.check)
    thread.start()
    for _ in range(2):
        assert database.asked.acquire(timeout=SECONDS)
    began = time.monotonic()
    assert health.check() == {"status": "ok"}  # as the last one learned
    assert time.monotonic() - began < 3  # it has not waited
    assert database.count == 2
    database.go_on.set()
    thread.join(SECONDS)
