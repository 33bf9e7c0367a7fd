"""Start Python processes as `subprocess` does, at a tenth of the price: forks of python_fork.py."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from select import select
from typing import IO, Any

PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL
FORKS = sys.platform == "linux"  # macOS forbids a fork much of what these processes do


class PythonProcess:
    """`python -m module ...` or `python -c code ...`, with what the tests need of a `Popen`.

    It is a process of its own, with its own signals, threads, folder and environment.  Each of the
    standard streams is a file, `PIPE` or `DEVNULL`; a pipe is text in UTF-8.
    """

    def __init__(
        self,
        *arguments: str,
        folder: Path | str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: IO[Any] | int = DEVNULL,
        stdout: IO[Any] | int = DEVNULL,
        stderr: IO[Any] | int = DEVNULL,
    ) -> None:
        self.args, self.returncode = arguments, None
        order = {
            "arguments": arguments,
            "folder": str(folder or os.getcwd()),
            "environment": dict(os.environ if environment is None else environment),
        }
        theirs: list[int] = []
        self.stdin = _stream(stdin, "w", theirs)
        self.stdout, self.stderr = (_stream(one, "r", theirs) for one in (stdout, stderr))
        self._status = _stream(PIPE, "r", theirs)
        sys.audit("subprocess.Popen", *arguments[:2], None, None)  # a quick test must not do this
        socket.send_fds(_fork(), [json.dumps(order).encode()], theirs)
        for one in theirs:
            os.close(one)
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """Its exit status, a signal as a negative number; None while it runs."""
        if self.returncode is None and select([self._status], [], [], 0)[0]:
            self._read_status()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._read_status()
        return self.returncode

    def _read_status(self) -> None:
        with self._status:
            self.returncode = int(self._status.readline())

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended in this moment, as in `subprocess`
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, text: str = "", timeout: float | None = None) -> tuple[str, str]:
        """Write `text`, a short one, to its input; wait for its end; what it has written."""
        if self.stdin:
            with self.stdin:
                self.stdin.write(text)
        said = ["", ""]
        for number, stream in enumerate((self.stdout, self.stderr)):
            if stream:
                with stream:
                    said[number] = stream.read()
        self.wait(timeout)
        return said[0], said[1]


def _stream(kind: IO[Any] | int, mode: str, theirs: list[int]) -> Any:
    """Our end of a stream, if it is a pipe; the other end is added to `theirs`."""
    if kind == PIPE:
        ends = os.pipe()
        ours, its = ends if mode == "r" else ends[::-1]
        theirs.append(its)
        return open(ours, mode, encoding="utf-8")
    if kind == DEVNULL:
        theirs.append(os.open(os.devnull, os.O_RDWR))
    else:
        theirs.append(os.dup(kind.fileno()))  # type: ignore[union-attr]
    return None


def start(
    *command: str,
    folder: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    **streams: IO[Any] | int,
) -> PythonProcess | subprocess.Popen[str]:
    """Start a program; a command that begins with an option is for Python."""
    python = command[0].startswith("-")
    if python and FORKS:
        return PythonProcess(*command, folder=folder, environment=environment, **streams)
    words, text = [sys.executable, *command] if python else command, {"encoding": "utf-8"}
    return subprocess.Popen(words, cwd=folder, env=environment, **text, **streams)  # type: ignore


def run(
    *command: str,
    folder: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run such a command to its end; `given` is its standard input."""
    with ExitStack() as stack:
        files = [
            stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(3)
        ]
        files[0].write(given)
        for file in files:
            file.seek(0)
        streams = dict(zip(("stdin", "stdout", "stderr"), files, strict=True))
        process = start(*command, folder=folder, environment=environment, **streams)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        said = []
        for file in files[1:]:
            file.seek(0)
            said.append(file.read())
    return subprocess.CompletedProcess(command, status, *said)


@cache
def _fork() -> socket.socket:
    """Start the process of python_fork.py, which ends with this one; return the way to it."""
    ours, its = socket.socketpair()
    program = Path(__file__).with_name("python_fork.py")
    with its:
        command = [sys.executable, str(program), str(its.fileno())]
        subprocess.Popen(
            command, pass_fds=[its.fileno()], stdin=DEVNULL, stdout=DEVNULL, start_new_session=True
        )
    return ours
