"""How the tables are made, or completed.

`set_up` is safe to run at every start, in many processes at once: on an empty database, on one of
ours, and on one that the original framework made.  It says in plain sentences what it changed.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex

from botkit.storage.tables import Service, Table

LONG_AGO = datetime.min.replace(tzinfo=UTC)
ONE_AT_A_TIME = 0x626F746B6974  # any number will do, as long as all processes know it: "botkit"


def set_up(connection: sa.Connection) -> list[str]:
    """Make or complete the tables; return a sentence for each change.

    Tables and columns that are not ours are left alone.  Rows that have no owner, as the original
    framework wrote them, become rows that the chat shares; of several for one owner the newest
    stays.
    """
    if connection.dialect.name == "postgresql":
        # Two that make one table at once would fail.  SQLite lets only one write anyway.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    done = _add_what_is_missing(connection)
    done += _merge_duplicates(connection)
    done += _name_the_owner(connection)
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
    owner = [table.c[name] for name in ("name", "botId", "groupId")]
    owner.append(sa.func.coalesce(table.c.userId, "").label("userId"))  # NULL is no owner, as ""
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
