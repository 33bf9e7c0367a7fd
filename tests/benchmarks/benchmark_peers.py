"""The peers in the benchmark, each used as its documentation shows, in its own tables.

slack_sdk's stores for a Slack app, and Flask-Dance's storage, all on SQLAlchemy as botkit's is.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from benchmark_contestants import LATER, PEOPLE_IN_A_CHAT, TOKEN, Contestant
from flask_dance.consumer import OAuth2ConsumerBlueprint
from flask_dance.consumer.storage.sqla import OAuthConsumerMixin, SQLAlchemyStorage
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

# ---- slack_sdk ---------------------------------------------------------------------------------


class SlackState(Contestant):
    """`issue` and `consume`."""

    task, product = "state", "slack_sdk"

    def _prepare(self, url: str) -> None:
        self.store = SQLAlchemyOAuthStateStore(600, self.engine)
        self.store.create_tables()
        self.table = self.store.oauth_states

    def once(self) -> None:
        assert self.store.consume(self.store.issue())

    def _filling(self) -> Iterator[Any]:
        later = LATER.replace(tzinfo=None)
        yield self.table, lambda _: {"state": secrets.token_hex(18), "expire_at": later}


class SlackService(Contestant):
    """`save` and `find_installation`; each of both looks after the bot's own token, too."""

    task, product = "service", "slack_sdk"

    def _prepare(self, url: str) -> None:
        self.store = SQLAlchemyInstallationStore("client", self.engine)
        self.store.create_tables()
        self.table = self.store.installations

    def once(self) -> None:
        row = self._installation(self._somewhere(), next(self._numbers))
        self.store.save(row)
        found = self.store.find_installation(
            enterprise_id=None, team_id=row.team_id, user_id=row.user_id
        )
        assert found and found.user_token == TOKEN

    def _installation(self, team: int, person: int) -> Installation:
        return Installation(
            app_id="A1",
            team_id=f"T{team}",
            user_id=f"U{person}",
            bot_token="xoxb-" + 50 * "x",
            bot_id="B1",
            bot_user_id="U0",
            bot_scopes="chat:write",
            user_token=TOKEN,
            user_scopes="read:user",
        )

    def _filling(self) -> Iterator[Any]:
        def both(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
            row = self._installation(number // PEOPLE_IN_A_CHAT, number)
            when = datetime.fromtimestamp(1_700_000_000 + number, UTC).replace(tzinfo=None)
            more = {"client_id": "client", "installed_at": when}
            return row.to_dict() | more, row.to_bot().to_dict() | more

        yield self.table, lambda number: both(number)[0]
        yield self.store.bots, lambda number: both(number)[1]


# ---- Flask-Dance -------------------------------------------------------------------------------


class FlaskDanceService(Contestant):
    """`set` and `get`, each in a session of its own, as in two requests."""

    task, product = "service", "Flask-Dance"

    def _prepare(self, url: str) -> None:
        base = declarative_base()

        class OAuth(OAuthConsumerMixin, base):  # type: ignore[misc,valid-type]
            user_id = sa.Column(sa.Integer)  # its documentation has no index here

        sessions = scoped_session(sessionmaker(self.engine))
        self.store = SQLAlchemyStorage(OAuth, sessions, user_required=False)
        self.blueprint = OAuth2ConsumerBlueprint("github", __name__, client_id="client")
        self.table = OAuth.__table__
        base.metadata.create_all(self.engine)

    def once(self) -> None:
        user_id = 1 + next(self._numbers)
        token = {"access_token": TOKEN, "scope": ["read:user"], "token_type": "bearer"}
        self.store.set(self.blueprint, token, user_id=user_id)
        self.store.session.remove()
        found = self.store.get(self.blueprint, user_id=user_id)
        self.store.session.remove()
        assert found["access_token"] == TOKEN

    def _filling(self) -> Iterator[Any]:
        token = {"access_token": TOKEN, "scope": ["read:user"], "token_type": "bearer"}
        now = datetime.now(UTC).replace(tzinfo=None)

        def row(number: int) -> dict[str, Any]:
            return {
                "provider": "github",
                "created_at": now,
                "token": token,
                "user_id": 1 + number,
            }

        yield self.table, row


PEERS = (SlackState, SlackService, FlaskDanceService)
