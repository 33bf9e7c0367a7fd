"""Practice servers as processes of their own, which the bot knows by their address alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO, Any


class PracticeProcess:
    """`python -m botkit.practice NAME`, driven over its standard input."""

    def __init__(self, name: str) -> None:
        self._input, self._output = start(name)
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

    def _order(self, order: dict[str, Any]) -> Any:
        self._input.write(json.dumps(order) + "\n")
        self._input.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _answer(self) -> Any:
        return json.loads(self._output.readline())


def start(name: str) -> tuple[IO[str], IO[str]]:
    """Start a practice server; return its standard input and output."""
    if not hasattr(os, "fork"):  # Windows
        command = [sys.executable, "-m", "botkit.practice", name]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert process.stdin and process.stdout
        return process.stdin, process.stdout
    (its_input, our_output), (our_input, its_output) = os.pipe(), os.pipe()
    socket.send_fds(forks(), [name.encode()], [its_input, its_output])
    os.close(its_input)
    os.close(its_output)
    return open(our_output, "w", encoding="utf-8"), open(our_input, encoding="utf-8")


@cache
def forks() -> socket.socket:
    """Start the process of practice_fork.py, which ends with this one; return the way to it."""
    ours, its = socket.socketpair()
    program = Path(__file__).with_name("practice_fork.py")
    with its:
        command = [sys.executable, str(program), str(its.fileno())]
        subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
    return ours
