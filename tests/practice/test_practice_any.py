"""A practice service that is what a description says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
import requests
from contract_world import BOT, examined
from described import dropbox, gitlab, linear, spotify

from botkit import providers
from botkit.lessons.check.teapot import describe_teapot
from botkit.oauth import Provider
from botkit.practice.any import AnyService
from botkit.practice.world import Clock, World


def teapot(client_id: str, client_secret: str) -> Provider:
    return describe_teapot(client_id, client_secret, "https://teapot.example")


@contextmanager
def playing(describe) -> Iterator[tuple[Provider, World, AnyService]]:
    """The description as it is played, and the service that plays it."""
    with closing(World(Clock())) as world:
        client_id, secret, _ = world.start_any("played")
        service = world.service("played")
        provider = service.play(describe(client_id, secret))
        world.register_callbacks({client_id: [f"{BOT}/{provider.slug}/oauth"]})
        yield provider, world, service


@pytest.mark.parametrize(
    "describe",
    [
        spotify,
        gitlab,
        dropbox,
        teapot,
        providers.github,
        providers.google_drive,
        providers.ringcentral,
    ],
    ids=lambda describe: describe.__name__,
)
def test_whatever_is_described_keeps_the_whole_contract(describe):
    with playing(describe) as (provider, world, service):
        addresses = [provider.authorize_url, provider.token_url, provider.api_url]
        assert {"/".join(one.split("/")[:3]) for one in addresses} == {service.address}
        report = examined(provider, world)
        assert report.kept, report
        assert report.not_tried == ([] if provider.revocation else ["revoke"])


def test_without_an_account_that_alone_is_broken():
    with playing(linear) as (provider, world, _):
        assert examined(provider, world).broken == ["account"]


def test_a_wrong_description_is_noticed_by_its_habits():
    with playing(gitlab) as (provider, world, _):
        wrong = replace(provider, client_auth="basic", scope_separator=",")
        assert "exchange" in examined(wrong, world).broken


@pytest.fixture(scope="module")
def service() -> Iterator[AnyService]:
    with playing(gitlab) as (_, _, service):
        yield service


@pytest.fixture
def get(service):
    """`get(path)` asks the API as Alice's app would."""
    pair = service._ledger.issue(next(iter(service._ledger.apps.values())), "alice", [])

    def get(path: str, method: str = "GET", token: str = pair.access_token, **more):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, service.address + path, headers=headers, timeout=10, **more)

    return get


def test_it_answers_what_it_is_told_below_the_api_or_with_the_whole_path(service, get):
    service.answers("GET /todos", [{"id": 1}])
    service.answers("GET /elsewhere/", {"id": 2}, status=203)
    assert get("/api/v4/todos").json() == [{"id": 1}]
    assert (get("/elsewhere").status_code, get("/elsewhere/").json()) == (203, {"id": 2})
    service.answers("POST /todos", lambda asked: {"for": asked.account, "got": asked.json})
    sent = get("/api/v4/todos?x=1", "POST", json={"a": 1})
    assert sent.json() == {"for": "alice", "got": {"a": 1}}
    asked = service.asked[-1]
    assert (asked.method, asked.path, asked.query) == ("POST", "/todos", {"x": "1"})


def test_a_path_may_have_places(service, get):
    service.answers("GET /shelves/{id}/books", lambda asked: {"at": asked.path})
    service.answers("GET /shelves/new/books", {"at": "new"})
    assert get("/api/v4/shelves/a.b/books").json() == {"at": "/shelves/a.b/books"}
    assert get("/api/v4/shelves/new/books").json() == {"at": "new"}  # without places counts first
    for other in ("/shelves//books", "/shelves/1/2/books", "/shelves/1/books/2"):
        assert get(f"/api/v4{other}").status_code == 404
    assert get("/api/v4/shelves/1/books", "POST").status_code == 404
    service.answers("GET /shelves/{name}/books", {"at": "newest"})
    assert get("/api/v4/shelves/1/books").json() == {"at": "newest"}
    service.answers("GET /shelves/{id}/books", {"at": "newest again"})
    assert get("/api/v4/shelves/1/books").json() == {"at": "newest again"}


@pytest.mark.parametrize(("status", "sent"), [(200, 204), (204, 204), (404, 404)])
def test_none_is_an_empty_answer(service, get, status, sent):
    for value in (None, lambda asked: None):
        service.answers("PUT /stars/1", value, status=status)
        answer = get("/api/v4/stars/1", "PUT")
        assert (answer.status_code, answer.content) == (sent, b"")


def test_it_answers_nobody_without_a_token_that_works(service, get):
    service.answers("GET /todos", [])
    for path in ("/api/v4/todos", "/api/v4/user", "/api/v4/nothing"):
        answer = get(path, token="made-up")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_what_it_was_not_told_says_how_to_tell_it(get):
    answer = get("/api/v4/nothing", "DELETE")
    how = 'kit.world.service("played").answers("DELETE /nothing", ...)'
    said = answer.json()["error_description"]
    assert answer.status_code == 404 and said.endswith(how)
    assert said.startswith('"DELETE /nothing" has no answer in practice.')


@pytest.mark.parametrize("what", ["todos", "GET todos", "/todos", ""])
def test_what_is_no_request_is_refused(service, what):
    with pytest.raises(ValueError, match="Write it like “GET /todos”"):
        service.answers(what, [])


def test_the_knobs_end_what_they_say(service, get):
    assert get("/api/v4/user").json() == {"username": "Alice", "id": 101}
    service.expire_everything()
    assert get("/api/v4/user").status_code == 401
    with pytest.raises(KeyError):
        service.revoke("nobody")
    service.revoke("alice")
    assert service._ledger.pairs == []


def test_two_hosts_with_the_same_path_cannot_be_played(service):
    odd = replace(spotify("id", "s"), token_url="https://api.spotify.com/authorize")
    with pytest.raises(ValueError, match="have the same path"):
        service.play(odd)


def test_an_address_that_nobody_plays_has_a_hint_for_who_may_get_an_answer(kit):
    kit.alice.connects("github")
    (row,), github = kit.storage.find_services(), kit.world.github
    headers = {"Authorization": f"Bearer {row.access_token}"}
    url = f"{github.address}/api/v3/user/nothing%0a"
    answer = requests.get(url, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    hint = 'answers("GET /user/nothing%0A", ...) plays this'
    assert answer.headers["X-Practice-Hint"] == hint
    assert "X-Practice-Hint" not in requests.get(url, timeout=10).headers
    github.answers("GET /user/nothing\n", {"a": 1}, status=404)
    answer = requests.get(url, headers=headers, timeout=10)
    assert answer.json() == {"a": 1} and "X-Practice-Hint" not in answer.headers


@pytest.mark.parametrize("path", ["/restapi/v1.0/nothing", "/team-messaging/v1/nothing"])
def test_ringcentrals_api_answers_json_where_there_is_nothing(kit, path):
    answer = requests.get(kit.world.ringcentral.address + path, timeout=10)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "CMN-120")
    page = requests.get(f"{kit.world.ringcentral.address}/nothing", timeout=10)
    assert page.status_code == 404 and page.headers["Content-Type"].startswith("text/html")


def test_other_practice_services_take_answers_too():
    with closing(World(Clock())) as world:
        world.start_service("github")
        world.start_service("google")
        world.start_service("ringcentral_app")
        world.github.answers("GET /user/repos", [])
        answer = requests.get(f"{world.github.address}/api/v3/user/repos", timeout=10)
        assert answer.status_code == 401
        assert requests.get(f"{world.github.address}/api/v3/emojis", timeout=10).status_code == 404
        for service in (world.google, world.ringcentral_app):
            service.answers("GET /anything", [])
            answer = requests.get(f"{service.address}/anything", timeout=10)
            assert answer.json()["error"] == "invalid_token"


@pytest.mark.parametrize(
    ("name", "path"),
    [("github", "/"), ("google", "/"), ("teapot", "/"), ("lab", "/oauth/authorize")],
)
def test_every_style_of_a_page_is_there(name, path):
    """Also those that a style imports."""
    with closing(World(Clock())) as world:
        *_, address = world.start_any(name)
        page = requests.get(address + path, timeout=10).text
        styles = re.findall(r'href="(static/\w+\.css|\.\./static/\w+\.css)"', page)
        assert len(styles) == 2
        while styles:
            found = requests.get(f"{address}/static/{styles.pop().rpartition('/')[2]}", timeout=10)
            assert found.ok, found.url
            styles += re.findall(r'@import url\("([\w.]+)"\)', found.text)
