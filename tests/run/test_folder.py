"""Folders of processes that were killed go at the next start, and no others."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from botkit.errors import TunnelError
from botkit.run import running
from botkit.run.folder import LOCK, delete_left_folders, temporary_folder
from botkit.run.running import Running


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(place: Path, name: str, *, lock: bool = True, age: float = 3600.0) -> Path:
    """What a process that was killed so many seconds ago has left."""
    folder = place / name
    folder.mkdir()
    (folder / "botkit.sqlite").write_text("tokens")
    if lock:
        (folder / LOCK).touch()
    os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    return folder


def test_what_a_killed_process_has_left_goes_at_the_next_start(place):
    folder = left(place, "botkit-1")
    with temporary_folder() as ours:
        assert not folder.exists() and ours.parent == place
    assert list(place.iterdir()) == []


def test_a_folder_in_use_stays_and_so_does_what_is_not_ours(place):
    others = [left(place, "tmpabc"), left(place, "botkit-2", lock=False)]
    young = left(place, "botkit-3", age=5.0)
    with temporary_folder() as first:
        os.utime(first, (first.stat().st_mtime - 3600,) * 2)
        delete_left_folders()
        assert first.is_dir()
    assert all(folder.is_dir() for folder in [*others, young])


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")
def test_a_link_is_not_followed(place):
    folder = left(place, "elsewhere")
    (place / "botkit-4").symlink_to(folder)
    delete_left_folders()
    assert (folder / "botkit.sqlite").exists()


def test_a_folder_from_which_nothing_can_be_started_is_named(place, monkeypatch):
    with_world = Running()
    try:
        monkeypatch.setattr(running.os, "access", lambda *_: False)  # as on `noexec`
        with pytest.raises(TunnelError, match="No program can be started from the folder") as told:
            with_world.open_tunnel()
        assert "Set the environment variable TMPDIR" in told.value.advice
        assert str(place) in str(told.value)
    finally:
        monkeypatch.undo()
        with_world.close()
