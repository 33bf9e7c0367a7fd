"""Store connections, bots and auth links in a database, encrypted.

Start with `store.py`: `Storage` finds, saves and deletes the rows; `tables.py` has the columns.
Lesson 02 builds the same table by hand.  `messages.py` has the inbox and the outbox: the messages
that wait for their answer, and the replies.  `turn.py` is about the message that is being answered.
Skip the other three at first: `database.py` opens the
database and says what its errors mean, `setup.py` creates and completes the tables, `seal.py`
encrypts.

Not here: what a connection is used for (`botkit.oauth`), and which key is used (`botkit.bot.keys`).
"""

from __future__ import annotations

from botkit.storage.database import clear_errors, connect, is_in_memory, utc_now
from botkit.storage.messages import (
    LEASE,
    MOST_PER_BOT,
    Claimed,
    ClaimLost,
    Job,
    Messages,
    Waiting,
    do_job,
    reply_job,
)
from botkit.storage.owner import BOUND_BY, Asked, owner_of, person_of
from botkit.storage.seal import Seal, count_plain_rows, new_key, open_row, prove_key
from botkit.storage.store import (
    ANSWER_LIFE,
    COUNTED,
    CodeCheck,
    HeldAnswer,
    Storage,
    setup_database,
)
from botkit.storage.tables import (
    Authorization,
    Bot,
    Service,
    authorizations,
    bots,
    columns_of,
    metadata,
    read_moment,
    services,
)
from botkit.storage.turn import Turn, current_turn, gathering, in_turn

__all__ = [
    "ANSWER_LIFE",
    "BOUND_BY",
    "COUNTED",
    "LEASE",
    "MOST_PER_BOT",
    "Asked",
    "Authorization",
    "Bot",
    "ClaimLost",
    "Claimed",
    "CodeCheck",
    "HeldAnswer",
    "Job",
    "Messages",
    "Seal",
    "Service",
    "Storage",
    "Turn",
    "Waiting",
    "authorizations",
    "bots",
    "clear_errors",
    "columns_of",
    "connect",
    "count_plain_rows",
    "current_turn",
    "do_job",
    "gathering",
    "in_turn",
    "is_in_memory",
    "metadata",
    "new_key",
    "open_row",
    "owner_of",
    "person_of",
    "prove_key",
    "read_moment",
    "reply_job",
    "services",
    "setup_database",
    "utc_now",
]
