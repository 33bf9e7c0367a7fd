"""Checking an exercise: what a lesson's check cell calls, one module a lesson.

A check tries what you wrote with several inputs, the traps among them, and never raises: see
`verdict.py`.
"""

from __future__ import annotations

from botkit.check.lesson00 import ask, environment
from botkit.check.lesson01 import trip_order
from botkit.check.lesson02 import save_service
from botkit.check.lesson03 import auth_link
from botkit.check.lesson04 import callback
from botkit.check.lesson05 import api_answers
from botkit.check.lesson06 import addresses
from botkit.check.lesson07 import merge_tokens
from botkit.check.lesson08 import (
    lab_forge,
    lab_forward,
    lab_log,
    lab_mixup,
    lab_redirect,
    lab_replay,
    lab_steal,
    lab_swap,
)
from botkit.check.lesson09 import read_changes
from botkit.check.lesson11 import what_is_live
from botkit.check.provider import provider
from botkit.check.verdict import Verdict

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
    "provider",
    "read_changes",
    "save_service",
    "trip_order",
    "what_is_live",
]
