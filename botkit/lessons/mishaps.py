"""Show errors of a skill to the person who writes it, without botkit's own lines.

The chat gets one sentence, and a live bot writes the whole traceback to its log.  In a notebook the
traceback is below the talk, and in a test it ends the test.  Start with `Mishaps`.
"""

from __future__ import annotations

import re
import threading
import traceback
from pathlib import Path
from types import TracebackType

from botkit.bot import log_error
from botkit.skills import NotAText
from botkit.trace import Labels

# Whose lines are left out: a thread calls botkit, and botkit calls the skill.
CELL = r'File "[^"\n]*ipykernel_\d+[\\/]\d+\.py"'
BOTKIT, THREADING = str(Path(__file__).parents[1]), threading.__file__


class Mishaps:
    """The errors of skills that nobody has seen yet.

    With `raising`, the next look raises them, as a test wants it.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._errors: list[Exception] = []
        self.raising = False

    def note(self, error: Exception) -> None:
        """Keep an error for the next look; also log it, unless it will be raised."""
        self._errors.append(error)
        if not self.raising:
            log_error(error)

    def take(self) -> str:
        """Return what has failed since the last look, without secrets; "" if nothing has.

        With `raising`, the first error is raised.
        """
        __tracebackhide__ = True  # pytest shows the lines of the skill and not these
        errors, self._errors = self._errors, []
        if errors and self.raising:
            raise errors[0].with_traceback(own_part(errors[0]))
        return "\n".join(self._labels.redact(_traceback_of(one)) for one in errors)


def _traceback_of(error: Exception) -> str:
    shown = traceback.TracebackException(type(error), error, own_part(error))
    # The file of a cell is a copy, with another name in each run of the notebook.
    return re.sub(CELL, 'File "a cell of this notebook"', "".join(shown.format())).rstrip()


def own_part(error: Exception) -> TracebackType | None:
    """Return the traceback from its first line that is not botkit's.

    If there is none, return all of it for a mistake of botkit, and None for one of the skill.
    """
    own = trace = error.__traceback__
    while own is not None and own.tb_frame.f_code.co_filename.startswith((BOTKIT, THREADING)):
        own = own.tb_next
    return own or (None if isinstance(error, NotAText) else trace)
