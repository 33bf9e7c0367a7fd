"""The database under the tables: how it is opened, read and written, and how its tables are made.

`Database` gives out transactions; `botkit.storage` says what happens in them.  `set_up` is safe to
run at every start: on an empty database, on one of ours, and on one that the original framework
made.  It says in plain sentences what it changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateColumn, CreateIndex

from botkit.errors import DatabaseBusy, DatabaseReadOnly, StorageError
from botkit.tables import Service, Table

WRITE = {"botkit_write": True}  # an execution option: this transaction will write
BUSY_SECONDS = 5.0
LONG_AGO = datetime.min.replace(tzinfo=UTC)


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
            session.execute(sa.select(Service.id).limit(1))

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

    `busy_seconds`: how long a writer waits for another one (SQLite).
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
        engine = sa.create_engine(parsed, **options)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise StorageError(
            "The address of the database cannot be used.",
            advice="Write it like sqlite:///botkit.sqlite or postgresql+psycopg://user@host/name, "
            "and install the driver that it names.",
        ) from None  # the error may repeat a part of the URL, and so of a password
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
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


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the database driver's errors into ours, which a person can read."""
    try:
        yield
    except SQLAlchemyError as error:
        text = str(getattr(error, "orig", error)).lower()
        if "readonly" in text or "read-only" in text:
            raise DatabaseReadOnly("The database cannot be written.") from error
        if "locked" in text or "busy" in text:
            raise DatabaseBusy("The database is busy with somebody else's work.") from error
        if "unable to open" in text:
            raise StorageError(
                "The database file cannot be opened.",
                advice="Whoever runs this bot must make its folder, or name another file.",
            ) from error
        if "no such table" in text or "undefinedtable" in text or "does not exist" in text:
            raise StorageError(
                "The database does not have the tables yet.",
                advice="Whoever runs this bot must set up the database.",
            ) from error
        raise StorageError("The database did not do what was asked.") from error


def set_up(connection: sa.Connection) -> list[str]:
    """Make or complete the tables; return a sentence for each change.

    Tables and columns that are not ours are left alone.  Rows that have no owner, as the original
    framework wrote them, become rows that the chat shares; of several for one owner the newest
    stays.
    """
    done = _add_what_is_missing(connection)
    done += _name_the_owner(connection)
    done += _merge_duplicates(connection)
    return done + _add_indexes(connection)


def _add_what_is_missing(connection: sa.Connection) -> list[str]:
    done = []
    inspector = sa.inspect(connection)
    for table in Table.metadata.sorted_tables:
        if not inspector.has_table(table.name):
            table.create(connection)
            done.append(f"Made the table {table.name}.")
            continue
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                _add_column(connection, table, column)
                done.append(f"Added the column {table.name}.{column.name}.")
    return done


def _add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> None:
    # Without NOT NULL, for the rows that are there already have no value for it.
    loose: sa.Column[Any] = sa.Column(column.name, column.type)
    spec = CreateColumn(loose).compile(dialect=connection.dialect)
    name = connection.dialect.identifier_preparer.format_table(table)
    connection.execute(sa.text(f"ALTER TABLE {name} ADD COLUMN {spec}"))


def _name_the_owner(connection: sa.Connection) -> list[str]:
    """To a unique index two NULLs differ: with NULL as owner, one owner could have many rows."""
    result = connection.execute(
        sa.update(Service).where(Service.user_id.is_(None)).values(user_id="")
    )
    if not result.rowcount:
        return []
    return [f"Marked {_rows(result.rowcount)} without an owner as shared by the chat."]


def _merge_duplicates(connection: sa.Connection) -> list[str]:
    by_owner: dict[Any, list[Any]] = defaultdict(list)
    for row_id, written, *owner in connection.execute(_duplicated_rows()):
        by_owner[tuple(owner)].append((written or LONG_AGO, row_id))
    spare = [row_id for rows in by_owner.values() for _, row_id in sorted(rows)[:-1]]
    for row_id in spare:
        connection.execute(sa.delete(Service).where(Service.id == row_id))
    if not spare:
        return []
    return [f"Kept the newest of several rows for one owner and deleted {_rows(len(spare))}."]


def _duplicated_rows() -> sa.Select[*tuple[Any, ...]]:
    table = Service.__table__
    owner = [table.c[name] for name in ("name", "botId", "groupId", "userId")]
    twice = sa.select(*owner).group_by(*owner).having(sa.func.count() > 1).subquery()
    same = [column == twice.c[column.name] for column in owner]
    return sa.select(table.c.id, table.c.updatedAt, *owner).join(twice, sa.and_(*same))


def _add_indexes(connection: sa.Connection) -> list[str]:
    done = []
    inspector = sa.inspect(connection)
    for table in Table.metadata.sorted_tables:
        there = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in there:
                connection.execute(CreateIndex(index))
                done.append(f"Added the index {index.name}.")
    return done


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
