"""Open tunnels on this computer, in place of ngrok's agent; pyngrok sees no difference.

The real agent asks ngrok's cloud for a public address and carries what arrives there to a port of
this computer.  This one does the same with an address on this computer, so that a lesson about
tunnels needs no account and no network.  It speaks the two languages that pyngrok understands:

- log lines on standard output, by which pyngrok learns that the agent is up, and where its API is;
- the local web API, `/api/endpoints` (https://ngrok.com/docs/agent/api), to open and close tunnels.

A tunnel copies bytes both ways and looks at none of them; nothing that passes is kept or shown.
The agent ends when it is told to, and by itself when the process that started it is gone.  To see
how a client meets trouble, set `PRACTICE_NGROK_FAIL` to one of

    ERR_NGROK_4018 (or another code)    say this error, as the real agent does, and exit
    offline                             say that ngrok cannot be reached, and hang
    silent                              say nothing at all, and hang
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from weakref import WeakSet

CHUNK = 64 * 1024


def write_launcher(folder: Path) -> Path:
    """Write the executable that pyngrok takes for ngrok (its `ngrok_path`) and return its path.

    The interpreter starts isolated and without site-packages (`-I -S`), and so it is up sooner.
    """
    agent = Path(__file__).resolve()
    if os.name == "nt":
        # A virtual environment's python.exe is a starter, too, and its child easily left behind.
        python = getattr(sys, "_base_executable", None) or sys.executable
        command = f'"{python}" -I -S "{agent}"'.replace("%", "%%")
        launcher = folder / "ngrok.cmd"
        launcher.write_bytes(f"@{command} %*\r\n".encode("oem"))  # the alphabet of cmd.exe
        return launcher
    launcher = folder / "ngrok"
    command = shlex.join([sys.executable, "-I", "-S", str(agent)])
    launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    launcher.chmod(0o700)
    return launcher


def main(arguments: list[str]) -> int:
    """Do as `ngrok start --none --log stdout --config FILE` does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end at once, without a traceback
    logging.disable()  # what we print on standard error, the learner would see
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if trouble := os.environ.get("PRACTICE_NGROK_FAIL"):
        return _fail(trouble, Path(arguments[arguments.index("--config") + 1]))
    asyncio.run(_serve())
    return 0


async def _serve() -> None:
    server = await asyncio.start_server(Agent().answer, "127.0.0.1", 0)
    address = "{}:{}".format(*server.sockets[0].getsockname())
    _log("info", "starting web service", obj="web", addr=address)
    _log("info", "client session established", obj="tunnels.session")
    _log("info", "tunnel session started", obj="tunnels.session")
    await server.serve_forever()


def _end_with_parent(parent: int) -> None:
    """End when the process that started us is gone: a kernel that is killed cannot tidy up."""
    is_gone = _windows_watch(parent) if os.name == "nt" else lambda: os.getppid() != parent
    while not is_gone():
        time.sleep(0.2)
    os._exit(0)


def _windows_watch(parent: int) -> Callable[[], bool]:
    """On Windows our parent is the launcher's cmd.exe; pyngrok ends it when it ends "ngrok".

    The kernel stands above it, at the other end of our output: an empty line, which pyngrok
    passes over, tells whether it is still there.
    """
    import ctypes

    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009 - only Windows has it
    handle = kernel32.OpenProcess(0x00100000, False, parent)  # the right called SYNCHRONIZE

    def is_gone() -> bool:
        try:
            os.write(1, b"\r\n")
        except OSError:
            return True
        return bool(kernel32.WaitForSingleObject(handle, 0) == 0)

    return is_gone


def _log(level: str, message: str, **more: str) -> None:
    fields = {"t": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "lvl": level, "msg": message, **more}
    quoted = {key: json.dumps(text) if " " in text else text for key, text in fields.items()}
    print(*(f"{key}={text}" for key, text in quoted.items()), flush=True)


def _fail(trouble: str, config: Path) -> int:
    if trouble == "offline":
        error = "dial tcp: lookup connect.ngrok-agent.com: no such host"
        _log("eror", "failed to reconnect session", obj="csess", err=error)
    if trouble in ("offline", "silent"):
        threading.Event().wait()
    error = "authentication failed"
    if trouble == "ERR_NGROK_4018":
        error += ": Usage of ngrok requires a verified account and authtoken."
    if trouble in ("ERR_NGROK_105", "ERR_NGROK_107"):  # here the real agent says the token aloud
        token = re.search(r"authtoken\W+(\w+)", config.read_text(encoding="utf-8"))
        error += f"\nYour authtoken: {token and token[1]}"
    error += f"\r\n\r\n{trouble}\r\n"
    _log("eror", "failed to reconnect session", obj="csess", err=error)
    _log("crit", "command failed", err=error)
    return 1


class Agent:
    """The endpoints of this agent, and the API through which they are opened and closed."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one HTTP request, answer it with JSON, and hang up."""
        with suppress(Exception):  # what makes no sense gets no answer
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            length = re.search(r"(?im)^content-length:\s*(\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            status, data = await self._route(method, unquote(path), body)
            content = b"" if status == 204 else json.dumps(data).encode()
            writer.write(_http(status, content, "Content-Type: application/json"))
            await writer.drain()
        writer.close()

    async def _route(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        name = path.removeprefix("/api/endpoints/")
        if (method, path) == ("GET", "/api/endpoints"):
            return 200, {"endpoints": [each.data for each in self._endpoints.values()]}
        if (method, path) == ("POST", "/api/endpoints"):
            return await self._open(json.loads(body))
        if method == "DELETE" and name in self._endpoints:
            self._endpoints.pop(name).close()
            return 204, {}
        return _refuse(404, "there is nothing of this name")

    async def _open(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name, upstream = str(asked["name"]), str(asked["upstream"]["url"])
        if urlsplit(upstream).hostname not in ("127.0.0.1", "localhost", "::1"):
            return _refuse(400, "the practice agent forwards to this computer only")
        wished = urlsplit(asked.get("url") or "http://127.0.0.1:0")
        if (wished.scheme, wished.hostname) != ("http", "127.0.0.1"):
            return _refuse(400, "the practice agent can only offer http://127.0.0.1:PORT")
        endpoint = Endpoint(name, upstream)
        try:
            await endpoint.open(wished.port or 0)
        except OSError:
            return _refuse(502, "The endpoint is already online.\r\n\r\nERR_NGROK_334\r\n")
        self._endpoints[name] = endpoint
        _log("info", "started tunnel", obj="tunnels", addr=upstream, url=endpoint.data["url"])
        return 201, endpoint.data


def _refuse(status: int, error: str) -> tuple[int, dict[str, Any]]:
    """Return the shape in which the real agent says no."""
    message = {"error_code": 103, "status_code": status, "msg": "failed to start tunnel"}
    return status, {**message, "details": {"err": error}}


class Endpoint:
    """One public address, and the upstream to which all that arrives there is carried."""

    def __init__(self, name: str, upstream: str) -> None:
        uri = f"/api/endpoints/{quote(name, safe='')}"
        self.data: dict[str, Any] = {"name": name, "uri": uri, "upstream": {"url": upstream}}
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port or 80)
        self._conversations: WeakSet[Any] = WeakSet()

    async def open(self, port: int) -> None:
        """Listen on `port` (0: the system chooses one).  Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port, backlog=256)
        self.data["url"] = "http://{}:{}".format(*self._server.sockets[0].getsockname())

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._conversations.add(asyncio.current_task())
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            return await _apologise(reader, writer)
        forth = asyncio.create_task(_copy(reader, up_writer))
        try:
            await _copy(up_reader, writer)
        finally:
            forth.cancel()
            up_writer.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until one side has said all; then tell the other side so."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


async def _apologise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The tunnel stands, but nobody is at its end: https://ngrok.com/docs/errors/err_ngrok_8012."""
    sentence = b"ERR_NGROK_8012: the tunnel is open, but nothing answers at its local end.\n"
    headers = "Content-Type: text/plain; charset=utf-8", "Ngrok-Error-Code: ERR_NGROK_8012"
    with suppress(OSError):
        writer.write(_http(502, sentence, *headers))
        writer.write_eof()
        while await reader.read(CHUNK):  # hear the request out, or our answer is lost with it
            pass
    writer.close()


def _http(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Practice", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
