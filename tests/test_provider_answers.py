"""Whatever a provider answers, the person gets a sentence and nothing false is stored."""

from __future__ import annotations

import json
import time

import pytest

from botkit import http, oauth
from botkit.errors import (
    ProviderNonsense,
    ProviderRefused,
    ProviderUnreachable,
    RateLimited,
    ReconnectNeeded,
)
from botkit.http import ApiSession
from botkit.practice.server import Server, Trouble
from botkit.providers import Provider, Revocation

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
GOOD = json.dumps({"access_token": "t0ken", "token_type": "bearer"})


class Elsewhere:
    """A provider that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen = []
        self.trouble = Trouble(self._app)
        self.server = Server(self.trouble)

    def _app(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["body"] = environ["wsgi.input"].read(length).decode()
        self.seen.append(environ)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"id": 7, "name": "Alice", "access_token": "t0ken", "token_type": "Bearer"}']

    def answers(self, status, body="", **options):
        self.trouble.next(status=status, body=body, **options)


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.trouble.clear()
    elsewhere.server.stop()


@pytest.fixture
def provider(elsewhere):
    url = elsewhere.server.url
    return Provider(
        name="Elsewhere",
        slug="elsewhere",
        client_id="client",
        client_secret="client-secret",
        authorize_url=f"{url}/authorize",
        token_url=f"{url}/token",
        api_url=f"{url}/api",
        scopes=("read",),
        client_auth="basic",
        account_path="/me",
        revocation=Revocation("POST", f"{url}/revoke", "token", "form", client_auth=False),
    )


def call_back(storage, provider):
    """Take the trip up to the exchange, with a code that the provider never looks at."""
    link = oauth.auth_link(storage, provider, **ALICE, redirect_uri="http://127.0.0.1:9/cb")
    state = link.partition("&state=")[2].partition("&")[0]
    return oauth.handle_callback(storage, provider, {"code": ["c0de"], "state": [state]})


def test_a_provider_with_basic_auth_and_json_connects(storage, provider, elsewhere):
    service = call_back(storage, provider)
    assert (service.access_token, service.account) == ("t0ken", {"id": "7", "name": "Alice"})
    request = elsewhere.seen[0]
    assert request["HTTP_AUTHORIZATION"].startswith("Basic ")
    assert "client-secret" not in request["body"] and "code_verifier=" in request["body"]


NONSENSE = {
    "a web page": (200, "<html>Welcome</html>", "text/html"),
    "truncated JSON": (200, GOOD[:-9], "application/json"),
    "an empty body": (200, "", "application/json"),
    "JSON that is no object": (200, '["access_token"]', "application/json"),
    "no token": (200, '{"token_type": "bearer"}', "application/json"),
    "a token that is no text": (200, '{"access_token": {"a": 1}}', "application/json"),
    "an empty token": (200, '{"access_token": ""}', "application/json"),
    "another kind of token": (200, '{"access_token": "t", "token_type": "mac"}', "text/json"),
    "an error of its own": (500, "Internal Server Error", "text/plain"),
    "a redirect": (302, "", "text/plain"),
    "a token with a bad status": (503, GOOD, "application/json"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_from_the_token_endpoint_stores_nothing(storage, provider, elsewhere, what):
    status, body, kind = NONSENSE[what]
    elsewhere.answers(status, body, headers={"Content-Type": kind, "Location": "/token"})
    with pytest.raises(ProviderNonsense, match=r"^Elsewhere ") as caught:
        call_back(storage, provider)
    assert "new link" in caught.value.advice
    assert storage.find_services(bot_id="bot") == []


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize(
    "body, kind",
    [
        ('{"error": "invalid_grant"}', "application/json"),
        ("error=invalid_grant&error_description=a+b", "application/x-www-form-urlencoded"),
    ],
)
def test_an_error_is_told_by_its_name_and_not_by_its_status(
    storage, provider, elsewhere, status, body, kind
):
    elsewhere.answers(status, body, headers={"Content-Type": kind})
    with pytest.raises(ProviderRefused) as caught:
        call_back(storage, provider)
    assert caught.value.code == "invalid_grant"
    assert storage.find_services(bot_id="bot") == []


def test_a_form_encoded_token_is_read_by_name(storage, provider, elsewhere):
    form = "expires_in=60&scope=read&access_token=t%2Bk&token_type=bearer"
    elsewhere.answers(200, form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert call_back(storage, provider).access_token == "t+k"


def test_no_answer_ends_at_the_time_limit(storage, provider, elsewhere, monkeypatch):
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)
    elsewhere.answers(200, GOOD, delay=30)
    with pytest.raises(ProviderUnreachable, match="did not answer in time"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


def test_no_connection_is_told_as_such(storage, provider, elsewhere):
    elsewhere.server.stop()
    with pytest.raises(ProviderUnreachable, match="could not be reached"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


@pytest.mark.parametrize("status, body", [(500, ""), (200, "<html>"), (200, '{"name": "x"}')])
def test_without_an_account_there_is_no_connection(storage, provider, elsewhere, status, body):
    elsewhere.trouble.next(path="/api/me", status=status, body=body)
    with pytest.raises(ProviderNonsense, match="whose account"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


# ---- the API session


class Sleep:
    def __init__(self) -> None:
        self.slept = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def api(elsewhere):
    return ApiSession("Elsewhere", elsewhere.server.url + "/api", "t0ken", sleep=Sleep())


def test_the_token_goes_to_the_api_and_to_nobody_else(api, elsewhere):
    other = Elsewhere()
    api.get("/me")
    api.get(other.server.url + "/me")
    other.server.stop()
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Bearer t0ken"
    assert "HTTP_AUTHORIZATION" not in other.seen[0]
    assert "t0ken" not in repr(api)


def test_a_path_is_below_the_api_with_or_without_a_slash(api, elsewhere):
    api.get("/me")
    api.get("me")
    assert [request["PATH_INFO"] for request in elsewhere.seen] == ["/api/me", "/api/me"]


def test_an_entry_in_netrc_does_not_replace_the_token(api, elsewhere, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    api.get("/me")
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Bearer t0ken"


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_it_is_asked_to_and_tries_again(api, elsewhere, status):
    elsewhere.answers(status, headers={"Retry-After": "3"})
    assert api.get("/me").status_code == 200
    assert api._sleep.slept == [3.0]


def test_a_date_to_wait_for_is_understood_too(api, elsewhere):
    elsewhere.answers(429, headers={"Retry-After": "Tue, 01 Jan 2019 00:00:00 GMT"})
    assert api.get("/me").status_code == 200
    assert api._sleep.slept == [0.0]


@pytest.mark.parametrize("after", ["11", "99999", "nonsense", "-1", "1e9", "Tue, 99 Foo"])
def test_a_wait_that_is_too_long_or_senseless_is_told_and_not_waited_for(api, elsewhere, after):
    elsewhere.answers(429, headers={"Retry-After": after})
    with pytest.raises(RateLimited, match="asks us to wait") as caught:
        api.get("/me")
    assert caught.value.seconds > 10
    assert api._sleep.slept == []


def test_patience_ends_also_when_the_answer_is_always_zero_seconds(api, elsewhere):
    elsewhere.answers(503, times=1000, headers={"Retry-After": "0"})
    with pytest.raises(RateLimited):
        api.get("/me")
    assert len(api._sleep.slept) == 10


def test_githubs_rate_limit_is_told_with_its_wait(api, elsewhere):
    reset = str(int(time.time()) + 600)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    elsewhere.answers(403, headers=headers)
    with pytest.raises(RateLimited) as caught:
        api.get("/me")
    assert 500 < caught.value.seconds <= 600


def test_a_forbidden_answer_without_a_limit_is_returned_as_it_is(api, elsewhere):
    elsewhere.answers(403, "no")
    assert api.get("/me").status_code == 403
    elsewhere.answers(429, "slow down")
    assert api.get("/me").status_code == 429


def test_a_dead_token_says_reconnect(api, elsewhere):
    elsewhere.answers(401)
    with pytest.raises(ReconnectNeeded, match="no longer accepts"):
        api.get("/me")


def test_every_request_has_a_time_limit(api, elsewhere):
    api.timeout = (1.0, 0.1)
    elsewhere.answers(200, delay=30)
    with pytest.raises(ProviderUnreachable, match="in time"):
        api.get("/me")


# ---- revoking


def test_a_form_revocation_without_client_authentication(storage, provider, elsewhere):
    service = call_back(storage, provider)
    oauth.revoke(provider, service)
    request = elsewhere.seen[-1]
    assert (request["PATH_INFO"], request["body"]) == ("/revoke", "token=t0ken")
    assert "HTTP_AUTHORIZATION" not in request


def test_a_revocation_that_is_not_confirmed_is_an_error(storage, provider, elsewhere):
    service = call_back(storage, provider)
    elsewhere.answers(500)
    with pytest.raises(ProviderNonsense, match="did not confirm"):
        oauth.revoke(provider, service)
