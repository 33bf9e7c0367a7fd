"""Fork Python processes from one that has imported botkit: python python_fork.py FD

A new Python takes a second to import what the bot needs; a fork takes no time.  Each order at the
socket FD is what such a process shall be: its arguments, folder and environment in JSON, and with
it what becomes its input, output and errors, and a pipe for its id and its exit status.

A process finds in `sys.modules` what `PRELOADED` names: nothing that looks at its folder or at the
environment while it is imported, as gunicorn does.  A test of what is imported starts a new Python.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from select import select

PRELOADED = (
    "botkit.bot",
    "botkit.lessons.kit",
    "botkit.practice.google.server",
    "botkit.run.maintenance",
    "botkit.run.running",
    "botkit.run.serve",
    "botkit.run.status",
    "botkit.run.watch",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "waitress",
)


def serve(orders: socket.socket) -> list[str]:
    """Fork until there are no more orders; in each fork, return its arguments."""
    wake, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that a child's end wakes the loop
    running: dict[int, int] = {}  # the pipes of those that have not ended
    while True:
        ready, _, _ = select([orders, wake], [], [])
        if wake in ready:
            wake.recv(4096)
            _tell_who_ended(running)
        if orders in ready:
            order, pipes, _, _ = socket.recv_fds(orders, 1 << 20, 4)
            if not order:
                sys.exit()
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (orders, wake, woken):
                    one.close()
                return _become(json.loads(order), pipes, running.values())
            *standard, running[pid] = pipes
            os.write(running[pid], b"%d\n" % pid)
            for pipe in standard:
                os.close(pipe)


def _tell_who_ended(running: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pipe = running.pop(ended[0])
            with suppress(BrokenPipeError):  # nobody wants to know
                os.write(pipe, b"%d\n" % os.waitstatus_to_exitcode(ended[1]))
            os.close(pipe)


def _become(order: dict[str, object], pipes: Sequence[int], others: Sequence[int]) -> list[str]:
    """Make of this fork what was ordered; return its arguments."""
    for number, pipe in enumerate(pipes[:3]):
        os.dup2(pipe, number)
    for pipe in {*pipes, *others}:
        os.close(pipe)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    _open_streams()
    return order["arguments"]


def _open_streams() -> None:
    """Those of before know no pipe: they would look for the place in a file."""
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stdout.reconfigure(write_through=at_once)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


if __name__ == "__main__":
    for module in PRELOADED:
        with suppress(ImportError):  # one that is not installed
            importlib.import_module(module)
    gc.freeze()  # what is here by now stays, and is shared
    kind, what, *sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    if kind == "-m":
        sys.path[0] = os.getcwd()
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.path[0], sys.argv[0] = "", "-c"
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
