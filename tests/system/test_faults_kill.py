"""kill -9 of the web process at random moments of a trip: what is there afterwards is whole.

A gunicorn's worker is killed and the next one takes its place, as in life.  The moments lie all
over a trip: the link is asked for, Approve, the callback, the code is said, the profile.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
import requests
import sqlalchemy as sa
from faults_world import SIX_DIGITS, next_worker, open_storage
from serve_world import KEY, SHORT_LEASE, answers, wait_until
from sizes import Size

from botkit.bot import Bot
from botkit.lessons.kit import PRACTICE, Kit
from botkit.storage import Authorization, authorizations, columns_of
from botkit.storage.tables import holds

KILLS = Size(8, nightly=200)
SEED = 20261124
CONNECTED, PROFILE = "Connected to GitHub", "Here is your GitHub profile"
LINK = "You are not connected yet. [Connect"
# To a number that is no code: connected, not connected, and while another answer waits.
NO_CODE = "I did not understand", LINK, "This is not the code"
WHOLE = {"accessToken", "account", "scope"}


class Victim:
    """The bot's one worker, which is killed again and again, and what its database looks like."""

    def __init__(self, town, serve, gunicorn, folder) -> None:
        self.file, self.address, self._town = folder / "botkit.sqlite", serve.address, town
        url = f"sqlite:///{self.file}"
        settings = town.settings(serve.address, url)
        one_worker = gunicorn(settings, "--threads", "4", limits=SHORT_LEASE)
        self._gunicorn, (self._pid,) = one_worker
        town.install(self.address)
        self.storage = open_storage(url)
        self.killed = threading.Event()

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.killed.set()

    def rises(self) -> None:
        """Wait for the next worker, and until the chat delivers to it."""
        self._pid = next_worker(self._gunicorn)
        self.killed.clear()
        self._town.chat.settle()
        wait_until(lambda: answers(self.address) and self._town.hears() and not self._busy())

    def row(self, person):
        owner = {"bot_id": self._town.chat.bot.id, "group_id": person.group_id}
        return self.storage.find_service("GitHub", **owner, user_id=person.user_id)

    def is_in_order(self) -> None:
        """No file that is damaged, no row that is half written."""
        with sqlite3.connect(self.file) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        raw.close()
        for row in self.storage.find_services():
            assert set(row.data) == WHOLE and row.account["name"] == "alice-practice"
        with self.storage._reading() as connection:
            rows = connection.execute(sa.select(*columns_of(authorizations))).all()
            opened = [self.storage._open(connection, authorizations, row) for row in rows]
        links = [Authorization(**row) for row in opened]
        for link in links:
            assert (link.verifier == "") == (link.tries is not None)  # kept until the exchange
            assert link.answer is None or set(link.answer) == {"code", "shared", "data"}
            assert link.answer is None or set(link.answer["data"]) >= WHOLE

    def _busy(self) -> bool:
        with self.storage._reading() as connection:
            until = connection.scalar(sa.select(sa.func.max(holds.c.until)))
        return (until or 0) > self.storage.messages.now()


class Trip:
    """One person's way, as far as it goes before the bot is killed."""

    def __init__(self, person, victim) -> None:
        self.person, self.victim = person, victim
        self.step, self.callback, self.code = "link", "", ""

    def go(self, said: str = "") -> None:
        """All the way, or from a link that the bot `said`; where a step fails, the person stops."""
        stop = self.victim.killed
        said = said or self.person.say("profile", LINK, stop=stop)
        if not said:
            return
        self.step = "approve"
        self.callback = self.person.approves(said, self.victim.address)
        self.step = "callback"
        try:
            page = requests.get(self.callback, timeout=30)
        except requests.RequestException:  # perhaps in the middle of the page
            return
        self.code = SIX_DIGITS.search(page.text)[0]
        self.step = "code"
        if not self.person.say(self.code, CONNECTED, stop=stop):
            return
        self.step = "profile"
        if self.person.say("profile", PROFILE, stop=stop):
            self.step = "end"

    def finish(self) -> str:
        """After the restart: go on where that is possible, else start again; which it was."""
        said = self.person.say("profile", PROFILE, LINK)
        if said.startswith(PROFILE):
            return "connected"
        if self.callback and not self.code:
            page = requests.get(self.callback, timeout=30)
            assert page.status_code in (200, 409), page.text
            self.code = SIX_DIGITS.search(page.text)[0] if page.ok else ""
        if self.code and self.person.say(self.code, CONNECTED, *NO_CODE).startswith(CONNECTED):
            return "finished"
        again = Trip(self.person, self.victim)
        again.go(said)
        assert again.step == "end", again.step
        self.callback, self.code = again.callback, again.code
        return "started again"

    def is_good(self) -> None:
        """The connection works, and neither its link nor its code does so a second time."""
        row = self.victim.row(self.person)
        assert self.person.say("profile", PROFILE)
        if self.callback:
            assert requests.get(self.callback, timeout=30).status_code == 409
        if self.code:
            assert self.person.say(self.code, CONNECTED, *NO_CODE).startswith(NO_CODE)
        after = self.victim.row(self.person)
        assert (after.data, after.updated_at) == (row.data, row.updated_at)


@pytest.fixture
def victim(town, serve, gunicorn, tmp_path):
    victim = Victim(town, serve, gunicorn, tmp_path)
    yield victim
    victim.storage.close()


def length_of_a_trip(town, victim) -> float:
    """In seconds, when nobody is killed: the shortest of five, so that most kills hit one."""
    lengths = []
    for number in range(-5, 0):
        trip, began = Trip(town.person(number), victim), time.monotonic()
        trip.go()
        assert trip.step == "end"
        lengths.append(time.monotonic() - began)
    return min(lengths)


def test_killed_at_any_moment_every_connection_is_whole_or_absent(town, victim):
    length, dice = length_of_a_trip(town, victim), random.Random(SEED)
    order = dice.sample(range(KILLS), KILLS)
    killed_in, ways = Counter(), Counter()
    for number, place in enumerate(order):
        trip = Trip(town.person(number), victim)
        moment = (place + dice.random()) / KILLS * length
        killer = threading.Timer(moment, victim.kill)
        killer.start()
        trip.go()
        killer.join()
        victim.rises()
        victim.is_in_order()
        killed_in[trip.step] += 1
        ways[trip.finish()] += 1
        trip.is_good()
    victim.is_in_order()
    assert len(victim.storage.find_services()) == KILLS + 5
    assert set(town.exchanges.values()) == {1}
    print(f"A trip of {length:.3f} s; killed in {dict(killed_in)}; then {dict(ways)}")


def test_after_a_kill_the_chat_delivers_again_and_the_code_counts(town, serve, tmp_path):
    url = f"sqlite:///{tmp_path / 'botkit.sqlite'}"
    settings = town.settings(serve.address, url)
    serve(**settings).wait_for("Ctrl-C ends it.")
    town.install(serve.address)
    person = town.person(1)
    callback = person.approves(person.say("profile"), serve.address)
    code = SIX_DIGITS.search(requests.get(callback, timeout=30).text)[0]
    serve.close()  # kill -9
    person.write("Is anybody there?")
    town.chat.settle()
    assert not town.hears()  # nobody answered, and so the chat has given up that address
    serve(**settings).wait_for("Ctrl-C ends it.")
    wait_until(town.hears)
    assert person.say(code).startswith(CONNECTED)
    assert person.say("profile").startswith(PROFILE)


def test_what_nobody_confirmed_before_the_kill_vanishes_in_time(tmp_path):
    place = replace(PRACTICE, confirm=True, database=f"sqlite:///{tmp_path / 'botkit.sqlite'}")
    with closing(Kit(replace(place, secret_keys=(KEY,)))) as kit:
        kit.alice.say("profile")
        assert kit.alice.browser.visit(kit.alice.link).approve().heading == "One more step"
        kit.worker.stop()  # this process will do nothing any more
        kit.clock.advance(minutes=10.2)
        another = Bot(kit.settings, now=kit.clock)
        another.worker.start()
        assert another.worker.settle() and kit.world.github._ledger.grants == {}
        another.close()
