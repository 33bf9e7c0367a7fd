"""Where a connection lives: one row in the table `services`.

`Storage` finds, saves and deletes such rows, and remembers bots.  It keeps the auth links that wait
for their answer, too: that half of it is in botkit/storage/store.py.

A connection belongs to one person, in one chat, of one bot; `user_id=""` means that the whole chat
shares it.  A unique index says that there is never more than one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from botkit.errors import StateExpired, StateForeign, StateUnknown, StateUsed, StorageError
from botkit.storage.database import BUSY_SECONDS, Database, utc_now
from botkit.storage.seal import Seal
from botkit.storage.tables import Authorization, Bot, Service, read_moment

LINK_LIFE = timedelta(minutes=10)
ANSWER_LIFE = timedelta(minutes=10)  # to say the code in the chat
MOST_TRIES = 5  # of a million codes
REMEMBERED = timedelta(hours=1)  # so that a page can say "expired" or "used" and not "unknown"


@dataclass(frozen=True)
class HeldAnswer:
    """An answer that waited, and who had asked for the link, where."""

    provider: str
    bot_id: str
    group_id: str
    user_id: str
    answer: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class CodeCheck:
    """What came of a code: the answer `taken`, or how many more tries there are.

    `spoiled` are the answers that this wrong code has ended.
    """

    taken: HeldAnswer | None = None
    left: int = 0
    spoiled: Sequence[HeldAnswer] = ()


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


class Storage(Database):
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

    # ---- auth links that wait for their answer -----------------------------------------------

    def add_authorization(
        self,
        state: str,
        *,
        provider: str,
        bot_id: str,
        group_id: str,
        user_id: str,
        redirect_uri: str,
        verifier: str,
    ) -> Authorization:
        """Remember an auth link for ten minutes.  Of `state` only the hash is kept."""
        now = self.now()
        with self._writing() as session:
            self._sweep(session)
            row = Authorization(
                state_hash=_hash(state),
                provider=provider,
                bot_id=bot_id,
                group_id=group_id,
                user_id=user_id,
                redirect_uri=redirect_uri,
                verifier=self.seal.seal_text(verifier),
                created_at=now,
                expires_at=now + LINK_LIFE,
            )
            session.add(row)
            try:
                session.flush()
            except sa.exc.IntegrityError:
                raise StorageError(
                    "There is a link with this state already.",
                    advice="A state is for one link only: make a new one.",
                ) from None
        row.verifier = verifier
        return row

    def claim_authorization(self, state: str, *, provider: str) -> Authorization:
        """Take the link that `state` belongs to, once and for all.

        One UPDATE decides: of many callers at once, in many processes, only one changes the row.
        Raises `StateUnknown`, `StateForeign`, `StateUsed` or `StateExpired`.
        """
        now = self.now()
        with self._reading() as session:
            row = session.get(Authorization, _hash(state))
        if row is None:
            raise StateUnknown("This bot does not know this link.")
        if row.provider != provider:
            raise StateForeign(f"This link was made for {row.provider}, not for {provider}.")
        row.verifier = self.seal.open_text(row.verifier)
        with self._writing() as session:
            claimed = session.connection().execute(
                sa.update(Authorization)
                .where(Authorization.state_hash == row.state_hash)
                .where(Authorization.claimed_at.is_(None), Authorization.expires_at > now)
                .values(claimed_at=now, verifier="")  # `row` has the last copy of the verifier
            )
        if claimed.rowcount == 1:
            return row
        if row.claimed_at is not None or row.expires_at > now:
            raise StateUsed("This link has been used already.")
        raise StateExpired("This link is more than ten minutes old and no longer works.")

    # ---- answers that wait to be confirmed --------------------------------------------------

    def hold_answer(self, link: Authorization, answer: Mapping[str, Any]) -> None:
        """Keep what came for a claimed link, for ten minutes; `answer` has its "code"."""
        with self._writing() as session:
            row = session.get_one(Authorization, link.state_hash, with_for_update=True)
            row.answer, row.tries, row.expires_at = dict(answer), 0, self.now() + ANSWER_LIFE

    def try_code(self, bot_id: str, group_id: str, user_id: str, code: str) -> CodeCheck | None:
        """Compare with the codes that one person may say in one chat; None if there are none.

        The right one takes its answer out.  A wrong one counts, and the fifth ends the waiting.
        """
        person = Authorization.bot_id == bot_id, Authorization.user_id == user_id
        waiting = Authorization.answer.is_not(None), Authorization.expires_at > self.now()
        where = (*person, Authorization.group_id == group_id, *waiting)
        with self._writing() as session:
            rows = list(session.scalars(sa.select(Authorization).where(*where).with_for_update()))
            if not rows:
                return None
            for row in rows:
                if hmac.compare_digest(str((row.answer or {}).get("code")), code):
                    return CodeCheck(taken=_taken(row))
            for row in rows:
                row.tries = (row.tries or 0) + 1
            spoiled = [_taken(row) for row in rows if (row.tries or 0) >= MOST_TRIES]
            left = max((MOST_TRIES - (row.tries or 0) for row in rows if row.answer), default=0)
            return CodeCheck(left=left, spoiled=spoiled)

    def take_answers(self, *, bot_id: str = "", group_id: str = "") -> list[HeldAnswer]:
        """Take out the answers that nobody can confirm any more: those of a bot, or of one chat of
        it, that has gone; or else all that are too old.
        """
        where: list[sa.ColumnElement[bool]] = [Authorization.answer.is_not(None)]
        if bot_id:
            where.append(Authorization.bot_id == bot_id)
            where += [Authorization.group_id == group_id] if group_id else []
        else:
            where.append(Authorization.expires_at <= self.now())
        with self._writing() as session:
            rows = session.scalars(sa.select(Authorization).where(*where).with_for_update())
            return [_taken(row) for row in rows]

    # ---- counting and sweeping --------------------------------------------------------------

    def count_waiting_links(self, bot_id: str) -> int:
        """How many of this bot's links may still be used at this moment."""
        waiting = Authorization.claimed_at.is_(None), Authorization.expires_at > self.now()
        wanted = sa.select(sa.func.count()).where(Authorization.bot_id == bot_id, *waiting)
        with self._reading() as session:
            return session.scalars(wanted).one()

    def sweep_links(self) -> int:
        """Forget the links that expired more than an hour ago; return how many they were."""
        with self._writing() as session:
            return self._sweep(session)

    def _sweep(self, session: Session) -> int:
        old = Authorization.expires_at < self.now() - REMEMBERED, Authorization.answer.is_(None)
        return session.connection().execute(sa.delete(Authorization).where(*old)).rowcount

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


def _taken(row: Authorization) -> HeldAnswer:
    answer, row.answer = row.answer or {}, None
    return HeldAnswer(row.provider, row.bot_id, row.group_id, row.user_id, answer)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
