"""pyngrok, and plain calls of requests, reach this computer whatever the environment says."""

from __future__ import annotations

import os
import urllib.request

import pytest
import requests

from botkit.practice.server import Server
from botkit.run.loopback import reach_loopback_directly


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


@pytest.fixture
def address():
    server = Server(hello)
    yield server.url
    server.stop()


@pytest.fixture(params=[None, "", "intranet.example", "localhost;127.0.0.1"])
def office(request, monkeypatch):
    """A computer whose environment names a proxy that nobody can reach."""
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    if request.param is not None:
        monkeypatch.setenv("no_proxy", request.param)
    # Both are put back after the test.
    monkeypatch.setattr(urllib.request, "proxy_bypass", urllib.request.proxy_bypass)
    bypass = requests.utils.should_bypass_proxies
    monkeypatch.setattr(requests.utils, "should_bypass_proxies", bypass)
    monkeypatch.setattr(requests.sessions, "get_netrc_auth", requests.sessions.get_netrc_auth)


def test_they_reach_this_computer_and_the_environment_is_left_alone(office, address):
    before = dict(os.environ)
    reach_loopback_directly()
    reach_loopback_directly()  # a second kit
    direct = urllib.request.build_opener()  # as `urlopen` makes it at its first use
    assert direct.open(address, timeout=20).read() == b"hello"
    assert requests.get(address, timeout=20).text == "hello"
    assert dict(os.environ) == before


def test_everything_else_still_goes_through_the_proxy(office):
    reach_loopback_directly()
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("http://api.example", timeout=20)
    with pytest.raises(OSError, match="refused"):
        urllib.request.build_opener().open("http://api.example", timeout=20)


def test_no_proxy_keeps_its_meaning(office, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    reach_loopback_directly()
    assert urllib.request.proxy_bypass("api.example:80")
    assert requests.utils.should_bypass_proxies("http://api.example", no_proxy=None)


def test_a_password_in_netrc_is_for_others(office, address, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("default login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    reach_loopback_directly()
    with requests.Session() as session:
        here = session.prepare_request(requests.Request("GET", address))
        there = session.prepare_request(requests.Request("GET", "https://api.example"))
    assert "Authorization" not in here.headers and "Authorization" in there.headers
