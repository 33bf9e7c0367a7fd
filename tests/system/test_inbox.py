"""What was answered with 200 is answered in the chat, once: kill -9, SIGTERM, two processes.

Messages are delivered as RingCentral delivers them, each into a chat of its own.  So a chat says
how often its message was answered.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests
from faults_world import Sender, next_worker
from serve_world import SECONDS, SHORT_LEASE, free_port, wait_until
from sizes import Size

KILLED = {"sqlite": Size(60, nightly=800), "postgresql": Size(40, nightly=300)}  # messages
KILLS = {"sqlite": Size(3, nightly=50), "postgresql": Size(2, nightly=20)}
DOUBLED, BURST = Size(40, nightly=200), Size(150, nightly=4_000)
AWAY = Size(60, nightly=600)
SEED = 20261201
QUICK_SILENCE = {
    "botkit.storage.postgresql.SILENT_SECONDS": 2.0,
    "botkit.storage.postgresql.PING_SECONDS": 0.7,
}


@pytest.fixture
def start(gunicorn, serve, town, database_url):
    """`start(port=...)` starts a gunicorn on the database; what a killed worker had is soon due."""
    settings = town.settings(serve.address, database_url)
    return partial(gunicorn, settings, "--threads", "8", limits=SHORT_LEASE)


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_said_twice(
    start, serve, town, database_url, say
):
    kind = database_url.partition(":")[0].partition("+")[0]
    count, kills, dice = KILLED[kind], KILLS[kind], random.Random(SEED)
    bot, pids = start()
    town.install(serve.address)
    sender, waiting = Sender(town, database_url, [serve.address]), list(range(count))
    done = threading.Event()

    def deliver():
        while waiting and not done.is_set():
            number = waiting.pop()
            while sender.send(number) != 200 and not done.is_set():  # RingCentral may come again
                time.sleep(0.02)
            time.sleep(dice.random() * 0.02)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(deliver) for _ in range(4)]
        for _ in range(kills):
            threading.Event().wait(0.1 + dice.random() * 0.4)
            os.kill(pids[-1], signal.SIGKILL)
            pids.append(next_worker(bot))
        for job in jobs:
            job.result(60)
        done.set()
    sender.waits_for_answers()
    say(f"{kills} kills of {kind}: {sender.verdict()}")
    assert len(sender.answered) == count and set(sender.replies().values()) == {1}
    assert "Traceback" not in bot.errors


def test_two_processes_answer_what_both_of_them_get_once(start, serve, town, database_url, say):
    other = free_port()
    start(), start(port=other)
    town.install(serve.address)
    addresses = [serve.address, f"http://127.0.0.1:{other}"]
    sender = Sender(town, database_url, addresses)
    for number in range(DOUBLED):
        sender.chats[number] = town.person(number)
    twice = [(number, address) for number in range(DOUBLED) for address in addresses]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda one: sender.send(*one), twice)) == {200}
    sender.waits_for_answers()
    say(f"{len(twice)} deliveries to two: {sender.verdict()}")
    assert list(sender.replies().values()) == [1] * DOUBLED


def test_a_process_that_ends_in_a_burst_leaves_the_rest_to_the_next(
    start, serve, town, database_url, say
):
    bot, _ = start()
    town.install(serve.address)
    sender = Sender(town, database_url, [serve.address])
    for number in range(BURST):
        sender.chats[number] = town.person(number)
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(sender.send, number) for number in range(BURST)]
        wait_until(lambda: len(sender.answered) >= BURST // 3)
        bot.stop()
        assert bot.status() == 0
        for one in sent:
            one.result()
    assert len(sender.answered) >= BURST // 3
    start()
    sender.waits_for_answers()
    say(f"SIGTERM in a burst of {BURST}: {sender.verdict()}")
    there = sender.replies()
    assert {there[number] for number in sender.answered} == {1} and max(there.values()) == 1
    assert "Traceback" not in bot.errors


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_a_server_that_goes_and_comes_back_in_a_burst_loses_nothing(
    gunicorn, serve, town, postgresql, postgresql_url, how, say
):
    """What is answered with 200 while the database is away waits in the process's memory."""
    settings = town.settings(serve.address, postgresql_url)
    bot, _ = gunicorn(settings, "--threads", "8", limits=SHORT_LEASE | QUICK_SILENCE)
    town.install(serve.address)
    sender = Sender(town, postgresql_url, [serve.address])
    for number in range(AWAY):
        sender.chats[number] = town.person(number)
    go_on = threading.Event()

    def deliver(number):
        while sender.send(number) != 200:
            assert go_on.wait(SECONDS)
        time.sleep(0.01)

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(deliver, number) for number in range(AWAY)]
        wait_until(lambda: len(sender.answered) >= AWAY // 3)
        with getattr(postgresql, how)():
            before = len(sender.answered)
            wait_until(
                lambda: requests.get(f"{serve.address}/health", timeout=SECONDS).status_code == 503
            )
            wait_until(lambda: len(sender.answered) > before)
        go_on.set()
        for one in sent:
            one.result()
    sender.waits_for_answers()
    say(f"PostgreSQL {how} in a burst: {sender.verdict()}")
    assert len(sender.answered) == AWAY and set(sender.replies().values()) == {1}
    assert "Traceback" not in bot.errors
