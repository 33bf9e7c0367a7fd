"""Sealed at rest: what the database keeps can be read with the key only.

A token is as good as a password, and a database is copied: into a backup, into a mail to somebody
who should help.  So every column that may hold a secret is encrypted before it is written, and
decrypted after it is read.  The key is not in the database but in `BOTKIT_SECRET_KEY`.

    {"accessToken": "gho_..."}   is written as   {"sealed": "gAAAAABp..."}

The encryption is Fernet: AES and an HMAC, so that nobody can change what is sealed either.  With
several keys the first one seals, and each may open: that is how a key is exchanged for a new one.
What was written before there was a key is read as it is, and sealed when it is next saved.
Source: RFC 6749, section 10.3; https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from botkit.errors import WrongKey
from botkit.storage.tables import Authorization, Table

MARK = "sealed"  # the one member of a sealed object, and the beginning of a sealed text


def new_key() -> str:
    """A new key: 32 random bytes, as 44 characters."""
    return Fernet.generate_key().decode()


class Seal:
    """Seals with the first of `keys`, opens with any of them; without a key nothing is sealed.

    `dumps` and `loads` are what SQLAlchemy wants of an engine: JSON columns go through them.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    @property
    def has_key(self) -> bool:
        return self._fernet is not None

    def dumps(self, value: Any) -> str:
        """`value` as JSON, sealed."""
        plain = json.dumps(value)
        return plain if self._fernet is None else json.dumps({MARK: self._close(plain)})

    def loads(self, text: str | bytes) -> Any:
        """What `dumps` was given, or what plain JSON says.  Raises `WrongKey`."""
        value = json.loads(text)
        sealed = value[MARK] if isinstance(value, dict) and list(value) == [MARK] else None
        return json.loads(self._open(sealed)) if isinstance(sealed, str) else value

    def seal_text(self, text: str) -> str:
        """The same for a column of text; about 100 characters longer."""
        return text if self._fernet is None or not text else f"{MARK}:{self._close(text)}"

    def open_text(self, text: str) -> str:
        """Raises `WrongKey`."""
        return self._open(text.removeprefix(f"{MARK}:")) if text.startswith(f"{MARK}:") else text

    def _close(self, plain: str) -> str:
        assert self._fernet is not None
        return self._fernet.encrypt(plain.encode()).decode()

    def _open(self, sealed: str) -> str:
        if self._fernet is None:
            raise WrongKey("The database is sealed, and there is no key to open it.")
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise WrongKey("The database is sealed with another key.") from None

    def __repr__(self) -> str:
        return "<Seal>" if self.has_key else "<Seal without a key>"


# ---- how it is used on the tables ---------------------------------------------------------------


SAMPLE = 20  # rows of each table: enough to see whether the key is the right one


def engine_options(seal: Seal) -> dict[str, Any]:
    """What `create_engine` must be told, so that JSON columns go through `seal`.

    Not the methods themselves: psycopg remembers a function by its code, and would let the first
    seal of this process stand for all others.
    """
    return {
        "json_serializer": partial(Seal.dumps, seal),
        "json_deserializer": partial(_object, seal),
    }


def _object(seal: Seal, text: Any) -> Any:
    """What a JSON column holds.  Other programs may have left there what is no object: wrapped in
    one it harms nobody, and is not lost when the row is sealed.
    """
    value = seal.loads(text) if isinstance(text, str | bytes) else text  # SQLite reads numbers
    return value if value is None or isinstance(value, dict) else {"unreadable": value}


class SealingSession(Session):
    """A row that is changed is written whole, so that also what stayed the same is sealed."""


@sa.event.listens_for(SealingSession, "before_flush")
def _write_whole_rows(session: Session, *_: object) -> None:
    for row in session.dirty:
        _mark_changed(row)


def _mark_changed(row: Any) -> int:
    """Let the sealed columns of a row be written again; return how many have something in them."""
    names = [
        attribute.key
        for attribute in sa.inspect(type(row)).column_attrs
        if isinstance(attribute.columns[0].type, sa.JSON)
        and getattr(row, attribute.key) is not None
    ]
    for name in names:
        flag_modified(row, name)
    return len(names)


def prove_key(connection: sa.Connection, seal: Seal) -> None:
    """Raise `WrongKey` unless the newest rows can be opened.  The cost does not grow with them."""
    for table in Table.metadata.sorted_tables:
        secret = [column for column in table.columns if isinstance(column.type, sa.JSON)]
        newest = [column.desc() for column in table.primary_key]
        connection.execute(sa.select(*secret).order_by(*newest).limit(SAMPLE)).all()
    for verifier in connection.scalars(sa.select(Authorization.verifier).limit(SAMPLE)):
        seal.open_text(verifier or "")


def count_plain_rows(connection: sa.Connection) -> int:
    """How many rows have a secret in them that is not sealed; looks at all of them."""
    count = 0
    for table in Table.metadata.sorted_tables:
        written = [sa.cast(c, sa.Text) for c in table.columns if isinstance(c.type, sa.JSON)]
        plain = [sa.and_(c != "null", c.not_like(f'{{"{MARK}": %')) for c in written]
        if table is Authorization.__table__:
            verifier = table.c.verifier
            plain.append(sa.and_(verifier != "", verifier.not_like(f"{MARK}:%")))
        wanted = sa.select(sa.func.count()).select_from(table).where(sa.or_(*plain))
        count += connection.scalars(wanted).one()
    return count


def all_rows(session: Session) -> list[tuple[type[Table], Any]]:
    """Every row of every table, by the value of its primary key."""
    found: list[tuple[type[Table], Any]] = []
    for mapper in Table.registry.mappers:
        (key,) = mapper.primary_key
        found += [(mapper.class_, value) for value in session.scalars(sa.select(key))]
    return found


def seal_again(session: Session, seal: Seal, table: type[Table], key: Any) -> bool:
    """Seal a row with the newest key; say whether it is there and has anything to seal."""
    row = session.get(table, key, with_for_update=True)
    if row is None:
        return False
    sealed = _mark_changed(row)
    if isinstance(row, Authorization) and row.verifier:
        row.verifier = seal.seal_text(seal.open_text(row.verifier))
        sealed += 1
    return sealed > 0
