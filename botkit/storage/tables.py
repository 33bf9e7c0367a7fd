"""The three tables, column by column, and a class for the rows of each.

Start with `Service`: the columns and what they mean.  `bots` and `services` are the original
framework's, and keep its column names (`groupId`); in Python the same columns have Python names
(`group_id`).  `authorizations` is new: the auth links that wait.

Not here: how rows are found and saved (store.py), and how their secrets are encrypted (seal.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, UserDefinedType

# ---- the rows ----------------------------------------------------------------------------------


@dataclass
class Bot:
    """A bot user of RingCentral.  A public bot has one in every company that installed it."""

    id: str
    token: dict[str, Any] | None = field(default=None, repr=False)
    data: dict[str, Any] | None = field(default=None, repr=False)
    created_at: datetime | None = field(default=None, repr=False)
    updated_at: datetime | None = field(default=None, repr=False)


@dataclass
class Service:
    """A connection: `name` is the provider's, the rest says who connected it, and where.

    `data` is what the provider gave: {"accessToken": ..., "refreshToken": ..., "account": ...}.  It
    is not shown when a row is printed, because it holds the token.
    """

    id: int = 0
    name: str | None = None
    bot_id: str | None = None
    group_id: str | None = None
    user_id: str | None = None  # "" if the whole chat shares it
    data: dict[str, Any] | None = field(default=None, repr=False)
    created_at: datetime | None = field(default=None, repr=False)
    updated_at: datetime | None = field(default=None, repr=False)

    @property
    def access_token(self) -> str | None:
        """The token, in whichever of the original bots' three shapes `data` has."""
        return self._token("accessToken", "access_token")

    @property
    def refresh_token(self) -> str | None:
        """What the next access token can be had for; many connections have none."""
        return self._token("refreshToken", "refresh_token")

    @property
    def expires_at(self) -> datetime | None:
        """When the access token expires; None if that is not known."""
        return read_moment(self._members().get("expiresAt"))

    @property
    def account(self) -> dict[str, Any]:
        """Whose account it is at the provider: `{"id": ..., "name": ...}`, or empty if unknown."""
        account = self._members().get("account")
        return account if isinstance(account, dict) else {}

    def holds_tokens_of(self, other: Service) -> bool:
        """Whether it is still the connection that was read as `other`, and not a newer one."""
        ours, theirs = (
            (one.access_token, one.refresh_token, one.account.get("id")) for one in (self, other)
        )
        return ours == theirs

    def shares_token_with(self, other: Service) -> bool:
        """Whether it is the connection that was read as `other`, maybe refreshed since then."""
        if self.refresh_token and self.refresh_token == other.refresh_token:
            return True
        return self.access_token is not None and self.access_token == other.access_token

    def _members(self) -> dict[str, Any]:
        """`data`, whatever years of other programs have left in it."""
        return self.data if isinstance(self.data, dict) else {}

    def _token(self, ours: str, theirs: str) -> str | None:
        data = self._members()
        inner = data.get("tokens") or data.get("token")
        found = data.get(ours) or (inner.get(theirs) if isinstance(inner, dict) else None)
        return found if isinstance(found, str) else None


@dataclass
class Authorization:
    """An auth link that waits for its answer.  Of its state only the hash is kept.

    Later `answer` is what came, while it waits for the person to confirm it; `tries` counts the
    wrong codes that the person has said.
    """

    state_hash: str = field(repr=False)
    provider: str
    bot_id: str = field(repr=False)
    group_id: str = field(repr=False)
    user_id: str
    redirect_uri: str = field(repr=False)
    verifier: str = field(repr=False)
    created_at: datetime = field(repr=False)
    expires_at: datetime = field(repr=False)
    claimed_at: datetime | None = field(default=None, repr=False)
    answer: dict[str, Any] | None = field(default=None, repr=False)
    tries: int | None = field(default=None, repr=False)


# ---- what SQL has no type for ------------------------------------------------------------------


FIRST_YEAR, LAST_YEAR = 1900, 9000  # of a moment that is believed


class _SqliteDateTime(UserDefinedType[str]):
    """A column that SQLite calls DATETIME and that holds text, as all of its columns may."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "DATETIME"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, always with its time zone.

    SQLite has no type for moments.  The original framework writes text such as
    `2026-11-24 04:53:25.921 +00:00`, so we read that and write the same.  Written this way, text
    sorts as time does.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_SqliteDateTime())
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        moment = value if value.tzinfo is UTC else value.astimezone(UTC)
        return moment.isoformat(sep=" ", timespec="milliseconds")[:-6] + " +00:00"

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime):
            try:
                value = datetime.fromisoformat(_tight(str(value)))
            except ValueError:  # what cannot be read is not known; the row is there all the same
                return None
        moment: datetime = value
        return _bounded(moment)


def read_moment(written: Any) -> datetime | None:
    """A moment that JSON holds as text; None if it cannot be read."""
    try:
        found = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return _bounded(found)


def _bounded(moment: datetime) -> datetime | None:
    """In UTC; None if it is so far away that nobody could add a day to it."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    if moment.tzinfo is UTC:  # as it is in nearly every row
        return moment
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _tight(text: str) -> str:
    return text.replace(" +", "+").replace(" -", "-")


class SealedJson(UserDefinedType[str]):
    """A JSON column, as the text that is in it: `botkit.storage.seal` makes and reads the text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"

    def column_expression(self, column: Any) -> Any:
        return sa.cast(column, sa.Text)  # SQLite would read a number where other programs left one


# ---- the columns -------------------------------------------------------------------------------

metadata = sa.MetaData()
TEXT = sa.String(255)

bots = sa.Table(
    "bots",
    metadata,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("token", SealedJson),
    sa.Column("data", SealedJson),
    sa.Column("createdAt", UtcDateTime, key="created_at", nullable=False),
    sa.Column("updatedAt", UtcDateTime, key="updated_at", nullable=False),
)

services = sa.Table(
    "services",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", TEXT),
    sa.Column("botId", TEXT, key="bot_id"),
    sa.Column("groupId", TEXT, key="group_id"),
    sa.Column("userId", TEXT, key="user_id"),
    sa.Column("data", SealedJson),
    sa.Column("createdAt", UtcDateTime, key="created_at", nullable=False),
    sa.Column("updatedAt", UtcDateTime, key="updated_at", nullable=False),
    # Whose account it is, as a keyed hash: connections of one account are found by it, and not by
    # opening rows.  "" where no account is known, NULL in rows of older versions until `set_up`.
    sa.Column("grant", sa.String(43)),
    sa.Index("services_one_per_owner", "name", "bot_id", "group_id", "user_id", unique=True),
    sa.Index("services_in_chat", "bot_id", "group_id"),
    sa.Index("services_of_bot", "bot_id", "id"),  # to read them in pieces
    sa.Index("services_of_grant", "grant"),
    sqlite_autoincrement=True,
)

sa.Index(  # few have no person, however many rows there are
    "services_without_person",
    services.c.bot_id,
    services.c.name,
    sqlite_where=services.c.user_id == "",
    postgresql_where=services.c.user_id == "",
)

authorizations = sa.Table(
    "authorizations",
    metadata,
    sa.Column("stateHash", sa.String(64), key="state_hash", primary_key=True),
    sa.Column("provider", TEXT, nullable=False),
    sa.Column("botId", TEXT, key="bot_id", nullable=False),
    sa.Column("groupId", TEXT, key="group_id", nullable=False),
    sa.Column("userId", TEXT, key="user_id", nullable=False),
    sa.Column("redirectUri", sa.String(2048), key="redirect_uri", nullable=False),
    sa.Column("verifier", TEXT, nullable=False),
    sa.Column("createdAt", UtcDateTime, key="created_at", nullable=False),
    sa.Column("expiresAt", UtcDateTime, key="expires_at", nullable=False),
    sa.Column("claimedAt", UtcDateTime, key="claimed_at"),
    sa.Column("answer", SealedJson),
    sa.Column("tries", sa.Integer),
    # While an answer waits: its code and its account, as keyed hashes, to be found by.
    sa.Column("code", sa.String(43)),
    sa.Column("grant", sa.String(43)),
    sa.Index("authorizations_expiry", "expires_at"),
    sa.Index("authorizations_of_person", "bot_id", "group_id", "user_id"),
)
for name, columns in (
    ("authorizations_code", ("code",)),
    ("authorizations_grant", ("grant",)),
    ("authorizations_waiting", ("bot_id", "user_id")),
):  # few answers wait, so these are small however many links there are
    waits = authorizations.c.code.is_not(None)
    on = [authorizations.c[column] for column in columns]
    sa.Index(name, *on, sqlite_where=waits, postgresql_where=waits)

# One row, once every secret is bound to its own row: see seal.py.  Nobody reads it but botkit, so
# it is not among the three.
seals = sa.Table("seals", sa.MetaData(), sa.Column("id", TEXT, primary_key=True))

# ---- the inbox and the outbox: what they are for is in messages.py -----------------------------

waiting = sa.MetaData()
MILLISECONDS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # since 1970

lanes = sa.Table(
    "lanes",
    waiting,
    sa.Column("name", sa.String(600), primary_key=True),
    sa.Column("pool", sa.String(8), nullable=False),
    sa.Column("botId", TEXT, key="bot_id", nullable=False),
    sa.Column("due", MILLISECONDS, nullable=False),
    sa.Column("claim", sa.String(40)),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Index("lanes_due", "pool", "due"),
    sa.Index("lanes_of_bot", "bot_id"),
)

jobs = sa.Table(
    "jobs",
    waiting,
    sa.Column("id", MILLISECONDS, primary_key=True, autoincrement=True),
    sa.Column("lane", sa.String(600), nullable=False),
    sa.Column("body", SealedJson, nullable=False),
    sa.Column("due", MILLISECONDS, nullable=False),
    sa.Column("began", MILLISECONDS),
    sa.Column("createdAt", MILLISECONDS, key="created_at", nullable=False),
    sa.Index("jobs_in_lane", "lane", "id"),
)

seen = sa.Table(
    "seen",
    waiting,
    sa.Column("key", sa.String(600), primary_key=True),
    sa.Column("at", MILLISECONDS, nullable=False),
    sa.Index("seen_at", "at"),
)

holds = sa.Table(
    "holds",
    waiting,
    sa.Column("key", sa.String(300), primary_key=True),
    sa.Column("until", MILLISECONDS, nullable=False),
    sa.Column("holder", sa.String(40)),
)

# What is encrypted, and the columns that say to which row an encrypted value belongs.
SECRET = {
    bots: ("token", "data"),
    services: ("data",),
    authorizations: ("answer", "verifier"),
    jobs: ("body",),
}
OWNER = {
    bots: ("id",),
    services: ("name", "bot_id", "group_id", "user_id"),
    authorizations: ("state_hash", "provider", "bot_id", "group_id", "user_id"),
    jobs: ("lane",),
}


HASHES = ("code", "grant")  # to find a row by; nobody reads them


def key_of(table: sa.Table) -> sa.Column[Any]:
    """The one column that names a row."""
    (key,) = table.primary_key
    return key


def columns_of(table: sa.Table) -> list[sa.Label[Any]]:
    """What a row is made of, by its Python names."""
    return [column.label(column.key) for column in table.columns if column.key not in HASHES]


def place_of(table: sa.Table, column: str, row: Mapping[str, Any]) -> str:
    """Where a secret belongs: its table, its column, and the owner of its row.  One line."""
    return json.dumps([table.name, column, *(row[name] or "" for name in OWNER[table])])
