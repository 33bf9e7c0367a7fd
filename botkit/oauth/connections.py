"""Open, share and close the network connections of our HTTP requests.

A timeout of a socket is the time between two bytes, so a server that sends a byte now and then can
hold a thread forever.  Here every wait of a request knows how much of the whole time is left: for
looking up the name, each address, TLS, the headers and the body.  An answer also has a size, which
is counted while it is unpacked.

Connections stay open and are shared by all threads of the process: `SHARED` is the one pool.
Credentials and cookies are not shared, because they belong to a `Session` (`http.py`).

Skip this file at first.  Start with `limited_to`, then `Adapter.send`.
Not here: what a request says and what an answer means.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.util.ssl_ import create_urllib3_context

CONNECT_SECONDS = 5.0  # for one address of a host
LARGEST_ANSWER = 10 * 1024 * 1024  # bytes, unpacked
IDLE_SECONDS = 4.0  # a connection that was idle for longer may be closed by the server any moment
KEPT_PER_HOST = 48  # as many as a class needs that connects and asks at the same time
PIECE = 64 * 1024  # bytes that are unpacked at a time

# A request with one of these methods can be sent twice without harm (RFC 9110, section 9.2.2).
IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


# ---- the time that is left ---------------------------------------------------------------------


@dataclass
class _Request:
    """A request under way: when it must end, and whether its connection was kept from before."""

    end: float  # a moment of the monotonic clock
    on_kept_connection: bool = False
    wants_new_connection: bool = False


_NO_LIMIT = _Request(float("inf"))
_current: ContextVar[_Request] = ContextVar("current", default=_NO_LIMIT)


@contextmanager
def limited_to(seconds: float) -> Iterator[None]:
    """End everything that the requests inside wait for after `seconds`, all together.

    Inside another limit the earlier end counts, so redirects do not get a new one.
    """
    end = min(time.monotonic() + seconds, _current.get().end)
    token = _current.set(_Request(end))
    try:
        yield
    finally:
        _current.reset(token)


def seconds_left() -> float | None:
    """Return how long the current request may still take; None without a limit.

    Raises `TimeoutError` if its time is over.
    """
    end = _current.get().end
    if end == float("inf"):
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("The request took too long.")
    return left


# ---- sockets that know it ----------------------------------------------------------------------


class _Limited:
    """Let every wait of a socket end with the request."""

    def settimeout(self, value: float | None, /) -> None:
        """Take the shorter one: what the caller wants, or what is left."""
        left = seconds_left()
        if left is not None:
            value = left if value is None else min(value, left)
        super().settimeout(value)  # type: ignore[misc]

    def _limit(self) -> None:
        left = seconds_left()
        if left is not None:
            super().settimeout(left)  # type: ignore[misc]

    def recv(self, *args: Any, **kwargs: Any) -> Any:
        self._limit()
        return super().recv(*args, **kwargs)  # type: ignore[misc]

    def recv_into(self, *args: Any, **kwargs: Any) -> Any:
        self._limit()
        return super().recv_into(*args, **kwargs)  # type: ignore[misc]

    def send(self, *args: Any, **kwargs: Any) -> Any:
        self._limit()
        return super().send(*args, **kwargs)  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> Any:
        self._limit()
        return super().sendall(*args, **kwargs)  # type: ignore[misc]


class _Socket(_Limited, socket.socket):
    pass


class _TlsSocket(_Limited, ssl.SSLSocket):
    def do_handshake(self, *args: Any, **kwargs: Any) -> Any:
        self._limit()
        return super().do_handshake(*args, **kwargs)


def _look_up(host: str, port: int) -> list[Any]:
    """Return the addresses of a host, as `socket.getaddrinfo` does, but within the limit.

    The system looks up a name without a limit of ours, so a thread waits for it in our place.
    """
    left = seconds_left()
    if left is None or _is_ip(host):
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(left)
    if not found:
        raise TimeoutError("The name was not looked up in time.")
    if isinstance(found[0], Exception):
        raise found[0]
    addresses: list[Any] = found[0]
    return addresses


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


class _Connects:
    """Try the addresses of a host one after the other, within the limit of the request."""

    host: str
    port: int
    _dns_host: str
    _gathered: list[bytes] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request in one piece: urllib3 would send its headers and its body one by one."""
        self._gathered = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        finally:
            pieces, self._gathered = self._gathered, None
        self.send(b"".join(pieces))

    def send(self, data: Any) -> None:
        if self._gathered is not None and isinstance(data, bytes):
            self._gathered.append(data)
        else:
            super().send(data)  # type: ignore[misc]

    def _new_conn(self) -> socket.socket:
        here: Any = self
        failure: OSError = OSError("The host has no address.")
        try:
            for family, kind, protocol, _, address in _look_up(
                self._dns_host.strip("[]"), self.port
            ):
                connection = _Socket(family, kind, protocol)
                try:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection.settimeout(CONNECT_SECONDS)
                    connection.connect(address)
                    return connection
                except OSError as error:
                    connection.close()
                    failure = error
        except OSError as error:  # the name is not known, or was not looked up in time
            failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(here, f"{self.host} did not answer in time.") from failure
        raise NewConnectionError(here, f"{self.host} cannot be reached: {failure}") from failure


class _HttpConnection(_Connects, HTTPConnection):
    pass


class _HttpsConnection(_Connects, HTTPSConnection):
    def connect(self) -> None:
        if self.ssl_context is None:
            self.ssl_context = create_urllib3_context()
            self.ssl_context.sslsocket_class = _TlsSocket
        super().connect()


# ---- connections that are kept -----------------------------------------------------------------


class _KeepsBriefly:
    """Keep connections for some seconds, and note whether a request uses a kept one."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        idle = time.monotonic() - getattr(connection, "idle_since", 0.0)
        if idle > IDLE_SECONDS or _current.get().wants_new_connection:
            connection.close()  # it opens again by itself
        _current.get().on_kept_connection = not connection.is_closed
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)  # type: ignore[misc]


class _HttpPool(_KeepsBriefly, HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(_KeepsBriefly, HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


POOLS = {"http": _HttpPool, "https": _HttpsPool}


class AnswerTooLong(requests.exceptions.ContentDecodingError):
    """Raised when an answer is longer than `LARGEST_ANSWER`."""


class Adapter(HTTPAdapter):
    """What a `requests.Session` sends through.  Many sessions and threads may share one."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        """Send a request and read the whole answer, within the limits of time and size."""
        try:
            response = self._send_once(request, kwargs)
        except requests.ConnectionError:
            # The server has closed a kept connection in the moment in which we used it.  On a new
            # one the request can be sent again, if it does no harm twice.
            if not _current.get().on_kept_connection or request.method not in IDEMPOTENT:
                raise
            _current.get().wants_new_connection = True
            response = self._send_once(request, kwargs)
        response._content = _read(response)
        vars(response)["_content_consumed"] = True
        return response

    def _send_once(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response:
        try:
            return super().send(request, **kwargs)
        except requests.ConnectionError as error:
            try:
                seconds_left()
            except TimeoutError:
                raise requests.ReadTimeout(error, request=request) from error
            raise


def _read(response: requests.Response) -> bytes:
    """Return the unpacked body.  Raises a `requests.RequestException`."""
    body = bytearray()
    try:
        for piece in response.raw.stream(PIECE, decode_content=True):
            body += piece
            seconds_left()
            if len(body) > LARGEST_ANSWER:
                raise AnswerTooLong("The answer is too long.")
    except (ReadTimeoutError, TimeoutError) as error:
        response.raw.close()
        raise requests.ReadTimeout(error, request=response.request) from error
    except DecodeError as error:
        response.raw.close()
        raise requests.exceptions.ContentDecodingError(error, request=response.request) from error
    except (HTTPError, OSError) as error:  # an `AnswerTooLong` is an OSError, too
        response.raw.close()
        if isinstance(error, requests.RequestException):
            raise
        raise requests.ConnectionError(error, request=response.request) from error
    response.raw.release_conn()
    return bytes(body)


class _Shared:
    """The adapter of this process.  A child process makes its own, because sockets do not fork."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Start with no open connection."""
        self.adapter = Adapter(pool_connections=32, pool_maxsize=KEPT_PER_HOST)


SHARED = _Shared()


# ---- the way out -------------------------------------------------------------------------------

ABOUT_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def proxies_for(url: str) -> dict[str, str]:
    """Return the proxies that a request to `url` may use, by scheme; none on this computer.

    The environment, or the settings of Windows or macOS, name the proxies.  They are looked up once
    for each host, and again when the environment has changed.
    """
    there = urlsplit(url)
    if is_loopback(there.hostname or ""):  # a proxy cannot reach it, whatever NO_PROXY says
        return {}
    environment = tuple(
        os.environ.get(name) for one in ABOUT_PROXIES for name in (one, one.upper())
    )
    return dict(_proxies_of_host(f"{there.scheme}://{there.netloc}", environment))


@lru_cache(maxsize=256)
def _proxies_of_host(url: str, environment: tuple[str | None, ...]) -> dict[str, str]:
    return get_environ_proxies(url)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this computer.  Source: RFC 6761, section 6.3."""
    host = host.strip("[]").rstrip(".").lower()
    if _is_ip(host):
        return ip_address(host.partition("%")[0]).is_loopback
    return host == "localhost" or host.endswith(".localhost")


class CertificatesMissing(requests.exceptions.SSLError):
    """Raised when the environment names a file of certificates that is not there."""


def certificates(url: str) -> str | bool:
    """Return the file of trusted certificates that the environment names, or True for our own.

    Raises `CertificatesMissing` if a request to `url` needs that file.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if file := os.environ.get(name):
            if url.lower().startswith("https:") and not os.path.exists(file):
                raise CertificatesMissing(f"The file that {name} names is not there.")
            return file
    return True
