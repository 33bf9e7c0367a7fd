"""The practice Google as a process of its own, and as a part of the practice world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from google_world import CALLBACK, DRIVE, query_of
from live_world import PracticeProcess

from botkit.practice.browser.browser import Browser
from botkit.practice.server import WSGIApp
from botkit.practice.world import Clock, World


@pytest.fixture
def world() -> Iterator[World]:
    world = World(Clock())
    yield world
    world.close()


def test_a_process_takes_a_browser_through_consent_to_a_token(
    google_process: PracticeProcess,
) -> None:
    client_id, secret = google_process.call("register_client", "My bot", [CALLBACK])
    google_process.set("grant_only", [DRIVE])
    browser = Browser(cookies={"google_account": "bob"})
    browser.stop_before = CALLBACK
    link = requests.Request(
        "GET",
        f"{google_process.address}/o/oauth2/v2/auth",
        params={
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"{DRIVE} email",
        },
    ).prepare()
    sent = query_of(browser.visit(str(link.url)).approve().url)
    assert sent["iss"] == google_process.address
    fields = {"client_id": client_id, "client_secret": secret, "code": sent["code"]}
    fields |= {"redirect_uri": CALLBACK, "grant_type": "authorization_code"}
    token = requests.post(f"{google_process.address}/token", data=fields).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    who = requests.get(f"{google_process.address}/oauth2/v2/userinfo", headers=headers).json()
    assert who["email"] == "bob@practice.example"
    file = google_process.call("add_file", "bob", "Report.pdf")
    assert (file["name"], file["account"]) == ("Report.pdf", "bob@practice.example")
    google_process.call("settle")
    google_process.call("revoke", "bob")
    url = f"{google_process.address}/drive/v3/files"
    assert requests.get(url, headers=headers).status_code == 401


def test_the_world_has_a_google_once_it_was_started(world: World) -> None:
    assert not world.has("google")
    with pytest.raises(LookupError, match="Google"):
        _ = world.google
    client_id, secret, address = world.start_service("google")
    assert world.has("google") and world.google.address == address
    assert world.google.clients[client_id].check_client_secret(secret)
    assert requests.get(address).status_code == 200
    world.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(address)


def test_the_world_watches_what_passes_at_google_and_shares_its_clock() -> None:
    parties, clock = [], Clock()

    def around(app: WSGIApp, party: str) -> WSGIApp:
        parties.append(party)
        return app

    world = World(clock, around=around)
    _, _, address = world.start_service("google")
    clock.advance(days=400)
    requests.get(address)
    world.close()
    assert parties == ["Google"]
    assert (world.google.requests_seen[0].time - Clock()()).days >= 399


def test_the_world_lets_go_of_what_google_was_told_to_spoil(world: World) -> None:
    _, _, address = world.start_service("google")
    world.google.trouble.next(path="/drive", status=503)
    world.let_go()
    assert requests.get(f"{address}/drive/v3/files").status_code == 401


def test_addresses_of_this_computer_and_of_tunnels_can_be_registered(world: World) -> None:
    hosts = ["http://127.0.0.1:8123", "http://localhost:8123", "http://[::1]:8123"]
    hosts += ["https://made-up-name.ngrok-free.app"]
    uris = [f"{host}/google/oauth" for host in hosts]
    client_id, _, _ = world.start_service("google")
    world.register_callbacks({client_id: uris})
    assert world.google.clients[client_id].redirect_uris == uris
