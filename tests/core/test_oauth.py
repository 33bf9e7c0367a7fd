"""The three steps, against the practice GitHub, whose protocol is judged by Authlib."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from oauth_world import ALICE, CALLBACK, answer_of, calls, practice_github, registered
from sizes import Size

from botkit import oauth
from botkit.errors import ReconnectNeeded
from botkit.oauth import account

STATES = Size(100, nightly=1000)


@pytest.fixture
def practice(clock):
    yield from practice_github(clock)


@pytest.fixture
def provider(practice):
    return registered(practice)


@pytest.fixture
def link(storage, provider):
    return lambda **who: oauth.auth_link(storage, provider, **(ALICE | who), redirect_uri=CALLBACK)


# ---- step 1


def test_the_link_says_all_that_the_provider_needs(link, provider):
    url = urlsplit(link())
    query = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == provider.authorize_url
    assert len(query.pop("state")) == 43 and len(query.pop("code_challenge")) == 43
    assert query == {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": CALLBACK,
        "scope": "read:user",
        "code_challenge_method": "S256",
    }


def test_the_challenge_is_the_one_of_the_rfc():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert oauth.pkce_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_many_states_are_all_different(link):
    states = {parse_qs(urlsplit(link()).query)["state"][0] for _ in range(STATES)}
    assert len(states) == STATES


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # one can read its file
def test_neither_the_state_nor_the_secret_is_in_the_database_or_the_link(link, provider, tmp_path):
    url = link()
    state = parse_qs(urlsplit(url).query)["state"][0]
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"read:user" not in raw and state.encode() not in raw
    assert b"authorizations" in raw
    assert provider.client_secret not in url and provider.client_secret not in repr(provider)


# ---- the whole trip


def test_the_three_steps_connect_an_account_and_use_it(storage, provider, link):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    assert (service.name, service.user_id, service.group_id) == ("GitHub", "alice", "team")
    assert service.account["name"] == "alice-practice"
    assert service.data["scope"] == ["read:user"]
    assert storage.find_service("GitHub", **ALICE).access_token.startswith("gho_")
    profile = oauth.api_session(storage, provider, service).get("/user").json()
    assert profile["login"] == "alice-practice"


def test_the_connection_belongs_to_whoever_asked_and_not_to_whoever_approved(
    storage, provider, link
):
    service = oauth.handle_callback(storage, provider, answer_of(link(user_id="bob")))
    assert service.user_id == "bob"
    assert storage.find_service("GitHub", **ALICE) is None


def test_connecting_again_replaces_the_token_in_the_same_row(storage, provider, link):
    first = oauth.handle_callback(storage, provider, answer_of(link()))
    second = oauth.handle_callback(storage, provider, answer_of(link(), account="bob"))
    assert second.id == first.id
    assert second.account["name"] == "bob-practice"
    assert second.access_token != first.access_token


def test_an_app_whose_tokens_expire_is_stored_with_refresh_token_and_expiry(
    storage, practice, provider, link, clock
):
    practice.apps[provider.client_id].expire_tokens = True
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    assert service.data["refreshToken"].startswith("ghr_")
    assert service.data["expiresAt"] == "2026-11-24T17:00:00+00:00"
    practice.apps[provider.client_id].expire_tokens = False
    again = oauth.handle_callback(storage, provider, answer_of(link()))
    assert "expiresAt" not in again.data


def test_fewer_scopes_than_asked_are_noticed(storage, practice, provider, link):
    practice.grant_only = []
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    assert service.data["scope"] == []
    assert account.missing_scopes(provider, service) == ["read:user"]


@pytest.mark.parametrize("granted", [["read:user"], ["user"], ["repo", "user"]])
def test_a_wider_scope_counts_for_the_narrower_one(storage, provider, granted):
    service = storage.save_service("GitHub", **ALICE, data={"scope": granted})
    assert account.missing_scopes(provider, service) == []


# ---- step 3, and the way back


def test_a_row_without_a_token_says_reconnect(storage, provider):
    service = storage.save_service("GitHub", **ALICE, data={})
    with pytest.raises(ReconnectNeeded):
        oauth.api_session(storage, provider, service)


def test_a_revoked_token_says_reconnect(storage, provider, link, practice):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    practice.revoke("alice")
    with pytest.raises(ReconnectNeeded, match="no longer accepts") as caught:
        oauth.api_session(storage, provider, service).get("/user")
    assert caught.value.advice == "Please connect again."


def test_the_token_is_sent_in_the_header_only(storage, provider, link, practice):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    oauth.api_session(storage, provider, service).get("/user")
    assert calls(practice, "/api/v3/user") == 2  # whose account, and this one
    assert all(service.access_token not in seen.url for seen in practice.requests_seen)


def test_revoking_makes_github_forget_the_token(storage, provider, link):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    oauth.revoke(storage, provider, service)
    with pytest.raises(ReconnectNeeded):
        oauth.api_session(storage, provider, service).get("/user")
