"""Computers of their own, as far as one computer can play them: an address each, a folder each.

All of 127.0.0.0/8 is this computer on Linux, so a host has an address of its own there.  What the
hosts share, they reach over TCP: the database, and whoever asks them.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from missing import left_out
from serve_world import BotProcess, ServeAt, answers, wait_until

DATABASE_HOST = "127.0.0.9"


def address_of(number: int) -> str:
    """The IP address of a host; the test is left out where there is none."""
    address = f"127.0.0.{number + 2}"
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        left_out("Linux")
    return address


class Forwarder:
    """Listens at `host`, and hands each connection to the next of those that `ways` lead to.

    A way that leads nowhere at the moment is passed over: as a load balancer does.
    """

    def __init__(self, host: str, ways: list[Callable[[], socket.socket]], port: int = 0) -> None:
        self._ways, self._turn = ways, 0
        self._listener = socket.create_server((host, port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                self._turn += 1
                order = [
                    self._ways[(self._turn + n) % len(self._ways)] for n in range(len(self._ways))
                ]
                threading.Thread(target=self._join, args=(client, order), daemon=True).start()

    def _join(self, client: socket.socket, order: list[Callable[[], socket.socket]]) -> None:
        for way in order:
            with suppress(OSError):
                server = way()
                break
        else:
            client.close()
            return
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        back.join()
        client.close()
        server.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            target.sendall(data)
    for one, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with suppress(OSError):
            one.shutdown(how)


class Host:
    """A computer with the bot under gunicorn, with two processes, as the README says."""

    def __init__(self, number: int, folder: Path, limits: Mapping[str, float]) -> None:
        folder.mkdir()
        self.folder, self._limits = folder, limits
        self._serve = ServeAt(folder)
        self.ip, self.port = address_of(number), self._serve.port
        self.address = f"http://{self.ip}:{self.port}"

    def start(self, settings: Mapping[str, str]) -> BotProcess:
        command = ["-m", "gunicorn", "-c", "python:botkit.run.gunicorn"]
        command += ["--bind", f"{self.ip}:{self.port}", "botkit.run.serve:app()"]
        self.bot = self._serve(command=command, limits=self._limits, **settings)
        wait_until(lambda: answers(self.address))
        return self.bot

    def way(self) -> socket.socket:
        return socket.create_connection((self.ip, self.port), timeout=None)

    def loses_power(self) -> None:
        """End all of its processes at the same moment, and wait until nobody listens there."""
        first = self.bot.process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.bot.status()
        wait_until(self._is_silent)

    def _is_silent(self) -> bool:
        try:
            self.way().close()
        except ConnectionRefusedError:
            return True
        return False

    def close(self) -> None:
        self._serve.close()
