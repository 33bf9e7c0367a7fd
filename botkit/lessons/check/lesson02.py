"""Check the exercise of lesson 02: one row for each owner."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from botkit.lessons.check.verdict import NotYet, verdict, want

_SERVICES = """
CREATE TABLE services (id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT, botId TEXT, groupId TEXT, userId TEXT, data TEXT);
CREATE UNIQUE INDEX one_per_owner ON services (name, botId, groupId, userId);
"""
_OWN_CONNECTION = "your function sent nothing through `connection`. Use the one that it is given."
_ALICE = ("GitHub", "bot", "chat", "alice")


@verdict
def save_service(save: Callable[..., Any]) -> str:
    """Check that one statement saves one row for each owner.

    It is `save(connection, name, bot_id, group_id, user_id, data)`.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SERVICES)
        _saves_twice(save, connection)
        _saves_for_others(save, connection)
        _saves_quotes(save, connection)
    return "One owner, one row, and the newest data in it, in one statement."


def _saved(
    save: Callable[..., Any], connection: sqlite3.Connection, *row: str
) -> list[tuple[Any, ...]]:
    """Save `row`; return all rows of the table without their ids."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    try:
        save(connection, *row)
    except sqlite3.ProgrammingError as error:
        if "thread" not in str(error):
            raise
        raise NotYet(_OWN_CONNECTION) from error  # one that the notebook has made
    finally:
        connection.set_trace_callback(None)
    count = sum(not statement.startswith(("BEGIN", "COMMIT")) for statement in statements)
    want(count > 0, _OWN_CONNECTION)
    want(
        count == 1,
        f"your function sent {count} statements to save one row. Between two statements another "
        "callback can do its work. Let one statement do everything.",
    )
    return connection.execute("SELECT name, botId, groupId, userId, data FROM services").fetchall()


def _saves_twice(save: Callable[..., Any], connection: sqlite3.Connection) -> None:
    rows = _saved(save, connection, *_ALICE, "Monday")
    want(
        rows == [(*_ALICE, "Monday")], f"{(*_ALICE, 'Monday')} was saved, and the table has {rows}."
    )
    before = connection.execute("SELECT id FROM services").fetchall()
    try:
        rows = _saved(save, connection, *_ALICE, "Tuesday")
    except sqlite3.IntegrityError:
        want(False, "the second row for one owner was refused. Say ON CONFLICT what to do then.")
    want(
        rows == [(*_ALICE, "Tuesday")],
        f"Alice was saved on Monday and on Tuesday, and the table has {rows}. Tuesday's data must "
        "win: Monday's token may no longer work.",
    )
    after = connection.execute("SELECT id FROM services").fetchall()
    want(
        after == before,
        "the row has a new id. REPLACE deletes the old row, and with it every column that your "
        "statement does not name. Use ON CONFLICT ... DO UPDATE.",
    )


def _saves_for_others(save: Callable[..., Any], connection: sqlite3.Connection) -> None:
    for place, value in enumerate(("GoogleDrive", "bot 2", "chat 2", "bob", "")):
        owner = list(_ALICE)
        owner[min(place, 3)] = value
        for day in ("Monday", "Tuesday"):
            rows = _saved(save, connection, *owner, day)
        want(
            all(row[3] is not None for row in rows),
            "the owner '' became NULL. To the unique index two NULLs differ: it would let a second "
            "row in.",
        )
        mine = [row for row in rows if row[:4] == tuple(owner)]
        want(
            mine == [(*owner, "Tuesday")] and len(rows) == place + 2,
            f"{tuple(owner)} is an owner too, and after two saves has {len(mine)} rows of "
            f"{len(rows)} in the table. One row was wanted, and the others left alone.",
        )
        want((*_ALICE, "Tuesday") in rows, f"saving for {tuple(owner)} changed the row of Alice.")


def _saves_quotes(save: Callable[..., Any], connection: sqlite3.Connection) -> None:
    stranger = "alice', 'stolen') --"
    for user_id, data in (("o'brien", "It's Tuesday"), (stranger, "Tuesday")):
        row = (*_ALICE[:3], user_id, data)
        try:
            rows = _saved(save, connection, *row)
        except sqlite3.Error:
            rows = []
        want(
            row in rows and (*_ALICE, "Tuesday") in rows,
            f"with {user_id!r} as the person your statement broke. Text was read as SQL, so "
            "somebody with a made-up name could write into the row of another. Put a ? for each "
            "value into the statement, and give the values as a second argument, in a tuple.",
        )
