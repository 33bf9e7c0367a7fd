"""What to do in a test when something that it needs is not installed."""

from __future__ import annotations

import os

import pytest


def left_out(what: str) -> None:
    """Something that a test needs is not installed here: leave it out and say so; on CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing; tests/requirements.txt and .ci/run install it.")
    pytest.skip(f"{what} is missing, so this was left out. See tests/requirements.txt.")
