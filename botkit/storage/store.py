"""Where a connection lives: one row in the table `services`.

`Storage` finds, saves and deletes such rows, and remembers bots.  It keeps the auth links that wait
for their answer, too: that half of it is in botkit/storage/links.py.

A connection belongs to one person, in one chat, of one bot; `user_id=""` means that the whole chat
shares it.  A unique index says that there is never more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from botkit.storage.database import BUSY_SECONDS, utc_now
from botkit.storage.links import Links
from botkit.storage.seal import Seal
from botkit.storage.tables import Authorization, Bot, Service, read_moment

Row = TypeVar("Row", Bot, Service)
LONGEST_CLAIM = timedelta(hours=1)  # what says more was not written by us, and would hold for ever
CLAIM = "claimedUntil"  # where a claim is written in `data`


def setup_database(url: str) -> list[str]:
    """Make or complete the tables in the database at `url`; return a sentence for each change.

    `url` is an SQLAlchemy URL.  Safe to run again, and on a database of the original framework.
    Raises `StorageError`.
    """
    storage = Storage(url)
    try:
        return storage.set_up()
    finally:
        storage.close()


class Storage(Links):
    """The three tables in the database at `url`, an SQLAlchemy URL; plain, if there is no `seal`.

    `now` is the clock: it returns the moment, in UTC.  Every method may raise `StorageError`.
    """

    def __init__(
        self,
        url: str = "sqlite:///botkit.sqlite",
        *,
        now: Callable[[], datetime] = utc_now,
        busy_seconds: float = BUSY_SECONDS,
        seal: Seal | None = None,
    ) -> None:
        super().__init__(url, busy_seconds=busy_seconds, seal=seal)
        self.now = now

    # ---- services --------------------------------------------------------------------------

    def find_service(
        self, name: str, *, bot_id: str, group_id: str, user_id: str = ""
    ) -> Service | None:
        """The connection of one owner, or None."""
        with self._reading() as session:
            return session.scalars(_service_of(name, bot_id, group_id, user_id)).first()

    def find_services(
        self, *, bot_id: str | None = None, group_id: str | None = None, user_id: str | None = None
    ) -> list[Service]:
        """All connections, or those of a bot, or of one chat of it, or of one person there."""
        given = {"bot_id": bot_id, "group_id": group_id, "user_id": user_id}
        given = {column: value for column, value in given.items() if value is not None}
        with self._reading() as session:
            return list(session.scalars(sa.select(Service).filter_by(**given).order_by(Service.id)))

    def save_service(
        self, name: str, *, bot_id: str, group_id: str, user_id: str = "", data: Mapping[str, Any]
    ) -> Service:
        """Create the owner's row, or merge `data` into the one that is there.

        Keys that `data` does not name stay as they are; a value of None removes its key.  All in
        one transaction: however many callers save at once, one row is left, and no key is lost.
        """
        new = {"name": name, "bot_id": bot_id, "group_id": group_id, "user_id": user_id}
        with self._writing() as session:
            row = self._locked(session, _service_of(name, bot_id, group_id, user_id), Service, new)
            if row.user_id is None:  # the original framework wrote it, maybe beside one of ours
                session.execute(sa.delete(Service).where(*_twins(row)))
                row.user_id = ""
            row.data = _merged(row.data, data)
            return row

    def adopt_service(self, service: Service, *, user_id: str) -> Service:
        """Give a row that had no owner to the person whose it is; used in two-person chats."""
        with self._writing() as session:
            row = session.get_one(Service, service.id)
            row.user_id, row.updated_at = user_id, self.now()
            return row

    def get_service(self, service_id: int) -> Service | None:
        """The row as it is now."""
        with self._reading() as session:
            return session.get(Service, service_id)

    def update_service(self, service_id: int, data: Mapping[str, Any]) -> Service | None:
        """Merge `data` into a row that is there; None if it was deleted meanwhile."""
        with self._writing() as session:
            row = session.scalars(_held(Service, service_id)).first()
            if row is not None:
                row.data, row.updated_at = _merged(row.data, data), self.now()
            return row

    def claim_service(
        self, service_id: int, *, seconds: float, of: str = CLAIM, held: str = ""
    ) -> str | None:
        """Take a connection in hand for one kind of work, see `claim_bot`; or keep `held`."""
        return self._claim(Service, service_id, seconds, of, held)

    def release_service(self, service_id: int, claim: str, *, of: str = CLAIM) -> None:
        self._release(Service, service_id, claim, of)

    def delete_service(self, service: Service) -> None:
        """Delete the row.  Deleting it twice does no harm."""
        with self._writing() as session:
            session.execute(sa.delete(Service).where(Service.id == service.id))

    def delete_group(self, bot_id: str, group_id: str) -> None:
        """Delete all that belongs to one chat: its connections, and the links that wait."""
        with self._writing() as session:
            for table in (Service, Authorization):
                session.execute(
                    sa.delete(table).where(table.bot_id == bot_id, table.group_id == group_id)
                )

    # ---- bots ------------------------------------------------------------------------------

    def find_bot(self, bot_id: str) -> Bot | None:
        with self._reading() as session:
            return session.get(Bot, bot_id)

    def find_bots(self) -> list[Bot]:
        with self._reading() as session:
            return list(session.scalars(sa.select(Bot).order_by(Bot.id)))

    def save_bot(
        self, bot_id: str, *, token: Mapping[str, Any] | None = None, data: Mapping[str, Any]
    ) -> Bot:
        """Create the bot, or replace its token (when one is given) and merge `data`."""
        with self._writing() as session:
            row = self._locked(session, sa.select(Bot).where(Bot.id == bot_id), Bot, {"id": bot_id})
            row.token = dict(token) if token is not None else row.token
            row.data = _merged(row.data, data)
            return row

    def update_bot(self, bot_id: str, data: Mapping[str, Any]) -> None:
        """Merge `data` into a bot that is there; one that was deleted meanwhile stays deleted."""
        with self._writing() as session:
            row = session.scalars(_held(Bot, bot_id)).first()
            if row is not None:
                row.data, row.updated_at = _merged(row.data, data), self.now()

    def claim_bot(self, bot_id: str, *, seconds: float) -> str | None:
        """Take a bot in hand, so that no other process does the same work at the same time.

        Returns the claim, for `release_bot`; it lapses after `seconds`, should this process die.
        None if somebody else has the bot in hand, or if there is no such bot.
        """
        return self._claim(Bot, bot_id, seconds)

    def release_bot(self, bot_id: str, claim: str) -> None:
        """Give the bot free again, unless the claim has lapsed and somebody else has it by now."""
        self._release(Bot, bot_id, claim)

    def delete_bot(self, bot_id: str) -> None:
        """Delete the bot and everything that belongs to it."""
        with self._writing() as session:
            session.execute(sa.delete(Service).where(Service.bot_id == bot_id))
            session.execute(sa.delete(Authorization).where(Authorization.bot_id == bot_id))
            session.execute(sa.delete(Bot).where(Bot.id == bot_id))

    # ---- how a row is held ---------------------------------------------------------------------

    def _claim(
        self, table: type[Row], row_id: Any, seconds: float, of: str = CLAIM, held: str = ""
    ) -> str | None:
        with self._writing() as session:
            row = session.scalars(_held(table, row_id)).first()
            now = self.now()  # not earlier: to get hold of the row may have taken its time
            claim = (now + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
            there = (row.data or {}).get(of, "") if row is not None else ""
            end = read_moment(there)
            busy = end is not None and now < end < now + LONGEST_CLAIM
            if row is None or (there != held and (held or busy)):
                return None
            row.data = _merged(row.data, {of: claim})
            return claim

    def _release(self, table: type[Row], row_id: Any, claim: str, of: str = CLAIM) -> None:
        with self._writing() as session:
            row = session.scalars(_held(table, row_id)).first()
            if row is not None and (row.data or {}).get(of) == claim:
                row.data = _merged(row.data, {of: None})

    def _locked(
        self, session: Session, wanted: sa.Select[Row], table: type[Row], new: dict[str, Any]
    ) -> Row:
        """The row, held against other writers until the transaction ends; made if it is missing."""
        now = self.now()
        row = session.scalars(wanted.with_for_update()).first()
        if row is None:
            try:
                with session.begin_nested():
                    row = table(**new, created_at=now, updated_at=now)
                    session.add(row)
            except IntegrityError:  # somebody else made it a moment ago
                row = session.scalars(wanted.with_for_update()).one()
        row.updated_at = now
        return row


def _service_of(name: str, bot_id: str, group_id: str, user_id: str) -> sa.Select[Service]:
    owner = Service.user_id == user_id
    if user_id == "":  # the original framework wrote NULL
        owner = sa.or_(owner, Service.user_id.is_(None))
    return (
        sa.select(Service)
        .where(Service.name == name, Service.bot_id == bot_id, Service.group_id == group_id, owner)
        .order_by(Service.updated_at.desc(), Service.id.desc())
        .limit(1)
    )


def _twins(row: Service) -> list[sa.ColumnElement[bool]]:
    """Other rows of the owner of a row that has none written."""
    same = [Service.name == row.name, Service.bot_id == row.bot_id, Service.id != row.id]
    nobody = sa.or_(Service.user_id == "", Service.user_id.is_(None))
    return [*same, Service.group_id == row.group_id, nobody]


def _held(table: type[Row], row_id: Any) -> sa.Select[Row]:
    """A row that is there, held against other writers until the transaction ends."""
    return sa.select(table).where(table.id == row_id).with_for_update()


def _merged(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    known = old if isinstance(old, dict) else {}
    return {key: value for key, value in {**known, **new}.items() if value is not None}
