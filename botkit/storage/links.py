"""The auth links that wait for their answer: the table `authorizations`.

Step 1 of `botkit.oauth` adds a row, step 2 claims it.  Then the answer may have to wait once more,
until the person confirms it in the chat: see `botkit.skills.confirm`.  The rows live in the database, so
any process may answer the callback, whichever of them gave out the link.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from botkit.errors import StateExpired, StateForeign, StateUnknown, StateUsed, StorageError
from botkit.storage.database import Database
from botkit.storage.tables import Authorization

LINK_LIFE = timedelta(minutes=10)
ANSWER_LIFE = timedelta(minutes=10)  # to say the code in the chat
MOST_TRIES = 5  # of a million codes
REMEMBERED = timedelta(hours=1)  # so that a page can say "expired" or "used" and not "unknown"


@dataclass(frozen=True)
class Taken:
    """An answer that waited, and who had asked for the link, where."""

    provider: str
    bot_id: str
    group_id: str
    user_id: str
    answer: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Attempt:
    """What came of a code: the answer `taken`, or how many more tries there are.

    `spoiled` are the answers that this wrong code has ended.
    """

    taken: Taken | None = None
    left: int = 0
    spoiled: Sequence[Taken] = ()


class Links(Database):
    """One half of `botkit.storage.Storage`.  `now` is the clock: the moment, in UTC."""

    now: Callable[[], datetime]

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

    def try_code(self, bot_id: str, group_id: str, user_id: str, code: str) -> Attempt | None:
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
                    return Attempt(taken=_taken(row))
            for row in rows:
                row.tries = (row.tries or 0) + 1
            spoiled = [_taken(row) for row in rows if (row.tries or 0) >= MOST_TRIES]
            left = max((MOST_TRIES - (row.tries or 0) for row in rows if row.answer), default=0)
            return Attempt(left=left, spoiled=spoiled)

    def take_answers(self, *, bot_id: str = "", group_id: str = "") -> list[Taken]:
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


def _taken(row: Authorization) -> Taken:
    answer, row.answer = row.answer or {}, None
    return Taken(row.provider, row.bot_id, row.group_id, row.user_id, answer)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
