"""Encrypt secrets before they are stored in the database.

A token is as good as a password, and a database is copied: into a backup, into a mail to somebody
who should help.  So every column that may hold a secret is encrypted before it is written, and
decrypted after it is read.  The key is not in the database but in `BOTKIT_SECRET_KEY`.

    {"accessToken": "gho_..."}   is written as   {"sealed": "gAAAAABp..."}

The encryption is Fernet: AES and an HMAC, so that nobody can change what is sealed either.  With
several keys the first one seals, and each may open: that is how a key is exchanged for a new one.

What is sealed also says where it belongs: its table, its column and its owner.  Without that,
anybody who can write into the database could copy Alice's sealed token into Mallory's row, without
reading it.  A value that is found anywhere else is refused.

Older versions wrote plain values before there was a key, and sealed values that did not say where
they belong.  Both are still read, until all of them have been sealed again (`set_up` and `reseal`
do that, and leave a mark in the table `seals`).  After that they are refused too, because only
another program can have put them there.  A running bot remembers the mark; somebody who deletes it
and then waits for the bot to start again is beyond what a database can prevent.

Not here: which rows there are (tables.py), and which key is used (`botkit.bot.keys`).
Source: RFC 6749, section 10.3; https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from botkit.errors import SealBroken, WrongKey
from botkit.storage.tables import SECRET, authorizations, columns_of, metadata, place_of

MARK = "sealed"  # the one member of a sealed object, and the beginning of a sealed text
SAMPLE = 20  # rows of each table: enough to see whether the key is the right one


def new_key() -> str:
    """A new key: 32 random bytes, as 44 characters."""
    return Fernet.generate_key().decode()


class Seal:
    """Seals with the first of `keys`, opens with any of them; without a key nothing is sealed.

    `place` says where a value belongs (`botkit.storage.tables.place_of`); "" binds it to nothing.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None
        self._hash_keys = [_hash_key(key) for key in keys] or [b""]

    @property
    def has_key(self) -> bool:
        return self._fernet is not None

    def dumps(self, value: Any, place: str = "") -> str:
        """`value` as JSON, sealed."""
        plain = json.dumps(value)
        return plain if self._fernet is None else json.dumps({MARK: self._close(plain, place)})

    def loads(self, text: str | bytes, place: str = "") -> Any:
        """What `dumps` was given, or what plain JSON says.  Raises `WrongKey`, `SealBroken`."""
        return self.load(text, place)[0]

    def load(self, text: str | bytes, place: str) -> tuple[Any, bool]:
        """The same, and whether the value was bound to its place."""
        try:
            value = json.loads(text)
        except ValueError:  # another program wrote it
            value = str(text)
        sealed = value[MARK] if isinstance(value, dict) and list(value) == [MARK] else None
        if not isinstance(sealed, str):
            return value, value is None
        plain, bound = self._open(sealed, place)
        return json.loads(plain), bound

    def seal_text(self, text: str, place: str = "") -> str:
        """The same for a column of text; about 200 characters longer."""
        return text if self._fernet is None or not text else f"{MARK}:{self._close(text, place)}"

    def open_text(self, text: str, place: str = "") -> str:
        """Raises `WrongKey`, `SealBroken`."""
        return self.load_text(text, place)[0]

    def load_text(self, text: str, place: str) -> tuple[str, bool]:
        """The same, and whether the text was bound to its place."""
        if not text.startswith(f"{MARK}:"):
            return text, not text
        return self._open(text.removeprefix(f"{MARK}:"), place)

    def hashes(self, text: str) -> list[str]:
        """Of a text that somebody could guess: with the newest key, then with each older one."""
        digests = [
            hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
            for key in self._hash_keys
        ]
        return [base64.urlsafe_b64encode(digest).rstrip(b"=").decode() for digest in digests]

    def _close(self, plain: str, place: str) -> str:
        assert self._fernet is not None
        # The place is a line of its own.  What older versions sealed has no newline.
        bound = f"{_short(place)}\n{plain}" if place else plain
        return self._fernet.encrypt(bound.encode()).decode()

    def _open(self, sealed: str, place: str) -> tuple[str, bool]:
        if self._fernet is None:
            raise WrongKey("The database is sealed, and there is no key to open it.")
        try:
            opened = self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise WrongKey("The database is sealed with another key.") from None
        written, newline, plain = opened.partition("\n")
        if not newline:
            return opened, False
        if written != _short(place):
            raise SealBroken("A sealed value in the database is not in its own row.")
        return plain, True

    def __repr__(self) -> str:
        return "<Seal>" if self.has_key else "<Seal without a key>"


def _short(place: str) -> str:
    """A hash of a place: with the whole of it a verifier would not fit into its column."""
    digest = hashlib.sha256(place.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest)[:32].decode()


def _hash_key(key: str) -> bytes:
    """Another key, made from this one, so that each is used for one thing only."""
    return hmac.digest(base64.urlsafe_b64decode(key), b"botkit: whose account", hashlib.sha256)


# ---- the secrets of a row ------------------------------------------------------------------------


def seal_row(seal: Seal, table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it is written.  `row` has its owner's columns, and maybe not all others."""
    written = dict(row)
    for name in SECRET[table]:
        if row.get(name) is not None:
            close = seal.seal_text if name == "verifier" else seal.dumps
            written[name] = close(row[name], place_of(table, name, row))
    return written


def open_row(seal: Seal, table: sa.Table, row: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A row as it was before it was sealed, and whether all its secrets were bound to it.

    Raises `WrongKey`, `SealBroken`.
    """
    opened, all_bound = dict(row), True
    for name in SECRET[table]:
        if row[name] is None:
            continue
        load = seal.load_text if name == "verifier" else seal.load
        try:
            value, bound = load(row[name], place_of(table, name, row))
        except SealBroken as error:
            raise SealBroken(f"{error} It is in the table {table.name}.") from None
        if name == "verifier":
            opened[name] = value
        else:
            # Other programs may have left there what is no object: wrapped in one it harms nobody,
            # and is not lost when the row is sealed.
            known = value is None or isinstance(value, dict)
            opened[name] = value if known else {"unreadable": value}
        all_bound = all_bound and bound
    return opened, all_bound


def grants_of(seal: Seal, names: Sequence[str], account_id: Any) -> list[str]:
    """What the connections of one account have in common, for each name and each key."""
    return [one for name in names for one in seal.hashes(f"{name}\n{account_id}")]


def grant_of(seal: Seal, name: str | None, data: Any) -> str:
    """What is written in the column `grant`; "" if nobody knows whose account it is."""
    account = data.get("account") if isinstance(data, dict) else None
    account_id = account.get("id") if isinstance(account, dict) else None
    return "" if account_id is None else grants_of(seal, (name or "",), account_id)[0]


def codes_of(seal: Seal, bot_id: str, codes: Sequence[str]) -> list[str]:
    """What is written in the column `code` for these codes at a bot, with each key."""
    return [one for code in codes for one in seal.hashes(f"code\n{bot_id}\n{code}")]


def prove_key(connection: sa.Connection, seal: Seal, sample: int = SAMPLE) -> None:
    """Raise `WrongKey` unless the newest rows can be opened.  The cost does not grow with them."""
    for table in metadata.sorted_tables:
        newest = [column.desc() for column in table.primary_key]
        wanted = sa.select(*columns_of(table)).order_by(*newest).limit(sample)
        for row in connection.execute(wanted):
            with suppress(SealBroken):  # one row that somebody moved says nothing about the key
                open_row(seal, table, row._asdict())


def count_plain_rows(connection: sa.Connection) -> int:
    """How many rows have a secret in them that is not sealed; looks at all of them."""
    count = 0
    for table in metadata.sorted_tables:
        secret = SECRET[table]
        written = [sa.cast(table.c[name], sa.Text) for name in secret if name != "verifier"]
        plain = [sa.and_(c != "null", c.not_like(f'{{"{MARK}": %')) for c in written]
        if table is authorizations:
            verifier = table.c.verifier
            plain.append(sa.and_(verifier != "", verifier.not_like(f"{MARK}:%")))
        wanted = sa.select(sa.func.count()).select_from(table).where(sa.or_(*plain))
        count += connection.scalars(wanted).one()
    return count
