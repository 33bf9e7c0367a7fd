"""The three tables, column by column.

`bots` and `services` are the original framework's, and keep its column names (`groupId`); in Python
the same columns have Python names (`group_id`).  `authorizations` is new: the auth links that wait.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON, String, TypeDecorator, UserDefinedType


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
        return value.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")[:-6] + " +00:00"

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime):
            try:
                value = datetime.fromisoformat(_tight(str(value)))
            except ValueError:  # what cannot be read is not known; the row is there all the same
                return None
        moment: datetime = value
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def read_moment(written: Any) -> datetime | None:
    """A moment that JSON holds as text; None if it cannot be read."""
    try:
        found = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _tight(text: str) -> str:
    return text.replace(" +", "+").replace(" -", "-")


class Table(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: String(255),
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
    }


class Bot(Table):
    """A bot user of RingCentral.  A public bot has one in every company that installed it."""

    __tablename__ = "bots"

    id: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[dict[str, Any] | None]
    data: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column("createdAt")
    updated_at: Mapped[datetime] = mapped_column("updatedAt")

    def __repr__(self) -> str:
        return f"Bot(id={self.id!r})"


class Service(Table):
    """A connection: `name` is the provider's, the rest says who connected it, and where."""

    __tablename__ = "services"
    __table_args__ = (
        sa.Index("services_one_per_owner", "name", "botId", "groupId", "userId", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str | None]
    bot_id: Mapped[str | None] = mapped_column("botId")
    group_id: Mapped[str | None] = mapped_column("groupId")
    user_id: Mapped[str | None] = mapped_column("userId")
    data: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column("createdAt")
    updated_at: Mapped[datetime] = mapped_column("updatedAt")

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
        """When the access token ends; None if that is not known."""
        return read_moment(self._members().get("expiresAt"))

    def _members(self) -> dict[str, Any]:
        """`data`, whatever years of other programs have left in it."""
        return self.data if isinstance(self.data, dict) else {}

    def _token(self, ours: str, theirs: str) -> str | None:
        data = self._members()
        inner = data.get("tokens") or data.get("token")
        found = data.get(ours) or (inner.get(theirs) if isinstance(inner, dict) else None)
        return found if isinstance(found, str) else None

    @property
    def account(self) -> dict[str, Any]:
        """Whose account it is at the provider: `{"id": ..., "name": ...}`, or empty if unknown."""
        account = self._members().get("account")
        return account if isinstance(account, dict) else {}

    def __repr__(self) -> str:  # without `data`, which holds the token
        return (
            f"Service(id={self.id!r}, name={self.name!r}, bot_id={self.bot_id!r}, "
            f"group_id={self.group_id!r}, user_id={self.user_id!r})"
        )


class Authorization(Table):
    """An auth link that waits for its answer.  Of its state only the hash is kept.

    Later `answer` is what came, while it waits for the person to confirm it; `tries` counts the
    wrong codes.
    """

    __tablename__ = "authorizations"
    __table_args__ = (
        sa.Index("authorizations_expiry", "expiresAt"),
        sa.Index("authorizations_of_person", "botId", "groupId", "userId"),
    )

    state_hash: Mapped[str] = mapped_column("stateHash", String(64), primary_key=True)
    provider: Mapped[str]
    bot_id: Mapped[str] = mapped_column("botId")
    group_id: Mapped[str] = mapped_column("groupId")
    user_id: Mapped[str] = mapped_column("userId")
    redirect_uri: Mapped[str] = mapped_column("redirectUri", String(2048))
    verifier: Mapped[str]
    created_at: Mapped[datetime] = mapped_column("createdAt")
    expires_at: Mapped[datetime] = mapped_column("expiresAt")
    claimed_at: Mapped[datetime | None] = mapped_column("claimedAt")
    answer: Mapped[dict[str, Any] | None]
    tries: Mapped[int | None]

    def __repr__(self) -> str:  # without the verifier
        return f"Authorization(provider={self.provider!r}, user_id={self.user_id!r})"
