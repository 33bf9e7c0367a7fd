"""Which key seals the database of a bot that starts.

Live it is the one in `BOTKIT_SECRET_KEY`, and without it nothing starts.  Practice makes its own:
in memory when the database goes at the end, and else in a file beside the database.  A database on
a server has no such place, so with one practice wants the variable, too.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from botkit.errors import SettingsError, StorageError
from botkit.settings import MAKE_A_KEY, SECRET_KEY, Settings, load_settings, read_keys
from botkit.storage import connect, new_key


def with_key(settings: Settings) -> Settings:
    """The settings, with a key.  Raises `SettingsError` where somebody has to make one."""
    if settings.secret_keys:
        return settings
    if settings.is_live:
        raise key_wanted()
    file = key_file(settings.database)
    if file:
        return replace(settings, secret_keys=_kept_in(file))
    return replace(settings, secret_keys=_of_a_server(settings) or (new_key(),))


def key_wanted() -> SettingsError:
    return SettingsError(
        f"{SECRET_KEY} is not set, so the tokens in the database could not be sealed.",
        advice=f"Make a key, once, and keep it as you keep a password: {MAKE_A_KEY}",
    )


def key_file(database: str | None) -> Path | None:
    """Where practice keeps the key of a database; None if it is not a file that lasts."""
    url = _address(database)
    name = (url.database or "").removeprefix("file:") if url else ""
    if url is None or url.get_backend_name() != "sqlite" or name in ("", ":memory:"):
        return None
    lasts = url.query.get("mode") != "memory" and Path(name).parent.is_dir()
    return Path(f"{name}.key") if lasts else None


def _of_a_server(settings: Settings) -> tuple[str, ...]:
    """The keys for a database on a server, which lasts and has no place for ours beside it."""
    url = _address(settings.database)
    if url is None or url.get_backend_name() == "sqlite":
        return ()
    keys = load_settings().secret_keys
    if not keys:
        raise key_wanted()
    return keys


def _address(database: str | None) -> sa.URL | None:
    """None if there is none, or none that can be used, as whoever opens it will say."""
    try:
        engine = connect(database or "")
    except StorageError:
        return None
    engine.dispose()
    return engine.url


def _kept_in(file: Path) -> tuple[str, ...]:
    """The keys in a file, which is made if it is missing; what is in one is never overwritten."""
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
    """All or nothing, for us alone to read; if another process was quicker, its key stays."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(descriptor, "w") as new:
            new.write(f"{key}\n")
        os.link(name, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
