"""Make a folder for temporary files, and delete those that processes which were killed have left.

A kernel that is killed cannot delete its folder.  So each folder has a file that its process keeps
locked, and the next start deletes the folders whose lock nobody holds.

Start with `temporary_folder`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = "botkit-"
LOCK = "in-use.lock"
YOUNG_SECONDS = 60.0  # a folder may be so young that its lock is not there yet


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Have an empty folder for as long as the block lasts."""
    delete_left_folders()
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        open(Path(name, LOCK), "wb") as lock,
    ):
        _lock(lock)
        yield Path(name)


def delete_left_folders() -> None:
    """Delete the folders of this user's processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            is_old = time.time() - folder.stat().st_mtime > YOUNG_SECONDS
            is_ours = os.name == "nt" or folder.stat().st_uid == os.getuid()
            if is_old and is_ours and not folder.is_symlink() and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Return whether nobody holds the lock of a folder.  Raises `OSError` if it has none."""
    with open(folder / LOCK, "rb+") as lock:
        return _lock(lock)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed, or its process ends; return whether that was possible."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
