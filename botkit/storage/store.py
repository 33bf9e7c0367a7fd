"""Find, save and delete the rows of the three tables, and claim auth links.

Start with `find_service` and `save_service`: lesson 02 does the same by hand.  Tokens are written
in `save_service`, in `update_service` (a refresh), in `save_bot` (a bot's own) and in `hold_answer`
(until the person says the code); `rotate-key` seals them again (`Database.reseal`).
`claim_authorization` claims the state of a callback, once.

A connection belongs to one person, in one chat, of one bot; `user_id=""` means that the whole chat
shares it.  A unique index says that there is never more than one.

Every statement is SQL as SQLAlchemy writes it for SQLite and for PostgreSQL.  The rows that come
back are opened (`_open`), and those that go are sealed (`_change`): nothing happens in between, so
what you read here is what the database is asked.  No method takes longer when the table is longer.

Not here: messages that wait, and what one process holds (messages.py, which is
`Storage.messages`), the columns (tables.py), encryption (seal.py) and transactions (database.py).
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from botkit.errors import (
    SealBroken,
    StateExpired,
    StateForeign,
    StateUnknown,
    StateUsed,
    StorageError,
    WrongKey,
)
from botkit.storage.database import BUSY_SECONDS, Database, utc_now
from botkit.storage.messages import Job, Messages
from botkit.storage.seal import Seal, codes_of, grant_of, grants_of, seal_row
from botkit.storage.setup import LONG_AGO, PIECE
from botkit.storage.statement import run
from botkit.storage.tables import (
    SECRET,
    Authorization,
    Bot,
    Service,
    authorizations,
    bots,
    columns_of,
    key_of,
    services,
)

LINK_LIFE = timedelta(minutes=10)  # skills/base.py says so in the chat
ANSWER_LIFE = timedelta(minutes=10)  # to say the code in the chat
MOST_TRIES = 5  # of a million codes, by one person
MOST_ANSWERS = 3  # that wait for one person
REMEMBERED = timedelta(hours=1)  # so that a page can say "expired" or "used" and not "unknown"
BETWEEN_SWEEPS = timedelta(minutes=1)
COUNTED = 10_000  # rows; what is counted for people is not counted further than that
BELIEVED = 5.0  # seconds for which a bot that was read counts, unless it is written here
USED = "This link has been used already."


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

    `spoiled` are the answers that this wrong code has ended.  `foreign` are those whose code it
    was, although the person who said it had not asked for them: they are ended too.
    """

    taken: HeldAnswer | None = None
    left: int = 0
    spoiled: Sequence[HeldAnswer] = ()
    foreign: Sequence[HeldAnswer] = ()


@dataclass(frozen=True)
class _KnownBot:
    """A bot that was read, after so many changes of bots here, and until when that counts."""

    changes: int
    until: float  # a moment of the monotonic clock
    bot: Bot | None


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


# ---- the statements, built once ----------------------------------------------------------------


def _count_some(table: sa.Table, *which: sa.ColumnElement[bool]) -> sa.Select[int]:
    """Count the rows, and stop at `COUNTED` + 1: then there are more than anybody wants to see."""
    some = sa.select(sa.true()).select_from(table).where(*which).limit(COUNTED + 1).subquery()
    return sa.select(sa.func.count()).select_from(some)


ANY = {table: sa.select(*columns_of(table)) for table in SECRET}
BY_KEY = {table: ANY[table].where(key_of(table) == bindparam("key")) for table in SECRET}
CHANGE = {table: sa.update(table).where(key_of(table) == bindparam("key")) for table in SECRET}
IN_CHAT = (
    ANY[services]
    .where(services.c.name == bindparam("of_name"))
    .where(services.c.bot_id == bindparam("of_bot"))
    .where(services.c.group_id == bindparam("of_group"))
)
OF_PERSON = IN_CHAT.where(services.c.user_id == bindparam("of_user"))
# The original framework wrote NULL as the owner, maybe beside a row of ours: the newer one counts.
OF_CHAT = (
    IN_CHAT.where(sa.or_(services.c.user_id == bindparam("of_user"), services.c.user_id.is_(None)))
    .order_by(services.c.updated_at.desc(), services.c.id.desc())
    .limit(1)
)
HOLD = {one: one.with_for_update() for one in (*BY_KEY.values(), OF_PERSON, OF_CHAT)}
NEXT_GROUP = (
    sa.select(sa.func.min(services.c.group_id))
    .where(services.c.bot_id == bindparam("of_bot"))
    .where(services.c.group_id > bindparam("last"))
)
COUNT_SERVICES = _count_some(services, services.c.bot_id == bindparam("of_bot"))
COUNT_LINKS = _count_some(
    authorizations,
    authorizations.c.bot_id == bindparam("of_bot"),
    authorizations.c.claimed_at.is_(None),
    authorizations.c.expires_at > bindparam("moment"),
)
SOME = services.c.id.in_(bindparam("keys"))
THESE, DELETE_THESE = ANY[services].where(SOME).with_for_update(), sa.delete(services).where(SOME)
# "Insert, unless there is one": both databases can say it, and SQLAlchemy has no word for both.  If
# nothing comes back, somebody else was quicker.
ADD_IF_NEW = {
    (table, on is postgresql): on.insert(table).on_conflict_do_nothing().returning(key_of(table))
    for table in (services, bots)
    for on in (postgresql, sqlite)
}
ADD_LINK = sa.insert(authorizations)
CLAIM_LINK = (
    sa.update(authorizations)
    .where(authorizations.c.state_hash == bindparam("key"))
    .where(authorizations.c.claimed_at.is_(None))
    .where(authorizations.c.expires_at > bindparam("moment"))
    .where(authorizations.c.provider == bindparam("of_provider"))
    .values(claimed_at=bindparam("moment"))
    .returning(*columns_of(authorizations))
)
WAIT_FOR_PERSON = (
    ANY[authorizations]
    .where(authorizations.c.bot_id == bindparam("of_bot"))
    .where(authorizations.c.user_id == bindparam("of_user"))
    .where(authorizations.c.code.is_not(None))
    .where(authorizations.c.answer.is_not(None))
    .where(authorizations.c.expires_at > bindparam("moment"))
    .order_by(authorizations.c.expires_at)
    .limit(bindparam("most", type_=sa.Integer))
    .with_for_update()
)
SWEEP = sa.delete(authorizations).where(
    authorizations.c.state_hash.in_(
        sa.select(authorizations.c.state_hash)
        .where(authorizations.c.expires_at < bindparam("moment"))
        .where(authorizations.c.answer.is_(None))
        .limit(bindparam("most", type_=sa.Integer))
    )
)


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
        self._swept_at = LONG_AGO  # when the old links were last forgotten
        self.bot_changes = 0  # how often a bot was written here: a bot read before is old then
        self._known_bots: dict[str, _KnownBot] = {}
        self.messages = Messages(self, lambda: self.now())

    # ---- services --------------------------------------------------------------------------

    def find_service(
        self, name: str, *, bot_id: str, group_id: str, user_id: str = ""
    ) -> Service | None:
        """The connection of one owner, or None."""
        with self._reading() as connection:
            row = self._service_of(connection, name, bot_id, group_id, user_id)
        return Service(**row) if row is not None else None

    def find_services(
        self,
        *,
        bot_id: str | None = None,
        group_id: str | None = None,
        user_id: str | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> list[Service]:
        """All connections, or those of a bot, or of one chat of it, or of one person there.

        They are in the order of their ids.  With `limit` no more than the first of them; with
        `after` only those whose id is higher.
        """
        given = {"bot_id": bot_id, "group_id": group_id, "user_id": user_id}
        wanted = _services_where(**given, after=after, limit=limit)
        with self._reading() as connection:
            rows = connection.execute(wanted).all()
            return [Service(**self._open(connection, services, row)) for row in rows]

    def each_service(
        self, *, bot_id: str, group_id: str | None = None, piece: int | None = None
    ) -> Iterator[Service]:
        """The connections of a bot, or of one chat of it, read by `piece` or by some hundred.

        A row that cannot be read is passed over, and named in the log.
        """
        last: int | None = None
        while True:
            where: dict[str, Any] = {"bot_id": bot_id, "group_id": group_id}
            where |= {"after": last, "limit": piece or PIECE}
            try:
                some = self.find_services(**where)
                last = some[-1].id if some else None
            except (SealBroken, WrongKey):
                some, last = self._readable_services(**where)
            yield from some
            if last is None:
                return

    def _readable_services(self, **where: Any) -> tuple[list[Service], int | None]:
        """What can be read of these rows, and the id of the last one."""
        with self._reading() as connection:
            rows = connection.execute(_services_where(**where)).all()
            found = [Service(**row) for row in self._open_each(connection, services, rows)]
        return found, rows[-1].id if rows else None

    def each_group(self, bot_id: str) -> Iterator[str]:
        """The chats in which a bot has connections, each once and in order.

        An index leads from one to the next, however many connections there are in each.
        """
        last: str | None = ""
        while True:
            with self._reading() as connection:
                last = connection.scalar(NEXT_GROUP, {"of_bot": bot_id, "last": last})
            if last is None:
                return
            yield last

    def count_services(self, bot_id: str) -> int:
        """How many connections a bot has, up to `COUNTED` + 1.  No row is opened."""
        with self._reading() as connection:
            return connection.scalars(COUNT_SERVICES, {"of_bot": bot_id}).one()

    def count_without_person(self, names: Sequence[str], bot_id: str | None = None) -> int:
        """How many connections with these names have no person, in all or of one bot.

        It counts up to `COUNTED` + 1.
        """
        nobody = services.c.user_id == sa.literal_column("''")
        which = [nobody, services.c.name.in_(names)]
        if bot_id is not None:
            which.append(services.c.bot_id == bot_id)
        with self._reading() as connection:
            return connection.scalars(_count_some(services, *which)).one()

    def save_service(
        self, name: str, *, bot_id: str, group_id: str, user_id: str = "", data: Mapping[str, Any]
    ) -> Service:
        """Create the owner's row, or merge `data` into the one that is there.

        Keys that `data` does not name stay as they are; a value of None removes its key.  All in
        one transaction: however many callers save at once, one row is left, and no key is lost.
        """
        owner = {"name": name, "bot_id": bot_id, "group_id": group_id, "user_id": user_id}
        now = self.now()
        with self._writing() as connection:
            # Is there a row?  If there is, nobody else can change it until we are done.
            row = self._service_of(connection, **owner, hold=True)
            if row is None:
                row = {**owner, "data": _merged(None, data), "created_at": now, "updated_at": now}
                written = seal_row(self.seal, services, row)
                written["grant"] = grant_of(self.seal, name, row["data"])
                made = run(connection, ADD_IF_NEW[services, self.is_postgresql], written).first()
                if made is not None:
                    return Service(id=made.id, **row)
                # Somebody else has made it since we looked.  Then theirs is the one to merge into.
                row = self._service_of(connection, **owner, hold=True)
                assert row is not None
            if row["user_id"] is None:
                # The original framework wrote it.  It becomes ours, and no other stays beside it.
                connection.execute(sa.delete(services).where(*_twins(row)))
            return Service(
                **self._change(
                    connection,
                    services,
                    row,
                    user_id=row["user_id"] or "",
                    data=_merged(row["data"], data),
                    updated_at=now,
                )
            )

    def get_service(self, service_id: int) -> Service | None:
        """The row as it is now."""
        with self._reading() as connection:
            row = self._row(connection, services, service_id)
        return Service(**row) if row is not None else None

    def update_service(self, service: Service | int, data: Mapping[str, Any]) -> Service | None:
        """Merge `data` into a row that is there; None if it was deleted in the meantime.

        `service` is the row as it was read: then also None if it holds other tokens by now.  An
        answer that was long on its way must not be written over a newer connection.  With the
        number of a row, `data` is merged whatever the row holds.
        """
        key = service.id if isinstance(service, Service) else service
        with self._writing() as connection:
            row = self._row(connection, services, key, hold=True)
            if row is None:
                return None
            if isinstance(service, Service) and not Service(**row).holds_tokens_of(service):
                return None
            merged = _merged(row["data"], data)
            row = self._change(connection, services, row, data=merged, updated_at=self.now())
            return Service(**row)

    def adopt_service(self, service: Service, *, user_id: str) -> Service:
        """Give a row that had no owner to the person whose it is; return it.

        Raises `StorageError` if it has a person, or if the person has another row in that chat.
        """
        with self._writing() as connection:
            row = self._row(connection, services, service.id, hold=True)
            if row is None:
                raise StorageError("This connection was removed in the same moment.")
            if row["user_id"] not in (None, "", user_id):
                raise StorageError(
                    "This connection belongs to a person already.", advice="Nothing was changed."
                )
            place = row["name"], row["bot_id"], row["group_id"]
            other = self._service_of(connection, *place, user_id)
            if other is not None and other["id"] != row["id"]:
                raise StorageError(
                    f"This person has a connection to {row['name']} in that chat already.",
                    advice="Nothing was changed. One of the two must be ended first.",
                )
            change = {"user_id": user_id, "updated_at": self.now()}
            return Service(**self._change(connection, services, row, **change))

    def delete_service(self, service: Service) -> bool:
        """Delete the row, if it still holds the tokens of `service`; return whether it did.

        Deleting it twice does no harm.  If the person has connected again in the meantime, the
        newer connection stays.
        """
        return self.delete_services([service]) == 1

    def delete_services(self, read: Sequence[Service]) -> int:
        """The same for several rows, in one transaction; return how many were deleted."""
        by_id = {service.id: service for service in read}
        with self._writing() as connection:
            found = connection.execute(THESE, {"keys": list(by_id)}).all()
            rows = [Service(**self._open(connection, services, row)) for row in found]
            same = [row.id for row in rows if row.holds_tokens_of(by_id[row.id])]
            return connection.execute(DELETE_THESE, {"keys": same}).rowcount

    def shares_account(
        self, service: Service, names: Sequence[str], *, leaving: Mapping[str, str] | None = None
    ) -> bool:
        """Whether another connection with one of these names is of the same account.

        An answer that waits for its code counts too: it may be a connection soon.  `leaving` is a
        bot, or a chat of it, whose connections do not count: {"bot_id": ..., "group_id": ...}.
         The answer comes from an index: no other row is opened.
        """
        account_id = service.account.get("id")
        if account_id is None:
            return False
        others = [services.c.id != service.id]
        if leaving:
            others.append(~sa.and_(*(services.c[key] == leaving[key] for key in leaving)))
        hashes = grants_of(self.seal, names, account_id)
        same = services.c.grant.in_(hashes)
        # An expression and not the column, or SQLite would go through all rows of that name.
        named = sa.func.coalesce(services.c.name, "").in_(names)
        foreign = services.c.grant.is_(None), named
        with self._reading() as connection:
            if connection.execute(sa.select(services.c.id).where(same, *others).limit(1)).first():
                return True
            if connection.execute(self._waiting_answer_of(hashes, leaving)).first():
                return True
            # What another program has written since the last start has no hash.  It is opened.
            for row in connection.execute(ANY[services].where(*foreign, *others)):
                with suppress(WrongKey, SealBroken):
                    found = Service(**self._open(connection, services, row))
                    if str(found.account.get("id")) == str(account_id):
                        return True
        return False

    def _waiting_answer_of(
        self, hashes: Sequence[str], leaving: Mapping[str, str] | None
    ) -> sa.Select[Any]:
        link = authorizations.c
        wanted = sa.select(link.state_hash).where(link.grant.in_(hashes), link.code.is_not(None))
        if leaving:
            wanted = wanted.where(~sa.and_(*(link[key] == leaving[key] for key in leaving)))
        return wanted.limit(1)

    def delete_group(self, bot_id: str, group_id: str) -> None:
        """Delete all that belongs to one chat: its connections, and the links that wait."""
        for table in (services, authorizations):
            self._delete(table, bot_id=bot_id, group_id=group_id)

    # ---- bots ------------------------------------------------------------------------------

    def find_bot(self, bot_id: str) -> Bot | None:
        with self._reading() as connection:
            row = self._row(connection, bots, bot_id)
        return Bot(**row) if row is not None else None

    def known_bot(self, bot_id: str, *, anew: bool = False) -> Bot | None:
        """Return the bot as it was read some seconds ago, if no bot was written here since then.

        Every message needs its bot, and another process changes one rarely.  If what was read does
        not fit, have it read `anew`.  Several callers get the same object, so do not change it.
        """
        known, now = self._known_bots.get(bot_id), time.monotonic()
        if anew or known is None or known.changes != self.bot_changes or known.until < now:
            known = _KnownBot(self.bot_changes, now + BELIEVED, self.find_bot(bot_id))
            if known.bot is None:  # a stranger can think of many
                self._known_bots.pop(bot_id, None)
            else:
                self._known_bots[bot_id] = known
        return known.bot

    def find_bots(self) -> list[Bot]:
        """Every bot whose row can be read: one that cannot does not stop the others."""
        with self._reading() as connection:
            rows = connection.execute(ANY[bots].order_by(bots.c.id)).all()
            return [Bot(**row) for row in self._open_each(connection, bots, rows, some=True)]

    def bot_ids(self) -> list[str]:
        """The ids of all bots, also of those whose rows cannot be read."""
        with self._reading() as connection:
            return list(connection.scalars(sa.select(bots.c.id).order_by(bots.c.id)))

    def save_bot(
        self, bot_id: str, *, token: Mapping[str, Any] | None = None, data: Mapping[str, Any]
    ) -> Bot:
        """Create the bot, or replace its token (when one is given) and merge `data`."""
        now = self.now()
        with self._writing() as connection:
            row = self._row(connection, bots, bot_id, hold=True)
            if row is None:
                empty = {"id": bot_id, "token": None, "data": None}
                add = ADD_IF_NEW[bots, self.is_postgresql]
                run(connection, add, {**empty, "created_at": now, "updated_at": now})
                row = self._row(connection, bots, bot_id, hold=True)  # ours, or somebody else's
                assert row is not None
            new = {"data": _merged(row["data"], data), "updated_at": now}
            if token is not None:
                new["token"] = dict(token)
            saved = Bot(**self._change(connection, bots, row, **new))
        self.bot_changes += 1
        return saved

    def update_bot(self, bot: Bot | str, data: Mapping[str, Any]) -> Bot | None:
        """Merge `data` into a bot that is there; None if it was deleted in the meantime.

        `bot` is the row as it was read: then also None if it has another token by now.
        With the id of a bot, `data` is merged whatever the row holds.
        """
        key = bot.id if isinstance(bot, Bot) else bot
        with self._writing() as connection:
            row = self._row(connection, bots, key, hold=True)
            if row is None or (isinstance(bot, Bot) and row["token"] != bot.token):
                return None
            new = {"data": _merged(row["data"], data), "updated_at": self.now()}
            updated = Bot(**self._change(connection, bots, row, **new))
        self.bot_changes += 1
        return updated

    def delete_bot(self, bot: Bot | str) -> bool:
        """Delete the bot and everything that belongs to it; return whether the bot is deleted.

        `bot` is the row as it was read: then it stays if it has another token by now.  With the id
        of a bot, it is deleted whatever the row holds.
        """
        key = bot.id if isinstance(bot, Bot) else bot
        for table in (services, authorizations):
            self._delete(table, bot_id=key)
        if isinstance(bot, Bot):
            with self._writing() as connection:
                row = self._row(connection, bots, key, hold=True)
                if row is not None and row["token"] != bot.token:
                    return False
                connection.execute(sa.delete(bots).where(bots.c.id == key))
        else:
            self._delete(bots, id=key)
        self.bot_changes += 1
        return True

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
        row: dict[str, Any] = {
            "state_hash": _hash(state),
            "provider": provider,
            "bot_id": bot_id,
            "group_id": group_id,
            "user_id": user_id,
            "redirect_uri": redirect_uri,
            "verifier": verifier,
            "created_at": now,
            "expires_at": now + LINK_LIFE,
        }
        with self._writing() as connection:
            if not self._swept_at <= now < self._swept_at + BETWEEN_SWEEPS:
                old = {"moment": now - REMEMBERED, "most": PIECE}
                if run(connection, SWEEP, old).count < PIECE:
                    self._swept_at = now
            try:
                run(connection, ADD_LINK, seal_row(self.seal, authorizations, row))
            except (IntegrityError, sqlite3.IntegrityError):
                raise StorageError(
                    "There is a link with this state already.",
                    advice="A state is for one link only: make a new one.",
                ) from None
        return Authorization(**row)

    def claim_authorization(self, state: str, *, provider: str) -> Authorization:
        """Take the link that `state` belongs to, once and for all.

        One UPDATE decides: of many callers at once, in many processes, only one changes the row.
        Raises `StateUnknown`, `StateForeign`, `StateUsed` or `StateExpired`.
        """
        key, now = _hash(state), self.now()
        with self._writing() as connection:
            which = {"key": key, "moment": now, "of_provider": provider}
            claimed = run(connection, CLAIM_LINK, which).first()
            if claimed is not None:
                return Authorization(**self._open(connection, authorizations, claimed))
        # Nothing was changed.  Only now it matters why.
        self.check_authorization(state, provider=provider)
        raise StateUsed(USED)  # a moment ago it could be claimed

    def check_authorization(self, state: str, *, provider: str) -> Authorization:
        """Return what `claim_authorization` would return now, or raise the same; change nothing.

        No secret is opened, so the verifier is left out.
        """
        with self._reading() as connection:
            found = run(connection, BY_KEY[authorizations], {"key": _hash(state)}).first()
        if found is None:
            raise StateUnknown("This bot does not know this link.")
        if found.provider != provider:
            raise StateForeign(f"This link was made for {found.provider}, not for {provider}.")
        if found.claimed_at is not None:
            raise StateUsed(USED)
        if found.expires_at <= self.now():
            raise StateExpired("This link is more than ten minutes old and no longer works.")
        return Authorization(**found._asdict() | {"verifier": "", "answer": None})

    # ---- answers that wait to be confirmed --------------------------------------------------

    def hold_answer(
        self, link: Authorization, answer: Mapping[str, Any], *, jobs: Sequence[Job] = ()
    ) -> list[HeldAnswer]:
        """Keep what came for a claimed link, for ten minutes; write `jobs` in the same transaction.

        `answer` has its "code" and its "data".  Of one person only the newest `MOST_ANSWERS` wait;
        those that had to go are returned.  Wrong codes that the person has said already count.
        """
        with self._writing() as connection:
            others = self._waiting_for(connection, link.bot_id, link.user_id)
            new = {
                "answer": dict(answer),
                "verifier": "",  # the code has been exchanged, so nobody needs it any more
                "tries": max((other["tries"] or 0 for other in others), default=0),
                "expires_at": self.now() + ANSWER_LIFE,
                "code": codes_of(self.seal, link.bot_id, [answer["code"]])[0],
                "grant": grant_of(self.seal, link.provider, answer.get("data")),
            }
            sealed = seal_row(self.seal, authorizations, vars(link) | new)
            change = {"key": link.state_hash} | {name: sealed[name] for name in new}
            if not run(connection, CHANGE[authorizations], change).count:
                raise StorageError("This link was removed in the same moment.")
            too_many = others[: 1 - MOST_ANSWERS]  # one place is for the new one
            gone = [self._take(connection, other) for other in too_many]
            self.messages.put_within(connection, jobs)
            return gone

    def is_code_awaited(self, bot_id: str, user_id: str, codes: Sequence[str]) -> bool:
        """Whether `try_code` would do anything at this moment."""
        link = authorizations.c
        which: sa.ColumnElement[bool] = link.code.in_(codes_of(self.seal, bot_id, codes))
        if len(set(codes)) == 1:
            which = which | (link.user_id == user_id)
        waits = link.bot_id == bot_id, link.code.is_not(None), link.expires_at > self.now()
        with self._reading() as connection:
            wanted = sa.select(link.state_hash).where(*waits, which).limit(1)
            return connection.execute(wanted).first() is not None

    def try_code(self, bot_id: str, user_id: str, codes: Sequence[str]) -> CodeCheck | None:
        """Compare codes that a person has said with those that wait; None if that means nothing.

        The right one takes its answer out.  The code of an answer that another person has asked
        for ends that answer.  Any other one counts, if answers wait for this person; the fifth of
        them ends the waiting.

        Several codes together confirm nothing, because a person has five guesses in all: they only
        end the answers that other people have asked for.
        """
        is_one = len(set(codes)) == 1
        hashes = codes_of(self.seal, bot_id, codes)
        found = ANY[authorizations].where(authorizations.c.code.in_(hashes))
        with self._writing() as connection:
            rows = self._waiting_now(connection, found.filter_by(bot_id=bot_id))
            mine = [row for row in rows if row["user_id"] == user_id]
            if mine and is_one:
                return CodeCheck(taken=self._take(connection, mine[0]))
            if others := [row for row in rows if row["user_id"] != user_id]:
                return CodeCheck(foreign=[self._take(connection, row) for row in others])
            rows = self._waiting_for(connection, bot_id, user_id) if is_one else []
            if not rows:
                return None
            tries = max(row["tries"] or 0 for row in rows) + 1
            if tries >= MOST_TRIES:
                return CodeCheck(spoiled=[self._take(connection, row) for row in rows])
            for row in rows:
                self._change(connection, authorizations, row, tries=tries)
            return CodeCheck(left=MOST_TRIES - tries)

    def take_answers(self, *, bot_id: str = "", group_id: str = "") -> list[HeldAnswer]:
        """Take out the answers that nobody can confirm any more: those of a bot, or of one chat of
        it, that has gone; or else those that are too old.  Some hundred at a time: ask until there
        are none.
        """
        gone = {"bot_id": bot_id} | ({"group_id": group_id} if group_id else {})
        wanted = ANY[authorizations].filter_by(**gone if bot_id else {})
        old = sa.true() if bot_id else authorizations.c.expires_at <= self.now()
        with self._writing() as connection:
            return [self._take(connection, row) for row in self._waiting(connection, wanted, old)]

    def _waiting_for(
        self, connection: sa.Connection, bot_id: str, user_id: str
    ) -> list[dict[str, Any]]:
        """The answers that wait for one person; the oldest is the first."""
        which = {"of_bot": bot_id, "of_user": user_id, "moment": self.now(), "most": PIECE}
        return self._opened_answers(connection, run(connection, WAIT_FOR_PERSON, which).rows)

    def _waiting_now(
        self, connection: sa.Connection, wanted: sa.Select[Any]
    ) -> list[dict[str, Any]]:
        return self._waiting(connection, wanted, authorizations.c.expires_at > self.now())

    def _waiting(
        self, connection: sa.Connection, wanted: sa.Select[Any], when: sa.ColumnElement[bool]
    ) -> list[dict[str, Any]]:
        there = wanted.where(authorizations.c.answer.is_not(None), when).limit(PIECE)
        return self._opened_answers(connection, connection.execute(there.with_for_update()).all())

    def _opened_answers(
        self, connection: sa.Connection, rows: Sequence[Any]
    ) -> list[dict[str, Any]]:
        opened = [self._open(connection, authorizations, row) for row in rows]
        return [row for row in opened if row["answer"] is not None]  # JSON has a null of its own

    def _take(self, connection: sa.Connection, row: Mapping[str, Any]) -> HeldAnswer:
        self._change(connection, authorizations, row, answer=None, code=None, grant=None)
        who = {name: row[name] for name in ("provider", "bot_id", "group_id", "user_id")}
        return HeldAnswer(**who, answer=row["answer"])

    # ---- counting and sweeping --------------------------------------------------------------

    def count_waiting_links(self, bot_id: str) -> int:
        """How many of this bot's links may still be used now, up to `COUNTED` + 1."""
        which = {"of_bot": bot_id, "moment": self.now()}
        with self._reading() as connection:
            return connection.scalars(COUNT_LINKS, which).one()

    def sweep_links(self) -> int:
        """Forget the links that expired more than an hour ago; return how many they were."""
        return self._in_pieces(SWEEP, moment=self.now() - REMEMBERED, most=PIECE)

    # ---- how rows are read and written -------------------------------------------------------

    def _service_of(
        self,
        connection: sa.Connection,
        name: str,
        bot_id: str,
        group_id: str,
        user_id: str,
        *,
        hold: bool = False,
    ) -> dict[str, Any] | None:
        wanted = OF_PERSON if user_id else OF_CHAT
        owner = {"of_name": name, "of_bot": bot_id, "of_group": group_id, "of_user": user_id}
        row = run(connection, HOLD[wanted] if hold else wanted, owner).first()
        return self._open(connection, services, row) if row is not None else None

    def _row(
        self, connection: sa.Connection, table: sa.Table, key: Any, *, hold: bool = False
    ) -> dict[str, Any] | None:
        """One row by its key; with `hold` no other writer gets it until the transaction ends."""
        wanted = HOLD[BY_KEY[table]] if hold else BY_KEY[table]
        row = run(connection, wanted, {"key": key}).first()
        return self._open(connection, table, row) if row is not None else None

    def _change(
        self, connection: sa.Connection, table: sa.Table, row: Mapping[str, Any], **new: Any
    ) -> dict[str, Any]:
        """Write what is `new` in a row; return the whole of it.

        All its secrets are written with it: so what an older version left is sealed as of today,
        and a row that gets another owner is sealed for that one.
        """
        changed = {**row, **new}
        sealed = seal_row(self.seal, table, changed)
        values = {name: sealed[name] for name in (*new, *SECRET[table])}
        if table is services:
            values["grant"] = grant_of(self.seal, changed["name"], changed["data"])
        (key,) = table.primary_key
        run(connection, CHANGE[table], {"key": row[key.key], **values})
        return changed

    def _delete(self, table: sa.Table, **of: str) -> None:
        (key,) = table.primary_key
        some = sa.select(key).filter_by(**of).limit(PIECE)
        self._in_pieces(sa.delete(table).where(key.in_(some)))

    def _in_pieces(self, delete: sa.Delete, **values: Any) -> int:
        """Delete many rows, some hundred in a transaction: others want to write too."""
        count, last = 0, PIECE
        while last >= PIECE:
            with self._writing() as connection:
                last = connection.execute(delete, values).rowcount
            count += last
        return count


def _services_where(
    *, after: int | None = None, limit: int | None = None, **given: str | None
) -> sa.Select[Any]:
    columns = {column: value for column, value in given.items() if value is not None}
    wanted = ANY[services].filter_by(**columns).order_by(services.c.id).limit(limit)
    return wanted if after is None else wanted.where(services.c.id > after)


def _twins(row: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """Other rows of the owner of a row that has none written."""
    same = [services.c[name] == row[name] for name in ("name", "bot_id", "group_id")]
    nobody = sa.or_(services.c.user_id == "", services.c.user_id.is_(None))
    return [*same, nobody, services.c.id != row["id"]]


def _merged(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    known = old if isinstance(old, dict) else {}
    return {key: value for key, value in {**known, **new}.items() if value is not None}


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
