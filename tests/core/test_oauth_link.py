"""Step 1 for any provider: what the link says, and what is remembered of it until it is used."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from botkit import oauth
from botkit.errors import StateExpired, StateUnknown
from botkit.oauth import Provider
from botkit.storage import Authorization, authorizations, columns_of

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
PLACE = {"redirect_uri": "https://bot.example/elsewhere/oauth", **ALICE}
ELSEWHERE = Provider(
    name="Elsewhere",
    slug="elsewhere",
    client_id="client",
    client_secret="client-secret",
    authorize_url="https://elsewhere.example/authorize",
    token_url="https://elsewhere.example/token",
    api_url="https://elsewhere.example/api",
    scopes=("read", "write"),
    authorize_params={"access_type": "offline", "prompt": "consent"},
)


def query_of(storage, provider=ELSEWHERE):
    link = oauth.auth_link(storage, provider, **PLACE)
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


def rows(storage):
    with storage._reading() as connection:
        found = connection.execute(sa.select(*columns_of(authorizations)))
        return [Authorization(**row._asdict()) for row in found]


def test_what_only_this_provider_wants_is_in_the_link(storage):
    query = query_of(storage)
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")


def test_scopes_are_separated_by_a_space_whatever_the_answer_will_do(storage):
    provider = dataclasses.replace(ELSEWHERE, scope_separator=",")
    assert query_of(storage, provider)["scope"] == "read write"


def test_a_space_in_the_link_is_written_so_that_every_server_reads_it(storage):
    assert "&scope=read%20write&" in oauth.auth_link(storage, ELSEWHERE, **PLACE)


@pytest.mark.parametrize("name", ["state", "code_challenge"])
def test_every_character_of_what_must_be_secret_is_random(storage, name):
    secrets = [query_of(storage)[name] for _ in range(100)]
    *columns, last = zip(*secrets, strict=True)
    assert all(len(set(column)) > 20 for column in columns)
    assert len(set(last)) > 5  # 43 characters hold 258 bits: two bits of the last are not used


def test_a_link_lives_for_ten_minutes_to_the_millisecond(storage, clock):
    row = storage.add_authorization("state", provider="Elsewhere", verifier="v", **PLACE)
    assert row.expires_at - row.created_at == timedelta(minutes=10)
    clock.advance(minutes=9, seconds=59, milliseconds=999)
    assert storage.claim_authorization("state", provider="Elsewhere").verifier == "v"


def test_an_expired_link_is_known_as_expired_for_an_hour(storage, clock):
    state = query_of(storage)["state"]
    clock.advance(minutes=69)
    query_of(storage)  # to make a link sweeps out the old ones
    with pytest.raises(StateExpired):
        storage.claim_authorization(state, provider="Elsewhere")
    clock.advance(minutes=2)
    query_of(storage)
    with pytest.raises(StateUnknown):
        storage.claim_authorization(state, provider="Elsewhere")


def test_the_verifier_is_wiped_once_its_code_is_exchanged(storage):
    state = query_of(storage)["state"]
    (waiting,) = rows(storage)
    assert len(waiting.verifier) == 43
    claimed = storage.claim_authorization(state, provider="Elsewhere")
    assert claimed.verifier == waiting.verifier  # the exchange needs it
    storage.hold_answer(claimed, {"code": "111111"})
    assert [row.verifier for row in rows(storage)] == [""]


def test_only_the_person_and_the_provider_show_when_a_row_is_printed(storage):
    query_of(storage)
    (row,) = rows(storage)
    row.answer, row.tries = {"code": "428913"}, 4711
    shown = repr(row)
    assert "alice" in shown and "Elsewhere" in shown
    hidden = [row.state_hash, row.verifier, "bot", "team", "example", "2026", "428913", "4711"]
    assert [one for one in hidden if one in shown] == []
    assert "claimed_at" not in shown


@pytest.mark.parametrize(
    ("address", "begins"),
    [
        ("https://elsewhere.example/authorize?tenant=acme", "tenant=acme&"),
        ("https://elsewhere.example/authorize?tenant=a%20b&x=", "tenant=a%20b&x=&"),
        ("https://elsewhere.example/authorize?", ""),
    ],
)
def test_the_query_of_the_providers_own_address_is_kept(storage, address, begins):
    provider = dataclasses.replace(ELSEWHERE, authorize_url=address)
    link = oauth.auth_link(storage, provider, **PLACE)
    assert link.startswith(f"https://elsewhere.example/authorize?{begins}response_type=code&")
    assert link.count("?") == 1
