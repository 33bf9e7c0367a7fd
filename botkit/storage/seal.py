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
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from botkit.errors import SettingsError, WrongKey

VARIABLE = "BOTKIT_SECRET_KEY"
MAKE_ONE = "python -m botkit new-key >> .env"
MARK = "sealed"  # the one member of a sealed object, and the beginning of a sealed text


def new_key() -> str:
    """A new key: 32 random bytes, as 44 characters."""
    return Fernet.generate_key().decode()


def read_keys(text: str) -> tuple[str, ...]:
    """The keys in a text such as "newest, older".  Raises `SettingsError`, which shows none."""
    keys = tuple(text.replace(",", " ").split())
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            which = f", number {number} of {len(keys)}," if len(keys) > 1 else ""
            advice = f"A key has 44 characters, and this makes one: {MAKE_ONE}"
            raise SettingsError(f"What {VARIABLE} holds{which} is no key.", advice=advice) from None
    return keys


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
