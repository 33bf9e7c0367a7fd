"""Every request has one end and a size, and the connections are shared while nothing else is."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
import requests
from elsewhere_world import Elsewhere
from raw_server import OK, RawServer
from urllib3.exceptions import DecodeError, IncompleteRead, ReadTimeoutError

from botkit.errors import ProviderUnreachable
from botkit.oauth import ApiSession, connections, http, refresh

SHORT = 0.3  # seconds; what is tried with it never answers, so a slow computer changes nothing
LONG = 30.0  # seconds, which no test comes near to


@pytest.fixture
def serve():
    """`serve(answer)` starts a server that speaks byte by byte."""
    servers = []

    def serve(*args, **kwargs) -> RawServer:
        servers.append(RawServer(*args, **kwargs))
        return servers[-1]

    connections.SHARED.renew()
    yield serve
    for server in servers:
        server.close()


@contextmanager
def ends_in_time():
    """What is done here gives up, although the server goes on."""
    begun = time.monotonic()
    with pytest.raises(requests.Timeout):
        yield
    assert time.monotonic() - begun < LONG / 2


# ---- one end -----------------------------------------------------------------------------------

LONG_ANSWER = b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 5000 + b"\r\nContent-Length: 9000\r\n\r\n"


@pytest.mark.parametrize(
    "whole",
    [0, 3, 17, len(LONG_ANSWER)],
    ids=["at its first byte", "in the status line", "in the headers", "in the body"],
)
def test_an_answer_that_drips_ends_with_the_request(serve, whole):
    server = serve(lambda request, number: LONG_ANSWER, drips=whole)
    with ends_in_time():
        http.Session(seconds=SHORT).get(server.url)


def test_an_answer_in_chunks_that_drip_ends_with_the_request(serve):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"1\r\nx\r\n" * 5000
    server = serve(lambda request, number: head + chunks, drips=len(head))
    with ends_in_time():
        http.Session(seconds=SHORT).get(server.url)


def test_silence_ends_with_the_request(serve):
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, ends_in_time():
        http.Session(seconds=SHORT).get(f"http://127.0.0.1:{listener.getsockname()[1]}")


def test_a_tls_handshake_that_drips_ends_with_the_request():
    """The server answers the client's greeting with the head of a long message, and then drips."""
    listener, end = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
            )  # a "server hello" of 16 KiB
            while not end.wait(0.05):
                connection.sendall(b"\x00")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with ends_in_time():
            http.Session(seconds=SHORT).get(f"https://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        end.set()
        listener.close()


def test_a_redirect_does_not_get_a_new_end():
    """It is a request inside a request, and the earlier end counts."""
    with connections.limited_to(LONG):
        with connections.limited_to(100 * LONG):
            assert connections.seconds_left() <= LONG
        with connections.limited_to(LONG / 10):
            assert connections.seconds_left() <= LONG / 10
        assert connections.seconds_left() > LONG / 10


def test_the_time_that_is_left_counts_down_to_nothing(monkeypatch):
    now = [50.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert connections.seconds_left() is None
    with connections.limited_to(1.0):
        now[0] += 0.5
        assert connections.seconds_left() == 0.5
        now[0] += 0.5
        with pytest.raises(TimeoutError):
            connections.seconds_left()


@pytest.mark.parametrize(
    "wait",
    [
        lambda ours: ours.recv(1),
        lambda ours: ours.recv_into(bytearray(1)),
        lambda ours: [ours.send(bytes(2**20)) for _ in range(1000)],
        lambda ours: ours.sendall(bytes(2**28)),
    ],
    ids=["recv", "recv_into", "send", "sendall"],
)
def test_every_wait_of_a_socket_ends_with_the_request(wait):
    here, there = socket.socketpair()
    with there, connections._Socket(fileno=here.detach()) as ours:
        ours.settimeout(LONG)
        begun = time.monotonic()
        with connections.limited_to(SHORT), pytest.raises(TimeoutError):
            wait(ours)
        assert time.monotonic() - begun < LONG / 2


def test_a_name_that_is_looked_up_forever_ends_with_the_request(monkeypatch):
    released, threads = threading.Event(), []

    def look_up(*_args: object) -> list[object]:
        threads.append(threading.current_thread())
        released.wait(LONG)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        with ends_in_time():
            http.Session(seconds=SHORT).get("http://api.example")
        assert threads[0].daemon  # or the process could not end before it
    finally:
        released.set()


@pytest.mark.parametrize("found", [socket.gaierror(-2, "Name or service not known"), []])
def test_a_name_that_nobody_knows_is_told_as_a_host_that_cannot_be_reached(monkeypatch, found):
    def look_up(*_args: object) -> list[object]:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(ProviderUnreachable, match="Elsewhere could not be reached"):
        ApiSession("Elsewhere", "http://api.example", "t0ken").get("/me")


def test_a_small_request_is_sent_without_waiting_for_more(serve, monkeypatch):
    """Otherwise each answer takes 40 ms more (RFC 896, and delayed acknowledgements)."""
    opened, connect = [], connections._Socket.connect

    def note(ours: socket.socket, address: object) -> None:
        opened.append(ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        connect(ours, address)

    monkeypatch.setattr(connections._Socket, "connect", note)
    http.Session().get(serve().url)
    assert opened == [1]


@pytest.mark.parametrize(
    "body, sent",
    [
        ({"json": {"a": 1}}, [b'{"a": 1}']),
        ({"data": b"x" * 100_000}, [b"x" * 100_000]),
        ({"data": iter([b"one", b"two"])}, [b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"]),
        ({}, [b""]),
    ],
)
def test_a_request_is_sent_in_one_piece(serve, monkeypatch, body, sent):
    """Its headers would otherwise be sent by themselves, which takes longer on both sides."""
    pieces, send = [], connections._Socket.sendall

    def note(ours: socket.socket, data: bytes) -> None:
        pieces.append(data)
        send(ours, data)

    monkeypatch.setattr(connections._Socket, "sendall", note)
    assert http.Session().post(serve().url, **body).status_code == 200
    assert [piece.partition(b"\r\n\r\n")[2] for piece in pieces] == sent


@pytest.fixture
def dead(monkeypatch):
    """An address that takes no connection, and does not say so: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        waiting.append(one)
    yield listener.getsockname()
    for one in (*waiting, listener):
        one.close()


def resolve_to(monkeypatch, *addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args: found)


def test_dead_addresses_of_a_host_end_together_with_the_request(monkeypatch, dead):
    resolve_to(monkeypatch, *[dead] * 4)
    with ends_in_time():
        http.Session(seconds=SHORT).get("http://api.example")


@pytest.mark.parametrize(("took", "expected"), [(0.9, "could not be reached"), (1.0, "in time")])
def test_a_connection_that_fails_after_the_end_of_its_request_was_too_slow(
    monkeypatch, took, expected
):
    now = [50.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def fail(*_args: object, **_options: object) -> None:
        now[0] += took
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", fail)
    with pytest.raises(ProviderUnreachable, match=expected), http.reaching("Elsewhere"):
        http.Session(seconds=1.0).get("http://api.example")


def test_the_address_after_the_dead_ones_is_used(monkeypatch, dead, serve):
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2.0)
    server = serve()
    resolve_to(monkeypatch, *[dead] * 2, ("127.0.0.1", server.port))
    assert http.Session(seconds=LONG).get("http://api.example").text == "ok"


def test_a_claim_outlives_the_request_that_it_is_for():
    assert refresh.HOLD_SECONDS >= 2 * http.TOTAL_SECONDS


def test_an_answer_without_end_is_told_as_one_that_did_not_come_in_time(serve):
    server = serve(lambda request, number: LONG_ANSWER, drips=len(LONG_ANSWER))
    api = ApiSession("Elsewhere", server.url, "t0ken", seconds=SHORT)
    with pytest.raises(ProviderUnreachable, match="Elsewhere did not answer in time"):
        api.get("/me")


# ---- a size ------------------------------------------------------------------------------------


def answer_with(body: bytes, *headers: bytes) -> bytes:
    length = f"Content-Length: {len(body)}".encode()
    return b"\r\n".join([b"HTTP/1.1 200 OK", length, *headers, b"", body])


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_an_answer_is_read_up_to_its_greatest_size(serve, monkeypatch, size, fits):
    monkeypatch.setattr(connections, "LARGEST_ANSWER", 1000)
    server = serve(lambda request, number: answer_with(b"x" * size))
    api = ApiSession("Elsewhere", server.url, "t0ken")
    if fits:
        assert len(api.get("/me").content) == size
    else:
        with pytest.raises(ProviderUnreachable, match="an answer that cannot be read"):
            api.get("/me")


def test_a_small_answer_that_unpacks_to_a_huge_one_takes_no_memory(serve):
    bomb = gzip.compress(bytes(100 * 1024 * 1024))
    assert len(bomb) < 200_000
    server = serve(lambda request, number: answer_with(bomb, b"Content-Encoding: gzip"))
    api = ApiSession("Elsewhere", server.url, "t0ken", seconds=LONG)
    tracemalloc.start()
    try:
        with pytest.raises(ProviderUnreachable, match="an answer that cannot be read"):
            api.get("/me")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * connections.LARGEST_ANSWER


def test_what_cannot_be_unpacked_is_told_as_such(serve):
    server = serve(lambda request, number: answer_with(b"no gzip", b"Content-Encoding: gzip"))
    with pytest.raises(ProviderUnreachable, match="an answer that cannot be read"):
        ApiSession("Elsewhere", server.url, "t0ken").get("/me")


def test_an_answer_that_breaks_off_is_no_answer(serve):
    whole = answer_with(b"x" * 100)
    listener = socket.create_server(("127.0.0.1", 0))

    def cut() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(whole[:-50])

    threading.Thread(target=cut, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with listener, pytest.raises(ProviderUnreachable, match="could not be reached"):
        ApiSession("Elsewhere", url, "t0ken").get("/me")


class Body:
    """An answer of which pieces are unpacked, or in which something fails."""

    def __init__(self, *pieces: object) -> None:
        self.pieces, self.closed = pieces, False

    def stream(self, *_args: object, **_options: object):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (TimeoutError("slow"), requests.ReadTimeout),
        (ReadTimeoutError(None, "", "slow"), requests.ReadTimeout),
        (DecodeError("no gzip"), requests.exceptions.ContentDecodingError),
        (IncompleteRead(1, 2), requests.ConnectionError),
        (ConnectionResetError(), requests.ConnectionError),
        (bytes(1001), connections.AnswerTooLong),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_body_that_fails_closes_its_connection(monkeypatch, failure, expected):
    monkeypatch.setattr(connections, "LARGEST_ANSWER", 1000)
    raw = Body(b"x", failure)
    with pytest.raises(expected) as caught:
        connections._read(SimpleNamespace(raw=raw, request=None))
    assert caught.type is expected and raw.closed


def test_what_takes_long_to_unpack_ends_with_the_request(monkeypatch):
    now = [50.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def pieces():
        for _ in range(100):
            now[0] += 1
            yield b"x"

    raw = Body()
    raw.stream = lambda *_args, **_options: pieces()
    with connections.limited_to(10), pytest.raises(requests.ReadTimeout):
        connections._read(SimpleNamespace(raw=raw, request=None))
    assert now[0] == 60.0 and raw.closed


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_read_can_be_taken_in_pieces(serve, stream):
    answer = http.Session().get(serve().url, stream=stream)
    assert [b"".join(answer.iter_content(1)) for _ in range(2)] == [b"ok", b"ok"]


# ---- redirects ---------------------------------------------------------------------------------


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


@pytest.mark.parametrize("location", ["/api/you", "you", "http://127.0.0.1:{port}/api/you"])
def test_a_redirect_within_the_origin_is_followed(elsewhere, location):
    there = location.format(port=elsewhere.server.port)
    elsewhere.answers(302, headers={"Location": there})
    api = ApiSession("Elsewhere", f"{elsewhere.server.url}/api", "t0ken")
    assert api.get("/me").status_code == 200
    assert [request["PATH_INFO"] for request in elsewhere.seen] == ["/api/you"]
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (301, "http://127.0.0.1:{port}/"),
        (302, "//127.0.0.1:{port}/"),
        (303, "http://localhost:{own}/"),
        (307, "http://127.0.0.1:{port}/"),
        (308, "http://localhost:{own}/"),
    ],
)
def test_a_redirect_to_another_origin_is_returned_and_not_followed(elsewhere, status, location):
    other = Elsewhere()
    there = location.format(port=other.server.port, own=elsewhere.server.port)
    elsewhere.answers(status, headers={"Location": there})
    answer = http.Session().post(elsewhere.server.url, json={"link": "secret"})
    assert answer.status_code == status
    assert other.seen == [] == elsewhere.seen
    other.close()


# ---- shared connections ------------------------------------------------------------------------


def test_one_connection_serves_many_sessions_and_threads(serve):
    server = serve()

    def ask(_number: int) -> str:
        with http.Session() as session:
            return session.get(server.url).text

    assert [ask(number) for number in range(5)] == ["ok"] * 5
    with ThreadPoolExecutor(1) as another_thread:
        assert list(another_thread.map(ask, range(5))) == ["ok"] * 5
    assert (len(server.requests), server.connections) == (10, 1)


def test_an_answer_without_a_body_keeps_its_connection_open(serve):
    server = serve(lambda request, number: b"HTTP/1.1 204 No Content\r\n\r\n")
    assert [http.Session().get(server.url).status_code for _ in range(3)] == [204] * 3
    assert server.connections == 1


def test_cookies_and_credentials_stay_with_their_session(serve):
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=alice\r\nContent-Length: 0\r\n\r\n"
    server = serve(lambda request, number: cookie)
    ApiSession("Elsewhere", server.url, "t0ken").get("/me")
    http.Session().get(server.url)
    first, second = server.requests
    assert server.connections == 1
    assert b"Bearer t0ken" in first
    assert b"Authorization" not in second and b"Cookie" not in second


def test_a_connection_that_was_idle_for_long_is_not_used_again(serve, monkeypatch):
    monkeypatch.setattr(connections, "IDLE_SECONDS", -1.0)
    server = serve()
    for _ in range(2):
        http.Session().get(server.url)
    assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_kept_connection_that_ends_is_replaced_for_what_may_be_sent_twice(serve, method):
    server = serve(lambda request, number: OK if number == 0 else b"")
    session = http.Session()
    session.get(server.url)
    assert session.request(method, server.url).text == "ok"
    assert server.connections == 2


def test_what_changes_something_is_never_sent_twice(serve):
    server = serve(lambda request, number: OK if number == 0 else b"")
    session = http.Session()
    session.get(server.url)
    with pytest.raises(requests.ConnectionError):
        session.post(server.url, data="once")
    assert sum(b"once" in request for request in server.requests) == 1


def test_a_new_connection_that_ends_is_not_tried_again(serve):
    server = serve(lambda request, number: b"")
    with pytest.raises(requests.ConnectionError):
        http.Session().get(server.url)
    assert len(server.requests) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_child_process_opens_connections_of_its_own(serve):
    server = serve()
    session = http.Session()
    session.get(server.url)
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            os._exit(0 if session.get(server.url).text == "ok" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections == 2
    session.get(server.url)
    assert server.connections == 2  # the parent's own is as good as before


# ---- TLS ---------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """A certificate for `localhost` that nobody has signed but itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
    return str(file)


@pytest.fixture
def secure(serve, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return serve(tls=context)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_that_the_environment_names_is_trusted(
    secure, certificate, monkeypatch, name
):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, certificate)
    url = f"https://localhost:{secure.port}"
    assert [http.Session().get(url).text for _ in range(2)] == ["ok", "ok"]
    assert secure.connections == 1


def test_a_certificate_that_nobody_has_signed_is_refused(secure, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with pytest.raises(requests.exceptions.SSLError):
        http.Session().get(f"https://localhost:{secure.port}")
    assert secure.requests == []


def test_a_certificate_for_another_name_is_refused(secure, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    resolve_to(monkeypatch, ("127.0.0.1", secure.port))
    with pytest.raises(requests.exceptions.SSLError):
        http.Session().get("https://api.example")
    assert secure.requests == []


# ---- proxies -----------------------------------------------------------------------------------

PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def environment(monkeypatch):
    """Sets the variables that name proxies, after all of them were taken away."""
    for name in PROXY_NAMES:
        for one in (name, name.upper()):
            monkeypatch.delenv(one, raising=False)
    return lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]


@pytest.mark.parametrize("exceptions", [None, "intranet.example"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost"])
def test_this_computer_is_reached_without_a_proxy(serve, environment, exceptions, host):
    nobody = "http://127.0.0.1:9"
    environment(http_proxy=nobody, **({} if exceptions is None else {"no_proxy": exceptions}))
    before = dict(os.environ)
    assert http.Session().get(f"http://{host}:{serve().port}").text == "ok"
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.8.9.1", True),
        ("[::1]", True),
        ("bot.localhost", True),
        ("localhost.", True),
        ("127.0.0.1.example", False),
        ("localhost.example", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_this_computer_has_many_names(host, expected):
    assert connections.is_loopback(host) is expected


def test_everything_else_goes_through_the_proxy(serve, environment):
    proxy = serve()
    environment(http_proxy=proxy.url)
    assert http.Session().get("http://api.example/me").text == "ok"
    assert proxy.requests[0].startswith(b"GET http://api.example/me HTTP/1.1")


@pytest.mark.parametrize("exceptions", ["*", ".example"])
def test_what_no_proxy_names_is_reached_without_one(environment, exceptions):
    environment(https_proxy="http://127.0.0.1:9", no_proxy=exceptions)
    assert connections.proxies_for("https://api.example/me") == {}
    environment(no_proxy="another.example")  # looked up again when the environment has changed
    assert connections.proxies_for("https://api.example/me")["https"] == "http://127.0.0.1:9"


def test_the_proxies_of_a_host_are_looked_up_once(environment, monkeypatch):
    environment(http_proxy="http://127.0.0.1:9")
    asked = []
    monkeypatch.setattr(
        connections, "get_environ_proxies", lambda url: asked.append(url) or {"http": "there"}
    )
    for path in ("one", "two"):
        found = connections.proxies_for(f"http://once.example/{path}")
        assert found == {"http": "there"}
        found.clear()  # what a caller does with it is its own affair
    assert asked == ["http://once.example"]


def test_a_proxy_that_drips_ends_with_the_request(serve, environment):
    proxy = serve(lambda request, number: LONG_ANSWER, drips=17)
    environment(http_proxy=proxy.url, https_proxy=proxy.url)
    for scheme in ("http", "https"):
        with ends_in_time():
            http.Session(seconds=SHORT).get(f"{scheme}://api.example/me")
