"""What processes cost: their processor time and their memory, as Linux tells them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

PAUSE, NOTHING = 0.3, 0.02  # seconds of rest, and what an idle bot needs in it at most


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def processor(pids: Sequence[int]) -> float:
    """The seconds of processor time that they have spent.

    Source: linux/include/linux/posix-timers_types.h, the number of a process's own clock.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def memory(pids: Sequence[int]) -> str:
    """Megabytes that each has in memory, and its threads."""
    shown = []
    for pid in pids:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        size = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        shown.append(f"{size:.0f} ({len(list(Path(f'/proc/{pid}/task').iterdir()))})")
    return " + ".join(shown)


def let_rest(pids: Sequence[int]) -> None:
    """Wait until they have nothing more to do."""
    before = processor(pids)
    while True:
        time.sleep(PAUSE)
        now = processor(pids)
        if now < before + NOTHING:
            return
        before = now
