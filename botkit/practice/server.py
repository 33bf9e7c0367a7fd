"""Run a practice server on this computer, and make it fail on demand.

`Server` runs a Flask (or any WSGI) app in a thread of this process, on a port that the system
chooses.  `Trouble` is put in front of an app and spoils the next answers, so that a lesson or test
can see what a client does when the other side is slow, broken or talks nonsense.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _QuietHandler(WSGIRequestHandler):
    """Handle requests without printing: a print would appear in whichever notebook cell runs."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


class _Threads(ThreadedWSGIServer):
    """A server with a thread for each request.  Once it is `stopping`, nobody gets one."""

    stopping = False

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.stopping


class Server:
    """A WSGI app, served on loopback until `stop()` or until the process ends.

    `app` is what it serves, for code that calls it in this process.  `port=0` lets the system
    choose a free port; one that is taken raises `OSError`.
    """

    def __init__(self, app: WSGIApp, *, port: int = 0) -> None:
        # Bound here and not by werkzeug, which answers a taken port with SystemExit.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name != "nt":  # on Windows this option would let two servers share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            raise
        listener.listen(128)
        self.app = app
        self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = _Threads(
            "127.0.0.1", self.port, app, handler=_QuietHandler, fd=listener.fileno()
        )
        listener.close()  # werkzeug has its own copy of it
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._server.stopping:
            self._server.handle_request()  # it waits for one, and a thread of its own answers

    def stop(self) -> None:
        """Stop listening.  Calling it twice does no harm."""
        if self._server.stopping:
            return
        self._server.stopping = True
        with suppress(OSError):  # it waits for somebody, so somebody must come
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._thread.join()
        self._server.server_close()


def serve_again(app: WSGIApp, port: int) -> Server:
    """Serve at the port of a server that has stopped; where it is taken by now, at another one."""
    try:
        return Server(app, port=port)
    except OSError:
        return Server(app)


@dataclass
class _Spoiled:
    """One kind of trouble, and how many answers it still has to spoil."""

    times: int
    path: str
    status: int | None
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Trouble:
    """WSGI middleware that spoils the next answers of `app` as told by `next()`."""

    def __init__(self, app: WSGIApp) -> None:
        self._app = app
        self._plans: list[_Spoiled] = []
        self._lock = threading.Lock()
        self._released = threading.Event()

    def next(
        self,
        *,
        times: int = 1,
        path: str = "",
        status: int | None = 500,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
    ) -> None:
        """Spoil the next `times` answers whose path begins with `path`.

        `status`, `body` and `headers` are sent in place of the app's own answer; with `status=None`
        the app answers as always, `delay` seconds late.  Nothing at all is a long `delay`.
        """
        plan = _Spoiled(times, path, status, body, dict(headers or {}), delay)
        with self._lock:
            self._plans.append(plan)

    def clear(self) -> None:
        """Forget all plans and release everyone who still waits in a `delay`."""
        with self._lock:
            self._plans.clear()
        self._released.set()
        self._released = threading.Event()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        plan = self._take(environ.get("PATH_INFO", ""))
        if plan is None:
            return self._app(environ, start_response)
        if plan.delay:
            self._released.wait(plan.delay)
        if plan.status is None:
            return self._app(environ, start_response)
        body = plan.body.encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        headers.update(plan.headers)
        start_response(f"{plan.status} Practice Trouble", list(headers.items()))
        return [body]

    def __repr__(self) -> str:
        return f"<Trouble, {len(self._plans)} plans>"

    def _take(self, path: str) -> _Spoiled | None:
        with self._lock:
            for plan in self._plans:
                if path.startswith(plan.path):
                    plan.times -= 1
                    if plan.times == 0:
                        self._plans.remove(plan)
                    return plan
        return None
