"""Run a learner's function in a thread of its own, and stop waiting if it never ends.

`Call` is a function at work.  A check runs in one (see `verdict.py`), so that an endless loop ends
with a sentence.  The check of a race runs two at the same moment (see `lesson08/callback.py`).

All waits count rounds instead of seconds: while the whole computer stands still, or a debugger
stops every thread, no round passes.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any

ROUND = 0.01  # seconds: so long is one round of waiting


class Call(threading.Thread):
    """A function that has begun; `result` or `error` is there when it has ended."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(name="botkit-check", daemon=True)
        self.result: Any = None
        self.error: BaseException | None = None
        self._ended = threading.Event()
        self._function = function
        self._context = contextvars.copy_context()
        self.start()

    def run(self) -> None:
        """Keep what the function returns or raises, SystemExit too."""
        try:
            self.result = self._context.run(self._function)
        except BaseException as error:
            self.error = error
        finally:
            self._ended.set()

    def ends_within(self, rounds: int) -> bool:
        """Return whether the function ends in this many rounds; a debugger's prompt is not counted.

        The prompt is that of `breakpoint()`, or of `input()` in a notebook.
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

        In each round another thread begins and ends.  On a busy computer these threads wait as
        long as this one does, so a function that is only slow to begin is not taken for held.
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
