"""Keep what waits in the database, so that nothing is lost that was answered with 200.

RingCentral delivers a message once.  If the bot answers 200 and keeps the message in memory, then
a crash loses it.  So the message is a row before the answer is sent (the *inbox*).  The reply of
the bot is a row too, written in the same transaction that deletes the message (the *outbox*).
Whatever moment a process dies in, the next one finds either the message or the reply, never both
and never neither.

There are four tables.  Their columns are in `tables.py`.

    jobs    one thing to do: a message to answer, a reply to say, a bot to subscribe
    lanes   jobs that must happen in order, one after the other: `in:<bot>:<chat>` has the messages
            of one chat, `say:<bot>:<chat>` the replies into it, `do:<what>:<key>` everything else
    seen    the names of deliveries, so that one that comes twice is accepted once
    holds   what nobody may do until a moment: speak for a bot that RingCentral has told to wait, or
            refresh a connection that another process is refreshing

A lane has a row for exactly as long as it has jobs.  Any thread of any process may *claim* a lane.
It gets the first job, and the lane's `due` becomes the moment at which the claim lapses, `LEASE`
from now.  If the process dies, nobody has to notice: the lane is due again after that, like any
other.  A lane that has to wait only gets a later `due`, so no thread waits with it.

Start with `put`, then read `claim` and `finish`.

Not here: the threads that claim and work (`botkit.bot.worker`), and what a job means.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypedDict

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from botkit.errors import StorageError
from botkit.storage.database import Database
from botkit.storage.seal import seal_row
from botkit.storage.statement import run, run_each
from botkit.storage.tables import MILLISECONDS, columns_of, holds, jobs, lanes, seen
from botkit.storage.turn import gathered_jobs

LEASE = 15.0  # seconds that a claim lasts, unless `beat` extends it
REMEMBERED = 24 * 3600.0  # seconds for which the name of a delivery is kept
MOST_PER_BOT = 10_000  # messages and replies that may wait for one bot
COUNTED_WAITING = 300  # health does not count further than that, because anyone may ask for it
SWEPT = 1_000  # old names that are deleted in one transaction
MESSAGES = ("turn", "say")  # the pools of messages and replies


class ClaimLost(Exception):
    """Raised when another process has claimed the lane since: what this one did does not count."""


@dataclass(frozen=True)
class Job:
    """Something to do.

    `pool` says which threads do it: "turn", "say" or "do".  `key` is the name under which it is
    accepted only once.  `seconds` is how long it waits before it is due.  A job that is wanted
    `once` is left out if its lane has one that has not begun.
    """

    pool: str
    lane: str
    bot_id: str
    body: dict[str, Any] = field(repr=False)
    key: str = ""
    seconds: float = 0.0
    once: bool = False


def reply_job(bot_id: str, group_id: str, text: str) -> Job:
    """Return the job to say `text` in a chat."""
    return Job("say", f"say:{bot_id}:{group_id}", bot_id, {"text": text})


def do_job(
    what: str,
    key: str = "",
    body: dict[str, Any] | None = None,
    *,
    seconds: float = 0.0,
    once: bool = True,
) -> Job:
    """Return the job to do `what` to the thing named `key`, in so many seconds.

    `botkit.bot.worker.Worker.jobs` says who does it.
    """
    return Job("do", f"do:{what}:{key}", "", body or {}, seconds=seconds, once=once)


@dataclass(frozen=True)
class Claimed:
    """A job in our hands.

    `tries` counts the claims, this one included, since the job last ended in good order.  `began`
    is when something was done that must not be done twice, and `created_at` when the job was put
    here; both in milliseconds since 1970.  `body` is None if it cannot be decrypted.
    """

    pool: str
    lane: str
    bot_id: str
    claim: str
    tries: int
    id: int
    body: dict[str, Any] | None = field(repr=False)
    began: int | None
    created_at: int

    @property
    def name(self) -> tuple[str, str]:
        """The two names in its lane: bot and chat, or what is done and to what."""
        _, first, second = self.lane.split(":", 2)
        return first, second


class Waiting(TypedDict):
    """How much waits.

    `waiting` counts messages and replies, up to 301.  `oldest` is the age of the oldest of them,
    in seconds.  `overdue` is for how many seconds a message has been due and nobody has taken it.
    `penalties` says for how many seconds RingCentral wants a bot to be silent.
    """

    waiting: int
    oldest: float
    overdue: float
    penalties: dict[str, float]


class Messages:
    """The inbox and the outbox in `database`.  `now` is the clock.

    Every method may raise `StorageError`, and then nothing was changed.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = now
        self._sql = _statements(database.is_postgresql)
        # Called with the pools of jobs that were written and are due.  The worker of this process
        # sets it; other processes look by themselves.
        self.on_put: Callable[[Sequence[str]], None] = lambda pools: None

    def now(self) -> int:
        """Return the moment, in milliseconds since 1970."""
        return int(self._clock().timestamp() * 1000)

    # ---- in ------------------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """Write a job: at the end of the turn that this thread is in, or else immediately."""
        jobs = gathered_jobs()
        if jobs is not None:
            jobs.append(job)
        else:
            self.put([job])

    def put(self, new: Sequence[Job]) -> list[bool]:
        """Write jobs, all in one transaction; return for each whether its key is new.

        A job whose key came before is left out.  The key is a primary key, so of two processes that
        get the same delivery at the same moment, one is told that it is not the first.
        """
        with self._database._writing() as connection:
            is_new = self._put(connection, new, self.now())
        self._say_what_is_due(new)
        return is_new

    def put_within(self, connection: sa.Connection, new: Sequence[Job]) -> None:
        """The same in a transaction of somebody else, for jobs that wait for a moment."""
        if new:
            self._put(connection, new, self.now())

    def _say_what_is_due(self, new: Sequence[Job]) -> None:
        if pools := [job.pool for job in new if job.seconds <= 0]:
            self.on_put(pools)

    def _put(self, connection: sa.Connection, new: Sequence[Job], now: int) -> list[bool]:
        is_new = self._remember_keys(connection, new, now)
        wanted = [job for job, first in zip(new, is_new, strict=True) if first]
        by_lane = {job.lane: job for job in reversed(wanted)}  # the first job opens the lane
        # Sorted, so that two processes lock rows in the same order and never wait for each other.
        opened = [_lane_row(by_lane[name], now) for name in sorted(by_lane)]
        if opened:
            run_each(connection, self._sql.open_lane, opened)
        wanted = [one for one in wanted if not (one.once and self._waits(connection, one, now))]
        if wanted:
            run_each(connection, self._sql.add_job, [self._job_row(one, now) for one in wanted])
        return is_new

    def _remember_keys(self, connection: sa.Connection, new: Sequence[Job], now: int) -> list[bool]:
        keys = sorted({job.key for job in new if job.key})
        if not keys:
            return [True] * len(new)
        rows = run_each(connection, self._sql.remember, [{"key": key, "at": now} for key in keys])
        unused = {row.key for row in rows}
        is_new = []
        for job in new:
            is_new.append(not job.key or job.key in unused)
            unused.discard(job.key)  # the same key may be twice in `new`
        return is_new

    def _waits(self, connection: sa.Connection, job: Job, now: int) -> bool:
        """Return whether the lane has a job that has not begun; it is due no later than `job`."""
        lane = run(connection, self._sql.look_into, {"lane_": job.lane}).first()
        if lane.many <= (0 if lane.claim is None else 1):
            return False
        due = {"lane_": job.lane, "due_": _due(job, now)}
        run(connection, self._sql.hurry_job, due)
        run(connection, self._sql.hurry_lane, due)
        return True

    def _job_row(self, job: Job, now: int) -> dict[str, Any]:
        row = {"lane": job.lane, "body": job.body, "due": _due(job, now), "created_at": now}
        return seal_row(self._database.seal, jobs, row)

    # ---- a job is claimed, and done ------------------------------------------------------------

    def claim(
        self, pool: str, *, full: Collection[str] = (), running: Collection[str] = ()
    ) -> Claimed | None:
        """Take the first job of the lane that has been due for the longest; None if none is due.

        Bots in `full` have enough jobs under way already, and the lanes in `running` are ours.
        """
        now, claim = self.now(), secrets.token_hex(8)
        which = {"pool_": pool, "now_": now}
        with self._database._writing() as connection:
            row = self._first_due(connection, which, full, running)
            if row is None:
                return None
            until = now + _ms(LEASE)
            run(connection, self._sql.claim, {"lane_": row.lane, "due_": until, "claim_": claim})
            began = row.began
            if pool == "say" and began is None:  # see `Chat.has_said`
                began = now
                run(connection, self._sql.begin, {"id_": row.id, "now_": now})
            return Claimed(
                pool,
                row.lane,
                row.bot_id,
                claim,
                row.tries + 1,
                row.id,
                self._opened(connection, row),
                began,
                row.created_at,
            )

    def _first_due(
        self,
        connection: sa.Connection,
        which: dict[str, Any],
        full: Collection[str],
        running: Collection[str],
    ) -> Any:
        # A lane that is ours is not due, unless its job takes so long that its claim has lapsed.
        # So the first lane of all is nearly always the one, and the lists aren't compared.
        if not full:
            row = run(connection, self._sql.first_due, which).first()
            if row is None or row.lane not in running:
                return row
        which |= {"full": list(full), "running": list(running)}
        return run(connection, self._sql.first_due_of_others, which).first()

    def _opened(self, connection: sa.Connection, row: Any) -> dict[str, Any] | None:
        try:
            body: dict[str, Any] = self._database._open(connection, jobs, row)["body"]
        except StorageError:  # it must not hold up all the others
            return None
        return body

    def finish(
        self, done: Claimed, more: Sequence[Job] = (), *, claim_reply: bool = False
    ) -> Claimed | None:
        """Delete a job that is done, and write what comes of it, in one transaction.

        With `claim_reply`, the first reply in `more` is claimed in the same transaction if it can
        be said immediately, and returned.
        Raises `ClaimLost` if the claim has lapsed and another process has it: then nothing of what
        was done here counts, and nothing is said twice.
        """
        now = self.now()
        with self._database._writing() as connection:
            # This comes first because it locks the row of the lane.  A job that is put into the
            # lane at this moment waits for us, and then sees whether the lane is still there.
            self._free(connection, done, now)
            run(connection, self._sql.delete_job, {"id_": done.id})
            more, reply = list(more), None
            if claim_reply:
                reply = self._put_claimed(connection, more, now)
            if more:
                self._put(connection, more, now)
            left = {"lane_": done.lane}
            is_last = run(connection, self._sql.close_lane, left).count == 1
            if not is_last:
                run(connection, self._sql.next_job, left)
        self._say_what_is_due(more)
        if not is_last:
            self.on_put([done.pool])
        return reply

    def _free(self, connection: sa.Connection, done: Claimed, due: int) -> None:
        which = {"lane_": done.lane, "claim_": done.claim, "due_": due, "pause": _pause_of(done)}
        if run(connection, self._sql.free, which).count != 1:
            raise ClaimLost(done.lane)

    def _put_claimed(self, connection: sa.Connection, more: list[Job], now: int) -> Claimed | None:
        """Write the first reply in `more`, and claim it; None if others come before it."""
        reply = next((job for job in more if job.pool == "say"), None)
        if reply is None:
            return None
        claim, until = secrets.token_hex(8), now + _ms(LEASE)
        row = _lane_row(reply, now) | {"due_": until, "claim_": claim, "tries": 1}
        lane = run(connection, self._sql.open_claimed, row).first()
        if lane.claim != claim:  # it was there before
            return None
        if lane.due > until:  # the bot must be silent
            again = {"lane_": reply.lane, "claim_": claim, "due_": lane.due}
            run(connection, self._sql.again, again)
            return None
        more.remove(reply)
        row = self._job_row(reply, now) | {"began": now}
        job_id = run(connection, self._sql.add_claimed, row).value()
        return Claimed("say", reply.lane, reply.bot_id, claim, 1, job_id, reply.body, now, now)

    def later(self, job: Claimed, seconds: float, *, failed: bool = False) -> None:
        """Let a job wait, first in its lane.  If it `failed`, the try counts."""
        due = self.now() + _ms(seconds)
        with self._database._writing() as connection:
            if not failed:
                self._free(connection, job, due)
                return
            which = {"lane_": job.lane, "claim_": job.claim, "due_": due}
            if run(connection, self._sql.again, which).count != 1:
                raise ClaimLost(job.lane)

    def hurry(self, pool: str, lane: str) -> None:
        """Let a lane that waits be due now: what it has waited for has happened."""
        with self._database._writing() as connection:
            which = {"lane_": lane, "due_": self.now()}
            is_waiting = run(connection, self._sql.hurry_lane, which).count == 1
        if is_waiting:
            self.on_put([pool])

    def beat(self, running: Iterable[Claimed]) -> None:
        """Keep the claims of jobs that take long."""
        until = self.now() + _ms(LEASE)
        with self._database._writing() as connection:
            for one in running:
                which = {"lane_": one.lane, "claim_": one.claim, "due_": until}
                run(connection, self._sql.beat, which)

    def begin(self, job: Claimed) -> None:
        """Remember that something is done now that must not be done twice."""
        with self._database._writing() as connection:
            run(connection, self._sql.begin, {"id_": job.id, "now_": self.now()})

    # ---- holds ---------------------------------------------------------------------------------

    def pause(self, bot_id: str, seconds: float) -> None:
        """Let a bot be silent: RingCentral asks for it.  Its replies wait, and nobody else's."""
        until = self.now() + _ms(seconds)
        with self._database._writing() as connection:
            key = f"pause:{bot_id}"
            run(connection, self._sql.pause, {"key": key, "until": until, "holder": None})
            run(connection, self._sql.push_back, {"bot_": bot_id, "due_": until})

    def pause_left(self, bot_id: str) -> float:
        """Return for how many seconds a bot must be silent; 0 if it may speak."""
        with self._database._reading() as connection:
            until = connection.scalar(self._sql.until, {"key_": f"pause:{bot_id}"})
        return 0.0 if until is None else max(0.0, (until - self.now()) / 1000)

    def hold(self, key: str, seconds: float, *, holder: str = "") -> str | None:
        """Take something in hand, so that no other process does the same at the same time.

        Returns the holder's name, for `drop`; None if somebody else holds it.  It lapses after
        `seconds`, should this process die.  With the `holder` of a hold of ours, that one lasts
        longer; None if it has lapsed and somebody else has it.
        """
        with self._database._writing() as connection:
            now = self.now()  # not earlier: waiting for the database may have taken its time
            row = {"key": key, "until": now + _ms(seconds)}
            row |= {"holder": holder or secrets.token_hex(8)}
            if holder:
                kept = run(connection, self._sql.keep_hold, {f"{k}_": v for k, v in row.items()})
                return holder if kept.count else None
            taken = run(connection, self._sql.hold, row | {"now_": now}).first()
            return str(row["holder"]) if taken is not None else None

    def has_lapsed(self, key: str) -> bool:
        """Return whether somebody had it and never dropped it, until it lapsed."""
        with self._database._reading() as connection:
            until = run(connection, self._sql.until, {"key_": key}).value()
        return until is not None and until <= self.now()

    def drop(self, key: str, holder: str) -> None:
        """Let the next one have it, unless somebody else has it already."""
        with self._database._writing() as connection:
            run(connection, self._sql.drop, {"key_": key, "holder_": holder})

    # ---- how it is -----------------------------------------------------------------------------

    def count_due(self, *, most: int = 50) -> dict[str, int]:
        """Return how many lanes of each pool are due, up to `most` of each."""
        with self._database._reading() as connection:
            due = run(connection, self._sql.due, {"now_": self.now(), "most": most}).first()
        return {pool: many for pool, many in due._asdict().items() if many}

    def next_due(self, within: float) -> dict[str, float]:
        """Return in how many seconds the first lane of each pool is due, if that is `within`."""
        now = self.now()
        with self._database._reading() as connection:
            first = run(connection, self._sql.next_due).first()._asdict()
        left = {pool: (due - now) / 1000 for pool, due in first.items() if due is not None}
        return {pool: seconds for pool, seconds in left.items() if seconds <= within}

    def how(self) -> Waiting:
        """Return how much waits.  It reads indexes, and its cost does not grow with the rows."""
        now = self.now()
        with self._database._reading() as connection:
            waiting = self._count(connection, COUNTED_WAITING)
            oldest = run(connection, self._sql.oldest).value()
            overdue = run(connection, self._sql.overdue, {"now_": now}).value()
            silent = run(connection, self._sql.penalties, {"now_": now}).rows
        return {
            "waiting": waiting,
            "oldest": _seconds_since(oldest, now),
            "overdue": _seconds_since(overdue, now),
            "penalties": {row.key.partition(":")[2]: (row.until - now) / 1000 for row in silent},
        }

    def of_bot(self, bot_id: str) -> tuple[int, float]:
        """Return how many messages and replies of a bot wait, and the age of the oldest."""
        with self._database._reading() as connection:
            count, oldest = run(connection, self._sql.of_bot, {"bot": bot_id}).first()
        return count, _seconds_since(oldest, self.now())

    def crowded_bots(self) -> set[str]:
        """Return the bots for which more than `MOST_PER_BOT` messages and replies wait."""
        with self._database._reading() as connection:
            if self._count(connection, MOST_PER_BOT) <= MOST_PER_BOT:
                return set()
            return set(connection.scalars(self._sql.crowded, {"most": MOST_PER_BOT}))

    def _count(self, connection: sa.Connection, most: int) -> int:
        """Count messages and replies, up to one more than `most`."""
        count: int = run(connection, self._sql.count_messages, {"most": most + 1}).value()
        return count

    def sweep(self) -> int:
        """Forget old names of deliveries and old holds, some at a time; return how many."""
        before = self.now() - _ms(REMEMBERED)
        with self._database._writing() as connection:
            run(connection, self._sql.sweep_holds, {"before": before})
            return run(connection, self._sql.sweep, {"before": before, "most": SWEPT}).count


# ---- the statements, built once ----------------------------------------------------------------


class _Statements:
    """The same SQL for SQLite and PostgreSQL, except for three words that differ."""

    def __init__(self, on_postgresql: bool) -> None:
        insert = postgresql.insert if on_postgresql else sqlite.insert
        later_of = sa.func.greatest if on_postgresql else sa.func.max
        earlier_of = sa.func.least if on_postgresql else sa.func.min
        lane: Any = bindparam("lane_")
        claim: Any = bindparam("claim_")
        due = bindparam("due_", type_=MILLISECONDS)
        now = bindparam("now_", type_=MILLISECONDS)

        # In.
        new_key = insert(seen).on_conflict_do_nothing().returning(seen.c.key)
        self.remember = new_key
        paused = sa.select(holds.c.until).where(holds.c.key == bindparam("pause"))
        not_before_the_end = later_of(due, sa.func.coalesce(paused.scalar_subquery(), 0))
        open_lane = insert(lanes).values(
            name=bindparam("name"),
            pool=bindparam("pool"),
            bot_id=bindparam("bot_id"),
            due=not_before_the_end,
            claim=bindparam("claim_"),
            tries=bindparam("tries"),
        )
        # DO UPDATE and not DO NOTHING: this locks a row that is there, because its last job may be
        # leaving at this moment.
        self.open_lane = open_lane.on_conflict_do_update(
            index_elements=["name"], set_={"pool": open_lane.excluded.pool}
        )
        self.open_claimed = self.open_lane.returning(lanes.c.claim, lanes.c.due)
        self.add_job = sa.insert(jobs)
        self.add_claimed = sa.insert(jobs).returning(jobs.c.id)
        in_lane = sa.select(sa.func.count()).where(jobs.c.lane == lanes.c.name)
        many = in_lane.correlate(lanes).scalar_subquery().label("many")
        self.look_into = sa.select(lanes.c.claim, many).where(lanes.c.name == lane)
        sooner = {"due": earlier_of(jobs.c.due, due)}
        self.hurry_job = sa.update(jobs).where(jobs.c.lane == lane).values(sooner)
        self.hurry_lane = (
            sa.update(lanes)
            .where(lanes.c.name == lane, lanes.c.claim.is_(None), lanes.c.due > due)
            .values(due=due)
        )

        # Claimed.
        there = jobs.alias("there")  # without the alias it would be the first job of all lanes
        first = sa.select(sa.func.min(there.c.id)).where(there.c.lane == lanes.c.name)
        self.first_due = (
            sa.select(lanes.c.bot_id, lanes.c.tries, *columns_of(jobs))
            .select_from(lanes)
            .join(jobs, jobs.c.id == first.correlate(lanes).scalar_subquery())
            .where(lanes.c.pool == bindparam("pool_"), lanes.c.due <= now)
            .order_by(lanes.c.due)
            .limit(1)
            .with_for_update(skip_locked=True, of=lanes)  # on PostgreSQL: not one that others take
        )
        self.first_due_of_others = self.first_due.where(
            lanes.c.bot_id.not_in(bindparam("full")),
            lanes.c.name.not_in(bindparam("running")),
        )
        self.claim = (
            sa.update(lanes)
            .where(lanes.c.name == lane)
            .values(due=due, claim=claim, tries=lanes.c.tries + 1)
        )
        ours = sa.update(lanes).where(lanes.c.name == lane, lanes.c.claim == claim)
        # `due` is now, so the other lanes that are due come before it: each in its turn.
        self.free = ours.values(claim=None, tries=0, due=not_before_the_end)
        self.again = ours.values(claim=None, due=due)
        self.beat = ours.values(due=due)
        self.begin = sa.update(jobs).where(jobs.c.id == bindparam("id_")).values(began=now)
        self.delete_job = sa.delete(jobs).where(jobs.c.id == bindparam("id_"))
        left = sa.exists().where(jobs.c.lane == lane)
        self.close_lane = sa.delete(lanes).where(lanes.c.name == lane, ~left)
        of_next = sa.select(jobs.c.due).where(jobs.c.lane == lane).order_by(jobs.c.id).limit(1)
        self.next_job = (
            sa.update(lanes)
            .where(lanes.c.name == lane, lanes.c.claim.is_(None))
            .values(due=later_of(lanes.c.due, of_next.scalar_subquery()))
        )

        # Holds.
        new_hold = insert(holds)
        longer = later_of(holds.c.until, new_hold.excluded.until)
        self.pause = new_hold.on_conflict_do_update(index_elements=["key"], set_={"until": longer})
        self.push_back = (
            sa.update(lanes)
            .where(lanes.c.bot_id == bindparam("bot_"), lanes.c.pool == "say")
            .where(lanes.c.claim.is_(None), lanes.c.due < due)
            .values(due=due)
        )
        self.until = sa.select(holds.c.until).where(holds.c.key == bindparam("key_"))
        taken = {"until": new_hold.excluded.until, "holder": new_hold.excluded.holder}
        self.hold = new_hold.on_conflict_do_update(
            index_elements=["key"], set_=taken, where=holds.c.until <= now
        ).returning(holds.c.key)
        of_holder = holds.c.key == bindparam("key_"), holds.c.holder == bindparam("holder_")
        self.keep_hold = sa.update(holds).where(*of_holder).values(until=bindparam("until_"))
        self.drop = sa.delete(holds).where(*of_holder)

        # How it is.
        # One pool at a time: each is a few entries of the index, and none hides another.
        are_due, firsts = [], []
        for pool in (*MESSAGES, "do"):
            of_pool = sa.select(sa.true()).where(lanes.c.pool == pool, lanes.c.due <= now)
            some = of_pool.limit(bindparam("most")).subquery()
            are_due.append(
                sa.select(sa.func.count()).select_from(some).scalar_subquery().label(pool)
            )
            first_of = sa.select(sa.func.min(lanes.c.due)).where(lanes.c.pool == pool)
            firsts.append(first_of.scalar_subquery().label(pool))
        self.due = sa.select(*are_due)
        self.next_due = sa.select(*firsts)
        # A lane's name says what it is, so these need no lane: they end at the first rows.
        is_message = sa.func.substr(jobs.c.lane, 1, 3) != "do:"
        counted = sa.select(sa.true()).where(is_message).limit(bindparam("most")).subquery()
        self.count_messages = sa.select(sa.func.count()).select_from(counted)
        self.oldest = sa.select(jobs.c.created_at).where(is_message).order_by(jobs.c.id).limit(1)
        self.overdue = sa.select(sa.func.min(lanes.c.due)).where(
            lanes.c.pool == "turn", lanes.c.due <= now
        )
        self.penalties = sa.select(holds.c.key, holds.c.until).where(
            holds.c.key.startswith("pause:"), holds.c.until > now
        )
        message = sa.select(jobs.c.created_at, lanes.c.bot_id).select_from(jobs)
        message = message.join(lanes, lanes.c.name == jobs.c.lane)
        per_bot = message.where(lanes.c.pool.in_(MESSAGES)).subquery()
        self.of_bot = sa.select(sa.func.count(), sa.func.min(per_bot.c.created_at)).where(
            per_bot.c.bot_id == bindparam("bot")
        )
        self.crowded = (
            sa.select(per_bot.c.bot_id)
            .group_by(per_bot.c.bot_id)
            .having(sa.func.count() > bindparam("most"))
        )
        old = sa.select(seen.c.key).where(seen.c.at < bindparam("before"))
        old = old.order_by(seen.c.at).limit(bindparam("most"))
        self.sweep = sa.delete(seen).where(seen.c.key.in_(old))
        self.sweep_holds = sa.delete(holds).where(holds.c.until < bindparam("before"))


@cache
def _statements(on_postgresql: bool) -> _Statements:
    return _Statements(on_postgresql)


def _lane_row(job: Job, now: int) -> dict[str, Any]:
    return {
        "name": job.lane,
        "pool": job.pool,
        "bot_id": job.bot_id,
        "due_": _due(job, now),
        "pause": _pause_of(job),
        "claim_": None,
        "tries": 0,
    }


def _pause_of(job: Job | Claimed) -> str:
    """Return the key of the hold that a lane waits for; "" if it waits for none."""
    return f"pause:{job.bot_id}" if job.pool == "say" else ""


def _due(job: Job, now: int) -> int:
    return now + _ms(job.seconds)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _seconds_since(moment: int | None, now: int) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment) / 1000)
