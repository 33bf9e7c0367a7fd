"""Serve a WSGI app for long with waitress, and stop without losing requests.

Start with `ProductionServer`.  waitress is pure Python, runs on Windows, and is made for the
internet.  Without help it drops unsent answers when it ends.  `stop` here first finishes what has
arrived, but it waits for nobody who sends slowly.

Not here: which of the threads may wait for other servers (`botkit.bot.places`).
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from botkit.bot import LONGEST_BODY, WEB_THREADS
from botkit.errors import PortTaken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = WEB_THREADS
HAS_POLL = hasattr(select, "poll")  # Windows has only `select`, for 512 files
CONNECTIONS = 1000 if HAS_POLL else 400  # at the same time; the next one has to wait
FILES = 4096  # connections, and what the bot itself opens; many systems give 1024 at first
LONGEST_IN_MEMORY = 64 * 1024  # bytes of a body while it arrives; the rest is kept in a file
LONGEST_HEADERS = 32 * 1024  # bytes, with the address; proxies take no more either
IDLE_SECONDS = 30  # a connection without a request is closed after that
ARRIVAL_SECONDS = 60.0  # a request must have arrived completely after that
LONGEST_FINISH = 20.0  # seconds for the requests that are being answered when it stops
LONGEST_ARRIVAL = 2.0  # seconds for those that have not arrived completely
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

        _allow_files()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is normal
        listener = socket.create_server(("127.0.0.1", port))
        self._connections: dict[int, Any] = {}
        self._waitress = create_server(
            app,
            map=self._connections,
            sockets=[listener],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=IDLE_SECONDS // 3,
            asyncore_use_poll=HAS_POLL,
            max_request_header_size=LONGEST_HEADERS,
            max_request_body_size=LONGEST_BODY,
            inbuf_overflow=LONGEST_IN_MEMORY,
            ident=None,
        )
        self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopping = False
        self._looked = 0.0
        self._thread = threading.Thread(target=self._run, name="botkit-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, finish the requests that have arrived, and close.

        It waits at most `LONGEST_FINISH` seconds, and for what is still arriving `LONGEST_ARRIVAL`
        seconds.  Calling it again does no harm.
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
            self._hang_up_on_slow()
        self._waitress.asyncore.dispatcher.close(self._waitress)  # the listener, nothing else
        began = time.monotonic()
        while self._close_idle(began) and time.monotonic() < began + LONGEST_FINISH:
            self._turn()
        self._waitress.task_dispatcher.shutdown(timeout=TURN)

    def _turn(self) -> None:
        self._waitress.asyncore.loop(
            timeout=TURN, use_poll=HAS_POLL, map=self._connections, count=1
        )

    def _hang_up_on_slow(self) -> None:
        """Close connections on which a request arrives too slowly; waitress would wait forever."""
        now = time.monotonic()
        if now - self._looked < TURN:
            return
        self._looked = now
        for channel in list(self._waitress.active_channels.values()):
            if channel.request is None or channel.requests:
                continue
            if now - vars(channel.request).setdefault("botkit_since", now) > ARRIVAL_SECONDS:
                channel.handle_close()

    def _close_idle(self, began: float) -> bool:
        """Close the connections without work; return whether there are others."""
        owed = False
        for channel in list(self._waitress.active_channels.values()):
            arrives = channel.request and time.monotonic() < began + LONGEST_ARRIVAL
            if arrives or channel.requests or channel.total_outbufs_len:
                owed = True  # it is being received, handled or answered
            else:
                channel.handle_close()
        return owed


def _allow_files() -> None:
    """Let this process open `FILES` files, if the system allows it.

    With fewer, a thousand connections would leave none for the database.
    """
    with suppress(ImportError, OSError, ValueError):  # Windows; or the system does not allow it
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
