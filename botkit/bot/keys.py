"""Find or make the key that encrypts the database of a bot.

Start with `with_key`.  Live, the key is the one in `BOTKIT_SECRET_KEY`, which `write_new_key` adds
to the file `.env`, and without it the bot does not start.  Practice mode makes its own key: in
memory if the database is deleted at the end, and otherwise in a file beside the database.  There is
no place beside a database on a server, so practice mode needs the variable there too.

Not here: the encryption itself (`botkit.storage.seal`).
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from io import StringIO
from pathlib import Path

import sqlalchemy as sa

from botkit.errors import SettingsError, StorageError
from botkit.settings import (
    MAKE_A_KEY,
    SECRET_KEY,
    Settings,
    load_settings,
    read_env_file,
    read_keys,
)
from botkit.storage import connect, new_key


def with_key(settings: Settings) -> Settings:
    """Return the settings with a key.  Raises `SettingsError` where the owner must make one."""
    if settings.secret_keys:
        return settings
    if settings.is_live:
        raise missing_key()
    file = key_file(settings.database)
    if file:
        return replace(settings, secret_keys=_kept_in(file))
    return replace(settings, secret_keys=_of_a_server(settings) or (new_key(),))


def write_new_key(file: Path, database: str | None = None) -> Path | None:
    """Make a key and add it to a file `.env`, which is made if it is missing.

    A database that practice mode has filled has a key in a file beside it.  That key is added
    behind the new one, so what is stored there can still be read.  Return that file, or None.

    Only its owner can read `.env` afterwards, and it is in UTF-8.  Raises `SettingsError` if it has
    a key already, or cannot be written.
    """
    from dotenv import dotenv_values

    file = Path(os.path.realpath(file))  # a link stays one
    text = read_env_file(file)
    if dotenv_values(stream=StringIO(text)).get(SECRET_KEY):
        raise SettingsError(
            f"The file {file} has a key already, so nothing was changed.",
            advice="To exchange it, put a new one before it, with a comma between. This prints a "
            "new one: python -m botkit new-key",
        )
    text += "" if not text or text.endswith("\n") else "\n"
    beside = key_file(database) if database else None
    beside = beside if beside and beside.exists() else None
    keys = [new_key(), *(_kept_in(beside) if beside else ())]
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".env.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as new:
                new.write(f"{text}{SECRET_KEY}={','.join(keys)}\n")
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError:
        raise SettingsError(
            f"The file {file} cannot be written.", advice="Make sure that you may write there."
        ) from None
    return beside


def missing_key() -> SettingsError:
    """Return the error that says how to make a key."""
    return SettingsError(
        f"{SECRET_KEY} is not set, so the tokens in the database could not be sealed.",
        advice=f"Make a key, once, and keep it as you keep a password: {MAKE_A_KEY}",
    )


def key_file(database: str | None) -> Path | None:
    """Return where practice mode keeps the key; None if the database is not a file that stays."""
    url = _address(database)
    name = (url.database or "").removeprefix("file:") if url else ""
    if url is None or url.get_backend_name() != "sqlite" or name in ("", ":memory:"):
        return None
    lasts = url.query.get("mode") != "memory" and Path(name).parent.is_dir()
    return Path(f"{name}.key") if lasts else None


def _of_a_server(settings: Settings) -> tuple[str, ...]:
    """Return the keys for a database on a server, which has no place for a file beside it."""
    url = _address(settings.database)
    if url is None or url.get_backend_name() == "sqlite":
        return ()
    keys = load_settings().secret_keys
    if not keys:
        raise missing_key()
    return keys


def _address(database: str | None) -> sa.URL | None:
    """Return the URL; None if it cannot be used: opening the database will say why."""
    try:
        engine = connect(database or "")
    except StorageError:
        return None
    engine.dispose()
    return engine.url


def _kept_in(file: Path) -> tuple[str, ...]:
    """Return the keys in a file; make it if it is missing, and never overwrite it."""
    try:
        if not file.exists():
            _write(file, new_key())
        text = file.read_text(encoding="utf-8")
        keys = read_keys(text)
    except (OSError, ValueError, SettingsError):
        keys = ()
    if not keys:
        raise SettingsError(
            f"The file {file.name} beside the database should hold its key, and cannot be used.",
            advice=f"Put the right file there, allow to read and write it, or set {SECRET_KEY}.",
        )
    return keys


def _write(file: Path, key: str) -> None:
    """Write a key, readable for us alone; if another process was faster, its key stays."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(descriptor, "w") as new:
            new.write(f"{key}\n")
        os.link(name, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
