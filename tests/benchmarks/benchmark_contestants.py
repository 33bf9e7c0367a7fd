"""Who runs in the benchmark: a contestant, botkit, and raw sqlite3.  The rest: benchmark_peers.py.

A `Contestant` does one thing over and over: `once()` makes a state and uses it up, or saves a
service and finds it again.  Its table is filled beforehand, and whatever `once()` leaves behind,
`clean()` takes away.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from botkit.storage import Seal, Storage, authorizations, connect, services

KEY = base64.urlsafe_b64encode(b"benchmark, and no secret at all!").decode()
TOKEN = "gho_" + 36 * "x"
LATER = datetime(2100, 1, 1, tzinfo=UTC)  # the filled rows never expire: they are kept for weeks
PRAGMAS = ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
CHUNK = 20_000  # rows in one transaction, when tables are filled
PEOPLE_IN_A_CHAT, CHATS_OF_A_BOT = 10, 100  # in Slack's words: in a team


def botkits_pragmas(url: str) -> dict[str, Any]:
    """What botkit sets on SQLite, asked of a connection that it has opened."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in PRAGMAS
            }
    finally:
        engine.dispose()


class Contestant:
    """One product, one task, one number of rows, in the database at `url`.

    `tuned`: on the very settings of SQLite that botkit has, and not on those it comes with.
    """

    task, product = "", ""
    table: sa.Table  # where the rows are

    def __init__(self, url: str, rows: int, tuned: bool = False) -> None:
        self.rows = rows
        self._random = random.Random(rows)
        self._numbers = itertools.count(rows)
        self.engine = connect(url) if tuned else self._open(url)
        self._prepare(url)

    def once(self) -> None:
        raise NotImplementedError

    def fill(self) -> None:
        """Insert the rows that it begins with."""
        for begin in range(0, self.rows, CHUNK):
            numbers = range(begin, min(begin + CHUNK, self.rows))
            with self.engine.begin() as connection:
                for table, row in self._filling():
                    connection.execute(table.insert(), [row(number) for number in numbers])

    def is_full(self) -> bool:
        """Whether exactly these rows are there."""
        self.clean()
        with self.engine.connect() as connection:
            counted = sa.select(sa.func.count()).select_from(self.table)
            return connection.scalars(counted).one() == self.rows

    def clean(self) -> None:
        """Delete the rows that were not there at first."""
        with self.engine.begin() as connection:
            for table, _ in self._filling():
                connection.execute(table.delete().where(table.c.id > self.rows))

    def close(self) -> None:
        self.engine.dispose()

    def _open(self, url: str) -> sa.Engine:
        return sa.create_engine(url)

    def _prepare(self, url: str) -> None:
        raise NotImplementedError

    def _filling(self) -> Iterator[tuple[sa.Table, Callable[[int], dict[str, Any]]]]:
        raise NotImplementedError

    def _somewhere(self) -> int:
        """Any chat that is there."""
        return self._random.randrange(self.rows) // PEOPLE_IN_A_CHAT


def _chat(number: int) -> tuple[str, str]:
    """A chat, and the bot that is in it."""
    return f"{6_000_000 + number}", f"{4_000_000 + number // CHATS_OF_A_BOT}"


# ---- botkit ------------------------------------------------------------------------------------


class BotkitState(Contestant):
    """`add_authorization` and `claim_authorization`: all that steps 1 and 2 do with a state."""

    task, product = "state", "botkit"
    table = authorizations
    seal = Seal()

    def _open(self, url: str) -> sa.Engine:
        return connect(url)

    def _prepare(self, url: str) -> None:
        self.storage = Storage(url, seal=self.seal)
        self.storage.set_up()

    def once(self) -> None:
        state, (group_id, bot_id) = secrets.token_urlsafe(32), _chat(self._somewhere())
        verifier = secrets.token_urlsafe(32)
        self.storage.add_authorization(
            state,
            provider="GitHub",
            bot_id=bot_id,
            group_id=group_id,
            user_id=f"{3_000_000 + next(self._numbers)}",
            redirect_uri="https://bot.example.com/github/oauth",
            verifier=verifier,
        )
        link = self.storage.claim_authorization(state, provider="GitHub")
        assert link.verifier == verifier

    def clean(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.table.delete().where(self.table.c.expires_at < LATER))

    def close(self) -> None:
        super().close()
        self.storage.close()

    def _filling(self) -> Iterator[Any]:
        verifier, now = self.seal.seal_text(43 * "v"), datetime.now(UTC)

        def row(number: int) -> dict[str, Any]:
            group_id, bot_id = _chat(number // PEOPLE_IN_A_CHAT)
            return {
                "state_hash": secrets.token_hex(32),
                "provider": "GitHub",
                "bot_id": bot_id,
                "group_id": group_id,
                "user_id": f"{3_000_000 + number}",
                "redirect_uri": "https://bot.example.com/github/oauth",
                "verifier": verifier,
                "created_at": now,
                "expires_at": LATER,
            }

        yield self.table, row


class BotkitService(BotkitState):
    """`save_service` and `find_service`."""

    task = "service"
    table = services
    clean = Contestant.clean
    DATA = {
        "accessToken": TOKEN,
        "scope": ["read:user"],
        "account": {"id": "583231", "name": "octocat"},
    }

    def once(self) -> None:
        group_id, bot_id = _chat(self._somewhere())
        user_id = f"{3_000_000 + next(self._numbers)}"
        owner = {"bot_id": bot_id, "group_id": group_id, "user_id": user_id}
        self.storage.save_service("GitHub", **owner, data=self.DATA)
        found = self.storage.find_service("GitHub", **owner)
        assert found and found.access_token == TOKEN

    def _filling(self) -> Iterator[Any]:
        now = datetime.now(UTC)

        def row(number: int) -> dict[str, Any]:
            group_id, bot_id = _chat(number // PEOPLE_IN_A_CHAT)
            return {
                "name": "GitHub",
                "bot_id": bot_id,
                "group_id": group_id,
                "user_id": f"{3_000_000 + number}",
                "data": self.seal.dumps(self.DATA),
                "grant": "",
                "created_at": now,
                "updated_at": now,
            }

        yield self.table, row


class SealedState(BotkitState):
    product, seal = "botkit, sealed", Seal([KEY])


class SealedService(BotkitService):
    product, seal = "botkit, sealed", Seal([KEY])


OURS = (BotkitState, SealedState, BotkitService, SealedService)


# ---- the limit ---------------------------------------------------------------------------------


class _Raw:
    """The same tables and rows through Python's `sqlite3` and nothing else: nobody can be faster.

    The same settings, too.  It seals nothing, checks nothing and answers with tuples.
    """

    product = "raw sqlite3, the limit"
    engine: sa.Engine

    def _prepare(self, url: str) -> None:
        super()._prepare(url)  # type: ignore[misc]
        file = self.engine.url.database
        self.raw = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for name, value in botkits_pragmas(url).items():
            self.raw.execute(f"PRAGMA {name}={value}").close()

    def close(self) -> None:
        self.raw.close()
        super().close()  # type: ignore[misc]


class RawState(_Raw, BotkitState):
    def once(self) -> None:
        state, (group_id, bot_id) = secrets.token_hex(32), _chat(self._somewhere())
        user_id, verifier = f"{3_000_000 + next(self._numbers)}", secrets.token_urlsafe(32)
        where = "https://bot.example.com/github/oauth"
        now, then = "2026-12-01 00:00:00.000 +00:00", "2026-12-01 00:10:00.000 +00:00"
        row = (state, "GitHub", bot_id, group_id, user_id, where, verifier, now, then)
        self.raw.execute("BEGIN IMMEDIATE")
        self.raw.execute(
            "INSERT INTO authorizations (stateHash, provider, botId, groupId, userId, redirectUri, "
            "verifier, createdAt, expiresAt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        self.raw.execute("COMMIT")
        self.raw.execute("BEGIN IMMEDIATE")
        claimed = self.raw.execute(
            "UPDATE authorizations SET claimedAt = ? WHERE stateHash = ? AND claimedAt IS NULL "
            "AND expiresAt > ? RETURNING *",
            (now, state, now),
        ).fetchall()
        self.raw.execute("COMMIT")
        assert len(claimed) == 1 and verifier in claimed[0]


class RawService(_Raw, BotkitService):
    def once(self) -> None:
        group_id, bot_id = _chat(self._somewhere())
        owner = ("GitHub", bot_id, group_id, f"{3_000_000 + next(self._numbers)}")
        now = "2026-12-01 00:00:00.000 +00:00"
        self.raw.execute("BEGIN IMMEDIATE")
        self.raw.execute(
            "INSERT INTO services (name, botId, groupId, userId, data, createdAt, updatedAt, "
            "\"grant\") VALUES (?, ?, ?, ?, ?, ?, ?, '') "
            "ON CONFLICT (name, botId, groupId, userId) "
            "DO UPDATE SET data = excluded.data, updatedAt = excluded.updatedAt",
            (*owner, json.dumps(self.DATA), now, now),
        )
        self.raw.execute("COMMIT")
        (found,) = self.raw.execute(
            "SELECT data FROM services WHERE name = ? AND botId = ? AND groupId = ? AND userId = ?",
            owner,
        ).fetchone()
        assert json.loads(found)["accessToken"] == TOKEN


LIMITS = (RawState, RawService)
