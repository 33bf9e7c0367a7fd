"""What can be wrong with a callback: it is refused by name, and nothing is stored."""

from __future__ import annotations

import dataclasses
import threading

import pytest
import sqlalchemy as sa
from oauth_world import ALICE, CALLBACK, answer_of, calls, practice_github, registered

from botkit import oauth
from botkit.errors import (
    AuthorizationDenied,
    CallbackIncomplete,
    IssuerMismatch,
    ProviderRefused,
    StateExpired,
    StateForeign,
    StateUnknown,
    StateUsed,
    StorageError,
)
from botkit.practice.github.oauth import GitHubCodeGrant
from botkit.storage import authorizations


@pytest.fixture
def practice(clock):
    yield from practice_github(clock)


@pytest.fixture
def provider(practice):
    return registered(practice)


@pytest.fixture
def link(storage, provider):
    return lambda **who: oauth.auth_link(storage, provider, **(ALICE | who), redirect_uri=CALLBACK)


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


def test_an_error_that_brings_a_code_along_is_an_error(storage, provider, link, practice):
    query = answer_of(link()) | {"error": ["access_denied"]}
    refused(storage, provider, query, AuthorizationDenied)
    assert calls(practice, "/login/oauth/access_token") == 0


@pytest.mark.parametrize(
    ("name", "change"),
    [("state", "missing"), ("state", "empty"), ("state", "twice"), ("code", "twice")],
)
def test_a_callback_needs_code_and_state_once_each(storage, provider, link, practice, name, change):
    query = answer_of(link())
    query[name] = {"missing": [], "empty": [""], "twice": query[name] * 2}[change]
    error = refused(storage, provider, query, CallbackIncomplete)
    many = "more than one" if change == "twice" else "no"
    assert str(error) == f"The answer from GitHub has {many} “{name}”."
    assert calls(practice, "/login/oauth/access_token") == 0


@pytest.mark.parametrize("state", ["x" * 100_000, "' OR 1=1 --\x00💥"])
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


@pytest.fixture
def insistent(monkeypatch):
    """GitHub lets us leave the address out.  Here Authlib judges it, and misses it, as the RFC says
    (RFC 6749, section 4.1.3).
    """

    def found(self, code, client):
        return self.server.ledger.live_code(code, client)

    monkeypatch.setattr(GitHubCodeGrant, "query_authorization_code", found)


def test_the_exchange_names_the_address_of_the_link(storage, provider, link, insistent):
    assert oauth.handle_callback(storage, provider, answer_of(link())).user_id == "alice"


@pytest.mark.parametrize("other", ["", "http://127.0.0.1:9/github/oauth/", "http://127.0.0.1:9/"])
def test_an_exchange_that_names_another_address_or_none_is_refused(
    storage, provider, link, insistent, other
):
    query = answer_of(link())
    with storage._writing() as connection:
        connection.execute(sa.update(authorizations).values(redirect_uri=other))
    error = refused(storage, provider, query, ProviderRefused)
    assert error.code == "redirect_uri_mismatch"


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
