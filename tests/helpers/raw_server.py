"""A server that speaks byte by byte: it drips, keeps silent, or hangs up where a test wants it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

# What is sent back for the n-th request of a connection.  No bytes at all: hang up.
Answer = Callable[[bytes, int], bytes]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DRIP_SECONDS = 0.05  # between two bytes


def ok(request: bytes, number: int) -> bytes:
    return OK


class RawServer:
    """Answers each request with the bytes that `answer` gives, over connections that stay open.

    `drips`: the part before this many bytes is sent as a whole, the rest byte by byte, and after
    that bytes follow forever.  `requests` and `connections` are what came.
    """

    def __init__(self, answer: Answer = ok, *, drips: int | None = None, tls=None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer, self._drips, self._tls = answer, drips, tls
        self._end = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._end.set()
        with suppress(OSError), socket.socket() as knock:  # wakes the thread that accepts
            knock.connect(("127.0.0.1", self.port))

    def _accept(self) -> None:
        with self._listener:
            while not self._end.is_set():
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            for number, request in enumerate(_requests(connection)):
                self.requests.append(request)
                answer = self._answer(request, number)
                if not answer:
                    return
                if self._drips is None:
                    connection.sendall(answer)
                else:
                    self._drip(connection, answer)

    def _drip(self, connection: socket.socket, answer: bytes) -> None:
        connection.sendall(answer[: self._drips])
        position = self._drips
        while not self._end.wait(DRIP_SECONDS):
            connection.sendall(answer[position : position + 1] or b"x")
            position += 1


def _requests(connection: socket.socket) -> Iterator[bytes]:
    """Each request, as a whole, until the other side hangs up."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
        head, _, data = data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        length = int(found[1]) if found else 0
        while len(data) < length:
            data += connection.recv(65536)
        yield head + b"\r\n\r\n" + data[:length]
        data = data[length:]
