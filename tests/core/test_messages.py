"""The inbox and the outbox: what is written together, who gets what, and in which order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from botkit.storage import (
    LEASE,
    ClaimLost,
    Job,
    Seal,
    Storage,
    Turn,
    do_job,
    in_turn,
    new_key,
    reply_job,
)
from botkit.storage.tables import jobs, lanes, seen


def message(text, chat="chat", bot="bot", key=""):
    return Job("turn", f"in:{bot}:{chat}", bot, {"text": text}, key)


@pytest.fixture
def messages(storage):
    return storage.messages


def texts(claimed):
    return [one and one.body["text"] for one in claimed]


def rows(storage, table):
    with storage._reading() as connection:
        return connection.execute(sa.select(table)).all()


def do_all(messages, pool="turn"):
    """Do what is due, and return what it was."""
    done = []
    while (job := messages.claim(pool)) is not None:
        done.append(job.body["text"])
        messages.finish(job)
    return done


# ---- in ----------------------------------------------------------------------------------------


def test_what_comes_twice_is_accepted_once(messages):
    one, other = message("one", key="1"), message("other", key="2")
    assert messages.put([one, other, one]) == [True, True, False]
    assert messages.put([other, message("three", key="3")]) == [False, True]
    assert do_all(messages) == ["one", "other", "three"]
    assert messages.put([one]) == [False]  # also after it was done


def test_of_many_processes_that_get_the_same_delivery_one_accepts_it(storage, database_url):
    others = [Storage(database_url, now=storage.now) for _ in range(4)]
    start = threading.Barrier(4)

    def put(other):
        start.wait()
        return [other.messages.put([message(n, f"chat{n}", key=str(n))])[0] for n in range(20)]

    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(put, others))
    assert [sum(each) for each in zip(*accepted, strict=True)] == [1] * 20
    assert sorted(do_all(storage.messages)) == list(range(20))
    for other in others:
        other.close()


def test_the_name_of_a_delivery_is_forgotten_after_a_day_and_not_before(messages, clock):
    messages.put([message("one", key="1")])
    clock.advance(hours=23)
    assert messages.sweep() == 0 and messages.put([message("one", key="1")]) == [False]
    clock.advance(hours=2)
    assert messages.sweep() == 1 and messages.put([message("one", key="1")]) == [True]


def test_a_job_that_is_wanted_once_waits_once_and_for_the_earlier_moment(messages, clock):
    messages.put([do_job("check", "7", {"text": "first"}, seconds=60)])
    messages.put([do_job("check", "7", {"text": "second"}, seconds=10)])
    assert messages.next_due(100) == {"do": pytest.approx(10)}
    clock.advance(seconds=10)
    running = messages.claim("do")
    messages.put([do_job("check", "7", {"text": "third"})])  # what runs may have missed it
    messages.put([do_job("check", "7", {"text": "fourth"})])
    messages.finish(running)
    assert running.body["text"] == "first" and do_all(messages, "do") == ["third"]


def test_a_job_that_is_for_later_is_done_later_also_behind_another(messages, clock):
    messages.put([do_job("check", "7", {"text": "now"})])
    running = messages.claim("do")
    messages.put([do_job("check", "7", {"text": "in a minute"}, seconds=60)])
    messages.finish(running)
    assert messages.claim("do") is None
    clock.advance(seconds=60)
    assert do_all(messages, "do") == ["in a minute"]


def test_what_people_write_is_encrypted(sqlite_url, clock, tmp_path):
    storage = Storage(sqlite_url, now=clock, seal=Seal([new_key()]))
    storage.set_up()
    storage.messages.put([message("my secret plan")])
    assert "secret plan" not in str(rows(storage, jobs))
    job = storage.messages.claim("turn")
    assert job.body == {"text": "my secret plan"} and "secret" not in repr(job)
    storage.close()
    for file in tmp_path.iterdir():
        assert b"secret plan" not in file.read_bytes()


def test_a_job_that_was_moved_or_cannot_be_opened_holds_nobody_up(sqlite_url, clock):
    storage = Storage(sqlite_url, now=clock, seal=Seal([new_key()]))
    storage.set_up()
    storage.messages.put([message("for Alice", "alice"), message("for Bob", "bob")])
    with storage._writing() as connection:
        stolen = sa.select(jobs.c.body).where(jobs.c.lane == "in:bot:bob").scalar_subquery()
        change = sa.update(jobs).where(jobs.c.lane == "in:bot:alice")
        connection.execute(change.values(body=stolen))
    first, second = storage.messages.claim("turn"), storage.messages.claim("turn")
    assert first.body is None and second.body == {"text": "for Bob"}
    storage.close()


# ---- claimed -----------------------------------------------------------------------------------


def test_in_one_chat_everything_happens_in_order_and_chats_take_turns(messages, clock):
    for n in range(3):
        messages.put([message(f"a{n}", "a")])
        clock.advance(seconds=1)
    messages.put([message("b0", "b"), message("b1", "b")])
    clock.advance(seconds=1)
    first = messages.claim("turn")
    second = messages.claim("turn")
    assert texts([first, second, messages.claim("turn")]) == ["a0", "b0", None]
    messages.finish(first)
    clock.advance(seconds=1)
    messages.finish(second)
    clock.advance(seconds=1)
    assert do_all(messages) == ["a1", "b1", "a2"]


def test_of_many_threads_each_job_is_claimed_by_one(storage):
    storage.messages.put([message(n, f"chat{n}") for n in range(60)])
    start = threading.Barrier(8)

    def claim(_):
        start.wait()
        return do_all(storage.messages)

    with ThreadPoolExecutor(8) as pool:
        done = [text for some in pool.map(claim, range(8)) for text in some]
    assert sorted(done) == list(range(60))


def test_the_jobs_of_a_bot_with_enough_under_way_are_left_to_wait(messages):
    messages.put([message("full", "a", bot="full"), message("other", "b", bot="other")])
    job = messages.claim("turn", full=["full"])
    assert job.bot_id == "other"
    assert messages.claim("turn", full=["full"]) is None
    assert messages.claim("turn", running=["in:full:a"]) is None
    assert messages.claim("turn").bot_id == "full"


def test_what_a_dead_process_had_in_hand_is_claimed_again_after_the_lease(messages, clock):
    messages.put([message("one")])
    dead = messages.claim("turn")
    clock.advance(seconds=LEASE - 0.1)
    assert messages.claim("turn") is None
    clock.advance(seconds=0.1)
    job = messages.claim("turn")
    assert (job.id, job.tries, dead.tries) == (dead.id, 2, 1)


def test_a_claim_lasts_as_long_as_it_is_extended(messages, clock):
    messages.put([message("one")])
    job = messages.claim("turn")
    for _ in range(5):
        clock.advance(seconds=LEASE - 1)
        messages.beat([job])
        assert messages.claim("turn") is None
    messages.finish(job)


def test_who_has_lost_the_claim_leaves_nothing_behind(storage, messages, clock):
    messages.put([message("one")])
    slow = messages.claim("turn")
    clock.advance(seconds=LEASE)
    quick = messages.claim("turn")
    for late in (
        lambda: messages.finish(slow, [reply_job("bot", "chat", "twice")]),
        lambda: messages.finish(slow, [reply_job("bot", "chat", "twice")], claim_reply=True),
        lambda: messages.later(slow, 0),
        lambda: messages.later(slow, 0, failed=True),
    ):
        with pytest.raises(ClaimLost):
            late()
    messages.beat([slow])
    messages.finish(quick, [reply_job("bot", "chat", "once")])
    assert do_all(messages, "say") == ["once"] and do_all(messages) == []
    assert rows(storage, lanes) == rows(storage, jobs) == []


def test_a_message_ends_and_its_replies_begin_in_one_moment(storage, messages, monkeypatch):
    messages.put([message("one")])
    job = messages.claim("turn")

    def fails(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(messages, "_put", fails)
        messages.finish(job, [reply_job("bot", "chat", "reply")])
    assert len(rows(storage, jobs)) == 1 and messages.how()["waiting"] == 1
    messages.finish(job, [reply_job("bot", "chat", "reply")])
    assert do_all(messages, "say") == ["reply"]


def test_a_job_put_into_a_lane_that_is_ending_is_never_lost(storage, database_url):
    other, start = Storage(database_url, now=storage.now), threading.Barrier(2)

    def at_once(do, what):
        start.wait()
        return do(what)

    for n in range(40):
        storage.messages.put([message("first")])
        job = storage.messages.claim("turn")
        with ThreadPoolExecutor(2) as pool:
            ends = pool.submit(at_once, storage.messages.finish, job)
            comes = pool.submit(at_once, other.messages.put, [message(n)])
            assert (ends.result(), comes.result()) == (None, [True])
        assert do_all(storage.messages) == [n]
    other.close()


def test_the_first_reply_is_claimed_with_the_end_of_its_message(messages, clock):
    messages.put([message("one"), message("two")])
    replies = [reply_job("bot", "chat", "first"), reply_job("bot", "chat", "second")]
    first = messages.finish(messages.claim("turn"), replies, claim_reply=True)
    assert (first.body, first.tries, first.pool) == ({"text": "first"}, 1, "say")
    assert messages.claim("say") is None  # the second comes after it
    clock.advance(seconds=LEASE)
    first = messages.claim("say")  # the process died, maybe after it was said
    assert (first.body, first.tries) == ({"text": "first"}, 2)
    third = [reply_job("bot", "chat", "third")]
    assert messages.finish(messages.claim("turn"), third, claim_reply=True) is None
    messages.finish(first)
    assert do_all(messages, "say") == ["second", "third"]


def test_a_job_that_has_to_wait_holds_up_its_chat_and_nobody_else(messages, clock):
    messages.put([message("a0", "a"), message("a1", "a"), message("b0", "b")])
    waits = messages.claim("turn")
    messages.later(waits, 30)
    assert do_all(messages) == ["b0"]
    clock.advance(seconds=30)
    assert do_all(messages) == ["a0", "a1"]


def test_only_a_try_that_failed_is_counted(messages, clock):
    messages.put([message("one")])
    for _ in range(3):
        messages.later(messages.claim("turn"), 0)
    job = messages.claim("turn")
    assert job.tries == 1
    messages.later(job, 0, failed=True)
    assert messages.claim("turn").tries == 2


# ---- a bot that must be silent -----------------------------------------------------------------


def test_a_silent_bot_says_nothing_and_the_others_go_on(messages, clock):
    messages.put([reply_job("silent", "a", "before"), reply_job("other", "b", "other")])
    messages.pause("silent", 60)
    messages.put([reply_job("silent", "c", "after"), message("turn", bot="silent")])
    assert do_all(messages, "say") == ["other"] and do_all(messages) == ["turn"]
    assert messages.how()["penalties"] == {"silent": pytest.approx(60)}
    clock.advance(seconds=59)
    assert messages.claim("say") is None and messages.pause_left("silent") == pytest.approx(1)
    clock.advance(seconds=1)
    assert do_all(messages, "say") == ["before", "after"]
    assert messages.pause_left("silent") == 0 and messages.how()["penalties"] == {}


def test_a_shorter_penalty_does_not_end_a_longer_one(messages):
    messages.pause("bot", 60)
    messages.pause("bot", 5)
    assert messages.pause_left("bot") == pytest.approx(60)


def test_a_reply_that_ends_during_a_penalty_lets_the_next_one_wait(messages, clock):
    messages.put([reply_job("bot", "a", "one"), reply_job("bot", "a", "two")])
    job = messages.claim("say")
    messages.pause("bot", 60)
    messages.finish(job)
    assert messages.claim("say") is None
    messages.put([message("ask", "b")])
    turn = messages.claim("turn")
    assert messages.finish(turn, [reply_job("bot", "b", "three")], claim_reply=True) is None
    assert messages.claim("say") is None
    clock.advance(seconds=60)
    assert sorted(do_all(messages, "say")) == ["three", "two"]


# ---- in a turn ---------------------------------------------------------------------------------


def test_what_is_said_in_a_turn_is_written_with_its_end(messages):
    began = []
    with in_turn(Turn(lambda: began.append(1))) as turn:
        messages.add(reply_job("bot", "chat", "reply"))
        assert messages.how()["waiting"] == 0
        turn.changes()
        turn.changes()
        turn.wait(5)  # it must not start again, so it goes on
    assert [job.body for job in turn.replies] == [{"text": "reply"}] and began == [1]
    messages.add(reply_job("bot", "chat", "at once"))
    assert do_all(messages, "say") == ["at once"]


def test_the_worker_hears_of_what_is_due_and_of_nothing_else(messages):
    told = []
    messages.on_put = told.append
    messages.put([message("one"), do_job("check", "7", seconds=60), reply_job("bot", "chat", "x")])
    messages.put([message("two"), do_job("check", "8", seconds=60)])
    assert told == [["turn", "say"], ["turn"]]
    first = messages.claim("turn")
    messages.finish(first, [do_job("check", "9"), do_job("check", "10", seconds=60)])
    assert told[2:] == [["do"], ["turn"]]  # the second message is due, now that the first is done
    messages.finish(messages.claim("turn"))
    assert len(told) == 4  # nothing is left in the chat


def test_a_lane_that_waits_is_due_when_it_is_hurried(messages):
    told = []
    messages.put([message("one"), message("other", "other")])
    job = messages.claim("turn")
    messages.on_put = told.append
    messages.hurry("turn", job.lane)  # it is at work
    messages.hurry("turn", "in:bot:other")  # it is due
    assert told == []
    messages.later(job, 60)
    assert do_all(messages) == ["other"]
    messages.hurry("turn", job.lane)
    assert told == [["turn"]] and do_all(messages) == ["one"]


def test_a_job_has_the_names_of_its_lane_whatever_is_in_them(messages):
    messages.put([message("one", "a:b:c"), do_job("revoke", "x:y:z")])
    assert messages.claim("turn").name == ("bot", "a:b:c")
    assert messages.claim("do").name == ("revoke", "x:y:z")


# ---- how it is ---------------------------------------------------------------------------------


def test_how_much_waits_and_for_how_long(messages, clock):
    assert messages.how() == {"waiting": 0, "oldest": 0, "overdue": 0, "penalties": {}}
    messages.put([do_job("far", seconds=9999), message("one")])
    clock.advance(seconds=10)
    messages.put([reply_job("bot", "chat", "reply")])
    assert messages.how() == {"waiting": 2, "oldest": 10, "overdue": 10, "penalties": {}}
    job = messages.claim("turn")
    assert messages.how()["overdue"] == 0 and messages.count_due() == {"say": 1}
    clock.advance(seconds=LEASE + 5)
    assert messages.how()["overdue"] == 5  # the process that had it is dead
    messages.finish(messages.claim("turn"))
    with pytest.raises(ClaimLost):
        messages.finish(job)
    assert messages.how()["overdue"] == 0


def steps(storage, ask):
    """How much SQLite has to do for it, in steps of its machine."""
    done = [0]

    def step():
        done[0] += 1

    def watch(connection, *_):
        connection.set_progress_handler(step, 1)

    sa.event.listen(storage._engine, "checkout", watch)
    ask()
    sa.event.remove(storage._engine, "checkout", watch)
    with storage._reading() as connection:
        connection.connection.driver_connection.set_progress_handler(None, 1)
    return done[0]


@pytest.mark.parametrize(
    "ask",
    [
        lambda messages: messages.next_due(60.0),
        lambda messages: messages.how(),
        lambda messages: messages.count_due(most=20),
        lambda messages: messages.pause_left("bot"),
        lambda messages: messages.later(messages.claim("turn"), 0),
        lambda messages: messages.finish(messages.claim("turn"), [reply_job("bot", "new", "x")]),
        lambda messages: messages.put([message("x", "another")]),
    ],
    ids=["next", "health", "due", "pause", "later", "finish", "put"],
)
def test_what_is_asked_all_the_time_costs_the_same_however_much_waits(
    tmp_path, clock, ask, monkeypatch
):
    monkeypatch.setattr("botkit.storage.messages.COUNTED_WAITING", 20)
    storage = Storage(f"sqlite:///{tmp_path / 'botkit.sqlite'}", now=clock)
    storage.set_up()
    messages, counted = storage.messages, []
    for size in (50, 2_000):
        messages.put([message(n, f"{size}-{n}", bot=f"bot-{n % 10}") for n in range(size)])
        counted.append(steps(storage, lambda: ask(messages)))
    storage.close()
    assert 0 < counted[1] <= counted[0] * 1.2


def test_much_of_one_kind_that_is_due_hides_nothing_of_another(messages):
    messages.put([do_job("revoke", f"{n}") for n in range(60)])
    messages.put([message("one"), reply_job("bot", "chat", "reply")])
    assert messages.count_due() == {"turn": 1, "say": 1, "do": 50}


def test_health_counts_what_waits_only_so_far(messages, monkeypatch):
    monkeypatch.setattr("botkit.storage.messages.COUNTED_WAITING", 5)
    messages.put([message(n, f"{n}") for n in range(9)])
    assert messages.how()["waiting"] == 6


def test_a_bot_for_which_very_much_waits_is_named(messages, monkeypatch):
    monkeypatch.setattr("botkit.storage.messages.MOST_PER_BOT", 5)
    messages.put([message(n, bot="busy") for n in range(6)] + [message(0, bot="calm")])
    assert messages.crowded_bots() == {"busy"}


def test_an_old_database_gets_the_tables_without_a_word(storage):
    for table in (lanes, jobs, seen):
        with storage._writing() as connection:
            table.drop(connection)
    assert storage.set_up() == []
    assert storage.messages.put([message("one")]) == [True]
