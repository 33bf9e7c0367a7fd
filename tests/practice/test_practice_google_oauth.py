"""The practice Google's code exchange, held against what Google documents, through real HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import requests
from google_world import (
    BAD_REQUEST,
    BOTH,
    CALLBACK,
    CHALLENGE,
    PKCE,
    VERIFIER,
    World,
    error_of,
)

from botkit.practice.google.ledger import AccessToken, GoogleLedger


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_an_exchange_brings_json_with_the_granted_scopes_and_the_time_that_is_left(
    world: World,
) -> None:
    answer = world.exchange(world.decide(scope=BOTH)["code"])
    fields = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert fields.pop("access_token").startswith("ya29.")
    assert fields == {"expires_in": 3599, "scope": BOTH, "token_type": "Bearer"}


def test_a_code_works_once_for_ten_minutes_for_its_client_and_its_redirect_uri(
    world: World,
) -> None:
    used, late, mine = (world.decide()["code"] for _ in range(3))
    assert used.startswith("4/")
    assert world.exchange(used).status_code == 200
    assert error_of(world.exchange(used)) == BAD_REQUEST
    assert error_of(world.exchange(mine, redirect_uri=f"{CALLBACK}/")) == BAD_REQUEST
    other_id, other_secret = world.google.register_client("Other", [CALLBACK])
    stolen = world.exchange(mine, client_id=other_id, client_secret=other_secret)
    assert error_of(stolen) == BAD_REQUEST
    assert world.exchange(mine).status_code == 200
    world.time += timedelta(minutes=10)
    assert error_of(world.exchange(late)) == BAD_REQUEST


def test_of_sixteen_exchanges_at_once_one_wins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever issues a token waits a little for a second one, who must not come.
    issue, second = GoogleLedger.issue_access, Event()
    issued: list[AccessToken] = []

    def slow_issue(*args: Any) -> AccessToken:
        issued.append(issue(*args))
        if len(issued) > 1:
            second.set()
        second.wait(0.1)
        return issued[-1]

    monkeypatch.setattr(GoogleLedger, "issue_access", slow_issue)
    code = world.decide()["code"]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.exchange(code).status_code, range(16)))
    assert sorted(answers) == [200] + [400] * 15


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"client_id": "nobody"}, (401, "invalid_client", "The OAuth client was not found.")),
        ({"client_secret": "guess"}, (401, "invalid_client", "Unauthorized")),
        ({"client_secret": ""}, (400, "invalid_request", "client_secret is missing.")),
        (
            {"client_id": ""},
            (400, "invalid_request", "Could not determine client ID from request."),
        ),
        ({"code": ""}, (400, "invalid_request", "Missing required parameter: code")),
        ({"code": "4/made-up"}, BAD_REQUEST),
        (
            {"grant_type": "password"},
            (400, "unsupported_grant_type", "Invalid grant_type: password"),
        ),
    ],
)
def test_what_is_wrong_with_an_exchange_is_named_as_google_names_it(
    world: World, wrong: dict[str, str], expected: tuple[int, str, str]
) -> None:
    fields = {"code": world.decide()["code"]} | wrong
    assert error_of(world.exchange(**fields)) == expected


def test_a_client_may_show_its_secret_in_a_header_instead(world: World) -> None:
    def post(secret: str) -> requests.Response:
        fields = {"code": world.decide()["code"], "redirect_uri": CALLBACK}
        shown = base64.b64encode(f"{world.client_id}:{secret}".encode()).decode()
        return requests.post(
            f"{world.server.url}/token",
            data=fields | {"grant_type": "authorization_code"},
            headers={"Authorization": f"Basic {shown}"},
        )

    assert post(world.secret).status_code == 200
    assert error_of(post("guess")) == (401, "invalid_client", "Unauthorized")


@pytest.mark.parametrize("header", [b"Basic", b"Basic ", b"Basic \xe9", b"Basic /////w=="])
def test_a_header_that_is_no_basic_one_shows_no_client(world: World, header: bytes) -> None:
    url, form = f"{world.server.url}/token", {"grant_type": "authorization_code", "code": "c"}
    answer = requests.post(url, data=form, headers={"Authorization": header})
    nobody = (400, "invalid_request", "Could not determine client ID from request.")
    assert error_of(answer) == nobody


@pytest.mark.parametrize(
    "challenge",
    [
        PKCE,
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": VERIFIER},
    ],
)
def test_a_code_with_a_challenge_wants_its_verifier(
    world: World, challenge: dict[str, str]
) -> None:
    code = world.decide(**challenge)["code"]
    missing, wrong = world.exchange(code), world.exchange(code, code_verifier=VERIFIER[::-1])
    assert error_of(missing) == (400, "invalid_grant", "Missing code verifier.")
    assert error_of(wrong) == (400, "invalid_grant", "Invalid code verifier.")
    assert world.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(world: World) -> None:
    refused = world.exchange(world.decide()["code"], code_verifier=VERIFIER)
    sentence = "code_verifier or verifier is not needed."
    assert error_of(refused) == (400, "invalid_grant", sentence)


def test_an_s256_challenge_is_not_taken_for_a_plain_one(world: World) -> None:
    code = world.decide(**PKCE)["code"]
    refused = world.exchange(code, code_verifier=CHALLENGE)
    assert error_of(refused) == (400, "invalid_grant", "Invalid code verifier.")
