"""The life of the practice Google's tokens: how they are refreshed, and what ends them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from google_world import (
    BAD_REQUEST,
    BOTH,
    CALLBACK,
    DEAD,
    DRIVE,
    SHEETS,
    World,
    error_of,
    query_of,
)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_a_refresh_token_comes_with_offline_access_and_only_with_a_consent(world: World) -> None:
    assert "refresh_token" not in world.connect(access_type="online")  # asked, but online
    world.google.revoke("alice")
    first = world.connect(prompt="")
    assert first["refresh_token"].startswith("1//")
    again = world.open(access_type="offline").headers["Location"]  # no page: it was granted before
    assert "refresh_token" not in world.exchange(query_of(again)["code"]).json()
    assert "refresh_token" not in world.connect(prompt="select_account")
    assert "refresh_token" in world.connect(prompt="consent")
    assert "refresh_token" in world.connect(scope=BOTH, prompt="")  # something new was granted


def test_a_refresh_brings_a_new_access_token_and_no_new_refresh_token(world: World) -> None:
    old = world.connect()
    new = world.refresh(old["refresh_token"]).json()
    assert new.keys() == {"access_token", "expires_in", "scope", "token_type"}
    assert (new["expires_in"], new["scope"]) == (3599, DRIVE)
    for token in (old["access_token"], new["access_token"]):
        assert world.call(token, "GET", "/drive/v3/files").status_code == 200
    assert world.refresh(old["refresh_token"]).status_code == 200


def test_an_access_token_dies_when_its_time_is_over(world: World) -> None:
    token = world.token()
    world.time += timedelta(seconds=3598)
    assert world.call(token, "GET", "/drive/v3/files").status_code == 200
    world.time += timedelta(seconds=1)
    assert world.call(token, "GET", "/drive/v3/files").status_code == 401


def test_everything_can_be_made_to_expire_but_refresh_tokens(world: World) -> None:
    tokens, code = world.connect(), world.decide()["code"]
    world.google.expire_everything()
    assert world.call(tokens["access_token"], "GET", "/drive/v3/files").status_code == 401
    assert error_of(world.exchange(code)) == BAD_REQUEST
    assert world.refresh(tokens["refresh_token"]).status_code == 200


def test_a_refresh_token_dies_of_six_months_without_use(world: World) -> None:
    used, unused = (world.connect()["refresh_token"] for _ in range(2))
    world.time += timedelta(days=181)
    assert world.refresh(used).status_code == 200
    world.time += timedelta(days=1)
    assert error_of(world.refresh(unused)) == DEAD
    assert world.refresh(used).status_code == 200


def test_in_testing_mode_a_refresh_token_dies_after_seven_days_even_when_used(
    world: World,
) -> None:
    world.google.testing_mode = True
    token = world.connect()["refresh_token"]
    world.time += timedelta(days=6, hours=23)
    assert world.refresh(token).status_code == 200
    world.time += timedelta(hours=1)
    assert error_of(world.refresh(token)) == DEAD


def test_the_hundred_and_first_refresh_token_silently_ends_the_oldest(world: World) -> None:
    other_id, other_secret = world.google.register_client("Other", [CALLBACK])
    other = {"client_id": other_id, "client_secret": other_secret}
    code = world.decide(client_id=other_id, access_type="offline")["code"]
    of_other = world.exchange(code, **other).json()["refresh_token"]
    of_bob = world.connect(who="bob")["refresh_token"]
    first, second, *_ = (world.connect()["refresh_token"] for _ in range(101))
    assert error_of(world.refresh(first)) == DEAD
    assert world.refresh(second).status_code == 200
    assert world.refresh(of_bob).status_code == 200
    assert world.refresh(of_other, **other).status_code == 200


def test_what_is_wrong_with_a_refresh_is_named_as_google_names_it(world: World) -> None:
    missing = (400, "invalid_request", "Missing required parameter: refresh_token")
    assert error_of(world.refresh("")) == missing
    assert error_of(world.refresh("1//made-up")) == DEAD
    token = world.connect()["refresh_token"]
    other_id, other_secret = world.google.register_client("Other", [CALLBACK])
    stolen = world.refresh(token, client_id=other_id, client_secret=other_secret)
    assert error_of(stolen) == DEAD
    assert error_of(world.refresh(token, scope=BOTH)) == (400, "invalid_scope", "Bad Request")
    assert world.refresh(token).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("place", ["data", "params"])
def test_revoking_one_token_ends_all_that_the_person_granted_to_the_project(
    world: World, kind: str, place: str
) -> None:
    other_id, other_secret = world.google.register_client("Other", [CALLBACK])
    code = world.decide(client_id=other_id, scope=SHEETS, access_type="offline")["code"]
    waiting = world.decide()["code"]
    other = {"client_id": other_id, "client_secret": other_secret}
    of_other = world.exchange(code, **other).json()["refresh_token"]
    of_bob, mine = world.connect(who="bob"), world.connect()

    url = f"{world.server.url}/revoke"
    answer = requests.post(url, **{place: {"token": mine[kind]}})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()) == (200, {})
    assert error_of(world.refresh(mine["refresh_token"])) == DEAD
    assert world.call(mine["access_token"], "GET", "/drive/v3/files").status_code == 401
    assert error_of(world.refresh(of_other, **other)) == DEAD
    assert error_of(world.exchange(waiting)) == BAD_REQUEST
    assert world.refresh(of_bob["refresh_token"]).status_code == 200
    assert world.open().status_code == 200  # asks again


def test_another_project_keeps_what_it_was_granted(world: World) -> None:
    apart_id, apart_secret = world.google.register_client("Apart", [CALLBACK], project="apart")
    apart = {"client_id": apart_id, "client_secret": apart_secret}
    code = world.decide(client_id=apart_id, access_type="offline")["code"]
    token = world.exchange(code, **apart).json()["refresh_token"]
    requests.post(f"{world.server.url}/revoke", data={"token": world.token()})
    assert world.refresh(token, **apart).status_code == 200


def test_the_revocation_endpoint_takes_a_live_token_by_post_only(world: World) -> None:
    url, token = f"{world.server.url}/revoke", world.token()
    assert requests.get(url, params={"token": token}).status_code == 404
    assert world.call(token, "GET", "/drive/v3/files").status_code == 200
    for sent in ({"token": "made-up"}, {}):
        answer = requests.post(url, data=sent)
        assert error_of(answer) == (400, "invalid_token", "Token expired or revoked")


def test_a_person_can_remove_the_access(world: World) -> None:
    tokens = world.connect()
    world.google.revoke("alice")
    assert error_of(world.refresh(tokens["refresh_token"])) == DEAD
    assert world.call(tokens["access_token"], "GET", "/drive/v3/files").status_code == 401
    with pytest.raises(KeyError, match="nobody"):
        world.google.revoke("nobody@practice.example")


def test_nothing_that_shows_the_server_shows_a_secret(world: World) -> None:
    world.connect()
    google = world.google
    shown = repr((google, google.clients, google.requests_seen, google._ledger.access_tokens))
    assert "practice Google: 1 clients, 1 grants" in repr(google)
    assert world.secret not in shown
    assert "state=" not in shown and "1//" not in shown
