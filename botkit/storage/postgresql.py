"""Let nothing wait for long for a PostgreSQL server: its locks, its statements, its silence.

Skip this file at first: it makes no difference to what is stored.  Start with `tune_postgresql`.
Not here: what SQLite wants, and what the errors mean (database.py).
"""

from __future__ import annotations

import time
from functools import cache
from math import inf
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import InvalidatePoolError

SILENT_SECONDS = 6.0  # of a server; its own limit for a statement comes first
PING_SECONDS = 2.0  # of a server that is asked whether it is still there


def tune_postgresql(engine: sa.Engine, busy_seconds: float, statement_seconds: float) -> None:
    """Let nothing wait for long: not for a lock, a slow statement, or a server that hangs.

    The server ends a statement after `statement_seconds`, and lets one wait `busy_seconds` for a
    lock.  If the server itself says nothing for longer, we hang up: see `_limited`.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET statement_timeout = {statement_seconds * 1000:.0f}")
        if busy_seconds < statement_seconds:
            cursor.execute(f"SET lock_timeout = {busy_seconds * 1000:.0f}")
        cursor.close()
        connection.commit()  # or it would be undone
        if engine.driver == "psycopg":
            connection.autocommit = True  # the driver begins no transactions: `on_checkout` does

    if engine.driver != "psycopg":
        return

    @sa.event.listens_for(engine, "do_connect")
    def before_connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        return _limited().connect(*arguments, **options)

    @sa.event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        """Begin a transaction, which also shows whether the server is there.

        If it has hung up since the last time, the pool connects again.  Another question for that,
        before each transaction, would take time.
        """
        connection.silent_seconds = PING_SECONDS
        try:
            connection.execute("BEGIN", prepare=False)
        except connection.Error:
            raise InvalidatePoolError("the server has hung up") from None
        connection.silent_seconds = SILENT_SECONDS


def lift_limits(connection: sa.Connection) -> None:
    """Let a transaction take as long as it needs."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    driver: Any = connection.connection.driver_connection
    driver.silent_seconds = inf


@cache
def _limited() -> Any:
    """Return a class of psycopg connections that hang up on a server that says nothing.

    psycopg itself would wait without an end.  No timeout of TCP helps while the server's computer
    answers and the server does not.
    """
    from psycopg import Connection, OperationalError

    class Limited(Connection[Any]):
        silent_seconds = SILENT_SECONDS

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            return super().wait(self._with_an_end(gen), *arguments, **options)

        def _with_an_end(self, steps: Any) -> Any:
            """Pass on what psycopg waits for; it asks every tenth of a second."""
            heard, ready = time.monotonic(), None
            while True:
                try:
                    wanted = steps.send(ready)
                except StopIteration as done:
                    return done.value
                ready = yield wanted
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.silent_seconds:
                    self.pgconn.finish()
                    raise OperationalError("the server did not answer in time")

    return Limited
