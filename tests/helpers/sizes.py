"""Choose how large a test of endurance is: small on each commit, large at night.

`TEST_SIZE=nightly` in the environment makes them large.  The code is the same.
"""

from __future__ import annotations

import os

NIGHTLY = os.environ.get("TEST_SIZE") == "nightly"


class Size(int):
    """How many rounds, people or inputs a test tries.  A test that uses one is marked `slow`."""

    def __new__(cls, commit: int, *, nightly: int) -> Size:
        return super().__new__(cls, nightly if NIGHTLY else commit)
