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
from faults_world import Town, next_worker, open_storage
from serve_world import SHORT_LEASE, free_port, wait_until
from sizes import Size

KILLED = {"sqlite": Size(60, nightly=800), "postgresql": Size(40, nightly=300)}  # messages
KILLS = {"sqlite": Size(3, nightly=50), "postgresql": Size(2, nightly=20)}
DOUBLED, BURST = Size(40, nightly=200), Size(150, nightly=4_000)
SEED = 20261201


@pytest.fixture
def start(gunicorn, serve, town, database_url):
    """`start(port=...)` starts a gunicorn on the database; what a killed worker had is soon due."""
    settings = town.settings(serve.address, database_url)
    return partial(gunicorn, settings, "--threads", "8", limits=SHORT_LEASE)


class Sender:
    """RingCentral: it delivers messages to the webhook, and counts the replies in their chats."""

    def __init__(self, town: Town, database: str, addresses: list[str]) -> None:
        self._town, self._addresses, self._database = town, addresses, database
        self._look_at_the_secret()
        self.chats: dict[int, str] = {}
        self.answered: set[int] = set()  # with 200

    def _look_at_the_secret(self) -> None:
        """After a kill the bot may have made a new subscription, which has another one."""
        storage = open_storage(self._database)
        (bot,) = storage.find_bots()
        storage.close()
        self._bot_id, self._token = bot.id, bot.data["verificationToken"]

    def send(self, number: int, address: str | None = None) -> int | None:
        """Deliver a message; the status of the answer, or None if there was none."""
        if number not in self.chats:
            self.chats[number] = self._town.person(number)
        person = self.chats[number]
        body = {
            "eventType": "PostAdded",
            "id": f"{number}",
            "groupId": person.group_id,
            "creatorId": person.user_id,
            "text": "help",
        }
        envelope = {"uuid": f"u{number}", "ownerId": self._bot_id, "body": body}
        headers = {"Verification-Token": self._token}
        where = address or self._addresses[0]
        try:
            answer = requests.post(
                f"{where}/bot/webhook", json=envelope, headers=headers, timeout=10
            )
        except requests.RequestException:
            return None
        if answer.status_code == 200:
            self.answered.add(number)
        if answer.status_code == 401:
            self._look_at_the_secret()
        return answer.status_code

    def replies(self) -> dict[int, int]:
        """How often each message was answered in its chat."""
        chat, bot_id = self._town.chat, self._bot_id
        return {
            number: sum(post.creator_id == bot_id for post in chat.posts_in(person._place))
            for number, person in self.chats.items()
        }

    def all_are_answered(self) -> bool:
        there = self.replies()
        return all(there[number] for number in self.answered)


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_said_twice(
    start, serve, town, database_url
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
    wait_until(sender.all_are_answered)
    there = sender.replies()
    assert len(sender.answered) == count and set(there.values()) == {1}
    assert "Traceback" not in bot.errors


def test_two_processes_answer_what_both_of_them_get_once(start, serve, town, database_url):
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
    wait_until(sender.all_are_answered)
    assert list(sender.replies().values()) == [1] * DOUBLED


def test_a_process_that_ends_in_a_burst_leaves_the_rest_to_the_next(
    start, serve, town, database_url
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
    wait_until(sender.all_are_answered)
    there = sender.replies()
    assert {there[number] for number in sender.answered} == {1} and max(there.values()) == 1
    assert "Traceback" not in bot.errors
