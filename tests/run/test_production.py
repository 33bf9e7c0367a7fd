"""The production server: above all that it loses nothing when it stops."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from missing import left_out
from serve_world import SECONDS, wait_until
from sizes import Size

from botkit.bot import LONGEST_BODY, WEB_THREADS
from botkit.run import server as production
from botkit.run.server import THREADS, ProductionServer


class App:
    """Answers with its path; below /slow only once `release` is set.  `reached` counts."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        body = environ["wsgi.input"].read() or path.encode()
        self.reached.release()
        if path.startswith("/slow"):
            assert self.release.wait(20)
        if path == "/slow/large":
            body = b"x" * 20_000_000  # far more than a socket takes at once
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


@pytest.fixture
def app():
    return App()


@pytest.fixture
def server(app):
    server = ProductionServer(app)
    yield server
    app.release.set()
    server.stop()


def begin_to_stop(server):
    """Stop in another thread; return that thread once nobody can connect any more."""
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        except ConnectionError:
            return stopping


def ended(thread):
    thread.join(20)
    return not thread.is_alive()


def test_requests_that_are_handled_or_wait_for_a_thread_are_finished(app, server):
    count = THREADS + 4
    with ThreadPoolExecutor(count) as people:
        answers = [people.submit(requests.get, f"{server.url}/slow/{n}") for n in range(count)]
        for _ in range(THREADS):
            assert app.reached.acquire(timeout=20)
        queue = server._waitress.task_dispatcher.queue  # those for whom there is no thread
        wait_until(lambda: len(queue) == count - THREADS)
        stopping = begin_to_stop(server)
        assert stopping.is_alive()
        app.release.set()
        assert [answer.result(20).text for answer in answers] == [
            f"/slow/{n}" for n in range(count)
        ]
    assert ended(stopping)


def test_a_long_answer_is_sent_to_its_end(app, server):
    with ThreadPoolExecutor(1) as people:
        answer = people.submit(requests.get, f"{server.url}/slow/large")
        assert app.reached.acquire(timeout=20)
        stopping = begin_to_stop(server)
        app.release.set()
        assert len(answer.result(20).content) == 20_000_000
    assert ended(stopping)


def test_a_request_that_is_still_arriving_is_heard_out(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as person:
        head = b"POST /say HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\n\r\n"
        person.sendall(head + b"hel")
        channels = server._waitress.active_channels
        wait_until(lambda: any(one.request for one in list(channels.values())))
        stopping = begin_to_stop(server)
        person.sendall(b"lo")
        answer = b"".join(iter(lambda: person.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"hello")
    assert ended(stopping)


def test_a_connection_that_is_only_kept_open_holds_nobody_up(server):
    with requests.Session() as person:
        assert person.get(f"{server.url}/x").text == "/x"
        stopping = begin_to_stop(server)
        assert ended(stopping)
        with pytest.raises(requests.ConnectionError):
            person.get(f"{server.url}/x")


def test_stopping_twice_does_no_harm_and_ends_every_thread(app):
    before = set(threading.enumerate())
    server = ProductionServer(app)
    assert requests.get(f"{server.url}/x").ok
    server.stop()
    server.stop()
    for thread in set(threading.enumerate()) - before:
        assert ended(thread)


def test_a_port_that_is_taken_is_an_error_and_a_free_one_can_be_used_again_at_once(app, server):
    with pytest.raises(OSError):
        ProductionServer(app, port=server.port)
    requests.get(f"{server.url}/x")
    server.stop()
    again = ProductionServer(app, port=server.port)
    assert requests.get(f"{again.url}/y").text == "/y"
    again.stop()


def test_a_body_that_is_far_too_long_is_refused(server):
    answer = requests.post(f"{server.url}/x", data=b"x" * (LONGEST_BODY + 1))
    assert answer.status_code == 413
    assert "waitress" not in str(answer.headers).lower()


# ---- people who are slow, or only hold a connection ----------------------------------------------

HALF = b"POST /say HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\n\r\nhel"
IDLE = Size(200, nightly=900)


def test_headers_and_addresses_that_are_far_too_long_are_refused(server):
    assert requests.get(f"{server.url}/x?code={'c' * 8_000}", timeout=SECONDS).ok
    for address, headers in ((f"/x?{'a&' * 20_000}", {}), ("/x", {"X-Long": "a" * 40_000})):
        try:
            answer = requests.get(server.url + address, headers=headers, timeout=SECONDS)
        except requests.ConnectionError:  # it has hung up before all was sent
            continue
        assert answer.status_code == 431


def hold(server, count, said=b""):
    """Open connections that say no more than this."""
    connections = []
    for _ in range(count):
        connections.append(socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS))
        connections[-1].sendall(said)
    return connections


def test_the_limits_of_waitress_are_those_of_the_plan(server):
    limits = server._waitress.adj
    assert (limits.threads, limits.connection_limit) == (40, 1000) and WEB_THREADS == 40
    assert (limits.channel_timeout, limits.cleanup_interval) == (30, 10)
    assert limits.asyncore_use_poll
    # A thousand bodies that arrive slowly take no more memory than the bot itself.
    assert limits.inbuf_overflow * limits.connection_limit <= 64 * 1024 * 1000


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"GET /x HTT", HALF], ids=["nothing", "a line", "a body"])
def test_many_connections_that_are_idle_or_slow_hold_nobody_up(server, said):
    connections = hold(server, IDLE, said)
    wait_until(lambda: len(server._waitress.active_channels) >= IDLE)
    for _ in range(3):
        assert requests.get(f"{server.url}/x", timeout=SECONDS).text == "/x"
    for connection in connections:
        connection.close()


def test_there_are_files_for_all_these_connections(app):
    if production.HAS_POLL is False:  # Windows
        left_out("resource")
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 1024 if before[1] == resource.RLIM_INFINITY else min(1024, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))  # as many systems begin
    try:
        ProductionServer(app).stop()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert hard == before[1]
        assert soft == (hard if 0 < hard < production.FILES else production.FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_request_that_does_not_arrive_in_time_is_hung_up_on(server, monkeypatch):
    monkeypatch.setattr(production, "ARRIVAL_SECONDS", 0.5)
    with hold(server, 1, HALF)[0] as person:
        assert person.recv(1) == b""  # the end


def test_when_it_stops_it_does_not_wait_for_a_request_that_arrives_slowly(server, monkeypatch):
    monkeypatch.setattr(production, "LONGEST_ARRIVAL", 0.1)
    monkeypatch.setattr(production, "LONGEST_FINISH", 600.0)
    with hold(server, 1, HALF)[0] as person:
        wait_until(lambda: any(c.request for c in list(server._waitress.active_channels.values())))
        stopping = begin_to_stop(server)
        assert ended(stopping)
        assert person.recv(1) == b""


def test_when_it_stops_it_does_not_wait_for_ever_for_an_answer(app, server, monkeypatch):
    monkeypatch.setattr(production, "LONGEST_FINISH", 0.1)
    with ThreadPoolExecutor(1) as people:
        answer = people.submit(requests.get, f"{server.url}/slow")
        assert app.reached.acquire(timeout=SECONDS)
        stopping = begin_to_stop(server)
        assert ended(stopping)
        with pytest.raises(requests.ConnectionError):
            answer.result(SECONDS)
