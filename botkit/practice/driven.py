"""Drive a practice server that is a process of its own, over its standard input.

The process is `python -m botkit.practice NAME`; see `botkit/practice/__main__.py`.
"""

from __future__ import annotations

import json
import threading
from typing import Any


class Driven:
    """A practice server in the process that was started, with pipes of text.

    `address` is where it is served.  It is safe to use from any thread.
    """

    def __init__(self, process: Any) -> None:
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._lock = threading.Lock()
        self.address: str = self._answer()["address"]

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method, or read an attribute, of the practice server's object.

        Raises `RuntimeError` with the error of the method.
        """
        return self._order({"do": method, "with": arguments, "named": named})

    def set(self, knob: str, value: Any) -> None:
        """Turn a knob of the practice server."""
        self._order({"set": knob, "to": value})

    def close(self) -> None:
        """End the process, and wait until it has ended."""
        self._input.close()  # the end of its input is the end of it
        self._output.read()
        self._output.close()
        self._process.wait()

    def _order(self, order: dict[str, Any]) -> Any:
        with self._lock:
            self._input.write(json.dumps(order) + "\n")
            self._input.flush()
            answer = self._answer()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _answer(self) -> Any:
        return json.loads(self._output.readline())
