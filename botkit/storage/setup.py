"""Make the tables, or complete the ones that are there.

`make_tables` is for an empty database, `complete_tables` for one of ours and for one that the
original framework made.  Both say in plain sentences what they changed, and both are safe at every
start, in many processes at once: after `let_only_one` there is only one of them.
On a database that is complete already, `complete_tables` looks at the indexes, however many rows
there are.

Not here: what is done with the secrets in rows of older versions (`Database.set_up`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable, ExecutableDDLElement

from botkit.storage.tables import metadata, seals, services, waiting

LONG_AGO = datetime.min.replace(tzinfo=UTC)
ONE_AT_A_TIME = 0x626F746B6974  # any number will do, as long as all processes know it: "botkit"
PIECE = 500  # rows in one transaction: others want to write too


def let_only_one(connection: sa.Connection) -> None:
    """Let others that set up this database wait until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        # Two that make one table at once would fail.  SQLite lets only one write anyway.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))


def is_empty(connection: sa.Connection) -> bool:
    """Return whether the database has no tables at all."""
    return not sa.inspect(connection).get_table_names()


def make_tables(connection: sa.Connection) -> list[str]:
    """Make all tables and indexes in an empty database; return a sentence for each table.

    `complete_tables` could do it, but it looks for each table, column and index first.
    """
    for statement in _statements(connection.dialect):
        connection.exec_driver_sql(statement)
    return [_made(table) for table in metadata.sorted_tables]


@lru_cache(maxsize=1)
def _statements(dialect: sa.Dialect) -> list[str]:
    made: list[ExecutableDDLElement] = []
    for table in (*metadata.sorted_tables, seals, *waiting.sorted_tables):
        made += CreateTable(table), *map(CreateIndex, sorted(table.indexes, key=str))
    return [str(one.compile(dialect=dialect)) for one in made]


def complete_tables(connection: sa.Connection) -> list[str]:
    """Complete the tables that are there, and make the others; return a sentence for each change.

    Tables and columns that are not ours are left alone.  Rows that have no owner, as the original
    framework wrote them, become rows that the chat shares; of several for one owner the newest
    stays.
    """
    done = _add_what_is_missing(connection)
    done += _merge_duplicates(connection)
    done += _name_the_owner(connection)
    return done + _add_indexes(connection)


def _add_what_is_missing(connection: sa.Connection) -> list[str]:
    done = []
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            table.create(connection)
            done.append(_made(table))
            continue
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                _add_column(connection, table, column)
                done.append(f"Added the column {table.name}.{column.name}.")
    if not inspector.has_table(seals.name):
        seals.create(connection)
    waiting.create_all(connection)  # nobody outside of botkit reads these, so no sentence either
    return done


def _made(table: sa.Table) -> str:
    return f"Made the table {table.name}."


def _add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> None:
    # Without NOT NULL, for the rows that are there already have no value for it.
    loose: sa.Column[Any] = sa.Column(column.name, column.type)
    spec = CreateColumn(loose).compile(dialect=connection.dialect)
    name = connection.dialect.identifier_preparer.format_table(table)
    connection.execute(sa.text(f"ALTER TABLE {name} ADD COLUMN {spec}"))


# ---- rows without an owner, and several rows for one owner --------------------------------------

OWNER = (services.c.name, services.c.bot_id, services.c.group_id)
NOBODY = services.c.user_id.is_(None)  # as the original framework writes it
# Rows that botkit has written have a grant, or "".  So an index leads to those of other programs.
FOREIGN = services.c.grant.is_(None)


def _merge_duplicates(connection: sa.Connection) -> list[str]:
    by_owner: dict[Any, list[Any]] = {}
    for row_id, written, *owner in connection.execute(_duplicated_rows(connection)):
        by_owner.setdefault(tuple(owner), []).append((written or LONG_AGO, row_id))
    spare = [row_id for rows in by_owner.values() for _, row_id in sorted(rows)[:-1]]
    for start in range(0, len(spare), PIECE):
        some = spare[start : start + PIECE]
        connection.execute(sa.delete(services).where(services.c.id.in_(some)))
    if not spare:
        return []
    return [f"Kept the newest of several rows for one owner and deleted {_rows(len(spare))}."]


def _duplicated_rows(connection: sa.Connection) -> sa.Select[Any]:
    """Once there is the unique index, only rows without an owner can be double: see `FOREIGN`."""
    person = sa.func.coalesce(services.c.user_id, "").label("user_id")  # NULL is no owner, as ""
    owners = sa.select(*OWNER, person)
    twice = owners.group_by(*OWNER, person).having(sa.func.count() > 1).subquery()
    if "services_one_per_owner" in _indexes(connection, services):
        twice = owners.where(FOREIGN, NOBODY).distinct().subquery()
    same = [column == twice.c[column.key] for column in OWNER]
    same.append(sa.or_(services.c.user_id == twice.c.user_id, (twice.c.user_id == "") & NOBODY))
    return sa.select(services.c.id, services.c.updated_at, *OWNER, person).join(
        twice, sa.and_(*same)
    )


def _name_the_owner(connection: sa.Connection) -> list[str]:
    """To a unique index two NULLs differ: with NULL as owner, one owner could have many rows."""
    result = connection.execute(sa.update(services).where(FOREIGN, NOBODY).values(user_id=""))
    if not result.rowcount:
        return []
    return [f"Marked {_rows(result.rowcount)} without an owner as shared by the chat."]


def _add_indexes(connection: sa.Connection) -> list[str]:
    done = []
    for table in metadata.sorted_tables:
        there = _indexes(connection, table)
        for index in table.indexes:
            if index.name not in there:
                connection.execute(CreateIndex(index))
                done.append(f"Added the index {index.name}.")
    return sorted(done)


def _indexes(connection: sa.Connection, table: sa.Table) -> set[str | None]:
    return {index["name"] for index in sa.inspect(connection).get_indexes(table.name)}


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
