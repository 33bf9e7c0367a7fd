"""A small server instead of GitHub and of the chat, so that the figures are the bot's.

The practice world answers a request in 2 ms of processor time.  That is as much as a bot needs for
its own part, and the two share the cores.  This server answers the few requests that the benchmarks
lead to, whatever is in them, in a twentieth of that.  It is one process, and all contestants use
the same one.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from serve_world import answers, free_port, wait_until

from botkit.chat.subscription import EVENT_FILTERS

BOT = "4000001"
LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)
TOKEN = {"access_token": "gho_of_the_benchmark", "scope": "read:user", "token_type": "bearer"}


class StandIn:
    """The server, which runs until `close`.  `webhook` is where the bot's subscription leads.

    `said` counts what was written into the chat.
    """

    def __init__(self, webhook: str = "") -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.said = multiprocessing.Value("q", 0)
        arguments = (self.port, webhook, self.said)
        self._process = multiprocessing.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        wait_until(lambda: answers(self.address))

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


def _serve(port: int, webhook: str, said: Any) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(webhook, said), "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


class _Connection(asyncio.Protocol):
    """A connection on which one request comes after the other."""

    def __init__(self, webhook: str, said: Any) -> None:
        self._webhook, self._said = webhook, said
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head, rest = self._data[:end], self._data[end + 4 :]
            length = LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._data = rest[size:]
            self._transport.write(self._answer(head.decode("latin-1")))

    def _answer(self, head: str) -> bytes:
        method, path, _ = head.split(" ", 2)
        path = path.partition("?")[0]
        if path == "/login/oauth/access_token":
            if re.search(r"\naccept: application/json(\r|$)", head, re.IGNORECASE):
                return _http(json.dumps(TOKEN))
            form = "&".join(f"{name}={value}" for name, value in TOKEN.items())
            return _http(form, "application/x-www-form-urlencoded")
        if path == "/api/v3/user":
            return _http(json.dumps({"id": 101, "login": "alice-practice"}))
        if path == "/restapi/v1.0/subscription":
            return _http(json.dumps({"records": [_subscription(self._webhook)]}))
        if method == "POST":  # a message
            with self._said.get_lock():
                self._said.value += 1
            return _http('{"id": "1"}')
        if path.startswith("/team-messaging/v1/chats/"):  # a direct chat, whoever asks for it
            chat = {"id": path.rpartition("/")[2], "type": "Direct", "members": [{"id": BOT}]}
            return _http(json.dumps(chat))
        return _http(json.dumps({"id": BOT}))


def _http(body: str, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _subscription(webhook: str) -> dict[str, Any]:
    """One that a bot has nothing to do about."""
    end = datetime.now(UTC) + timedelta(days=6)
    return {
        "id": "sub",
        "status": "Active",
        "eventFilters": EVENT_FILTERS,
        "expirationTime": end.isoformat(),
        "expiresIn": 6 * 86400,
        "deliveryMode": {"transportType": "WebHook", "address": webhook},
    }
