"""The practice GitHub's API and its knobs, held against GitHub's pages, through real HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from github_world import CALLBACK, World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.server.stop()


def get(world: World, path: str = "/user", **headers: str) -> requests.Response:
    return requests.get(f"{world.server.url}/api/v3{path}", headers=headers)


def token_of(world: World, scope: str = "read:user", who: str = "alice") -> str:
    return str(world.exchange(code=world.code(scope=scope, who=who))["access_token"])


def test_the_profile_of_whoever_approved_comes_with_bearer_and_with_token(world: World) -> None:
    token = token_of(world, who="bob")
    for scheme in ("Bearer", "token"):
        profile = get(world, Authorization=f"{scheme} {token}").json()
        assert (profile["login"], profile["id"]) == ("bob-practice", 1002)
        assert profile["name"] == 'Bob "Bobby" O\'Hara 🐙'


@pytest.mark.parametrize(
    ("scope", "email"),
    [
        ("read:user", "alice-practice@mail.example"),
        ("user", "alice-practice@mail.example"),
        ("gist", None),
        ("", None),
    ],
)
def test_the_private_address_is_shown_with_a_scope_for_it_alone(
    world: World, scope: str, email: str | None
) -> None:
    profile = get(world, Authorization=f"Bearer {token_of(world, scope)}").json()
    assert profile["email"] == email
    assert ("plan" in profile) is (email is not None)


def test_the_answer_names_the_scopes_granted_and_those_it_looked_for(world: World) -> None:
    answer = get(world, Authorization=f"Bearer {token_of(world, 'repo gist')}")
    assert answer.headers["X-OAuth-Scopes"] == "repo, gist"
    assert answer.headers["X-Accepted-OAuth-Scopes"] == "read:user, user"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Requires authentication"),
        ({"Authorization": "Bearer gho_madeup"}, "Bad credentials"),
        ({"Authorization": "Bearer"}, "Bad credentials"),
        ({"Authorization": "Basic gho_madeup"}, "Bad credentials"),
    ],
)
def test_without_a_good_token_the_answer_is_401(
    world: World, headers: dict[str, str], message: str
) -> None:
    answer = get(world, **headers)
    assert (answer.status_code, answer.json()["message"]) == (401, message)
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/")


def test_a_good_token_under_another_scheme_is_no_credential(world: World) -> None:
    assert get(world, Authorization=f"Basic {token_of(world)}").status_code == 401


def test_a_token_in_the_query_is_refused_with_the_documented_message(world: World) -> None:
    answer = get(world, f"/user?access_token={token_of(world)}")
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "Must specify access token via Authorization header. "
        "https://developer.github.com/changes/2020-02-10-deprecating-auth-through-query-param",
        "documentation_url": "https://docs.github.com/v3/#oauth2-token-sent-in-a-header",
        "status": "400",
    }


def test_a_request_without_user_agent_is_refused(world: World) -> None:
    # requests and urllib3 would put one in.
    connection = http.client.HTTPConnection("127.0.0.1", world.server.port)
    connection.request("GET", "/api/v3/user", headers={"Authorization": f"token {token_of(world)}"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"User-Agent" in answer.read()
    connection.close()


def test_a_trailing_slash_and_an_unknown_path_are_not_found_as_json(world: World) -> None:
    for path in ("/user/", "/nowhere"):
        answer = get(world, path, Authorization=f"Bearer {token_of(world)}")
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_an_unknown_api_version_is_refused_and_a_known_one_taken(world: World) -> None:
    good = {"Authorization": f"Bearer {token_of(world)}"}
    assert get(world, **good, **{"X-GitHub-Api-Version": "2022-11-28"}).status_code == 200
    assert get(world, **good, **{"X-GitHub-Api-Version": "1999-01-01"}).status_code == 400


@pytest.mark.parametrize("status", [403, 429])
def test_a_spent_rate_limit_refuses_until_its_reset_on_the_injected_clock(
    world: World, status: int
) -> None:
    world.github.rate_limit_remaining, world.github.rate_limit_status = 1, status
    good = {"Authorization": f"Bearer {token_of(world)}"}
    last, refused = get(world, **good), get(world, **good)
    assert (last.status_code, refused.status_code) == (200, status)
    headers = refused.headers
    assert (headers["x-ratelimit-remaining"], headers["x-ratelimit-limit"]) == ("0", "5000")
    reset = int(headers["x-ratelimit-reset"])
    assert reset == int(world.time.timestamp()) + 3600
    world.time += timedelta(hours=1)
    again = get(world, **good)
    assert (again.status_code, again.headers["x-ratelimit-remaining"]) == (200, "4999")
    assert (again.headers["x-ratelimit-used"], again.headers["x-ratelimit-resource"]) == (
        "1",
        "core",
    )


def manage(world: World, method: str, what: str, body: Any, **auth: str) -> requests.Response:
    url = f"{world.server.url}/api/v3/applications/{world.client_id}/{what}"
    login = (auth.get("client_id", world.client_id), auth.get("secret", world.secret))
    return requests.request(method, url, json=body, auth=login)


def test_deleting_the_grant_ends_all_tokens_of_this_person_and_no_others(world: World) -> None:
    first, second, bobs = token_of(world), token_of(world, "gist"), token_of(world, who="bob")
    assert manage(world, "DELETE", "grant", {"access_token": first}).status_code == 204
    assert [world.user_status(token) for token in (first, second, bobs)] == [401, 401, 200]
    world.sign_in("alice")
    assert world.open().status_code == 200  # asks again


def test_deleting_a_token_ends_that_one(world: World) -> None:
    first, second = token_of(world), token_of(world)
    assert manage(world, "DELETE", "token", {"access_token": first}).status_code == 204
    assert [world.user_status(token) for token in (first, second)] == [401, 200]
    assert world.open().status_code == 302  # the grant is still there


def test_an_app_can_check_a_token_of_its_own(world: World) -> None:
    token = token_of(world, "gist")
    answer = manage(world, "POST", "token", {"access_token": token})
    assert answer.status_code == 200
    checked = answer.json()
    assert checked["token"] == token and checked["scopes"] == ["gist"]
    assert checked["user"]["login"] == "alice-practice"
    assert checked["app"] == {"client_id": world.client_id, "name": "My bot"}
    assert (checked["created_at"], checked["expires_at"]) == ("2026-11-24T12:00:00Z", None)


@pytest.mark.parametrize("header", [b"Basic", b"Basic \xe9", b"Basic /////w==", b"Bearer x"])
def test_a_header_that_is_no_basic_one_manages_nothing(world: World, header: bytes) -> None:
    url = f"{world.server.url}/api/v3/applications/{world.client_id}/grant"
    answer = requests.delete(url, json={"access_token": "x"}, headers={"Authorization": header})
    assert answer.status_code == 401


MANAGING = [("DELETE", "grant"), ("DELETE", "token"), ("POST", "token")]


@pytest.mark.parametrize(("method", "what"), MANAGING)
def test_bad_requests_about_tokens_are_refused_and_change_nothing(
    world: World, method: str, what: str
) -> None:
    token = token_of(world)
    body = {"access_token": token}
    other_id, other_secret = world.github.register_app("Other", [CALLBACK])
    other = {"client_id": other_id, "secret": other_secret}
    assert manage(world, method, what, body, secret="guess").status_code == 401
    assert manage(world, method, what, body, **other).status_code == 401
    assert manage(world, method, what, body, client_id="somebody").status_code == 401
    assert manage(world, method, what, {"access_token": "gho_madeup"}).status_code == 404
    for wrong in ({}, {"access_token": 7}, [], None):
        assert manage(world, method, what, wrong).status_code == 422
    url = f"{world.server.url}/api/v3/applications/{other_id}/{what}"
    foreign = requests.request(method, url, json=body, auth=(other_id, other_secret))
    assert foreign.status_code == 404
    assert world.user_status(token) == 200


def test_a_person_can_revoke_and_everything_can_expire(world: World) -> None:
    alices, bobs, code = token_of(world), token_of(world, who="bob"), world.code()
    world.github.revoke("alice")
    assert [world.user_status(token) for token in (alices, bobs)] == [401, 200]
    assert world.exchange(code=code)["error"] == "bad_verification_code"
    code = world.code()
    world.github.expire_everything()
    assert world.user_status(bobs) == 401
    assert world.exchange(code=code)["error"] == "bad_verification_code"
    with pytest.raises(KeyError):
        world.github.revoke("nobody")


def test_after_expire_everything_a_refresh_token_still_works(world: World) -> None:
    pair = world.exchange(code=world.code(scope="offline_access"))
    world.github.expire_everything()
    assert world.user_status(pair["access_token"]) == 401
    new = world.exchange(grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert world.user_status(new["access_token"]) == 200


def test_every_request_is_noted_with_its_query_also_one_that_trouble_spoils(world: World) -> None:
    world.github.trouble.next(path="/api/v3/user", status=500, body="<html>oops")
    answer = get(world, "/user?page=2", **{"User-Agent": "tester/1"})
    assert (answer.status_code, answer.text) == (500, "<html>oops")
    (seen,) = world.github.requests_seen
    assert (seen.method, seen.path, seen.url) == ("GET", "/api/v3/user", "/api/v3/user?page=2")
    assert (seen.user_agent, seen.time) == ("tester/1", world.time)
