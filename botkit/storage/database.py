"""Open the database, give out transactions, and say what its errors mean.

`Database` is what `botkit.storage.Storage` stands on: it opens and seals rows, and keeps every
change whole.  `connect` makes the engine, with what SQLite and PostgreSQL want for it.

Not here: which rows there are (tables.py), how the tables are made (setup.py), how secrets are
encrypted (seal.py), and what is asked of the tables (store.py).
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.pool import QueuePool

from botkit.errors import (
    DatabaseBusy,
    DatabaseFull,
    DatabaseReadOnly,
    SealBroken,
    StorageError,
    WrongKey,
)
from botkit.storage.postgresql import lift_limits, tune_postgresql
from botkit.storage.seal import Seal, grant_of, open_row, prove_key, seal_row
from botkit.storage.setup import PIECE, complete_tables, is_empty, let_only_one, make_tables
from botkit.storage.sqlite import share_compiled
from botkit.storage.tables import SECRET, bots, columns_of, key_of, seals, services

log = logging.getLogger("botkit")

BUSY_SECONDS = 5.0  # for a lock, a statement or a connection
CONNECT_SECONDS = 3
CONNECTIONS = 10  # that stay open in each process; as many again when they are needed
HEALTH_SAMPLE = 1  # rows of each table that a health check opens
CHECKED_SECONDS = 1.0  # that a health check counts
BUSY = "The database is busy with somebody else's work."
FULL = "The database could not be written to its disk."


def utc_now() -> datetime:
    """The clock, where nobody injects another one."""
    return datetime.now(UTC)


class Database:
    """The database at `url`, an SQLAlchemy URL.  `busy_seconds` and `seal`: see `connect`.

    Every method may raise `StorageError`; with the wrong key that is a `WrongKey`, and nothing is
    written.
    """

    def __init__(
        self, url: str, *, busy_seconds: float = BUSY_SECONDS, seal: Seal | None = None
    ) -> None:
        self.seal = seal or Seal()
        self._key_fits = False
        self._is_full = False  # since the last write that succeeded
        self._well_until = 0.0  # a moment of the monotonic clock
        self._passed_over: set[tuple[str, str]] = set()  # rows that cannot be read
        self._all_bound = False  # once it is known that every secret is bound to its row
        self._engine = connect(url, busy_seconds=busy_seconds)
        self._busy_seconds = busy_seconds
        self._turn = self._new_turn()
        _databases.add(self)

    # ---- the tables as a whole ---------------------------------------------------------------

    def set_up(self) -> list[str]:
        """Make or complete the tables; return a sentence for each change."""
        with self._transaction() as connection:
            if self.is_postgresql:
                lift_limits(connection)  # a large table needs minutes
            let_only_one(connection)
            if is_empty(connection):
                done = make_tables(connection)
                self._mark_all_bound(connection)
                return done
            done = complete_tables(connection)
            if not self.seal.has_key:  # this is still possible: it reads no secret
                return done
            prove_key(connection, self.seal)
            self._key_fits = True
            if self._is_all_bound(connection):
                return done
        count = self._complete_rows()
        rows = "1 row" if count == 1 else f"{count} rows"
        return [*done, f"Sealed {rows} of an older version again."] if count else done

    def _complete_rows(self) -> int:
        """Seal what older versions left, and say whose account it is: once for each database.

        It may stop anywhere and begin again.  Rows that no key of ours can open are left as they
        are; then the next start tries again.
        """
        count, lost = 0, 0
        for table in SECRET:
            last: Any = None
            while True:
                began = time.monotonic()
                with self._writing() as connection:
                    rows = connection.execute(_after(table, last).with_for_update()).all()
                    for row in rows:
                        try:
                            opened, bound = open_row(self.seal, table, row._asdict())
                        except (WrongKey, SealBroken):
                            lost += 1
                            continue
                        if not bound or getattr(row, "grant", "") is None:
                            count += self._write_again(connection, table, opened) and not bound
                if len(rows) < PIECE:
                    break
                last = getattr(rows[-1], key_of(table).key)
                time.sleep(time.monotonic() - began)  # others want to write too
        if not lost:
            with self._writing() as connection:
                self._mark_all_bound(connection)
        return count

    def reseal(self) -> Iterator[str]:
        """Seal all rows with the newest key; yields each one's table, when the row is done.

        Each row has its own transaction.  You may stop in between: each row can be opened with one
        of the keys at any moment.  Then run it again.
        """
        for table in SECRET:
            key, last = key_of(table), None
            while True:
                with self._reading() as connection:
                    after = connection.execute(_after(table, last)).all()
                for found in after:
                    last = getattr(found, key.key)
                    began = time.monotonic()
                    with self._writing() as connection:
                        done = self._reseal_row(connection, table, last)
                    time.sleep(time.monotonic() - began)  # a bot that serves wants to write, too
                    if done:
                        yield table.name
                if len(after) < PIECE:
                    break
        with self._writing() as connection:
            self._mark_all_bound(connection)
        self._forget_old_pages()

    def _reseal_row(self, connection: sa.Connection, table: sa.Table, key: Any) -> bool:
        """Whether the row is still there, and has something to seal."""
        wanted = sa.select(*columns_of(table)).where(key_of(table) == key).with_for_update()
        row = connection.execute(wanted).first()
        return row is not None and self._write_again(
            connection, table, self._open(connection, table, row)
        )

    def _write_again(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
        """Write the secrets of a row as they are written today, and nothing else of it."""
        sealed, key = seal_row(self.seal, table, row), key_of(table)
        values = {name: sealed[name] for name in SECRET[table] if row[name] not in (None, "")}
        if table is services:
            values["grant"] = grant_of(self.seal, row["name"], row["data"])
        if values:
            change = sa.update(table).where(key == row[key.key])
            connection.execute(change.values(values))
        return any(name in values for name in SECRET[table])

    def _forget_old_pages(self) -> None:
        """SQLite's log may still have rows as they were before."""
        if self._is_sqlite:
            with clear_errors(), self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def check(self) -> None:
        """Raise `StorageError` unless the database can be read and written, and the key fits.

        It writes nothing, and its cost does not grow with the rows.  What was well a second ago is
        not asked again.  Only a write can tell that a disk is full.  So one that has failed is
        remembered until another one succeeds.
        """
        if time.monotonic() < self._well_until and not self._is_full:
            return
        with self._reading() as connection:
            prove_key(connection, self.seal, HEALTH_SAMPLE)
        if self._is_full:
            raise DatabaseFull(FULL)
        with self._transaction() as connection:  # a change of no row needs all that a change needs
            connection.execute(sa.update(bots).where(sa.false()).values(id=bots.c.id))
        self._well_until = time.monotonic() + CHECKED_SECONDS

    def try_to_write(self) -> None:
        """Write a row and delete it, if the last write failed because the disk was full.

        Only so can `check` tell that there is room again.  Raises `StorageError`.
        """
        if not self._is_full:
            return
        row = {"id": secrets.token_hex(16), "created_at": utc_now(), "updated_at": utc_now()}
        with self._transaction() as connection:  # nobody ever sees this row
            connection.execute(sa.insert(bots), row)
            connection.execute(sa.delete(bots).where(bots.c.id == row["id"]))
        self._is_full = False

    def close(self) -> None:
        self._engine.dispose()

    def let_go(self) -> None:
        """Close the connections that are open and idle.  The next request opens new ones."""
        if not is_in_memory(self._engine.url):  # that would be its end
            self._engine.dispose()

    @property
    def is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    @property
    def _is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    # ---- opening and sealing rows ------------------------------------------------------------

    def _open(self, connection: sa.Connection, table: sa.Table, row: Any) -> dict[str, Any]:
        """What a row holds.  Only a value that is not bound to it leads to another question."""
        opened, bound = open_row(self.seal, table, row._asdict())
        if not bound and self._is_all_bound(connection):
            raise SealBroken(f"A row of the table {table.name} is not sealed as this bot does it.")
        return opened

    def _open_each(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Any], *, some: bool = False
    ) -> list[dict[str, Any]]:
        """What several rows hold.  The log names those that cannot be read, once in a process.

        Raises `WrongKey` if none of them can be read with our keys.  If `some` are needed, it also
        raises `SealBroken` if there are only others.
        """
        opened, failure = [], None
        for row in rows:
            try:
                opened.append(self._open(connection, table, row))
            except (SealBroken, WrongKey) as error:
                failure = error
                which = table.name, str(getattr(row, key_of(table).key))
                if which not in self._passed_over:
                    self._passed_over.add(which)
                    log.warning("Row %s of the table %s is passed over. %s", *which[::-1], error)
        if failure and not opened and (some or isinstance(failure, WrongKey)):
            raise failure
        return opened

    def _is_all_bound(self, connection: sa.Connection) -> bool:
        """Whether the mark is there that `set_up` and `reseal` leave: see seal.py."""
        if self.seal.has_key and not self._all_bound and sa.inspect(connection).has_table("seals"):
            wanted = sa.select(seals.c.id).where(seals.c.id.in_(self.seal.hashes(seals.name)))
            self._all_bound = connection.execute(wanted).first() is not None
        return self._all_bound

    def _mark_all_bound(self, connection: sa.Connection) -> None:
        if self.seal.has_key:
            newest = self.seal.hashes(seals.name)[0]  # nobody can write it who has no key
            connection.execute(sa.delete(seals))
            connection.execute(sa.insert(seals).values(id=newest))

    # ---- transactions ------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with clear_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """One transaction: all that happens in it is kept, or, after an error, nothing."""
        if not self._key_fits:  # else there would soon be rows of two keys
            with self._reading() as connection:
                prove_key(connection, self.seal)
            self._key_fits = True
        with self._transaction() as connection:
            yield connection
        if self._is_full:
            with suppress(StorageError):  # the change itself was kept
                self.try_to_write()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with clear_errors(), self._turn, self._engine.connect() as connection:
                connection.begin()
                if self._is_sqlite:
                    begin_immediate(connection)
                yield connection
                connection.commit()  # after an error all is undone instead
        except DatabaseFull:
            self._is_full = True
            raise

    def _new_turn(self) -> AbstractContextManager[None]:
        return _Turn(self._busy_seconds) if self._is_sqlite else nullcontext()

    def _after_fork(self) -> None:
        """Share no connection with the parent process: both would talk over the same one.

        Nothing of the parent's is closed here.  That would end its connections too.
        Source: SQLAlchemy, "Using Connection Pools with Multiprocessing or os.fork()".
        """
        self._turn = self._new_turn()
        self._well_until = 0.0
        if not is_in_memory(self._engine.url):  # that one would be lost, and is a copy already
            _inherited.append(self._engine.pool)
            self._engine.dispose(close=False)

    def __repr__(self) -> str:  # without the URL, which may hold a password
        return f"<{type(self).__name__} on {self._engine.dialect.name}>"


class _Turn:
    """In SQLite only one writes at a time, so the other threads of this process wait here.

    SQLite itself lets a writer sleep and try again, so the unlucky ones wait long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._lock = seconds, threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._seconds):
            raise DatabaseBusy(BUSY)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _after(table: sa.Table, last: Any) -> sa.Select[Any]:
    """The next rows of a table, in the order of their keys, beginning after `last`."""
    key = key_of(table)
    grant = [services.c.grant] if table is services else []
    wanted = sa.select(*columns_of(table), *grant).order_by(key).limit(PIECE)
    return wanted if last is None else wanted.where(key > last)


# ---- child processes ---------------------------------------------------------------------------

_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[object] = []  # kept, because the end of a connection would close it


def _after_fork() -> None:
    for database in list(_databases):
        database._after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_after_fork)


# ---- the engine --------------------------------------------------------------------------------


def connect(url: str, *, busy_seconds: float = BUSY_SECONDS) -> sa.Engine:
    """An engine for any SQLAlchemy URL.  `busy_seconds`: how long a writer waits for another one.

    Raises `StorageError` when the URL cannot be understood.
    """
    try:
        parsed = sa.make_url(url)
        options: dict[str, Any] = {"hide_parameters": True}  # errors would show tokens
        if is_in_memory(parsed):
            # A database in memory belongs to its connection: all threads must share the one.
            options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        else:
            options |= {"pool_size": CONNECTIONS, "max_overflow": CONNECTIONS}
            options |= {"pool_timeout": CONNECT_SECONDS}
        if parsed.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": busy_seconds, "check_same_thread": False}
        else:
            # A server may have hung up since the last time; for psycopg see postgresql.py.
            options["pool_pre_ping"] = parsed.get_driver_name() != "psycopg"
            if "@" in f"{parsed.host}{parsed.database}":
                raise ValueError("that would be the end of a password, and errors would show it")
        if parsed.get_driver_name() in ("psycopg", "psycopg2"):
            given = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": CONNECT_SECONDS * 1000}
            options["connect_args"] = {k: v for k, v in given.items() if k not in parsed.query}
        if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
            parsed, shared = share_compiled(parsed)
            options |= shared
        engine = sa.create_engine(parsed, **options)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise StorageError(
            "The address of the database cannot be used.",
            advice="Write it like sqlite:///botkit.sqlite or postgresql+psycopg://user@host/name, "
            "and install the driver that it names. In a password, write @ as %40.",
        ) from None  # the error may repeat a part of the URL, and so of a password
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    elif engine.dialect.name == "postgresql":
        tune_postgresql(engine, busy_seconds, BUSY_SECONDS)
    return engine


def is_in_memory(url: sa.URL | str) -> bool:
    """Return whether no other process can see this database.  It ends with its own process."""
    url = sa.make_url(url)
    file = url.database or ""
    in_memory = file == "" or ":memory:" in file or url.query.get("mode") == "memory"
    return url.get_backend_name() == "sqlite" and in_memory


def _tune_sqlite(engine: sa.Engine) -> None:
    """Write-ahead log, and a lock for what writes.

    In WAL mode readers and one writer do not wait for each other, and with synchronous NORMAL a
    save was measured to be six times faster than with SQLite's defaults.  What only reads is in no
    transaction.  For what writes, see `begin_immediate`.
    """
    file, opened = engine.url.database or "", set[bool]()

    @sa.event.listens_for(engine, "do_connect")
    def before_connect(*_: object) -> None:
        if not opened:
            _make_private(file)
        elif _is_file(file) and not os.path.exists(file):  # a new one would be empty, and hide it
            raise engine.dialect.loaded_dbapi.OperationalError("unable to open database file")

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        opened.add(True)
        connection.isolation_level = "IMMEDIATE"  # for a change that comes without a BEGIN
        connection.execute("PRAGMA secure_delete=ON").close()  # what is overwritten is gone
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            connection.execute("PRAGMA synchronous=NORMAL").close()
        except engine.dialect.loaded_dbapi.OperationalError:
            pass  # a database that is read-only or busy at this moment can still be read


def begin_immediate(connection: sa.Connection) -> None:
    """Begin a transaction that will write, in SQLite, and wait for its lock.

    Taken later, in the middle of the transaction, the lock could be refused.  The driver is told
    and not SQLAlchemy, whose event for this would make every statement slower.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE").close()


def _make_private(file: str) -> None:
    """SQLite would make the file readable for all; the log beside it gets the file's own mode."""
    if _is_file(file):
        with suppress(OSError):  # it is there already, or cannot be made, as SQLite will say
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _is_file(database: str) -> bool:
    return database not in ("", ":memory:") and not database.startswith("file:")


# ---- what its errors mean ----------------------------------------------------------------------


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the database driver's errors into ours, which a person can read."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        plain = _in_plain_words(error)
        plain.add_note(f"The database said: {_without_values(error)}")
        raise plain from None  # the other traceback is some hundred lines long and says no more


def _without_values(error: Exception) -> str:
    """The first line of what the driver said; what else the error holds of the row is dropped.

    Below that line PostgreSQL may quote the whole row, and so a token.
    """
    said = ""
    for one in (error, getattr(error, "orig", None)):
        if one is not None:
            said = str(one.args[0] if one.args else type(one).__name__).partition("\n")[0]
            one.args = (said, *one.args[1:])
    if isinstance(error, StatementError):
        error.params = None
    return said


def _in_plain_words(error: Exception) -> StorageError:
    driver = getattr(error, "orig", None) or error
    # PostgreSQL gives a code, which is the same in every language; SQLite has only words.
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    text = str(getattr(driver, "sqlstate", None) or driver).lower()

    def says(*words: str) -> bool:
        return any(word in text for word in words)

    no_code = getattr(driver, "sqlstate", "") is None  # it never came as far as the server
    if (no_code and isinstance(error, OperationalError | InterfaceError)) or says("57p"):
        return StorageError(
            "The database does not answer.",
            advice="The owner of this bot must check that its server runs, and that the address, "
            "the name and the password for it are right.",
        )
    if says("readonly", "read-only", "25006", "42501"):
        return DatabaseReadOnly("The database cannot be written.")
    if says("locked", "busy", "55p03", "40p01", "57014", "queuepool limit"):
        return DatabaseBusy(BUSY)
    if says("unable to open"):
        return StorageError(
            "The database file cannot be opened.",
            advice="The owner of this bot must make its folder, bring the file back, or name "
            "another one.",
        )
    if says("not a database", "malformed"):
        return StorageError(
            "The database file is no database, or it is damaged.",
            advice="The owner of this bot must name another file, or bring a good copy back.",
        )
    if says("is full", "disk i/o", "53100", "58030"):
        return DatabaseFull(FULL)
    if says("no such table", "no such column", "42p01", "42703"):
        return StorageError(
            "The database does not have the tables yet, or not all of their columns.",
            advice="The owner of this bot must set up the database: "
            "python -m botkit setup-database",
        )
    return StorageError("The database did not do what was asked.")
