"""Run a learner's function in its own thread, and end the wait if it never ends.

Start with `Call`, a function at work.  A check runs in one (see `verdict.py`), so an endless loop
ends with a sentence.  The check of a race runs two at the same moment (see `lesson08/replay.py`).

All waits count rounds instead of seconds.  While the whole computer stops, or a debugger stops
every thread, no round passes.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any

ROUND = 0.01  # seconds: the length of one round of waiting


class Call(threading.Thread):
    """A function at work in its own thread.

    `result` or `error` is set when it has ended.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(name="botkit-check", daemon=True)
        self.result: Any = None
        self.error: BaseException | None = None
        self._ended = threading.Event()
        self._function = function
        self._context = contextvars.copy_context()
        self.start()

    def run(self) -> None:
        """Keep what the function returns or raises, `SystemExit` included."""
        try:
            self.result = self._context.run(self._function)
        except BaseException as error:
            self.error = error
        finally:
            self._ended.set()

    def ends_within(self, rounds: int) -> bool:
        """Return whether the function ends in this many rounds.

        Time at a prompt does not count: that of `breakpoint()`, or of `input()` in a notebook.
        """
        for _ in range(rounds):
            if self._ended.wait(ROUND):
                return True
            while self._prompts():
                if self._ended.wait(ROUND):
                    return True
        return False

    def is_held(self, rounds: int = 20) -> bool:
        """Return whether something, such as a lock, keeps the function from its end.

        In each round another thread begins and ends.  On a busy computer these threads wait as long
        as this one does, so a slow start does not count as held.
        """
        for _ in range(rounds):
            if self._ended.wait(ROUND):
                return False
            other = threading.Thread(target=lambda: None, daemon=True)
            other.start()
            other.join()
        return not self._ended.is_set()

    def stop(self) -> None:
        """End a loop of Python code; code that waits for a lock ends with the program."""
        import ctypes  # here: not every Python has it, and lesson 00 must work

        identity = ctypes.c_ulong(self.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(SystemExit))

    def _prompts(self) -> bool:
        frame = sys._current_frames().get(self.ident or 0)
        while frame:
            if frame.f_code.co_name in ("trace_dispatch", "raw_input"):
                return True
            frame = frame.f_back
        return False
