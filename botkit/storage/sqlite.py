"""Let every SQLite database of a process use the same compiled statements.

Skip this file at first: it makes no difference to what is stored.  Start with `share_compiled`.
Not here: how a SQLite database is opened (database.py).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class SharedDialect(SQLiteDialect_pysqlite):
    """SQLite, as each of its databases speaks it: any two dialects of this class are equal.

    SQLAlchemy makes the text of a statement once for each dialect, and each engine has one of its
    own.  With a kit for each test, making the texts again was a fifth of a kit's whole time.
    """

    driver = "botkit"
    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.botkit", __name__, SharedDialect.__name__)
compiled: dict[Any, Any] = {}  # one for each statement that botkit has


def share_compiled(url: sa.URL) -> tuple[sa.URL, dict[str, Any]]:
    """Return the URL with the dialect above, and the options for its engine.

    Source: SQLAlchemy, "SQL Compilation Caching", and "Registering New Dialects".
    """
    return url.set(drivername="sqlite+botkit"), {"execution_options": {"compiled_cache": compiled}}
