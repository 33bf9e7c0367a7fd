"""Practice servers as processes of their own, which the bot knows by their address alone."""

from __future__ import annotations

from python_process import PIPE, start

from botkit.practice import Driven


class PracticeProcess(Driven):
    """`python -m botkit.practice NAME`, driven over its standard input."""

    def __init__(self, name: str) -> None:
        super().__init__(start("-m", "botkit.practice", name, stdin=PIPE, stdout=PIPE))
