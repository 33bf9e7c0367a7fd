"""The life of the practice RingCentral's tokens: rotation, two grace timers, and the end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from rc_world import CALLBACK, World, api_error, token_error

USED = (400, "invalid_grant", "OAU-210")
UNKNOWN = (400, "invalid_grant", "OAU-213")
SECRETS = ("access_token", "refresh_token")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def pair_of(answer: Any) -> tuple[str, str]:
    body = answer.json()
    return body["access_token"], body["refresh_token"]


def test_refreshing_brings_a_new_pair_for_the_same_session_and_kills_the_old_access_token(
    world: World,
) -> None:
    old = world.connect()
    assert world.call(old["access_token"]).status_code == 200
    world.time += timedelta(days=6)
    new = world.refresh(old["refresh_token"]).json()
    assert new.keys() == old.keys() and all(new[name] != old[name] for name in SECRETS)
    assert all(new[name] == old[name] for name in old.keys() - SECRETS)
    assert api_error(world.call(old["access_token"])) == (401, "OAU-213", None)
    assert world.call(new["access_token"]).status_code == 200
    assert len(world.chat.sessions) == 1


def test_until_the_new_token_is_used_the_old_refresh_token_brings_the_same_pair_for_an_hour(
    world: World,
) -> None:
    old = world.connect()["refresh_token"]
    first = world.refresh(old)
    for _ in range(2):
        world.time += timedelta(minutes=29, seconds=59)
        assert pair_of(world.refresh(old)) == pair_of(first)
    assert world.refresh(old).json()["expires_in"] == 2  # what is left, not a new hour
    world.time += timedelta(seconds=1.9)
    assert pair_of(world.refresh(old)) == pair_of(first)
    world.time += timedelta(seconds=0.1)
    assert token_error(world.refresh(old)) == USED
    assert world.refresh(first.json()["refresh_token"]).status_code == 200


def test_once_the_new_token_is_used_the_old_refresh_token_has_ten_seconds(world: World) -> None:
    old = world.connect()["refresh_token"]
    first = world.refresh(old)
    world.time += timedelta(minutes=5)
    assert world.call(first.json()["access_token"]).status_code == 200
    world.time += timedelta(seconds=9)
    assert world.call(first.json()["access_token"]).status_code == 200  # moves nothing
    world.time += timedelta(seconds=0.9)
    assert pair_of(world.refresh(old)) == pair_of(first)
    world.time += timedelta(seconds=0.1)
    assert token_error(world.refresh(old)) == USED
    assert world.call(first.json()["access_token"]).status_code == 200


def test_a_call_with_a_token_that_has_run_out_does_not_start_the_ten_seconds(world: World) -> None:
    old = world.connect()["refresh_token"]
    new = world.refresh(old, access_token_ttl="600").json()
    world.time += timedelta(minutes=10)
    assert api_error(world.call(new["access_token"])) == (401, "OAU-128", None)
    world.time += timedelta(minutes=1)
    again = world.refresh(old)
    assert pair_of(again) == (new["access_token"], new["refresh_token"])
    assert again.json()["expires_in"] == 0


def test_only_the_newest_of_the_old_refresh_tokens_has_grace(world: World) -> None:
    first = world.connect()["refresh_token"]
    second = world.refresh(first).json()["refresh_token"]
    third = world.refresh(second)
    assert token_error(world.refresh(first)) == USED
    assert pair_of(world.refresh(second)) == pair_of(third)


def test_32_refreshes_at_once_all_get_the_same_pair(world: World) -> None:
    old = world.connect()["refresh_token"]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: world.refresh(old), range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({pair_of(answer) for answer in answers}) == 1


def test_an_access_token_ends_after_an_hour_and_a_refresh_token_after_seven_days(
    world: World,
) -> None:
    tokens, later = world.connect(), world.connect(refresh_token_ttl="9999999")
    assert later["refresh_token_expires_in"] == 2_592_000
    world.time += timedelta(seconds=3599)
    assert world.call(tokens["access_token"]).status_code == 200
    world.time += timedelta(seconds=1)
    assert api_error(world.call(tokens["access_token"])) == (401, "OAU-128", None)
    world.time += timedelta(days=7)
    assert token_error(world.refresh(tokens["refresh_token"])) == UNKNOWN
    assert world.refresh(later["refresh_token"]).status_code == 200


def test_what_is_wrong_with_a_refresh_is_named(world: World) -> None:
    tokens = world.connect()
    other = world.chat.register_app("Other", [CALLBACK])
    stolen = world.refresh(tokens["refresh_token"], auth=other)
    assert token_error(stolen) == (400, "invalid_grant", "OAU-121")
    for unknown in ("made up", tokens["access_token"], "None"):
        assert token_error(world.refresh(unknown)) == UNKNOWN
    twice = [tokens["refresh_token"], "x"]
    assert token_error(world.refresh(twice)) == (400, "invalid_request", "OAU-111")
    assert token_error(world.refresh(None)) == (400, "invalid_request", "CMN-101")
    wide = world.refresh(tokens["refresh_token"], scope="Everything")
    assert token_error(wide) == (400, "invalid_scope", "CMN-101")
    nobody = world.refresh(tokens["refresh_token"], auth=None, client_id=world.client_id)
    assert token_error(nobody) == (401, "invalid_client", "OAU-146")
    assert world.refresh(tokens["refresh_token"]).status_code == 200


def test_the_sixth_session_of_one_person_and_app_ends_the_oldest(world: World) -> None:
    of_bob = world.connect("Bob")
    other = world.chat.register_app("Other", [CALLBACK])
    elsewhere = world.exchange(world.code(client_id=other[0]), auth=other).json()
    first, second, *_ = (world.connect() for _ in range(6))
    assert api_error(world.call(first["access_token"])) == (401, "OAU-213", None)
    assert token_error(world.refresh(first["refresh_token"])) == UNKNOWN
    for tokens in (second, of_bob, elsewhere):
        assert world.call(tokens["access_token"]).status_code == 200
    assert [one.owner.name for one in world.chat.sessions].count("Alice") == 6  # five and one


def test_an_app_without_refresh_tokens_gets_none(world: World) -> None:
    world.chat.issue_refresh_tokens = False
    tokens = world.connect()
    assert tokens.keys() & {"refresh_token", "refresh_token_expires_in"} == set()
    assert world.call(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("kind", SECRETS)
def test_revoking_either_token_ends_the_whole_session_and_no_other(world: World, kind: str) -> None:
    tokens, stays = world.connect(), world.connect()
    answer = world.post("revoke", token=tokens[kind])
    assert answer.status_code == 200
    assert api_error(world.call(tokens["access_token"])) == (401, "OAU-213", None)
    assert token_error(world.refresh(tokens["refresh_token"])) == UNKNOWN
    assert world.call(stays["access_token"]).status_code == 200
    assert world.post("revoke", token=tokens[kind]).status_code == 200  # no longer known: no error


def test_only_the_app_itself_can_revoke_its_tokens(world: World) -> None:
    token = world.connect()["access_token"]
    other = world.chat.register_app("Other", [CALLBACK])
    refused = world.post("revoke", auth=other, token=token)
    assert token_error(refused) == (400, "invalid_grant", "OAU-121")
    for auth in (None, (world.client_id, "x")):
        refused = world.post("revoke", auth=auth, token=token)
        assert token_error(refused) == (401, "invalid_client", "OAU-146")
    twice = world.post("revoke", token=[token, token])
    assert token_error(twice) == (400, "invalid_request", "OAU-111")
    assert token_error(world.post("revoke")) == (400, "invalid_request", "CMN-101")
    assert world.call(token).status_code == 200


def test_a_person_can_remove_the_access_of_every_app(world: World) -> None:
    tokens, of_bob, waiting = world.connect(), world.connect("Bob"), world.code()
    world.chat.revoke("Alice")
    assert api_error(world.call(tokens["access_token"])) == (401, "OAU-213", None)
    assert token_error(world.refresh(tokens["refresh_token"])) == UNKNOWN
    assert token_error(world.exchange(waiting)) == (400, "invalid_grant", "OAU-106")
    assert world.call(of_bob["access_token"]).status_code == 200
    with pytest.raises(ValueError, match="nobody called 'Eve'"):
        world.chat.revoke("Eve")


def test_everything_can_be_made_to_expire_but_refresh_tokens(world: World) -> None:
    tokens, code = world.connect(), world.code()
    world.chat.expire_everything()
    assert api_error(world.call(tokens["access_token"])) == (401, "OAU-128", None)
    assert token_error(world.exchange(code)) == (400, "invalid_grant", "OAU-108")
    assert world.refresh(tokens["refresh_token"]).status_code == 200


def test_nothing_that_shows_the_server_shows_a_secret(world: World) -> None:
    tokens, code = world.connect(), world.code(state="a-state", code_challenge="c" * 43)
    new = world.refresh(tokens["refresh_token"]).json()
    chat = world.chat
    shown = repr((chat, chat.apps, chat.sessions, chat.ledger.codes.values(), chat.requests_seen))
    secrets = [world.app[1], code, "a-state", "c" * 43, *(tokens[name] for name in SECRETS)]
    assert [one for one in (*secrets, *(new[name] for name in SECRETS)) if one in shown] == []
    paths = [seen.path for seen in chat.requests_seen]
    assert paths.count("/restapi/oauth/token") == 2
    assert world.chat.register_app("Assistant", [CALLBACK])[0] != world.client_id
    assert World().client_id == world.client_id
