"""The tunnel: real pyngrok over the practice agent, and what is said when it does not open."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, Response, request
from python_process import PIPE, start
from serve_world import free_port
from started_processes import Started

from botkit.practice.ngrok.agent import write_launcher
from botkit.practice.server import Server
from botkit.run.tunnel import Tunnel, open_tunnel

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
crowd = threading.Barrier(50)


@pytest.fixture(scope="module")
def echo() -> Iterator[Server]:
    app = Flask("echo")

    @app.route("/", methods=[*METHODS, "HEAD"], provide_automatic_options=False)
    def say() -> Response:
        sent = {"method": request.method, "query": request.query_string.decode()}
        answer = Response(request.data, int(request.args.get("status", 200)))
        answer.headers.extend({"X-Method": sent["method"], "X-Query": sent["query"]})
        answer.headers["X-Custom"] = request.headers.get("X-Custom", "")
        for value in ("one=1", "two=2"):
            answer.headers.add("Set-Cookie", value)
        return answer

    @app.route("/together/<number>")
    def together(number: str) -> str:
        crowd.wait(10)  # nobody is answered before all are here
        return number

    server = Server(app)
    yield server
    server.stop()


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Callable[..., Tunnel]]:
    """`open_tunnel` over the practice agent; what it opened is closed at the end."""
    ngrok_path, opened = write_launcher(tmp_path), []

    def open_one(port: int, **options: Any) -> Tunnel:
        opened.append(open_tunnel(port, **{"ngrok_path": ngrok_path, **options}))
        return opened[-1]

    yield open_one
    for tunnel in opened:
        tunnel.close()


# ---- what passes -------------------------------------------------------------------------------


def test_bytes_pass_unchanged_in_both_directions(opener: Callable[..., Tunnel]) -> None:
    asked = b"BREW /a%2Fb//c?x=%20&x=2 HTTP/1.1\r\nhOST: odd\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n"
    said = (
        b"HTTP/1.1 418 I am a teapot\r\nx-ODD: 1\r\nX-odd: 2\r\nContent-Length: 3\r\n\r\n\x00\xff\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as upstream, ThreadPoolExecutor() as pool:
        tunnel = opener(upstream.getsockname()[1])

        def serve() -> bytes:
            connection, _ = upstream.accept()
            with connection:
                arrived = b"".join(iter(lambda: connection.recv(65536), b""))
                connection.sendall(said)
            return arrived

        arrived = pool.submit(serve)
        host, port = tunnel.public_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(asked)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert arrived.result() == asked
    assert answer == said


@pytest.mark.parametrize("method", METHODS)
def test_every_method_passes_with_query_headers_and_a_body_of_a_megabyte(
    method: str, echo: Server, opener: Callable[..., Tunnel]
) -> None:
    url, body = opener(echo.port).public_url + "/?a=1&a=2&b=%C3%BC", os.urandom(1_000_000)
    answer = requests.request(method, url, data=body, headers={"X-Custom": "kept"}, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["X-Method"] == method
    assert answer.headers["X-Query"] == "a=1&a=2&b=%C3%BC"
    assert answer.headers["X-Custom"] == "kept"
    assert answer.raw.headers.getlist("Set-Cookie") == ["one=1", "two=2"]
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(body).digest()


def test_every_status_passes(echo: Server, opener: Callable[..., Tunnel]) -> None:
    url = opener(echo.port).public_url
    for status in (200, 204, 302, 401, 404, 500):
        assert requests.head(url, params={"status": status}, timeout=10).status_code == status


def test_fifty_requests_at_once_are_all_answered(
    echo: Server, opener: Callable[..., Tunnel]
) -> None:
    url = opener(echo.port).public_url
    with ThreadPoolExecutor(50) as pool:
        ask = lambda number: requests.get(f"{url}/together/{number}", timeout=20).text  # noqa: E731
        assert list(pool.map(ask, range(50))) == [str(number) for number in range(50)]


def test_with_nobody_at_the_local_end_ngroks_error_is_the_answer(
    opener: Callable[..., Tunnel],
) -> None:
    url = opener(free_port()).public_url
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 502
    assert answer.headers["Ngrok-Error-Code"] == "ERR_NGROK_8012"
    assert answer.text.startswith("ERR_NGROK_8012: ")


def test_that_answer_arrives_after_a_long_request_too(opener: Callable[..., Tunnel]) -> None:
    host, port = opener(free_port()).public_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 16000000\r\n\r\n" + bytes(16_000_000))
        assert client.recv(12) == b"HTTP/1.1 502"


# ---- opening and closing -----------------------------------------------------------------------


def test_the_address_changes_on_restart_and_the_old_one_is_dead(
    echo: Server, opener: Callable[..., Tunnel]
) -> None:
    first = opener(echo.port)
    first.close()
    second = opener(echo.port)
    assert second.public_url != first.public_url
    assert requests.get(second.public_url, timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(first.public_url, timeout=10)


def test_a_fixed_address_stays(echo: Server, opener: Callable[..., Tunnel]) -> None:
    fixed = f"http://127.0.0.1:{free_port()}"
    for _ in range(2):
        tunnel = opener(echo.port, fixed_url=fixed)
        assert tunnel.public_url == fixed
        assert requests.get(fixed, timeout=10).status_code == 200
        tunnel.close()


def test_opening_works_in_a_thread_and_beside_a_running_event_loop(
    echo: Server, opener: Callable[..., Tunnel]
) -> None:
    async def as_a_kernel_does() -> list[Tunnel]:
        return [opener(echo.port), await asyncio.to_thread(opener, echo.port)]

    with ThreadPoolExecutor(1) as thread:  # a browser test may have left a loop in this one
        opened = thread.submit(lambda: asyncio.run(as_a_kernel_does())).result()
    for tunnel in opened:
        assert requests.get(tunnel.public_url, timeout=10).status_code == 200


@pytest.mark.parametrize("same_agent", [True, False])
def test_closing_one_tunnel_leaves_the_other_alone(
    same_agent: bool, echo: Server, opener: Callable[..., Tunnel], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = {} if same_agent else {"ngrok_path": write_launcher(tmp_path / "other")}
    first, second = opener(echo.port), opener(echo.port, **other)
    first.close()
    assert requests.get(second.public_url, timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(first.public_url, timeout=10)


def test_the_agent_ends_with_its_last_tunnel_and_closing_twice_does_no_harm(
    echo: Server, opener: Callable[..., Tunnel], agents: Started
) -> None:
    first, second = opener(echo.port), opener(echo.port)
    first.close()
    first.close()
    assert [agent.poll() for agent in agents] == [None]
    second.close()
    assert [agent.poll() is None for agent in agents] == [False]


def test_a_killed_parent_leaves_no_agent_behind(tmp_path: Path) -> None:
    program = """if True:
        import pathlib, sys
        from botkit.run.tunnel import open_tunnel
        from pyngrok import process
        tunnel = open_tunnel(9, ngrok_path=pathlib.Path(sys.argv[1]))
        print(process._current_processes[sys.argv[1]].api_url, flush=True)
        sys.stdin.read()"""
    parent = start("-c", program, str(write_launcher(tmp_path)), stdin=PIPE, stdout=PIPE)
    assert parent.stdout is not None
    host, port = parent.stdout.readline().strip().removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as agent:
        parent.kill()
        assert agent.recv(1) == b""  # the end of the line comes when the agent ends
