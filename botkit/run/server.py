"""Serve a WSGI app for long with waitress, and stop without losing requests.

Start with `ProductionServer`.  waitress is pure Python, runs on Windows, and is made for the
internet.  Without help it drops unsent answers when it ends.  `stop` here first finishes what has
arrived.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botkit.bot import LONGEST_BODY
from botkit.errors import PortTaken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 8
LONGEST_FINISH = 30.0  # seconds; the bot's own requests end much earlier
TURN = 1.0  # seconds that a turn of waitress's loop lasts when nothing happens
STOP_IT = "Stop it, or set BOTKIT_PORT to another number."


@contextmanager
def port_wanted(port: int, *, advice: str | None = None) -> Iterator[None]:
    """Raise `PortTaken`, with `advice`, if a server cannot have its `port`."""
    try:
        yield
    except OverflowError:
        raise PortTaken(f"There is no port {port}.") from None
    except OSError:
        raise PortTaken(f"Port {port} is taken by another program.", advice=advice) from None


class ProductionServer:
    """A WSGI app, served on loopback until `stop()`.

    The internet reaches it through a tunnel or a proxy.  With `port=0` the system chooses a free
    port.  Raises `OSError` if the port is taken.
    """

    def __init__(self, app: WSGIApplication, *, port: int = 0) -> None:
        from waitress.server import create_server  # type: ignore[import-untyped]

        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is normal
        listener = socket.create_server(("127.0.0.1", port))
        self._connections: dict[int, Any] = {}
        self._waitress = create_server(
            app,
            map=self._connections,
            sockets=[listener],
            threads=THREADS,
            max_request_body_size=LONGEST_BODY,
            ident=None,
        )
        self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="botkit-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, finish the requests that have arrived, and close.

        It waits at most `LONGEST_FINISH` seconds.  Calling it again does no harm.
        """
        if self._stopping:
            return
        self._stopping = True
        self._waitress.pull_trigger()  # wakes the loop
        self._thread.join()
        self._waitress.asyncore.close_all(self._connections)

    def _run(self) -> None:
        while not self._stopping:
            self._turn()
        self._waitress.asyncore.dispatcher.close(self._waitress)  # the listener, nothing else
        deadline = time.monotonic() + LONGEST_FINISH
        while self._close_idle() and time.monotonic() < deadline:
            self._turn()
        self._waitress.task_dispatcher.shutdown(timeout=TURN)

    def _turn(self) -> None:
        self._waitress.asyncore.loop(timeout=TURN, map=self._connections, count=1)

    def _close_idle(self) -> bool:
        """Close the connections without work; return whether there are others."""
        owed = False
        for channel in list(self._waitress.active_channels.values()):
            if channel.request or channel.requests or channel.total_outbufs_len:
                owed = True  # it is being received, handled or answered
            else:
                channel.handle_close()
        return owed
