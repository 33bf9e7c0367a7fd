"""The three steps, against the practice GitHub, whose protocol is judged by Authlib."""

from __future__ import annotations

import dataclasses
import re
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from botkit import oauth, providers
from botkit.errors import (
    AuthorizationDenied,
    CallbackIncomplete,
    IssuerMismatch,
    ProviderRefused,
    ReconnectNeeded,
    StateExpired,
    StateForeign,
    StateUnknown,
    StateUsed,
    StorageError,
)
from botkit.practice.github import GitHub
from botkit.practice.server import Server

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
CALLBACK = "http://127.0.0.1:9/github/oauth"  # nobody listens there: tests read the redirect


@pytest.fixture
def practice(clock):
    github = GitHub(now=clock)
    server = Server(github.wsgi)
    github.address = server.url
    yield github
    github.trouble.clear()
    server.stop()


@pytest.fixture
def provider(practice):
    client = practice.register_app("Practice Bot", [CALLBACK])
    return providers.github(*client, server=practice.address)


@pytest.fixture
def link(storage, provider):
    return lambda **who: oauth.auth_link(storage, provider, **(ALICE | who), redirect_uri=CALLBACK)


def answer_of(url: str, *, decision: str = "approve", account: str = "alice") -> dict:
    """Open the link as a person does, decide, and return the query of the redirect."""
    browser = requests.Session()
    browser.headers["User-Agent"] = "Mozilla/5.0"
    browser.cookies.set("github_account", account)
    page = browser.get(url, allow_redirects=False)
    if page.status_code == 200:
        form = dict(re.findall(r'name="([^"]+)"[^>]*? value="([^"]*)"', page.text))
        form |= {"decision": decision, "account": account}
        page = browser.post(url, data=form, allow_redirects=False)
    assert page.status_code in (302, 303), page.text
    return parse_qs(urlsplit(page.headers["Location"]).query, keep_blank_values=True)


def calls(practice: GitHub, path: str) -> int:
    return sum(seen.path.startswith(path) for seen in practice.requests_seen)


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


def test_a_thousand_states_are_all_different(link):
    states = {parse_qs(urlsplit(link()).query)["state"][0] for _ in range(1000)}
    assert len(states) == 1000


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
    profile = oauth.api_session(provider, service).get("/user").json()
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
    assert oauth.missing_scopes(provider, service) == ["read:user"]


@pytest.mark.parametrize("granted", [["read:user"], ["user"], ["repo", "user"]])
def test_a_wider_scope_counts_for_the_narrower_one(storage, provider, granted):
    service = storage.save_service("GitHub", **ALICE, data={"scope": granted})
    assert oauth.missing_scopes(provider, service) == []


# ---- what can be wrong with a callback


def refused(storage, provider, query, error):
    """The callback is refused with this error, and nothing is stored."""
    with pytest.raises(error) as caught:
        oauth.handle_callback(storage, provider, query)
    assert storage.find_services(bot_id="bot") == []
    return caught.value


def test_a_denial_is_a_denial(storage, provider, link, practice):
    error = refused(storage, provider, answer_of(link(), decision="deny"), AuthorizationDenied)
    assert "If you change your mind" in error.advice
    assert calls(practice, "/login/oauth/access_token") == 0


@pytest.mark.parametrize("name", ["code", "state"])
@pytest.mark.parametrize("change", ["missing", "empty", "twice"])
def test_a_callback_needs_code_and_state_once_each(storage, provider, link, practice, name, change):
    query = answer_of(link())
    query[name] = {"missing": [], "empty": [""], "twice": query[name] * 2}[change]
    error = refused(storage, provider, query, CallbackIncomplete)
    assert f"“{name}”" in str(error)
    assert calls(practice, "/login/oauth/access_token") == 0


@pytest.mark.parametrize("state", ["forged", "x" * 100_000, "' OR 1=1 --", "\x00", "💥"])
def test_a_forged_state_is_unknown(storage, provider, link, state):
    refused(storage, provider, answer_of(link()) | {"state": [state]}, StateUnknown)


def test_a_state_works_once(storage, provider, link, practice):
    query = answer_of(link())
    oauth.handle_callback(storage, provider, query)
    with pytest.raises(StateUsed):
        oauth.handle_callback(storage, provider, query)
    assert calls(practice, "/login/oauth/access_token") == 1
    assert len(storage.find_services(bot_id="bot")) == 1


def test_of_thirty_two_equal_callbacks_at_once_one_alone_connects(
    storage, provider, link, practice
):
    query, start, outcomes = answer_of(link()), threading.Barrier(32), []

    def call_back() -> None:
        start.wait()
        try:
            oauth.handle_callback(storage, provider, query)
            outcomes.append("connected")
        except StateUsed:
            outcomes.append("used")

    threads = [threading.Thread(target=call_back) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["connected"] + ["used"] * 31
    assert calls(practice, "/login/oauth/access_token") == 1
    assert len(storage.find_services(bot_id="bot")) == 1


def test_a_link_expires_after_ten_minutes(storage, provider, link, clock):
    in_time, late = answer_of(link()), answer_of(link())
    clock.advance(minutes=9, seconds=59)
    oauth.handle_callback(storage, provider, in_time)
    clock.advance(seconds=1)
    with pytest.raises(StateExpired):
        oauth.handle_callback(storage, provider, late)


def test_links_long_dead_are_swept_when_a_new_one_is_made(storage, provider, link, clock):
    dead = answer_of(link())
    clock.advance(hours=2)
    link()
    refused(storage, provider, dead, StateUnknown)


def test_a_link_made_for_one_provider_is_no_good_for_another(storage, provider, link):
    query = answer_of(link())
    other = dataclasses.replace(provider, name="GitLab")
    refused(storage, other, query, StateForeign)
    assert oauth.handle_callback(storage, provider, query).name == "GitHub"  # and is not used up


def test_an_answer_that_says_it_comes_from_elsewhere_is_refused(storage, provider, link, practice):
    practice.iss = "wrong"
    refused(storage, provider, answer_of(link()), IssuerMismatch)
    assert calls(practice, "/login/oauth/access_token") == 0


def test_an_answer_with_two_issuers_is_refused(storage, provider, link):
    query = answer_of(link())
    query["iss"] = query["iss"] * 2
    refused(storage, provider, query, IssuerMismatch)


def test_an_answer_that_does_not_say_where_it_comes_from_is_accepted(
    storage, provider, link, practice
):
    practice.iss = "missing"
    query = answer_of(link())
    assert "iss" not in query
    assert oauth.handle_callback(storage, provider, query).account["name"] == "alice-practice"


def test_a_callback_address_that_github_does_not_know_is_named(storage, provider, link, practice):
    practice.change_callback_urls(provider.client_id, ["http://127.0.0.1:9/other/path"])
    error = refused(storage, provider, answer_of(link()), ProviderRefused)
    assert error.code == "redirect_uri_mismatch"
    assert CALLBACK in error.advice


def test_what_a_stranger_writes_as_error_is_not_repeated(storage, provider, link):
    state = answer_of(link())["state"]
    query = {"state": state, "error": ["<script>alert(1)</script>"]}
    error = refused(storage, provider, query, ProviderRefused)
    assert "script" not in str(error) + error.advice + error.code


def test_a_code_from_somebody_elses_trip_is_refused_by_pkce(storage, provider, link):
    mine, stolen = answer_of(link()), answer_of(link(user_id="mallory"))
    error = refused(storage, provider, mine | {"code": stolen["code"]}, ProviderRefused)
    assert error.code == "bad_verification_code" and "new link" in error.advice


def test_a_code_that_has_expired_at_github_is_refused(storage, provider, link, practice):
    query = answer_of(link())
    practice.expire_everything()
    error = refused(storage, provider, query, ProviderRefused)
    assert error.code == "bad_verification_code"


def test_a_wrong_client_secret_is_refused_by_name(storage, provider, link):
    wrong = dataclasses.replace(provider, client_secret="wrong")
    error = refused(storage, wrong, answer_of(link()), ProviderRefused)
    assert error.code == "incorrect_client_credentials"
    assert "must check its client id" in error.advice


def test_when_the_token_cannot_be_stored_the_person_is_sent_for_a_new_link(
    storage, provider, link, monkeypatch
):
    def fail(*_args, **_kwargs):
        raise StorageError("The database is gone.")

    monkeypatch.setattr(storage, "save_service", fail)
    error = refused(storage, provider, answer_of(link()), StorageError)
    assert "Ask the bot in the chat for a new link" in error.advice


# ---- step 3, and the way back


def test_a_row_without_a_token_says_reconnect(storage, provider):
    service = storage.save_service("GitHub", **ALICE, data={})
    with pytest.raises(ReconnectNeeded):
        oauth.api_session(provider, service)


def test_a_revoked_token_says_reconnect(storage, provider, link, practice):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    practice.revoke("alice")
    with pytest.raises(ReconnectNeeded, match="no longer accepts") as caught:
        oauth.api_session(provider, service).get("/user")
    assert caught.value.advice == "Please connect again."


def test_the_token_is_sent_in_the_header_only(storage, provider, link, practice):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    oauth.api_session(provider, service).get("/user")
    assert calls(practice, "/api/v3/user") == 2  # whose account, and this one
    assert all(service.access_token not in seen.url for seen in practice.requests_seen)


def test_revoking_makes_github_forget_the_token(storage, provider, link):
    service = oauth.handle_callback(storage, provider, answer_of(link()))
    oauth.revoke(provider, service)
    with pytest.raises(ReconnectNeeded):
        oauth.api_session(provider, service).get("/user")
