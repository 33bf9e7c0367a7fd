"""When a token is refreshed before it expires: early enough, and not at every use."""

from __future__ import annotations

import json

import pytest
from elsewhere_world import ALICE, Elsewhere, call_back

from botkit import oauth
from botkit.oauth.refresh import fresh_service

LONG_LIFE = 8 * 3600  # seconds


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url  # the moment has nothing to do with the kind of database


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


def answer(life: object, token: str = "first") -> str:
    pair = {"access_token": token, "refresh_token": f"refresh-{token}", "token_type": "bearer"}
    return json.dumps(pair | {"expires_in": life})


@pytest.mark.parametrize(
    ("life", "left", "refreshed"),
    [
        (LONG_LIFE, 301, False),
        (LONG_LIFE, 300, True),
        (3300, 301, False),
        (3300, 300, True),
        (2800, 281, False),
        (2800, 280, True),
        (300, 31, False),
        (300, 30, True),
        ("60.0", 7, False),
        ("60.0", 6, True),
    ],
)
def test_a_token_is_refreshed_five_minutes_or_a_tenth_of_its_life_before_its_end(
    storage, clock, elsewhere, life, left, refreshed
):
    provider = elsewhere.provider()
    elsewhere.trouble.next(path="/token", status=200, body=answer(life))
    service = call_back(storage, provider)
    clock.advance(seconds=float(life) - left)
    elsewhere.trouble.next(path="/token", status=200, body=answer(life, "second"))
    found = fresh_service(storage, provider, service)
    assert found.access_token == ("second" if refreshed else "first")


def test_a_short_token_is_used_many_times_before_it_is_refreshed(storage, clock, elsewhere):
    provider = elsewhere.provider()
    elsewhere.trouble.next(path="/token", status=200, body=answer(300))
    service = call_back(storage, provider)
    before = len(elsewhere.seen)
    for _ in range(8):
        clock.advance(seconds=30)
        oauth.api_session(storage, provider, service).get("/me")
    assert [one["PATH_INFO"] for one in elsewhere.seen[before:]] == ["/api/me"] * 8


@pytest.mark.parametrize("life", [None, True, -1, 10**30])
def test_without_a_life_that_can_be_read_it_is_five_minutes(storage, clock, elsewhere, life):
    """So it is for rows that were stored before the life was."""
    provider = elsewhere.provider()
    data = {"accessToken": "first", "refreshToken": "r", "expiresIn": life}
    data["expiresAt"] = clock().replace(minute=4).isoformat()
    service = storage.save_service("Elsewhere", **ALICE, data=data)
    elsewhere.trouble.next(path="/token", status=200, body=answer(300, "second"))
    assert fresh_service(storage, provider, service).access_token == "second"
