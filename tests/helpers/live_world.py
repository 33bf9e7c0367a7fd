"""Practice servers as processes of their own, which the bot knows by their address alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


class PracticeProcess:
    """`python -m botkit.practice NAME`, driven over its standard input."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, "-m", "botkit.practice", name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.address: str = self._answer()["address"]

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method, or read an attribute, of the practice server's object."""
        return self._order({"do": method, "with": arguments, "named": named})

    def set(self, knob: str, value: Any) -> None:
        """Turn a knob of the practice server."""
        self._order({"set": knob, "to": value})

    def close(self) -> None:
        self._process.communicate()  # the end of its input is the end of it

    def _order(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())
