"""Do what waits in the database, with a few threads.

RingCentral waits three seconds for the answer of a webhook, and never calls again after a late one.
So the web app only writes a delivery down and answers.  The threads here do the rest:

    web thread ── accept ──> one thread writes, many deliveries in one transaction
                             "turn" threads   claim a message, run the skills, write the replies
                             "say" threads    claim a reply and say it in the chat
                             "do" threads     claim everything else, such as a bot to subscribe
                             one thread watches: what has become due, and which claims are ours

A thread starts when it is needed first, and one that has nothing to do waits until it is called.
A thread that writes a job calls another, and the watching thread calls one for each lane that has
become due, or that another process has written.  Nothing else wakes anybody.

No thread waits for a moment in the future, because that is the `due` of a lane.  Of one bot only a
few jobs are done at the same time, so a bot whose chat is slow leaves threads for the others.

Start with `accept`, then read `_serve` and `_run`.

Not here: what is done with a message or a reply (`turns.py`), and the tables
(`botkit.storage.messages`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from botkit.errors import BotkitError, SealBroken, StorageError, TryLater, WrongKey
from botkit.storage import Bot, Claimed, ClaimLost, Job, Storage, Waiting

log = logging.getLogger("botkit")

ANSWER_WITHIN = 2.0  # seconds; RingCentral gives a webhook three
BATCH = 200  # deliveries in one transaction
MOST_UNWRITTEN, MOST_BYTES = 2_000, 16 * 1024 * 1024  # deliveries kept while the database is away
WRITE_AGAIN = 0.3  # seconds, while the database is away
POLL = 1.0  # seconds between two looks of the watching thread; `settle` looks no more often
BEAT = 4.0  # seconds; a job that takes longer has its claim extended
SWEEP = 60.0  # seconds
FINISH_SECONDS = 20.0  # for what is under way when the process ends
MOST_TRIES = 3  # of a job that nobody could end
UNKNOWN_AGAIN = 60.0  # seconds; another process may know what to do

Outcome = Literal[
    "new", "again", "unknown bot", "wrong token", "passed over", "not yet written", "no room"
]
Handler = Callable[[Claimed], object]


def log_error(error: Exception) -> None:
    """Write an error of ours to the log, with its traceback."""
    log.error("Work left undone", exc_info=error)


@dataclass(frozen=True)
class Delivery:
    """A delivery as it came: for which bot, with which secret, and what has to be done.

    `job` is None if it means nothing to the bot.
    """

    bot_id: str
    token: str = field(repr=False)
    job: Job | None
    size: int  # bytes


@dataclass
class _Unwritten:
    """A delivery that is not in the database yet, and a web thread that waits for that."""

    delivery: Delivery
    outcome: Outcome = "not yet written"
    written: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Pool:
    """Threads of one kind.

    `per_bot` is how many of them one bot may have.  A claim is extended for jobs that take up to
    `longest` seconds, and no further: the thread may be stuck.  `work` does a job; it may return a
    reply, claimed, for the same thread to say.
    """

    name: str
    threads: int
    per_bot: int
    longest: float
    work: Callable[[Claimed], Claimed | None]
    called: threading.Condition
    running: dict[str, tuple[Claimed, float]] = field(default_factory=dict)
    bots: Counter[str] = field(default_factory=Counter)
    takes: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0  # how often somebody should look whether something is due
    calls: int = 0  # how often that was said
    looking: int = 0
    idle: int = 0
    alive: int = 0


@dataclass(frozen=True)
class _Rest:
    """What `settle` found out: nothing is due, from one moment to another (ms), and then it asks.

    There had been so many `calls`, and it had asked what is due `within` so many seconds.
    """

    calls: int = -1
    within: float = 0.0
    since: int = 0
    until: int = 0

    def lasts(self, calls: int, within: float, now: int) -> bool:
        """Return whether it is so still: nobody has called, and it is not a later moment."""
        same = calls == self.calls and within <= self.within
        return same and self.since <= now < self.until


class Worker:
    """The threads for the messages in `storage`.

    `is_genuine(bot, token)` says whether a delivery has the secret of its bot.  `jobs` says what
    the "do" threads do, by the name that `do_job` was given.  `on_error` gets each error that is
    nobody's but ours, such as a mistake in a skill; by default it goes to the log.
    """

    def __init__(self, storage: Storage, is_genuine: Callable[[Bot, str], bool]) -> None:
        self.jobs: dict[str, Handler] = {}
        self.on_error: Callable[[Exception], None] = log_error
        self._storage = storage
        self._messages = storage.messages
        self._is_genuine = is_genuine
        self._work: list[tuple[str, int, int, float, Callable[[Claimed], Claimed | None]]] = []
        self._pid = 0
        self.add("do", self._do, threads=4, per_bot=4, longest=3600.0)
        self._begin()
        self._messages.on_put = self._call

    def add(
        self,
        name: str,
        work: Callable[[Claimed], Claimed | None],
        *,
        threads: int,
        per_bot: int,
        longest: float,
    ) -> None:
        """Add a pool of threads."""
        self._work.append((name, threads, per_bot, longest, work))

    def _begin(self) -> None:
        """Begin without threads: a child process has none of its parent's."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # a job ended, a delivery was written
        self._arrived = threading.Condition(self._lock)  # a delivery is to be written
        self._unwritten: deque[_Unwritten] = deque()
        self._bytes = 0
        self._pools: dict[str, _Pool] = {}
        self._threads: list[threading.Thread] = []
        self._crowded: set[str] = set()
        self._talking: set[str] = set()  # bots to whose chats "do" threads talk
        self._stopping = False
        self._stopped = threading.Event()
        self._is_away = False  # the database, so that the log says it once
        self._calls = 0
        self._rest = _Rest()

    def start(self) -> None:
        """Start, once in each process.  Calling it again costs nothing."""
        if self._pid == os.getpid() or self._stopping:
            return
        if self._pid:
            self._begin()
        self._pid = os.getpid()
        self._make_pools()
        self._start_thread(self._write)
        self._start_thread(self._watch)

    def _make_pools(self) -> None:
        for name, threads, per_bot, longest, work in self._work:
            called = threading.Condition(self._lock)
            self._pools[name] = _Pool(name, threads, per_bot, longest, work, called)

    def _start_thread(self, job: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=job, args=args, name="botkit-worker", daemon=True)
        self._threads.append(thread)
        thread.start()

    # ---- a delivery comes in -------------------------------------------------------------------

    def accept(self, delivery: Delivery) -> Outcome:
        """Have a delivery written down; return what became of it.

        The web thread waits two seconds for that.  A delivery that is "not yet written" then is
        kept in memory until it is, because the database may be away for a moment.
        """
        one = _Unwritten(delivery)
        with self._lock:
            full = len(self._unwritten) >= MOST_UNWRITTEN or self._bytes > MOST_BYTES
            if full or self._stopping or delivery.bot_id in self._crowded:
                return "no room"
            self._unwritten.append(one)
            self._bytes += delivery.size
            self._arrived.notify()
        one.written.wait(ANSWER_WITHIN)
        return one.outcome

    def _write(self) -> None:
        while True:
            with self._lock:
                while not self._unwritten and not self._stopping:
                    self._arrived.wait()
                batch = [self._unwritten[n] for n in range(min(BATCH, len(self._unwritten)))]
            if not batch:
                return
            try:
                outcomes = self._written([one.delivery for one in batch])
            except Exception as error:  # the thread must not end
                self._say_it_is_away(error)
                if self._stopped.wait(WRITE_AGAIN):
                    return
                continue
            self._is_away = False
            with self._lock:
                for one, outcome in zip(batch, outcomes, strict=True):
                    self._unwritten.popleft()
                    self._bytes -= one.delivery.size
                    one.outcome = outcome
                    one.written.set()
                self._changed.notify_all()

    def _written(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Check where they come from, and write them, all in one transaction."""
        found: dict[str, Bot | StorageError | None] = {}  # those that were read anew
        outcomes = [self._check(one, found) for one in deliveries]
        good = [(n, one.job) for n, one in enumerate(deliveries) if one.job]
        good = [(n, job) for n, job in good if outcomes[n] == "new"]
        if good:
            is_new = self._messages.put([job for _, job in good])
            for (n, _), first in zip(good, is_new, strict=True):
                outcomes[n] = "new" if first else "again"
        return outcomes

    def _check(self, one: Delivery, found: dict[str, Bot | StorageError | None]) -> Outcome:
        """Return whether a delivery is from its bot, or why it is passed over.

        What was read of the bot some seconds ago is enough if it fits.  If it does not, the bot is
        read again.  So a new secret counts immediately, and an old one for some seconds more if
        another process has changed it.
        """
        if one.bot_id not in found:
            bot = self._find_bot(one.bot_id)
            if isinstance(bot, Bot):
                if self._is_genuine(bot, one.token):
                    return "new"
                bot = self._find_bot(one.bot_id, anew=True)
            found[one.bot_id] = bot
        bot = found[one.bot_id]
        if bot is None:
            return "unknown bot"
        if isinstance(bot, StorageError):
            return "passed over"
        return "new" if self._is_genuine(bot, one.token) else "wrong token"

    def _find_bot(self, bot_id: str, *, anew: bool = False) -> Bot | StorageError | None:
        try:
            return self._storage.known_bot(bot_id, anew=anew)
        except (SealBroken, WrongKey) as error:  # this one row; the others must not wait for it
            log.warning("A message was passed over: %s", error)
            return error

    def _say_it_is_away(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("Messages have to wait for the database: %s", error)

    # ---- a thread is called, and does a job ----------------------------------------------------

    def _call(self, names: Iterable[str]) -> None:
        """Let one thread look for each name of a pool."""
        if self._pid != os.getpid():
            return
        for name, count in Counter(names).items():
            if (pool := self._pools.get(name)) is not None:
                self._call_pool(pool, count)

    def _call_pool(self, pool: _Pool, count: int) -> None:
        with self._lock:
            self._calls += 1
            if self._stopping:
                return
            pool.wanted += count
            pool.calls += 1
            self._wake(pool)

    def _wake(self, pool: _Pool) -> None:
        """Let a thread look that has nothing to do, or a new one; the busy ones look when done.

        One thread wakes the next when it has found something.  All at once would only wait for each
        other.
        """
        if pool.wanted and pool.idle:
            pool.called.notify()
        elif pool.wanted and pool.alive < pool.threads:
            pool.alive += 1
            pool.idle += 1
            self._start_thread(self._serve, pool)

    def _serve(self, pool: _Pool) -> None:
        while True:
            with self._lock:
                while not pool.wanted and not self._stopping:
                    pool.called.wait()
                if self._stopping:
                    return
                pool.wanted -= 1
                pool.idle -= 1
                pool.looking += 1
                calls = pool.calls
            job = None
            try:
                job = self._take(pool, calls)
            except Exception as error:  # the thread must not end
                self._say_it_is_away(error)
            if job is not None:
                self._run(pool, job)
            with self._lock:
                pool.idle += 1
                self._changed.notify_all()

    def _take(self, pool: _Pool, calls: int) -> Claimed | None:
        # Nobody else looks until this job is noted: a bot must not get more threads than it may.
        with pool.takes:
            job, nothing = None, False
            try:
                with self._lock:
                    full = [bot for bot, count in pool.bots.items() if count >= pool.per_bot]
                    running = list(pool.running)
                job = self._messages.claim(pool.name, full=full, running=running)
                nothing = job is None
            finally:
                with self._lock:
                    pool.looking -= 1
                    if job is not None:
                        self._note(pool, job)
                    elif nothing and pool.calls == calls:
                        pool.wanted = 0  # the others would not find anything either
                    self._wake(pool)
        return job

    def _note(self, pool: _Pool, job: Claimed) -> None:
        pool.running[job.lane] = job, time.monotonic()
        pool.bots[job.bot_id] += 1

    def _run(self, pool: _Pool, job: Claimed) -> None:
        reply = None
        try:
            reply = pool.work(job)
        except ClaimLost:
            log.warning("Another process has gone on with what took too long here.")
        except StorageError as error:  # the claim will lapse, and then somebody tries again
            log.warning("Work left undone: %s", error)
        except Exception as error:
            self.on_error(error)
            self._set_aside(job)
        with self._lock:
            # After a lost answer of the database the lane may be another thread's already.
            noted, _ = pool.running.get(job.lane, (None, 0.0))
            if noted is job:
                del pool.running[job.lane]
            others_waited = pool.bots[job.bot_id] >= pool.per_bot
            pool.bots[job.bot_id] -= 1
            if not pool.bots[job.bot_id]:
                del pool.bots[job.bot_id]
            if reply is not None:
                self._note(self._pools[reply.pool], reply)
            self._changed.notify_all()
        if others_waited:
            self._call_pool(pool, 1)
        if reply is not None:
            self._run(self._pools[reply.pool], reply)
            if pool.name == "do":
                self._end_to_talk(reply.bot_id)

    def _set_aside(self, job: Claimed) -> None:
        """Let a job that ended in an error of ours wait, or give it up."""
        try:
            if job.tries < MOST_TRIES:
                self._messages.later(job, 2.0**job.tries, failed=True)
                return
            log.error("Job %s was given up after %s tries.", job.id, job.tries)
            self._messages.finish(job)
        except (StorageError, ClaimLost) as error:
            log.warning("Work left undone: %s", error)

    def _do(self, job: Claimed) -> Claimed | None:
        """Do one of `jobs`; one that raises `TryLater` is done again, and its tries are counted.

        The jobs that it returns in a list are written with its end.
        """
        what, _ = job.name
        handler = self.jobs.get(what)
        if handler is None:
            self._messages.later(job, UNKNOWN_AGAIN)
            return None
        more: list[Job] = []
        if job.body is None:
            log.error("Job %s cannot be decrypted.", job.id)
        else:
            try:
                done = handler(job)
                more = [one for one in done if isinstance(one, Job)] if type(done) is list else []
            except TryLater as wait:
                self._messages.later(job, wait.seconds, failed=True)
                return None
            except BotkitError as error:
                log.warning("Work left undone: %s", error)
        reply, talks = None, self._begin_to_talk(more)
        try:
            reply = self._messages.finish(job, more, claim_reply=bool(talks))
        finally:
            if reply is None:
                self._end_to_talk(talks)
        return reply

    def _begin_to_talk(self, more: Sequence[Job]) -> str:
        """Return the bot whose reply in `more` this thread may say itself; "" if it may not.

        A chat can be slow, and the threads for other jobs are few: so one of them at most talks to
        the chat of a bot.
        """
        bot = next((job.bot_id for job in more if job.pool == "say"), "")
        with self._lock:
            if not bot or bot in self._talking or "say" not in self._pools:
                return ""
            self._talking.add(bot)
        return bot

    def _end_to_talk(self, bot: str) -> None:
        with self._lock:
            self._talking.discard(bot)

    # ---- one thread watches --------------------------------------------------------------------

    def _watch(self) -> None:
        beat = swept = time.monotonic()
        while not self._stopped.wait(POLL):
            now = time.monotonic()
            try:
                if now - beat >= BEAT:
                    beat = now
                    self._keep_claims(now)
                if now - swept >= SWEEP:
                    swept = now
                    self._messages.sweep()
                    self._find_crowded_bots()
                self._call_for(self._messages.count_due())
            except Exception as error:  # the thread must not end
                self._say_it_is_away(error)

    def _keep_claims(self, now: float) -> None:
        with self._lock:
            ours = [
                job
                for pool in self._pools.values()
                for job, since in pool.running.values()
                if BEAT / 2 < now - since < pool.longest
            ]
        if ours:
            self._messages.beat(ours)

    def _find_crowded_bots(self) -> None:
        crowded = self._messages.crowded_bots()
        for bot_id in crowded:
            log.warning("Too many messages wait for bot %s. New ones are refused.", bot_id)
        self._crowded = crowded

    def _call_for(self, due: dict[str, int]) -> None:
        for name, count in due.items():
            if (pool := self._pools.get(name)) is not None:
                self._call_pool(pool, count)

    # ---- waiting, and the end ------------------------------------------------------------------

    def settle(self, *, seconds: float = 30.0, within: float = 0.0) -> bool:
        """Wait until nothing is due and nothing is under way here; return whether that happened.

        `within` is in seconds: a message or reply that is due so soon is waited for, too.
        """
        end = time.monotonic() + seconds
        while True:
            with self._lock:
                if not self._changed.wait_for(self._is_idle, max(0.0, end - time.monotonic())):
                    return False
                calls, now = self._calls, self._messages.now()
                if self._rest.lasts(calls, within, now):
                    return True
            try:
                first = self._messages.next_due(max(within, POLL))
            except StorageError:
                return False
            due = {name: 1 for name, left in first.items() if left <= 0}
            soon = [left for name, left in first.items() if 0 < left <= within and name != "do"]
            left = end - time.monotonic()
            with self._lock:
                if not due and not soon and self._is_idle():
                    until = now + int(min([POLL, *first.values()]) * 1000)
                    self._rest = _Rest(calls, within, now, until)
                    return True
                if left <= 0 or self._stopping:
                    return False
                if not due and soon:
                    self._changed.wait(min(*soon, left))
            self._call_for(due)

    def _is_idle(self) -> bool:
        return not self._unwritten and not any(
            pool.wanted or pool.looking or pool.running for pool in self._pools.values()
        )

    def stop(self, *, seconds: float = FINISH_SECONDS) -> None:
        """Write what was accepted, finish what is under way, and take nothing more.

        What waits in the database stays there for the next process.
        """
        if self._pid != os.getpid() or self._stopped.is_set():
            return
        end = time.monotonic() + seconds
        with self._lock:
            self._stopping = True
            for pool in self._pools.values():
                pool.wanted = 0
                pool.called.notify_all()
            self._arrived.notify_all()
            if not self._changed.wait_for(self._is_idle, seconds):
                log.warning("Some work has not ended in time. The next start goes on with it.")
            lost = len(self._unwritten)
        self._stopped.set()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if lost:
            log.error("%s messages are lost: the database did not come back in time.", lost)

    def how(self) -> dict[str, Any]:
        """Return how much waits, see `Waiting`, and two things of this process alone.

        `unwritten` is how many deliveries are in memory, and `broken` whether a thread has died.
        Raises `StorageError`.
        """
        waiting: Waiting = self._messages.how()
        broken = any(not one.is_alive() for one in self._threads) and not self._stopping
        return {**waiting, "unwritten": len(self._unwritten), "broken": broken}
