"""The database is locked, cannot be written, is full, or is gone and comes back, at each step.

Nothing is lost: what people say is kept and answered afterwards, and a page says a sentence.
/health says it too, and it goes on without a restart.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from faults_world import SIX_DIGITS, Sender, hold_callback, open_storage
from missing import left_out
from python_process import PIPE, start
from serve_world import SECONDS, SHORT_LEASE, wait_until
from sizes import Size

from botkit.bot import worker as workers
from botkit.lessons.kit import PRACTICE, Kit
from botkit.run.serve import LONGEST_STOP
from botkit.storage.postgresql import PING_SECONDS, SILENT_SECONDS

VISITORS, WEBHOOKS = Size(60, nightly=300), Size(6, nightly=20)
LONGEST = 10.0  # seconds, for one request while the database hangs
SILENT, PING = (f"botkit.storage.postgresql.{one}_SECONDS" for one in ("SILENT", "PING"))
PROFILE, CONNECTED = "Here is your GitHub profile", "Connected to GitHub"
SAYS = {
    "locked": "The database is busy with somebody else's work. Nothing was lost.",
    "read-only": "The database cannot be written. The owner of this bot must allow it to write",
    "gone": "",  # the bot's own token is gone as well, so it can say nothing in the chat
}
# Another process takes the lock for writing, says so, and keeps it until its input ends.
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


class Fault:
    """What can happen to the database of a bot that runs; `with fault("gone"): ...`."""

    def __init__(self, kit: Kit, url: str, postgresql) -> None:
        self._kit, self._url, self._postgresql = kit, url, postgresql
        self._engine = kit.storage._engine
        self._kinds = {"locked": self._locked, "read-only": self._read_only, "gone": self._gone}

    def __call__(self, kind: str):
        return self._kinds[kind]()

    @property
    def _file(self) -> Path:
        return Path(self._url.removeprefix("sqlite:///"))

    @contextmanager
    def _locked(self):
        if self._postgresql:
            with self._set("lock_timeout = 200"), self._engine.connect() as other:
                other.execute(sa.text("SET lock_timeout = 0"))
                tables = "bots, services, authorizations, lanes, jobs, seen, holds"
                other.execute(sa.text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))
                yield
            return
        with self._set("busy_timeout = 200"):
            other = start("-c", LOCK, str(self._file), stdin=PIPE, stdout=PIPE)
            assert other.stdout.readline() == "locked\n"
            yield
            other.communicate()

    @contextmanager
    def _read_only(self):
        name = "default_transaction_read_only" if self._postgresql else "query_only"
        with self._set(f"{name} = on"):
            yield

    @contextmanager
    def _set(self, setting: str):
        """The setting holds for the bot's connections, which are new ones before and after."""
        if self._postgresql:
            self._postgresql.run(f"ALTER DATABASE test SET {setting}")
            self._postgresql.hang_up()
            yield
            self._postgresql.run("ALTER DATABASE test RESET ALL")
            self._postgresql.hang_up()
            return

        def on_connect(connection, _record):
            connection.execute(f"PRAGMA {setting}")

        sa.event.listen(self._engine, "connect", on_connect)
        self._engine.dispose()
        yield
        sa.event.remove(self._engine, "connect", on_connect)
        self._engine.dispose()

    @contextmanager
    def _gone(self):
        if self._postgresql:
            with self._postgresql.stopped():
                yield
            return
        away = self._file.with_suffix(".away")
        self._engine.dispose()  # what has it open would go on with it
        self._file.rename(away)
        yield
        assert not self._file.exists()  # an empty one in its place would hide that it is gone
        away.rename(self._file)


@pytest.fixture
def kit(database_url):
    kit = Kit(replace(PRACTICE, confirm=True, database=database_url))
    yield kit
    kit.close()


@pytest.fixture
def fault(kit, database_url, request):
    on_server = database_url.startswith("postgresql")
    return Fault(kit, database_url, request.getfixturevalue("postgresql") if on_server else None)


def health(address: str) -> int:
    return requests.get(f"{address}/health", timeout=SECONDS).status_code


def write(kit: Kit, text: str) -> None:
    """Alice writes, and the chat has its 200."""
    kit.world.ringcentral.say("Alice", text, "direct")
    kit.world.ringcentral.settle()
    (one,) = kit.world.ringcentral.webhooks.of(kit.bot_id)
    assert one.status == "Active"


def answer(kit: Kit) -> str:
    """What the bot has said to Alice since she last looked; "" if nothing."""
    return "\n".join(text for who, text in kit.alice.reads().messages if who != "Alice")


def said(kit: Kit, text: str) -> str:
    """What the bot answers to Alice."""
    write(kit, text)
    return answer(kit)


@pytest.mark.parametrize("kind", SAYS)
def test_at_each_step_what_people_say_is_kept_and_answered_afterwards(
    kit, fault, kind, monkeypatch
):
    monkeypatch.setattr(workers, "ANSWER_WITHIN", 0.2)
    answer(kit)
    with fault(kind):
        assert health(kit.address) == 503
        write(kit, "profile")
    assert "Connect your GitHub account" in answer(kit)
    assert health(kit.address) == 200

    kit.alice.browser.stop_before = kit.address
    callback = kit.alice.browser.visit(kit.alice.link).approve().url
    kit.alice.browser.stop_before = ""
    with fault(kind):
        page = kit.alice.browser.visit(callback)
        assert (page.status, page.heading) == (503, "Not connected")
        assert SAYS[kind] in " ".join(page.text.split()) and "database" in page.text
    page = kit.alice.browser.visit(callback)  # reload: the link was not used up
    assert page.heading == "One more step"

    code = SIX_DIGITS.search(page.text)[0]
    with fault(kind):
        write(kit, code)
        assert kind == "gone" or kit.storage.find_services() == []
    assert answer(kit).startswith(CONNECTED)

    with fault(kind):
        write(kit, "profile")
    assert answer(kit).startswith(PROFILE)
    assert len(kit.storage.find_services()) == 1


@pytest.mark.parametrize("kind", SAYS)
def test_in_the_middle_of_a_callback_the_token_is_given_back(kit, fault, kind):
    let_go = hold_callback(kit)
    with fault(kind):
        page = let_go()
        assert (page.status, page.heading) == (503, "Not connected")
        assert "Nothing was connected. Ask the bot in the chat for a new link" in page.text
    assert kind == "gone" or kit.world.github._ledger.grants == {}
    assert kit.storage.find_services() == []
    assert "Connect your GitHub account" in said(kit, "profile")
    kit.alice.confirm(kit.alice.browser.visit(kit.alice.link).approve())
    assert said(kit, "profile").startswith(PROFILE)


# ---- full --------------------------------------------------------------------------------------

FULL = "The database could not be written to its disk. The owner of this bot must see whether"


class Disk:
    """How far the files of a process may grow: a write beyond that is refused by the system."""

    def __init__(self, pid: int, log: Path) -> None:
        try:
            import resource
        except ImportError:
            left_out("prlimit")
        if not hasattr(resource, "prlimit"):
            left_out("prlimit")
        self._limits, self._pid, self._log = resource, pid, log

    @contextmanager
    def full(self):
        what, most = self._limits.RLIMIT_FSIZE, self._limits.RLIM_INFINITY
        self._limits.prlimit(self._pid, what, (self._log.stat().st_size, most))
        yield
        self._limits.prlimit(self._pid, what, (most, most))


def test_on_a_full_disk_every_answer_is_a_sentence_and_nothing_is_lost(serve, town, tmp_path):
    url = f"sqlite:///{tmp_path / 'botkit.sqlite'}"
    bot = serve(limits=SHORT_LEASE, **town.settings(serve.address, url))
    bot.wait_for("Ctrl-C ends it.")
    disk = Disk(bot.process.pid, tmp_path / "botkit.sqlite-wal")
    town.install(serve.address)
    person = town.person(1)
    with disk.full():
        person.write("profile")
        town.chat.settle()
        assert health(serve.address) == 503
    callback = person.approves(person.reads(), serve.address)
    with disk.full():
        answer = requests.get(callback, timeout=SECONDS)
        assert answer.status_code == 503 and FULL.partition(".")[0] in answer.text
    page = requests.get(callback, timeout=SECONDS)
    code = SIX_DIGITS.search(page.text)[0]
    with disk.full():
        person.write(code)
        town.chat.settle()
    assert person.reads().startswith(CONNECTED)
    with disk.full():
        person.write("profile")
        town.chat.settle()
    assert person.reads().startswith(PROFILE)
    assert health(serve.address) == 200
    storage = open_storage(url)
    assert len(storage.find_services()) == 1
    storage.close()
    assert "Traceback" not in bot.errors


# ---- a server that hangs -----------------------------------------------------------------------


def test_a_server_that_hangs_keeps_nobody_waiting_for_long(serve, town, postgresql, postgresql_url):
    """Its computer answers, so no timeout of TCP helps."""
    assert SILENT_SECONDS + PING_SECONDS < LONGEST
    limits = {SILENT: SILENT_SECONDS / 3, PING: PING_SECONDS / 3}
    bot = serve(limits=limits, **town.settings(serve.address, postgresql_url))
    bot.wait_for("Ctrl-C ends it.")
    town.install(serve.address)
    person = town.person(1)
    callback = person.approves(person.say("profile"), serve.address)
    with postgresql.frozen():
        for _ in range(2):  # on a connection that is open, and on a new one
            began = time.monotonic()
            assert health(serve.address) == 503
            page = requests.get(callback, timeout=SECONDS)
            assert page.status_code == 503 and "The database does not answer." in page.text
            assert time.monotonic() - began < 2 * LONGEST
        began = time.monotonic()
        assert requests.get(serve.address, timeout=SECONDS).status_code == 200
        assert time.monotonic() - began < LONGEST
    wait_until(lambda: health(serve.address) == 200)
    page = requests.get(callback, timeout=SECONDS)  # reload: the link was not used up
    assert SIX_DIGITS.search(page.text)
    assert "Traceback" not in bot.errors


def test_a_server_that_hangs_makes_no_webhook_late_however_many_people_come(
    serve, town, postgresql, postgresql_url, say
):
    """RingCentral would give the bot up after three seconds."""
    limits = {"botkit.bot.worker.ANSWER_WITHIN": 0.5}  # longer would hide who waits for a thread
    bot = serve(limits=limits, **town.settings(serve.address, postgresql_url))
    bot.wait_for("Ctrl-C ends it.")
    town.install(serve.address)
    sender = Sender(town, postgresql_url, [serve.address])
    for number in range(WEBHOOKS):
        sender.chats[number] = town.person(number)
    seconds, enough = [], threading.Event()

    def visit(_):
        statuses = set()
        while not enough.is_set():  # the page goes on by itself
            page = requests.get(f"{serve.address}/github/oauth?code=x&state=y", timeout=60)
            statuses.add(page.status_code)
            enough.wait(float(page.headers.get("Refresh", 0)))
        return statuses

    with ThreadPoolExecutor(VISITORS) as pool, postgresql.frozen():
        visits = [pool.submit(visit, number) for number in range(VISITORS)]
        wait_until(lambda: health(serve.address) == 503)
        for number in range(WEBHOOKS):
            began = time.monotonic()
            assert sender.send(number) == 200
            seconds.append(time.monotonic() - began)
        enough.set()
        assert set().union(*(one.result() for one in visits)) == {503}
    say(f"{VISITORS} callbacks and no database: the slowest webhook {max(seconds):.3f} s")
    assert max(seconds) < 3.0
    sender.waits_for_answers()
    assert set(sender.replies().values()) == {1} and "Traceback" not in bot.errors


def test_it_stops_in_time_while_its_server_hangs(serve, town, postgresql, postgresql_url):
    bot = serve(**town.settings(serve.address, postgresql_url))
    bot.wait_for("Ctrl-C ends it.")
    with postgresql.frozen():
        bot.stop()
        status = bot.process.wait(LONGEST_STOP + 2)
    assert status == 0, bot.errors
