"""Check the guards of lesson 08, the attack lab: one module for each round.

Each check lets the attacker and an honest person try what the learner wrote.  So it is no solution
to refuse everyone, or to accept everyone.
"""

from __future__ import annotations

from botkit.lessons.check.lesson08.forge import lab_forge
from botkit.lessons.check.lesson08.forward import lab_forward
from botkit.lessons.check.lesson08.log import lab_log
from botkit.lessons.check.lesson08.mixup import lab_mixup
from botkit.lessons.check.lesson08.redirect import lab_redirect
from botkit.lessons.check.lesson08.replay import lab_replay
from botkit.lessons.check.lesson08.steal import lab_steal
from botkit.lessons.check.lesson08.swap import lab_swap

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
