"""What to do in a test when something that it needs is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest


def left_out(what: str) -> None:
    """Something that a test needs is not installed here: leave it out and say so; on CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing; tests/requirements.txt and .ci/run install it.")
    pytest.skip(f"{what} is missing, so this was left out. See tests/requirements.txt.")


def chromium_program() -> str | None:
    """Return the program of Chromium, the one without windows if it is there.

    None if Chromium or playwright is missing.
    """
    if not importlib.util.find_spec("playwright"):
        return None
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)
