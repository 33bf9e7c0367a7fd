"""The database under the tables: how it is opened, read and written.

`Database` gives out transactions; `botkit.storage` says what happens in them.  How the tables are
made is in botkit/storage/setup.py, how secrets are sealed in botkit/storage/seal.py, and what
errors mean in botkit/storage/database.py.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from botkit.errors import DatabaseBusy, DatabaseReadOnly, StorageError
from botkit.storage.seal import (
    Seal,
    SealingSession,
    all_rows,
    engine_options,
    prove_key,
    seal_again,
)
from botkit.storage.setup import set_up
from botkit.storage.tables import Bot

WRITE = {"botkit_write": True}  # an execution option: this transaction will write
BUSY_SECONDS = 5.0


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
        self._engine = connect(url, busy_seconds=busy_seconds, seal=self.seal)
        self._writing_engine = self._engine.execution_options(**WRITE)

    def set_up(self) -> list[str]:
        """Make or complete the tables; return a sentence for each change."""
        with self._transaction() as session:
            done = set_up(session.connection())
            if self.seal.has_key:  # without one this is still possible: it reads no secret
                prove_key(session.connection(), self.seal)
            return done

    def reseal(self) -> Iterator[str]:
        """Seal all rows with the newest key; yields each one's table, when the row is done.

        Every row has a transaction of its own.  Whoever stops in between loses nothing, and may
        begin again: each row can be opened with one of the keys at any moment.
        """
        with self._reading() as session:
            rows = all_rows(session)
        for table, key in rows:
            began = time.monotonic()
            with self._writing() as session:
                done = seal_again(session, self.seal, table, key)
            time.sleep(time.monotonic() - began)  # a bot that serves wants to write, too
            if done:
                yield table.__tablename__
        self._forget_old_pages()

    def _forget_old_pages(self) -> None:
        """SQLite's log may still have rows as they were before."""
        if self._engine.dialect.name == "sqlite":
            with clear_errors(), self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def check(self) -> None:
        """Raise `StorageError` unless the database can be read and written, and the key fits."""
        with self._reading() as session:
            prove_key(session.connection(), self.seal)
        with self._transaction() as session:  # nobody sees this row, but it has to be written
            row = Bot(id=secrets.token_hex(16), created_at=utc_now(), updated_at=utc_now())
            session.add(row)
            session.flush()
            session.delete(row)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with clear_errors(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """One transaction: all that happens in it is kept, or, after an error, nothing."""
        if not self._key_fits:  # else there would soon be rows of two keys
            with self._reading() as session:
                prove_key(session.connection(), self.seal)
            self._key_fits = True
        with self._transaction() as session:
            yield session

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with (
            clear_errors(),
            SealingSession(self._writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def __repr__(self) -> str:  # without the URL, which may hold a password
        return f"<{type(self).__name__} on {self._engine.dialect.name}>"


def connect(url: str, *, busy_seconds: float = BUSY_SECONDS, seal: Seal | None = None) -> sa.Engine:
    """An engine for any SQLAlchemy URL.

    `busy_seconds`: how long a writer waits for another one.  `seal`: what JSON columns go through.
    Raises `StorageError` when the URL cannot be understood.
    """
    try:
        parsed = sa.make_url(url)
        options: dict[str, Any] = {"hide_parameters": True}  # errors would show tokens
        options |= engine_options(seal or Seal())
        if parsed.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": busy_seconds, "check_same_thread": False}
            if parsed.database in (None, "", ":memory:"):
                # A database in memory belongs to its connection: all threads must share the one.
                options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        else:
            options["pool_pre_ping"] = True  # a server may have hung up since the last time
            if "@" in f"{parsed.host}{parsed.database}":
                raise ValueError("that would be the end of a password, and errors would show it")
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
        _tune_postgresql(engine, busy_seconds)
    return engine


def _tune_sqlite(engine: sa.Engine) -> None:
    """Write-ahead log, and transactions that begin when we say so.

    In WAL mode readers and one writer do not wait for each other, and with synchronous NORMAL a
    save was measured to be six times faster than with SQLite's defaults.  A transaction that will
    write takes its lock at once (BEGIN IMMEDIATE): taken later it could fail in the middle.
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
        connection.isolation_level = None  # the driver must not begin transactions of its own
        connection.execute("PRAGMA secure_delete=ON").close()  # what is overwritten is gone
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            connection.execute("PRAGMA synchronous=NORMAL").close()
        except engine.dialect.loaded_dbapi.OperationalError:
            pass  # a database that is read-only or busy at this moment can still be read

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("botkit_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_private(file: str) -> None:
    """SQLite would make the file readable for all; the log beside it gets the file's own mode."""
    if _is_file(file):
        with suppress(OSError):  # it is there already, or cannot be made, as SQLite will say
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _is_file(database: str) -> bool:
    return database not in ("", ":memory:") and not database.startswith("file:")


def _tune_postgresql(engine: sa.Engine, busy_seconds: float) -> None:
    """Here a writer waits for the rows of another one, and without a limit would wait for ever."""

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("botkit_write"):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {busy_seconds * 1000:.0f}")


# ---- what its errors mean ----------------------------------------------------------------------


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the database driver's errors into ours, which a person can read."""
    try:
        yield
    except SQLAlchemyError as error:
        plain = _in_plain_words(error)
        plain.add_note(f"The database said: {_without_values(error)}")
        raise plain from None  # the other traceback is some hundred lines long and says no more


def _without_values(error: SQLAlchemyError) -> str:
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


def _in_plain_words(error: SQLAlchemyError) -> StorageError:
    driver = getattr(error, "orig", None) or error
    # PostgreSQL gives a code, which is the same in every language; SQLite has only words.
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    text = str(getattr(driver, "sqlstate", None) or driver).lower()

    def says(*words: str) -> bool:
        return any(word in text for word in words)

    if getattr(driver, "sqlstate", "") is None or says("57p"):
        return StorageError(
            "The database does not answer.",
            advice="The owner of this bot must check that its server runs, and that the address, "
            "the name and the password for it are right.",
        )
    if says("readonly", "read-only", "25006", "42501"):
        return DatabaseReadOnly("The database cannot be written.")
    if says("locked", "busy", "55p03", "40p01", "queuepool limit"):
        return DatabaseBusy("The database is busy with somebody else's work.")
    if says("unable to open"):
        return StorageError(
            "The database file cannot be opened.",
            advice="The owner of this bot must make its folder, bring the file back, or name "
            "another one.",
        )
    if says("is full", "disk i/o", "53100", "58030"):
        return StorageError(
            "The database could not be written to its disk.",
            advice="The owner of this bot must see whether the disk is full. Then try again.",
        )
    if says("no such table", "42p01"):
        return StorageError(
            "The database does not have the tables yet.",
            advice="The owner of this bot must set up the database.",
        )
    return StorageError("The database did not do what was asked.")
