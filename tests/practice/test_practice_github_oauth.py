"""The practice GitHub's token endpoint, held against what GitHub documents, through real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
import requests
from github_world import CALLBACK, PKCE, VERIFIER, World

from botkit.practice.github.ledger import GitHubLedger, GitHubToken


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.server.stop()


def test_without_pkce_and_redirect_uri_the_exchange_works_and_is_form_encoded(
    world: World,
) -> None:
    answer = world.post(accept="*/*", code=world.code(scope="repo gist"))
    assert answer.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    fields = parse_qs(answer.text, strict_parsing=True)
    assert fields.pop("access_token")[0].startswith("gho_")
    assert fields == {"scope": ["repo,gist"], "token_type": ["bearer"]}
    assert "scope=repo%2Cgist" in answer.text


def test_json_and_xml_are_sent_to_who_asks_for_them(world: World) -> None:
    fields = world.exchange(code=world.code())
    assert (fields["scope"], fields["token_type"]) == ("read:user", "bearer")
    answer = world.post(accept="application/xml", code=world.code())
    root = ElementTree.fromstring(answer.text)
    assert (root.tag, root.findtext("token_type")) == ("OAuth", "bearer")
    assert (root.findtext("access_token") or "").startswith("gho_")


def test_an_accept_header_that_also_takes_anything_gets_the_form(world: World) -> None:
    answer = world.post(accept="application/json, text/plain, */*", code=world.code())
    assert answer.text.startswith("access_token=gho_")


def test_a_json_body_is_accepted_as_well(world: World) -> None:
    body = {"client_id": world.client_id, "client_secret": world.secret, "code": world.code()}
    answer = requests.post(f"{world.server.url}/login/oauth/access_token", json=body)
    assert answer.text.startswith("access_token=gho_")


def test_a_code_works_once_and_its_reuse_is_a_bad_verification_code_with_status_200(
    world: World,
) -> None:
    code = world.code()
    assert "access_token" in world.exchange(code=code)
    refused = world.exchange(code=code)
    assert refused["error"] == "bad_verification_code"
    assert refused["error_description"] == "The code passed is incorrect or expired."
    assert refused["error_uri"].endswith("#bad-verification-code")
    form = parse_qs(world.post(accept="*/*", code=code).text)
    assert form["error"] == ["bad_verification_code"]


def test_of_sixteen_exchanges_at_once_one_wins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever issues a token waits a little for a second one, who must not come.
    issue, second = GitHubLedger.issue, Event()
    issued: list[GitHubToken] = []

    def slow_issue(*args: Any, **kwargs: Any) -> GitHubToken:
        issued.append(issue(*args, **kwargs))
        if len(issued) > 1:
            second.set()
        second.wait(0.1)
        return issued[-1]

    monkeypatch.setattr(GitHubLedger, "issue", slow_issue)
    code = world.code()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.exchange(code=code), range(16)))
    assert sum("access_token" in answer for answer in answers) == 1


def test_a_code_lives_ten_minutes(world: World) -> None:
    early, late = world.code(), world.code()
    world.time += timedelta(minutes=10, seconds=-1)
    assert "access_token" in world.exchange(code=early)
    world.time += timedelta(seconds=1)
    assert world.exchange(code=late)["error"] == "bad_verification_code"


def test_a_code_is_good_for_the_app_that_it_was_issued_to(world: World) -> None:
    other_id, other_secret = world.github.register_app("Other", [CALLBACK])
    code = world.code()
    answer = world.exchange(code=code, client_id=other_id, client_secret=other_secret)
    assert answer["error"] == "bad_verification_code"
    assert "access_token" in world.exchange(code=code)


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "guess"}, {"client_secret": ""}, {"client_id": "nobody"}]
)
def test_wrong_credentials_are_named_as_github_names_them(
    world: World, wrong: dict[str, str]
) -> None:
    refused = world.exchange(code=world.code(), **wrong)
    assert refused["error"] == "incorrect_client_credentials"
    expected = "The client_id and/or client_secret passed are incorrect."
    assert refused["error_description"] == expected


def test_another_redirect_uri_at_the_token_step_is_a_mismatch(world: World) -> None:
    deeper = f"{CALLBACK}/deeper"
    code = world.code(redirect_uri=deeper)
    refused = world.exchange(code=code, redirect_uri=CALLBACK)
    assert refused["error"] == "redirect_uri_mismatch"
    assert "access_token" in world.exchange(code=code, redirect_uri=deeper)


@pytest.mark.parametrize("verifier", [{}, {"code_verifier": VERIFIER[::-1]}])
def test_a_wrong_or_missing_verifier_is_refused_and_the_right_one_is_taken(
    world: World, verifier: dict[str, str]
) -> None:
    code = world.code(**PKCE)
    assert world.exchange(code=code, **verifier)["error"] == "bad_verification_code"
    assert "access_token" in world.exchange(code=code, code_verifier=VERIFIER)


def test_an_unknown_grant_type_gets_no_token(world: World) -> None:
    refused = world.exchange(grant_type="password", username="alice", password="x")
    assert refused["error"] == "unsupported_grant_type"


def test_tokens_that_expire_come_with_a_refresh_token_and_their_life_times(world: World) -> None:
    world.github.apps[world.client_id].expire_tokens = True
    fields = world.exchange(code=world.code())
    assert (fields["expires_in"], fields["refresh_token_expires_in"]) == (28_800, 15_897_600)
    world.time += timedelta(hours=8, seconds=-1)
    assert world.user_status(fields["access_token"]) == 200
    world.time += timedelta(seconds=1)
    assert world.user_status(fields["access_token"]) == 401


def test_offline_access_asks_for_a_refresh_token_too(world: World) -> None:
    fields = world.exchange(code=world.code(scope="read:user offline_access"))
    assert fields["refresh_token"].startswith("ghr_")


def test_a_token_from_before_the_setting_never_expires(world: World) -> None:
    token = world.exchange(code=world.code())["access_token"]
    world.github.apps[world.client_id].expire_tokens = True
    world.time += timedelta(days=300)
    assert world.user_status(token) == 200


def refresh(world: World, token: str, **fields: str) -> dict[str, Any]:
    return world.exchange(grant_type="refresh_token", refresh_token=token, **fields)


def test_a_refresh_gives_a_new_pair_with_the_same_scopes_and_ends_the_old_one(
    world: World,
) -> None:
    world.github.apps[world.client_id].expire_tokens = True
    old = world.exchange(code=world.code(scope="read:user gist"))
    new = refresh(world, old["refresh_token"], scope="gist")
    assert new["scope"] == old["scope"] == "read:user,gist"
    assert world.user_status(old["access_token"]) == 401
    assert world.user_status(new["access_token"]) == 200
    refused = refresh(world, old["refresh_token"])
    assert refused["error"] == "bad_refresh_token"
    assert refused["error_description"] == "The refresh token passed is incorrect or expired."
    assert "access_token" in refresh(world, new["refresh_token"])


def test_a_refreshed_token_still_expires_after_the_setting_is_turned_off(world: World) -> None:
    app = world.github.apps[world.client_id]
    app.expire_tokens = True
    old = world.exchange(code=world.code())
    app.expire_tokens = False
    assert refresh(world, old["refresh_token"])["expires_in"] == 28_800


def test_a_refresh_token_lives_six_months_and_belongs_to_its_app(world: World) -> None:
    world.github.apps[world.client_id].expire_tokens = True
    token = world.exchange(code=world.code())["refresh_token"]
    other_id, other_secret = world.github.register_app("Other", [CALLBACK])
    stolen = refresh(world, token, client_id=other_id, client_secret=other_secret)
    assert stolen["error"] == "bad_refresh_token"
    world.time += timedelta(seconds=15_897_600)
    assert refresh(world, token)["error"] == "bad_refresh_token"


def test_the_eleventh_token_ends_the_oldest(world: World) -> None:
    tokens = [world.exchange(code=world.code())["access_token"] for _ in range(11)]
    assert [world.user_status(token) for token in tokens] == [401] + [200] * 10


def test_nothing_that_shows_the_server_shows_a_secret(world: World) -> None:
    world.exchange(code=world.code())
    shown = repr((world.github, world.github.apps, world.github.requests_seen))
    assert "practice GitHub" in repr(world.github)
    assert world.secret not in shown
    assert "state=" not in shown and "gho_" not in shown
