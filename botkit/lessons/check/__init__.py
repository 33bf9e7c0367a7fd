"""Check the exercises: a function for each check cell, a module for each lesson.

Start with `verdict.py`: a check tries the learner's function with several inputs, the traps among
them, and never raises.  `bounded.py` ends code that never ends.

No module here imports a package at the top, because lesson 00 must run without packages and on an
old Python to say so.
"""

from __future__ import annotations

from botkit.lessons.check.lesson00 import ask, environment
from botkit.lessons.check.lesson01 import trip_order
from botkit.lessons.check.lesson02 import save_service
from botkit.lessons.check.lesson03 import auth_link
from botkit.lessons.check.lesson04 import callback
from botkit.lessons.check.lesson05 import api_answers
from botkit.lessons.check.lesson06 import addresses
from botkit.lessons.check.lesson07 import merge_tokens
from botkit.lessons.check.lesson08 import (
    lab_forge,
    lab_forward,
    lab_log,
    lab_mixup,
    lab_redirect,
    lab_replay,
    lab_steal,
    lab_swap,
)
from botkit.lessons.check.lesson09 import read_changes
from botkit.lessons.check.lesson11 import what_is_live
from botkit.lessons.check.lesson12 import own_command
from botkit.lessons.check.provider import provider
from botkit.lessons.check.verdict import Verdict

__all__ = [
    "Verdict",
    "addresses",
    "api_answers",
    "ask",
    "auth_link",
    "callback",
    "environment",
    "lab_forge",
    "lab_forward",
    "lab_log",
    "lab_mixup",
    "lab_redirect",
    "lab_replay",
    "lab_steal",
    "lab_swap",
    "merge_tokens",
    "own_command",
    "provider",
    "read_changes",
    "save_service",
    "trip_order",
    "what_is_live",
]
