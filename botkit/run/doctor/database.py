"""Check whether the database answers, has its tables and can be written.

The doctor only looks: it rolls back what it writes as a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from botkit.bot import DATABASE, key_file
from botkit.chat import Refusal, refusal_of
from botkit.errors import DatabaseBusy, SealBroken, SettingsError, StorageError, WrongKey
from botkit.run.doctor.report import Check, note, ok, wrong
from botkit.settings import SECRET_KEY, Settings, read_keys
from botkit.storage import (
    Seal,
    bots,
    clear_errors,
    columns_of,
    connect,
    count_plain_rows,
    metadata,
    open_row,
    prove_key,
)

VARIABLE = "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI"
NAME_A_FILE = f"Set {VARIABLE},\nto {DATABASE} for example."
SET_UP = "Run: python -m botkit setup-database"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
BUSY_SECONDS = 1.0
NOBODY = "botkit-doctor"  # the id of a bot that is never kept


def default_database(settings: Settings) -> str | None:
    """Return the file that `serve` uses if no database is set, or None.

    It is None if the file is missing or nothing is live.
    """
    file = Path(DATABASE.removeprefix("sqlite:///"))
    return DATABASE if settings.is_live and file.is_file() else None


def no_database() -> Check:
    """Say which database is used if none is set."""
    file = DATABASE.removeprefix("sqlite:///")
    text = f"No database is set: serve takes the file {file}, a lesson one that goes at its end."
    return note("database", text)


def keys_of(settings: Settings, url: str) -> tuple[str, ...]:
    """Return the keys of the settings, or the practice key beside the database."""
    file = None if settings.secret_keys or settings.is_live else key_file(url)
    with suppress(OSError, ValueError, SettingsError):
        return read_keys(file.read_text(encoding="utf-8")) if file else settings.secret_keys
    return ()


class DatabaseVisit:
    """One look at the database at `url`, which `keys` may open.

    `webhooks` are the addresses that its bots remember.
    """

    def __init__(self, url: str, keys: tuple[str, ...] = ()) -> None:
        self.url = url
        self._seal = Seal(keys)
        self.webhooks: frozenset[str] = frozenset()

    def checks(self) -> Iterator[Check]:
        """The lines, until one is wrong."""
        try:
            connect(self.url).dispose()  # opens nothing yet
            parsed = sa.make_url(self.url)
        except (StorageError, ValueError) as error:
            advice = getattr(error, "advice", "Check its port: it is not a number.")
            yield wrong("database", f"{VARIABLE} cannot be used.", advice)
            return
        if parsed.get_backend_name() == "sqlite" and (trouble := _no_file(parsed)):
            yield trouble
            return
        # Not the engine of `connect`, which sets a database file to work with a write-ahead log.
        options: dict[str, Any] = {"hide_parameters": True}
        if parsed.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": BUSY_SECONDS}
        engine = sa.create_engine(parsed, **options)
        try:
            yield from self._look_inside(engine)
        finally:
            engine.dispose()

    def _look_inside(self, engine: sa.Engine) -> Iterator[Check]:
        try:
            with clear_errors(), engine.connect() as connection:
                missing = list(_missing(connection))
        except StorageError as error:
            yield _unreachable(error, engine.dialect.name)
            return
        name = NAMES.get(engine.dialect.name, engine.dialect.name)
        yield ok("database", f"The database answers: {name}.")
        if missing:
            yield wrong("tables", f"The database lacks {', '.join(missing)}.", SET_UP)
            return
        yield ok("tables", "Its tables are complete.")
        yield self._sealed(engine)
        yield _writing(engine)
        yield from self._bots(engine)

    def _bots(self, engine: sa.Engine) -> Iterator[Check]:
        """Remember the webhooks; a line for each bot whose token RingCentral refuses."""
        found: list[Any] = []
        with suppress(StorageError), clear_errors(), engine.connect() as connection:
            wanted = sa.select(*columns_of(bots)).order_by(bots.c.id)
            for row in connection.execute(wanted):
                with suppress(SealBroken, WrongKey):  # `status` tells of it
                    data = open_row(self._seal, bots, row._asdict())[0]["data"]
                    found.append((row.id, data or {}))
        self.webhooks = frozenset(data["webhook"] for _, data in found if "webhook" in data)
        for bot_id, data in found:
            if refusal := refusal_of(data):
                yield _refused(bot_id, refusal)

    def _sealed(self, engine: sa.Engine) -> Check:
        try:
            with clear_errors(), engine.connect() as connection:
                prove_key(connection, self._seal)
                plain = count_plain_rows(connection)
        except WrongKey as error:
            advice = "to the key that was used before; a newer one may stand before it."
            beside = key_file(self.url)
            if beside and beside.exists():
                advice += f" The key of practice is in {beside.name}."
            return wrong("sealed", str(error), f"Set {SECRET_KEY} {advice}")
        except StorageError as error:
            return wrong("sealed", str(error), "Ask again in a moment.")
        if not plain:
            fits = "What is in it is sealed, and the key fits."
            return ok("sealed", fits if self._seal.has_key else "There is nothing secret in it.")
        rows = "One row" if plain == 1 else f"{plain} rows"
        text = f"{rows} of it, from before there was a key, can be read by everybody who has it."
        return note("sealed", text, "Run: python -m botkit rotate-key")


def _no_file(url: sa.URL) -> Check | None:
    """SQLite makes a file that is not there, and a doctor makes nothing."""
    file = (url.database or "").removeprefix("file:")
    if file in ("", ":memory:") or url.query.get("mode") == "memory":
        text = "The database is kept in memory: what the bot learns goes when it ends."
        return note("database", text, NAME_A_FILE)
    if Path(file).is_file():
        return None
    if not Path(file).parent.is_dir():
        advice = f"Make that folder, or correct {VARIABLE}."
        return wrong("database", "The folder of the database's file is not there.", advice)
    return wrong("database", "The database's file is not there yet.", SET_UP)


def _missing(connection: sa.Connection) -> Iterator[str]:
    """What `setup-database` would add."""
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            yield f"the table {table.name}"
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        for column in table.columns:
            if column.name not in columns:
                yield f"the column {table.name}.{column.name}"
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            if index.name not in indexes:
                yield f"the index {index.name}"


def _writing(engine: sa.Engine) -> Check:
    now = datetime.now(UTC)
    row = sa.insert(bots).values(id=NOBODY, created_at=now, updated_at=now)
    try:
        with clear_errors(), engine.connect() as connection:
            connection.execute(row)
            connection.rollback()
    except DatabaseBusy as error:
        return wrong(
            "writing", str(error), "Ask again in a moment. If it stays so, look who it is."
        )
    except StorageError:
        advice = "Allow the bot to write: to the file and its folder, or to the tables."
        return wrong("writing", "The database cannot be written.", advice)
    return ok("writing", "It can be written.")


def _refused(bot_id: str, refusal: Refusal) -> Check:
    if refusal.bot_is_gone:
        text = f"RingCentral says that bot {bot_id} was deleted ({refusal.code})."
        advice = f"If you deleted it, run: python -m botkit remove-bot {bot_id}"
        return wrong("bots", text, advice)
    text = f"RingCentral does not accept the token of bot {bot_id} ({refusal.code})."
    advice = f"Get a new one in RingCentral,\nthen run: python -m botkit update-token {bot_id}"
    return wrong("bots", text, advice)


def _unreachable(error: StorageError, dialect: str) -> Check:
    if isinstance(error, DatabaseBusy):
        return wrong("database", str(error), "Ask again in a moment.")
    if dialect == "sqlite":
        advice = f"Check that {VARIABLE} names an SQLite file, and that you may read it."
    else:
        advice = f"Check that it runs, and the host, user, password and name in {VARIABLE}."
    return wrong("database", "The database does not answer.", advice)
