"""Execute the statements that are built once, in SQLite with little work around them.

SQLAlchemy writes each statement as SQL, for SQLite and for PostgreSQL.  For a small one SQLite
itself needs 7 microseconds, and SQLAlchemy needs 60 around it: for a cursor, types and a result
that can do anything.  A message needs fifteen of them.  So in SQLite the text is kept, and given to
the driver.  In PostgreSQL, where the time goes to the server and back, SQLAlchemy executes it.

Skip this file at first: it makes no difference to what is asked.  Start with `run`.
Not here: the statements (store.py and messages.py), and what errors mean (database.py).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from botkit.storage.sqlite import SharedDialect


class Answer:
    """What came back: the `rows`, and how many rows were changed, if the statement changes some.

    A row has its values by name, such as `row.lane`.
    """

    def __init__(self, rows: Sequence[Any], count: int) -> None:
        self.rows = rows
        self.count = count

    def first(self) -> Any:
        """The first row, or None."""
        return self.rows[0] if self.rows else None

    def value(self) -> Any:
        """The first value of the first row, or None."""
        return self.rows[0][0] if self.rows else None


def run(
    connection: sa.Connection, statement: sa.Executable, values: Mapping[str, Any] | None = None
) -> Answer:
    """Execute a statement that is built once, with `values` by name.

    One that is built for each call would be kept forever, so give it to `connection` itself.
    """
    values = values or {}
    text = _text(connection, statement, values)
    if text is None:
        result = connection.execute(statement, values)
        return Answer(result.all() if result.returns_rows else (), result.rowcount)
    driver: Any = connection.connection.driver_connection
    return text.run(driver, values)


def run_each(
    connection: sa.Connection, statement: sa.Executable, several: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Execute a statement once for each of `several` values; return all rows that came back."""
    if several and _text(connection, statement, several[0]) is not None:
        return [row for values in several for row in run(connection, statement, values).rows]
    result = connection.execute(statement, several)
    return list(result.all()) if result.returns_rows else []


# ---- texts that are kept -----------------------------------------------------------------------

_NAMED = SharedDialect(paramstyle="named")  # in SQLite values can be given by name
_texts: dict[tuple[sa.Executable, tuple[str, ...]], _Text | None] = {}


def _text(
    connection: sa.Connection, statement: sa.Executable, values: Mapping[str, Any]
) -> _Text | None:
    """The statement for SQLite's driver, or None if SQLAlchemy has to execute it."""
    if not isinstance(connection.dialect, SharedDialect):
        return None
    key = statement, tuple(values)  # INSERT and UPDATE name those columns that have a value
    try:
        return _texts[key]
    except KeyError:
        return _texts.setdefault(key, _make_text(statement, list(values)))


def _make_text(statement: Any, names: list[str]) -> _Text | None:
    compiled = statement.compile(dialect=_NAMED, column_keys=names)
    # A list of values needs a text for each length.
    return None if compiled.post_compile_params else _Text(compiled, statement.exported_columns)


class _Text:
    """SQL as the driver takes it, with what has to be done to values and rows."""

    def __init__(self, compiled: Any, columns: Any) -> None:
        self._sql = str(compiled)
        self._constants = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required
        }
        self._write = _by_type(compiled.binds.values(), "bind_processor")
        names = [str(column.key) for column in columns]
        self._row = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        read = _by_type(columns, "result_processor", None)
        self._read = [(n, read[one.key]) for n, one in enumerate(columns) if one.key in read]

    def run(self, driver: Any, values: Mapping[str, Any]) -> Answer:
        given = {**self._constants, **values}
        for name, write in self._write.items():
            given[name] = write(given[name])
        cursor = driver.execute(self._sql, given)
        rows = cursor.fetchall()
        count: int = cursor.rowcount
        cursor.close()
        return Answer([self._row(*self._opened(row)) for row in rows], count)

    def _opened(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self._read:
            return row
        values = list(row)
        for place, read in self._read:
            values[place] = read(values[place])
        return values


def _by_type(named: Any, processor: str, *more: Any) -> dict[str, Callable[[Any], Any]]:
    """By its name, what the type of a value does to it, where that is anything."""
    found = {}
    for one in named:
        if do := getattr(one.type.dialect_impl(_NAMED), processor)(_NAMED, *more):
            found[one.key] = do
    return found
