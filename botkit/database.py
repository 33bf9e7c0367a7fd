"""The database under the tables: how it is opened, read and written, and what its errors mean.

`Database` gives out transactions; `botkit.storage` says what happens in them.  How the tables are
made is in botkit/setup_tables.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from botkit.errors import DatabaseBusy, DatabaseReadOnly, StorageError
from botkit.setup_tables import set_up
from botkit.tables import Table

WRITE = {"botkit_write": True}  # an execution option: this transaction will write
BUSY_SECONDS = 5.0


def utc_now() -> datetime:
    """The clock, where nobody injects another one."""
    return datetime.now(UTC)


class Database:
    """The database at `url`, an SQLAlchemy URL.  `busy_seconds`: see `connect`.

    Every method may raise `StorageError`.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._engine = connect(url, busy_seconds=busy_seconds)
        self._writing_engine = self._engine.execution_options(**WRITE)

    def set_up(self) -> list[str]:
        """Make or complete the tables; return a sentence for each change."""
        with self._writing() as session:
            return set_up(session.connection())

    def check(self) -> None:
        """Raise `StorageError` unless the database answers and has our tables."""
        with self._reading() as session:
            for table in Table.metadata.sorted_tables:
                session.execute(sa.select(sa.literal(1)).select_from(table).limit(1))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with clear_errors(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """One transaction: all that happens in it is kept, or, after an error, nothing."""
        with (
            clear_errors(),
            Session(self._writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def __repr__(self) -> str:  # without the URL, which may hold a password
        return f"<{type(self).__name__} on {self._engine.dialect.name}>"


def connect(url: str, *, busy_seconds: float = BUSY_SECONDS) -> sa.Engine:
    """An engine for any SQLAlchemy URL.

    `busy_seconds`: how long a writer waits for another one.
    Raises `StorageError` when the URL cannot be understood.
    """
    try:
        parsed = sa.make_url(url)
        options: dict[str, Any] = {"hide_parameters": True}  # errors would show tokens
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

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            connection.execute("PRAGMA synchronous=NORMAL").close()
        except engine.dialect.loaded_dbapi.OperationalError:
            pass  # a database that is read-only or busy at this moment can still be read

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("botkit_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _tune_postgresql(engine: sa.Engine, busy_seconds: float) -> None:
    """Here a writer waits for the rows of another one, and without a limit would wait for ever."""

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("botkit_write"):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {busy_seconds * 1000:.0f}")


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the database driver's errors into ours, which a person can read."""
    try:
        yield
    except SQLAlchemyError as error:
        _keep_the_first_line(error)
        raise _in_plain_words(error) from error


def _keep_the_first_line(error: SQLAlchemyError) -> None:
    """Below it PostgreSQL may quote the whole row, and so a token."""
    for one in (error, getattr(error, "orig", None)):
        if one is not None and one.args:
            one.args = (str(one.args[0]).partition("\n")[0], *one.args[1:])


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
            advice="Whoever runs this bot must check that its server runs, and that the address, "
            "the name and the password for it are right.",
        )
    if says("readonly", "read-only", "25006", "42501"):
        return DatabaseReadOnly("The database cannot be written.")
    if says("locked", "busy", "55p03", "40p01", "queuepool limit"):
        return DatabaseBusy("The database is busy with somebody else's work.")
    if says("unable to open"):
        return StorageError(
            "The database file cannot be opened.",
            advice="Whoever runs this bot must make its folder, or name another file.",
        )
    if says("no such table", "42p01"):
        return StorageError(
            "The database does not have the tables yet.",
            advice="Whoever runs this bot must set up the database.",
        )
    return StorageError("The database did not do what was asked.")
