"""Store connections, bots and auth links in a database, encrypted.

Start with `store.py`: `Storage` finds, saves and deletes the rows; `tables.py` has the columns.
Lesson 02 builds the same table by hand.  Skip the other three at first: `database.py` opens the
database and says what its errors mean, `setup.py` creates and completes the tables, `seal.py`
encrypts.

Not here: what a connection is used for (`botkit.oauth`), and which key is used (`botkit.bot.keys`).
"""

from __future__ import annotations

from botkit.storage.database import clear_errors, connect, utc_now
from botkit.storage.owner import owner_of
from botkit.storage.seal import Seal, count_plain_rows, engine_options, new_key, prove_key
from botkit.storage.store import ANSWER_LIFE, CodeCheck, HeldAnswer, Storage, setup_database
from botkit.storage.tables import Authorization, Bot, Service, Table, read_moment

__all__ = [
    "ANSWER_LIFE",
    "Authorization",
    "Bot",
    "CodeCheck",
    "HeldAnswer",
    "Seal",
    "Service",
    "Storage",
    "Table",
    "clear_errors",
    "connect",
    "count_plain_rows",
    "engine_options",
    "new_key",
    "owner_of",
    "prove_key",
    "read_moment",
    "setup_database",
    "utc_now",
]
