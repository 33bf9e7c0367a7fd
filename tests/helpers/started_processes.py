"""The processes that a test has started."""

from __future__ import annotations

import subprocess
import threading


class Started(list[subprocess.Popen[str]]):
    """The processes that were started.  `event` tells of the first; `hold` keeps it back."""

    def __init__(self) -> None:
        self.event, self.hold = threading.Event(), threading.Event()
        self.hold.set()

    def all_ended(self) -> bool:
        return len(self) > 0 and all(process.poll() is not None for process in self)
