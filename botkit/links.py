"""The auth links that wait for their answer: the table `authorizations`.

Step 1 of `botkit.oauth` adds a row, step 2 claims it.  The rows live in the database, so any
process may answer the callback, whichever of them gave out the link.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from botkit.database import Database
from botkit.errors import StateExpired, StateForeign, StateUnknown, StateUsed
from botkit.tables import Authorization

LINK_LIFE = timedelta(minutes=10)
REMEMBERED = timedelta(hours=1)  # so that a page can say "expired" or "used" and not "unknown"


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
                verifier=verifier,
                created_at=now,
                expires_at=now + LINK_LIFE,
            )
            session.add(row)
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
        old = Authorization.expires_at < self.now() - REMEMBERED
        return session.connection().execute(sa.delete(Authorization).where(old)).rowcount


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
