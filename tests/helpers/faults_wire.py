"""A wire between the bot and a provider, to be cut, held or pulled out at a given request."""

from __future__ import annotations

import re
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

Trouble = Literal["refused", "silent", "cut"]


@dataclass
class _Plan:
    path: str
    trouble: Trouble


class Wire:
    """Carries requests to the server at `port`, until it is told otherwise.

    Trouble at one request, told by the beginning of its path: "refused" (hung up on before it
    arrives), "silent" (held, and no answer), "cut" (it arrives, and half of the answer comes back).
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._plans: list[_Plan] = []
        self._let_go = threading.Event()
        self.port = 0
        self.up()
        self.address = f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen, at the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port, self._is_up = listener.getsockname()[1], True
        self._thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Nobody listens any more."""
        self._is_up = False
        self._thread.join()

    def next(self, path: str, trouble: Trouble) -> None:
        """What happens to the next request whose path begins so."""
        self._plans.append(_Plan(path, trouble))

    def holds(self, path: str) -> bool:
        """Whether the next request with this path will get no answer."""
        return any(plan.trouble == "silent" and path.startswith(plan.path) for plan in self._plans)

    @property
    def is_clear(self) -> bool:
        """Whether all trouble that was planned has come."""
        return not self._plans

    def close(self) -> None:
        self._let_go.set()
        self.down()

    def _accept(self, listener: socket.socket) -> None:
        listener.settimeout(0.05)  # seconds, to see whether it is still up
        with listener:
            while self._is_up:
                with suppress(TimeoutError):
                    connection, _ = listener.accept()
                    connection.setblocking(True)
                    threading.Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = _request(client)
            path = request.split(b" ", 2)[1].decode()
            plan = next((one for one in self._plans if path.startswith(one.path)), None)
            if plan:
                self._plans.remove(plan)
            if plan and plan.trouble == "refused":
                return _reset(client)
            if plan and plan.trouble == "silent":
                self._let_go.wait()
                return None
            with socket.create_connection(self._target) as server:
                server.sendall(request)
                answer = b"".join(iter(lambda: server.recv(65536), b""))
            if plan:  # cut
                head, _, body = answer.partition(b"\r\n\r\n")
                client.sendall(answer[: -len(body) // 2] if body else head[:5])
            else:
                client.sendall(answer)


def _request(client: socket.socket) -> bytes:
    """A whole request, and word to the server that no other one follows."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while len(body) < int(length[1] if length else 0):
        body += client.recv(65536)
    return head + b"\r\nConnection: close\r\n\r\n" + body


def _reset(client: socket.socket) -> None:
    """Hang up at once, without a goodbye."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
