"""The threads that do what waits: what comes first, who waits for whom, and what survives."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from serve_world import wait_until

from botkit.bot import worker as workers
from botkit.bot.turns import INTERRUPTED
from botkit.bot.worker import Delivery, Worker
from botkit.errors import ChatBusy, SealBroken, StorageError, TryLater
from botkit.oauth import revoke_quietly
from botkit.storage import Job, current_turn, do_job, reply_job


class Work:
    """What the threads of a test do: each job waits for its gate, if there is one."""

    def __init__(self, storage) -> None:
        self.storage, self.done, self.begun = storage, [], []
        self.gates: dict[str, threading.Event] = {}

    def take(self, job):
        text = job.body["text"]
        self.begun.append(text)
        if gate := self.gates.get(text):
            assert gate.wait(20)
        self.done.append(text)
        return self.storage.messages.finish(job)


@pytest.fixture
def work(storage):
    return Work(storage)


@pytest.fixture
def worker(storage, work):
    storage.save_bot("bot", data={"secret": "good"})
    worker = Worker(storage, lambda bot, token: bot.data["secret"] == token)
    worker.add("turn", work.take, threads=4, per_bot=2, longest=120)
    worker.start()
    yield worker
    for gate in work.gates.values():
        gate.set()
    worker.stop()


def message(text, chat="chat", bot="bot", key="", seconds=0.0):
    return Job("turn", f"in:{bot}:{chat}", bot, {"text": text}, key, seconds)


def delivery(text, token="good", bot="bot", size=100, **more):
    return Delivery(bot, token, message(text, bot=bot, **more), size)


# ---- a delivery comes in -----------------------------------------------------------------------


def test_a_delivery_is_written_before_it_is_answered_and_then_done(worker, work):
    assert worker.accept(delivery("one", key="1")) == "new"
    assert worker.accept(delivery("one", key="1")) == "again"
    assert worker.settle() and work.done == ["one"]


def test_who_does_not_know_the_secret_writes_nothing(storage, worker, work):
    assert worker.accept(delivery("one", token="wrong")) == "wrong token"
    assert worker.accept(delivery("one", bot="nobody")) == "unknown bot"
    assert worker.settle() and work.done == []


def test_a_bot_is_read_once_for_many_deliveries_and_again_when_it_was_changed(
    storage, worker, monkeypatch
):
    find_bot, read = storage.find_bot, []

    def find(bot_id):
        read.append(bot_id)
        return find_bot(bot_id)

    monkeypatch.setattr(storage, "find_bot", find)
    assert {worker.accept(delivery(str(n))) for n in range(3)} == {"new"} and len(read) == 1
    assert worker.accept(delivery("a", token="wrong")) == "wrong token" and len(read) == 2
    storage.save_bot("bot", data={"secret": "better"})
    assert worker.accept(delivery("b", token="good")) == "wrong token"
    assert worker.accept(delivery("b", token="better")) == "new"
    storage.update_bot("bot", {"secret": "best"})
    assert worker.accept(delivery("c", token="better")) == "wrong token"
    storage.delete_bot("bot")
    assert worker.accept(delivery("d", token="best")) == "unknown bot"


def test_what_another_process_changes_of_a_bot_counts_after_some_seconds(
    storage, worker, monkeypatch
):
    assert worker.accept(delivery("a")) == "new"
    changes = storage.bot_changes
    storage.save_bot("bot", data={"secret": "better"})
    storage.bot_changes = changes  # as if another process had done it
    assert worker.accept(delivery("b", token="good")) == "new"
    later = time.monotonic() + 5.1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert worker.accept(delivery("c", token="good")) == "wrong token"
    assert worker.accept(delivery("d", token="better")) == "new"


def test_a_bot_whose_row_is_broken_does_not_hold_up_the_others(storage, worker, monkeypatch):
    find_bot = storage.find_bot

    def find(bot_id):
        if bot_id == "broken":
            raise SealBroken("A sealed value is not in its own row.")
        return find_bot(bot_id)

    monkeypatch.setattr(storage, "find_bot", find)
    assert worker.accept(delivery("one", bot="broken")) == "passed over"
    assert worker.accept(delivery("two")) == "new"


class Away:
    """A database that is away until `back`."""

    def __init__(self, storage, monkeypatch) -> None:
        self._put, self.is_away = storage.messages.put, True
        monkeypatch.setattr(storage.messages, "put", self._try)

    def _try(self, jobs):
        if self.is_away:
            raise StorageError("The database does not answer.")
        return self._put(jobs)


def test_what_comes_while_the_database_is_away_is_kept_and_done_later_in_order(
    storage, worker, work, monkeypatch, caplog
):
    monkeypatch.setattr(workers, "ANSWER_WITHIN", 0.01)
    away = Away(storage, monkeypatch)
    for n in range(5):
        assert worker.accept(delivery(n)) == "not yet written"
    assert worker.how()["unwritten"] == 5 and not worker.settle(seconds=0)
    away.is_away = False
    assert worker.settle() and work.done == [0, 1, 2, 3, 4]
    assert worker.how()["unwritten"] == 0
    said = [one for one in caplog.messages if "have to wait for the database" in one]
    assert len(said) == 1  # not once for each try


@pytest.mark.parametrize("limit", ["MOST_UNWRITTEN", "MOST_BYTES"])
def test_what_is_kept_in_memory_is_bounded(storage, worker, monkeypatch, limit):
    monkeypatch.setattr(workers, "ANSWER_WITHIN", 0.01)
    monkeypatch.setattr(workers, limit, {"MOST_UNWRITTEN": 3, "MOST_BYTES": 299}[limit])
    away = Away(storage, monkeypatch)
    outcomes = [worker.accept(delivery(n)) for n in range(4)]
    assert outcomes == ["not yet written"] * 3 + ["no room"]
    away.is_away = False
    assert worker.settle() and worker.accept(delivery("five")) != "no room"


def test_a_bot_for_which_too_much_waits_gets_no_more(worker, monkeypatch, caplog):
    monkeypatch.setattr(worker._messages, "crowded_bots", lambda: {"bot"})
    worker._find_crowded_bots()
    assert worker.accept(delivery("one")) == "no room"
    assert "Too many messages wait for bot bot." in caplog.text
    monkeypatch.setattr(worker._messages, "crowded_bots", set)
    worker._find_crowded_bots()
    assert worker.accept(delivery("one")) == "new"


def test_what_was_accepted_is_written_also_when_the_process_ends(storage, work, monkeypatch):
    monkeypatch.setattr(workers, "ANSWER_WITHIN", 0.01)
    storage.save_bot("bot", data={})
    worker = Worker(storage, lambda *_: True)
    worker.start()
    away = Away(storage, monkeypatch)
    worker.accept(delivery("one"))
    threading.Timer(0.05, lambda: setattr(away, "is_away", False)).start()
    worker.stop()
    assert storage.messages.how()["waiting"] == 1
    assert worker.accept(delivery("two")) == "no room"


def test_what_could_not_be_written_before_the_end_is_told(storage, monkeypatch, caplog):
    monkeypatch.setattr(workers, "ANSWER_WITHIN", 0.01)
    storage.save_bot("bot", data={})
    worker = Worker(storage, lambda *_: True)
    worker.start()
    Away(storage, monkeypatch)
    for text in ("one", "two"):
        worker.accept(delivery(text))
    worker.stop(seconds=0.1)
    assert "2 messages are lost: the database did not come back in time." in caplog.messages


# ---- threads -----------------------------------------------------------------------------------


def test_one_bot_occupies_a_few_threads_and_the_others_go_on(worker, work):
    for n in range(4):
        work.gates[f"slow{n}"] = threading.Event()
        worker.accept(delivery(f"slow{n}", chat=f"chat{n}"))
    wait_until(lambda: len(work.begun) == 2)
    worker._storage.save_bot("other", data={"secret": "good"})
    worker.accept(delivery("quick", bot="other"))
    wait_until(lambda: work.done == ["quick"])
    assert sorted(work.begun) == ["quick", "slow0", "slow1"]
    for gate in work.gates.values():
        gate.set()
    assert worker.settle() and len(work.done) == 5


def test_a_job_is_noted_before_another_thread_looks(worker, work, monkeypatch):
    pool, claim, claimed, noted = worker._pools["turn"], worker._messages.claim, [], []

    class Watched:
        """The lock, and a look at what is noted when it is given back after a claim."""

        lock = pool.takes

        def __enter__(self):
            self.lock.acquire()

        def __exit__(self, *_):
            noted.extend(job.lane in pool.running for job in claimed)
            claimed.clear()
            self.lock.release()

    def note_claim(*where, **which):
        job = claim(*where, **which)
        claimed.extend([job] if job else [])
        return job

    monkeypatch.setattr(worker._messages, "claim", note_claim)
    pool.takes = Watched()
    work.gates["slow"] = threading.Event()
    worker.accept(delivery("slow"))
    wait_until(lambda: work.begun == ["slow"])
    assert noted == [True]


def test_a_chat_is_answered_in_order_and_others_at_the_same_time(worker, work):
    work.gates["first"] = threading.Event()
    worker.accept(delivery("first", chat="a"))
    worker.accept(delivery("second", chat="a"))
    worker.accept(delivery("elsewhere", chat="b"))
    wait_until(lambda: work.done == ["elsewhere"])
    work.gates["first"].set()
    assert worker.settle() and work.done == ["elsewhere", "first", "second"]


def test_more_lanes_than_threads_are_done_without_a_pause(storage, worker, work, monkeypatch):
    """The thread that watches would find what is left, but only some of it each second."""
    monkeypatch.setattr(workers, "POLL", 3600.0)
    worker._stopped.set()  # the watching thread ends
    wait_until(lambda: sum(thread.is_alive() for thread in worker._threads) == 1)
    worker._stopped.clear()
    work.gates["0"] = threading.Event()
    lanes = [message(str(n), chat=str(n), bot=f"bot-{n}") for n in range(60)]
    storage.messages.put(lanes)
    wait_until(lambda: len(work.done) == 59)  # all but the one that is held up
    work.gates["0"].set()
    wait_until(lambda: len(work.done) == 60)


def test_a_look_that_finds_nothing_answers_all_calls_before_it(worker, work, monkeypatch, storage):
    claim, looked = storage.messages.claim, []
    begin = threading.Event()

    def slowly(pool, **more):
        begin.wait(20)
        looked.append(pool)
        return claim(pool, **more)

    monkeypatch.setattr(storage.messages, "claim", slowly)
    worker._call(["turn"] * 100)
    begin.set()
    assert worker.settle() and len(looked) <= 4  # as many as there are threads
    storage.messages.put([message("one")])
    assert worker.settle() and work.done == ["one"]


def test_what_another_process_has_written_is_found_without_a_call(storage, worker, work):
    storage.messages.on_put = lambda pools: None  # nobody calls
    storage.messages.put([message(n, f"chat{n}") for n in range(10)])
    wait_until(lambda: len(work.done) == 10)


def test_a_settled_worker_asks_again_only_when_something_may_have_become_due(
    storage, worker, work, clock, monkeypatch
):
    next_due, asked = storage.messages.next_due, []

    def ask(within):
        asked.append(within)
        return next_due(within)

    monkeypatch.setattr(storage.messages, "next_due", ask)
    storage.messages.put([message("soon", seconds=0.4)])
    assert [worker.settle() for _ in range(3)] == [True] * 3 and len(asked) == 1
    clock.advance(seconds=0.3)
    assert worker.settle() and len(asked) == 1 and work.done == []
    clock.advance(seconds=0.1)
    assert worker.settle() and work.done == ["soon"]
    asked.clear()
    storage.messages.put([message("now")])
    assert worker.settle() and work.done == ["soon", "now"] and len(asked) == 1
    assert worker.settle(within=10) and len(asked) == 2  # about more than was known


def test_a_thread_survives_a_job_that_fails_and_the_job_is_given_up(storage, caplog, clock):
    tried = []

    def fail(job):
        tried.append(job.tries)
        raise ZeroDivisionError("planted")

    worker = Worker(storage, lambda *_: True)
    worker.add("turn", fail, threads=1, per_bot=1, longest=120)
    worker.start()
    storage.messages.put([message("one")])
    for _ in range(3):
        worker.settle()
        clock.advance(seconds=60)
    assert worker.settle() and tried == [1, 2, 3]
    assert storage.messages.how()["waiting"] == 0
    assert "ZeroDivisionError: planted" in caplog.text and "given up after 3 tries" in caplog.text
    assert worker.how()["broken"] is False
    worker.stop()


def test_a_thread_survives_a_database_that_is_away(storage, worker, work, monkeypatch):
    claim, away = storage.messages.claim, [True]

    def sometimes(*args, **more):
        if away:
            raise StorageError("The database does not answer.")
        return claim(*args, **more)

    monkeypatch.setattr(storage.messages, "claim", sometimes)
    worker.accept(delivery("one"))
    wait_until(lambda: worker._is_away)
    away.clear()
    wait_until(lambda: work.done == ["one"])


@pytest.mark.parametrize("ends_first", ["the job", "the next one"])
def test_a_thread_survives_the_lost_answer_of_a_database_that_has_finished_its_job(
    storage, worker, work, caplog, ends_first
):
    """Another thread may then have the next reply of that chat in hand already."""
    pool, taken = worker._pools["turn"], []

    def finish(job):
        if job.body["text"] == "one":
            storage.messages.finish(job)
            storage.messages.add(message("two"))
            taken.append(storage.messages.claim("turn"))
            worker._note(pool, taken[0])
            if ends_first == "the next one":
                worker._run(pool, taken[0])
            raise StorageError("The connection was lost.")
        return work.take(job)

    pool.work = finish
    assert worker.accept(delivery("one")) == "new"
    left = 1 if ends_first == "the job" else 0
    wait_until(lambda: "The connection was lost." in caplog.text and pool.bots["bot"] == left)
    if ends_first == "the job":
        worker._run(pool, taken[0])
    assert worker.settle() and work.done == ["two"]
    assert not pool.running and not pool.bots


def test_a_job_that_takes_long_keeps_its_claim(storage, worker, work, monkeypatch, clock):
    work.gates["slow"] = threading.Event()
    worker.accept(delivery("slow"))
    wait_until(lambda: work.begun == ["slow"])
    for _ in range(4):
        clock.advance(seconds=10)
        worker._keep_claims(time.monotonic() + 60)  # as if it had run for a minute
    assert storage.messages.claim("turn") is None
    clock.advance(seconds=20)
    worker._keep_claims(time.monotonic() + 200)  # longer than a turn may take
    assert storage.messages.claim("turn").tries == 2
    work.gates["slow"].set()
    assert worker.settle()


def test_an_idle_worker_ends_at_once_with_all_its_threads(storage):
    before = threading.active_count()
    worker = Worker(storage, lambda *_: True)
    worker.start()
    worker.start()
    assert threading.active_count() == before + 2  # the others start when they are needed
    worker.stop()
    assert threading.active_count() == before
    worker.stop()


def test_what_runs_may_end_and_what_waits_stays(storage, work):
    storage.save_bot("bot", data={})
    worker = Worker(storage, lambda *_: True)
    worker.add("turn", work.take, threads=1, per_bot=1, longest=120)
    worker.start()
    work.gates["first"] = threading.Event()
    worker.accept(delivery("first", chat="a"))
    worker.accept(delivery("second", chat="b"))
    wait_until(lambda: work.begun == ["first"])
    threading.Timer(0.05, work.gates["first"].set).start()
    worker.stop()
    assert work.done == ["first"] and storage.messages.how()["waiting"] == 1


# ---- jobs of the "do" threads ------------------------------------------------------------------


def test_a_job_that_says_later_is_done_again_and_its_tries_are_counted(worker, storage, clock):
    tries = []

    def handler(job):
        tries.append((job.name, job.tries))
        if len(tries) < 3:
            raise TryLater(10)

    worker.jobs["water"] = handler
    storage.messages.add(do_job("water", "the:plant"))
    for _ in range(3):
        worker.settle()
        clock.advance(seconds=10)
    assert tries == [(("water", "the:plant"), n) for n in (1, 2, 3)]
    assert storage.messages.next_due(10**6) == {}


def test_a_job_that_nobody_here_knows_waits_for_a_process_that_does(worker, storage, clock):
    done = []
    storage.messages.add(do_job("unknown"))
    assert worker.settle() and storage.messages.next_due(60) == {"do": pytest.approx(60)}
    worker.jobs["unknown"] = lambda job: done.append(job.tries)
    clock.advance(seconds=60)
    assert worker.settle() and done == [1]


# ---- turns, with a whole bot -------------------------------------------------------------------


def in_hand(kit, text):
    """A message of Alice's, claimed: as if a process had it that is dead by now."""
    alice = kit.world.ringcentral.person("Alice")
    direct = kit.world.ringcentral.find_chat("direct", alice)
    kit.alice.reads()
    with _asleep(kit):
        kit.world.ringcentral.say("Alice", text, "direct")
        kit.world.ringcentral.settle()
        job = kit.storage.messages.claim("turn")
    assert job.name == (kit.bot_id, direct.id)
    return job


class _asleep:
    """The threads of a kit take nothing for the length of a `with` block."""

    def __init__(self, kit) -> None:
        self._worker, self._call = kit.worker, kit.worker._call_pool

    def __enter__(self):
        self._worker._call_pool = lambda *_: None

    def __exit__(self, *_):
        self._worker._call_pool = self._call


def test_a_message_that_was_in_hand_when_the_process_died_is_answered(kit):
    in_hand(kit, "help")
    kit.clock.advance(minutes=0.3)
    assert "I understand" in kit.alice.reads().text


def test_what_changes_something_is_not_done_twice_and_the_person_is_told(kit, monkeypatch):
    job = in_hand(kit, "help")
    kit.storage.messages.begin(job)  # and then the process died
    kit.clock.advance(minutes=0.3)
    assert kit.alice.reads().text == INTERRUPTED


def test_a_message_that_ends_the_process_each_time_is_given_up(kit, caplog):
    job = in_hand(kit, "help")
    with _asleep(kit):
        for _ in range(2):
            kit.clock.advance(minutes=0.3)
            job = kit.storage.messages.claim("turn")
    assert job.tries == 3
    kit.clock.advance(minutes=0.3)
    assert kit.alice.reads().text.startswith("Something went wrong inside the bot.")
    assert "was given up after 3 tries" in caplog.text


def test_a_post_to_a_provider_ends_the_right_to_start_again(kit, monkeypatch):
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    (row,) = kit.storage.find_services()
    (skill,) = kit.bot.services
    found = []

    def answer(event, command):
        with skill.api(row) as api:
            found.append(current_turn().has_changed)
            api.get("/user")
            found.append(current_turn().has_changed)
            kit.world.github.trouble.next(path="/api/v3/user", status=201)
            api.post("/user", json={})
            found.append(current_turn().has_changed)
        return True

    monkeypatch.setattr(skill, "answer", answer)
    kit.alice.say("anything")
    assert found == [False, False, True]


def test_a_provider_that_asks_to_wait_gets_no_thread(kit, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("a thread slept"))
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    kit.alice.reads()
    kit.world.github.trouble.next(
        path="/api/v3/user", status=429, headers={"Retry-After": "8"}, body="{}"
    )
    kit.world.ringcentral.say("Alice", "profile", "direct")
    kit.world.ringcentral.settle()
    assert kit.worker.settle()
    assert kit.storage.messages.next_due(10)["turn"] == pytest.approx(8, abs=3)
    kit.clock.advance(minutes=8 / 60)
    assert "Here is your GitHub profile" in kit.alice.reads().text


def test_after_an_hour_of_waiting_a_message_is_given_up(kit, monkeypatch, caplog):
    def busy(event):
        raise ChatBusy("The chat asks us to wait.", seconds=1800)

    monkeypatch.setattr(kit.chat, "is_for_bot", busy)
    kit.world.ringcentral.say("Alice", "help", "direct")
    kit.world.ringcentral.settle()
    for _ in range(3):
        kit.worker.settle()
        kit.clock.advance(minutes=31)
    assert kit.worker.settle() and kit.storage.messages.how()["waiting"] == 0
    assert "it has waited for an hour" in caplog.text


def test_a_token_that_cannot_be_revoked_now_is_revoked_later(kit, caplog):
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    kit.settle()
    (row,) = kit.storage.find_services()
    kit.storage.delete_service(row)
    kit.world.github.trouble.next(path="/api/v3/applications", status=500, times=2)
    caplog.set_level(logging.WARNING, "botkit")
    revoke_quietly(kit.storage, kit.github, row.data)
    assert "may still be alive" in caplog.text and kit.world.github._ledger.grants
    for minutes in (1.1, 5.1):
        assert kit.world.github._ledger.grants
        kit.clock.advance(minutes=minutes)
        kit.settle()
    assert kit.world.github._ledger.grants == {}


# ---- what a job returns --------------------------------------------------------------------------


@pytest.fixture
def talking(storage):
    """A worker that says replies, and a job that returns one; who does what is noted."""
    worker, who, gate = Worker(storage, lambda *_: True), {}, threading.Event()

    def say(job):
        text = job.body["text"]
        who[text] = threading.get_ident()
        if text == "slow":
            assert gate.wait(20)
        storage.messages.finish(job)

    def greet(job):
        who[f"job {job.body['text']}"] = threading.get_ident()
        return [reply_job("bot", job.body["text"], job.body["text"]), "no job"]

    worker.add("say", say, threads=4, per_bot=4, longest=60)
    worker.jobs["greet"] = greet
    worker.start()
    yield who
    gate.set()
    assert worker.settle() and storage.messages.how()["waiting"] == 0
    worker.stop()


def test_a_job_and_what_it_returns_end_and_begin_in_one_moment(storage, talking, monkeypatch):
    who = talking
    finish, ended = storage.messages.finish, []

    def note(done, more=(), **options):
        ended.append((done.name[0], [one.body["text"] for one in more]))
        return finish(done, more, **options)

    monkeypatch.setattr(storage.messages, "finish", note)
    storage.messages.put([do_job("greet", "1", {"text": "hi"})])
    wait_until(lambda: len(ended) == 2)
    assert ended == [("greet", ["hi"]), ("bot", [])]
    assert who["hi"] == who["job hi"]  # the thread that has it says it


def test_one_thread_for_other_jobs_at_most_talks_to_a_slow_chat(storage, talking):
    who = talking
    storage.messages.put([do_job("greet", "1", {"text": "slow"})])
    wait_until(lambda: "slow" in who)
    storage.messages.put([do_job("greet", "2", {"text": "next"})])
    wait_until(lambda: "next" in who)
    assert who["slow"] == who["job slow"] and who["next"] != who["job next"]
