"""A check always ends: what it does with code that never does."""

from __future__ import annotations

import contextvars
import sqlite3
import threading

import pytest

from botkit.lessons import check
from botkit.lessons.check.bounded import Call

ENDLESS = "your code did not end within 0 seconds. Look for a loop that never ends, or a lock"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("botkit.lessons.check.verdict._ROUNDS", 3)


@pytest.mark.parametrize(
    "a_check", [check.trip_order, check.auth_link, check.merge_tokens, check.lab_replay]
)
def test_a_lock_that_is_never_released_ends_with_a_sentence(impatient, a_check):
    lock = threading.Lock()
    lock.acquire()
    verdict = a_check(lambda *_: lock.acquire())
    assert not verdict.solved and verdict.text.startswith(ENDLESS)
    lock.release()


def test_an_endless_loop_ends_with_a_sentence_and_does_not_go_on(impatient):
    threads = []

    def loop():
        threads.append(threading.current_thread())
        while True:
            pass

    assert check.trip_order(loop).text.startswith(ENDLESS)
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_an_interrupt_reaches_the_cell_and_ends_the_code(monkeypatch):
    threads, began = [], threading.Event()

    def loop():
        threads.append(threading.current_thread())
        began.set()
        while True:
            pass

    def interrupted(call, rounds):
        assert began.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(Call, "ends_within", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check.trip_order(loop)
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_code_that_ends_the_program_ends_the_check_only():
    verdict = check.trip_order(lambda: exit(3))
    assert not verdict.solved and verdict.text == "your code stopped with SystemExit: 3"


def test_the_time_at_a_debugger_is_not_counted(impatient, monkeypatch):
    goes_on, looks = threading.Event(), []
    prompts = Call._prompts

    def looking(call):
        looks.append(prompts(call))
        if looks.count(True) == 10 or looks.count(False) == 3:  # more than the three rounds
            goes_on.set()
        return looks[-1]

    def trace_dispatch():  # as the debugger's own function is called
        return goes_on.wait(10)

    monkeypatch.setattr(Call, "_prompts", looking)
    assert check.trip_order(lambda: "EBCGFAD" if trace_dispatch() else "").solved
    assert looks.count(True) >= 10


def test_the_code_sees_the_context_of_its_cell():
    word = contextvars.ContextVar("word")
    word.set("EBCGFAD")
    assert check.trip_order(word.get).solved


def test_held_is_only_what_cannot_go_on():
    gate = threading.Event()
    held = Call(lambda: gate.wait(10))
    assert held.is_held(rounds=3)
    gate.set()
    assert held.ends_within(1000) and held.result is True
    assert not held.is_held(rounds=3)


def test_lesson_02_a_connection_of_the_notebook_is_named_as_such():
    db = sqlite3.connect(":memory:")
    verdict = check.save_service(lambda connection, *row: db.execute("SELECT 1"))
    assert verdict.text.startswith("your function sent nothing through `connection`.")
