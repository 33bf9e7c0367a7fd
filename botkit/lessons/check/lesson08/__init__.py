"""The checks of lesson 08, the attack lab.

Each of them lets the attacker and an honest person try what the learner wrote.  So it is no
solution to refuse everybody, and none to let everybody in.
"""

from __future__ import annotations

from botkit.lessons.check.lesson08.callback import lab_forge, lab_replay, lab_swap
from botkit.lessons.check.lesson08.forward import lab_forward
from botkit.lessons.check.lesson08.outside import lab_log, lab_mixup, lab_redirect, lab_steal

__all__ = [
    "lab_forge",
    "lab_forward",
    "lab_log",
    "lab_mixup",
    "lab_redirect",
    "lab_replay",
    "lab_steal",
    "lab_swap",
]
