"""Practice servers as processes of their own, which the bot knows by their address alone."""

from __future__ import annotations

import json
from typing import Any

from python_process import PIPE, start


class PracticeProcess:
    """`python -m botkit.practice NAME`, driven over its standard input."""

    def __init__(self, name: str) -> None:
        self._process = start("-m", "botkit.practice", name, stdin=PIPE, stdout=PIPE)
        assert self._process.stdin and self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout
        self.address: str = self._answer()["address"]

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method, or read an attribute, of the practice server's object."""
        return self._order({"do": method, "with": arguments, "named": named})

    def set(self, knob: str, value: Any) -> None:
        """Turn a knob of the practice server."""
        self._order({"set": knob, "to": value})

    def close(self) -> None:
        self._input.close()  # the end of its input is the end of it
        self._output.read()
        self._output.close()
        self._process.wait()

    def _order(self, order: dict[str, Any]) -> Any:
        self._input.write(json.dumps(order) + "\n")
        self._input.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _answer(self) -> Any:
        return json.loads(self._output.readline())
