"""Whatever a provider answers, the person gets a sentence and nothing false is stored."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from elsewhere_world import ALICE, REDIRECT, Elsewhere, call_back

from botkit import oauth
from botkit.errors import ProviderNonsense, ProviderRefused, ProviderUnreachable
from botkit.oauth import Revocation, account, http

GOOD = json.dumps({"access_token": "t0ken", "token_type": "bearer"})


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url  # what a provider answers has nothing to do with the kind of database


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


@pytest.fixture
def provider(elsewhere):
    return elsewhere.provider()


def test_a_provider_with_basic_auth_and_json_connects(storage, provider, elsewhere):
    service = call_back(storage, provider)
    assert (service.access_token, service.account) == ("t0ken", {"id": "7", "name": "Alice"})
    request = elsewhere.seen[0]
    assert request["HTTP_AUTHORIZATION"].startswith("Basic ")
    assert "client-secret" not in request["body"] and "code_verifier=" in request["body"]


def test_the_exchange_says_all_that_the_rfc_asks_for(storage, elsewhere):
    provider = elsewhere.provider(client_auth="body")
    link = oauth.auth_link(storage, provider, **ALICE, redirect_uri=REDIRECT)
    sent = parse_qs(urlsplit(link).query)
    oauth.handle_callback(storage, provider, {"code": ["c0de"], "state": sent["state"]})
    request = elsewhere.seen[0]
    form = {name: value for name, (value,) in parse_qs(request["body"]).items()}
    assert [oauth.pkce_challenge(form.pop("code_verifier"))] == sent["code_challenge"]
    assert form == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "redirect_uri": REDIRECT,
        "client_id": "client",
        "client_secret": "client-secret",
    }
    assert "HTTP_AUTHORIZATION" not in request


@pytest.mark.parametrize("client_auth", ["body", "basic"])
def test_an_entry_in_netrc_is_never_sent(storage, elsewhere, tmp_path, monkeypatch, client_auth):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    provider = elsewhere.provider(client_auth=client_auth)
    oauth.revoke(storage, provider, call_back(storage, provider))
    exchange, account, revocation = elsewhere.seen
    ours = {"body": None, "basic": "Basic " + b64encode(b"client:client-secret").decode()}
    assert exchange.get("HTTP_AUTHORIZATION") == ours[client_auth]
    assert account["HTTP_AUTHORIZATION"] == "Bearer t0ken"
    assert "HTTP_AUTHORIZATION" not in revocation


NONSENSE = {
    "a web page": (200, "<html>Welcome</html>", "text/html"),
    "truncated JSON": (200, GOOD[:-9], "application/json"),
    "JSON that is nested too deep": (200, "[" * 100_000, "application/json"),
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


@pytest.mark.parametrize("status", [200, 403])
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


@pytest.mark.parametrize("name", ["e" * 65, "<b>no</b>", ""])
def test_what_does_not_look_like_the_name_of_an_error_is_not_repeated(
    storage, provider, elsewhere, name
):
    elsewhere.answers(400, json.dumps({"error": name}))
    with pytest.raises(ProviderRefused) as caught:
        call_back(storage, provider)
    assert caught.value.code == "an unnamed error"
    assert str(caught.value) == "Elsewhere did not accept the code (an unnamed error)."


def test_a_form_encoded_token_is_read_by_name(storage, provider, elsewhere):
    form = "expires_in=60&scope=read&access_token=t%2Bk&token_type=bearer"
    elsewhere.answers(200, form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert call_back(storage, provider).access_token == "t+k"


def test_no_answer_ends_at_the_time_limit(storage, provider, elsewhere, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 2.0)
    elsewhere.answers(200, GOOD, delay=30)
    with pytest.raises(ProviderUnreachable, match="did not answer in time"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


def test_no_connection_is_told_as_such(storage, provider, elsewhere):
    elsewhere.server.stop()
    with pytest.raises(ProviderUnreachable, match="could not be reached"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


@pytest.mark.parametrize(
    "status, body",
    [(500, ""), (500, '{"id": 7, "name": "Alice"}'), (200, "<html>"), (200, '{"name": "x"}')],
)
def test_without_an_account_there_is_no_connection(storage, provider, elsewhere, status, body):
    elsewhere.trouble.next(path="/api/me", status=status, body=body)
    with pytest.raises(ProviderNonsense, match="whose account"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


@pytest.mark.parametrize("account", ['""', '{"a": 1}', "true"], ids=lambda account: account)
def test_an_id_that_is_no_text_and_no_number_is_none(storage, provider, elsewhere, account):
    elsewhere.trouble.next(path="/api/me", status=200, body=f'{{"id": {account}, "name": "x"}}')
    with pytest.raises(ProviderNonsense, match="whose account"):
        call_back(storage, provider)
    assert storage.find_services(bot_id="bot") == []


@pytest.mark.parametrize("name", ["", ', "name": {"a": 1}', ', "name": true'])
def test_an_account_without_a_name_is_said_to_have_none(storage, provider, elsewhere, name):
    elsewhere.trouble.next(path="/api/me", status=200, body=f'{{"id": "x7"{name}}}')
    assert call_back(storage, provider).account == {"id": "x7", "name": "no name"}


# ---- how long it lives


@pytest.mark.parametrize("said", [3600, "3600", 3600.9, "3600."])
def test_the_life_of_a_token_is_read_in_whatever_form_it_comes(storage, provider, elsewhere, said):
    elsewhere.answers(200, json.dumps(json.loads(GOOD) | {"expires_in": said}))
    service = call_back(storage, provider)
    assert service.expires_at == storage.now() + timedelta(hours=1)
    assert service.data["expiresIn"] == 3600


@pytest.mark.parametrize("said", [None, True, "1e3", "1_000", -5, 2147483647, 10**30])
def test_a_life_that_cannot_be_read_or_never_ends_is_no_end(storage, provider, elsewhere, said):
    elsewhere.answers(200, json.dumps(json.loads(GOOD) | {"expires_in": said}))
    assert call_back(storage, provider).expires_at is None


@pytest.mark.parametrize("said", [0, "0", 0.9, 1e-9])
def test_a_life_of_nothing_is_over(storage, provider, elsewhere, said):
    elsewhere.answers(200, json.dumps(json.loads(GOOD) | {"expires_in": said}))
    assert call_back(storage, provider).expires_at == storage.now()


@pytest.mark.parametrize("said", [{"a": 1}, ["r"], True, 7, "", "x y", "x" * 20_000])
def test_a_refresh_token_that_is_none_replaces_no_good_one(storage, provider, elsewhere, said):
    elsewhere.answers(200, json.dumps(json.loads(GOOD) | {"refresh_token": "good"}))
    call_back(storage, provider)
    elsewhere.answers(200, json.dumps(json.loads(GOOD) | {"refresh_token": said}))
    assert call_back(storage, provider).refresh_token == "good"


def test_a_token_that_lives_for_half_a_lifetime_has_an_end_and_one_for_longer_has_none(
    storage, provider, elsewhere
):
    longest = 1_000_000_000  # seconds, 31 years
    for said, found in ((longest, longest), (longest + 1, None)):
        elsewhere.answers(200, json.dumps(json.loads(GOOD) | {"expires_in": said}))
        end = call_back(storage, provider).expires_at
        assert end == (storage.now() + timedelta(seconds=found) if found else None)


# ---- HTTP Basic


@pytest.mark.parametrize(
    ("secret", "form_encoded", "sent"),
    [
        ("a+b/c=", True, b"client%3A7:a%2Bb%2Fc%3D"),
        ("a+b/c=", False, b"client:7:a+b/c="),
        ("鍵", True, b"client%3A7:%E9%8D%B5"),
        ("鍵", False, "client:7:鍵".encode()),
        ("with space", True, b"client%3A7:with+space"),
    ],
)
def test_the_secret_is_form_encoded_unless_the_description_says_no(
    storage, elsewhere, secret, form_encoded, sent
):
    provider = elsewhere.provider(
        client_id="client:7", client_secret=secret, basic_is_form_encoded=form_encoded
    )
    call_back(storage, provider)
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Basic " + b64encode(sent).decode()


def test_a_token_whose_account_cannot_be_learned_is_revoked(storage, elsewhere):
    url = f"{elsewhere.server.url}/revoke"
    alone = Revocation("POST", url, "token", "form", client_auth="none", ends="connection")
    elsewhere.trouble.next(path="/api/me", status=500)
    with pytest.raises(ProviderNonsense, match="whose account"):
        call_back(storage, elsewhere.provider(revocation=alone))
    assert (elsewhere.seen[-1]["PATH_INFO"], elsewhere.seen[-1]["body"]) == (
        "/revoke",
        "token=t0ken",
    )


# ---- what was granted

FORM = "application/x-www-form-urlencoded"
SAYS = {
    "nothing, which means all": (None, " ", ["read", "write"]),
    "null, which means all": (..., " ", ["read", "write"]),
    "a list": (["read"], " ", ["read"]),
    "a list with a comma in it": (["read,write"], ",", ["read", "write"]),
    "a list with what is no scope": (["read", 7, None], " ", ["read"]),
    "an object, which is not understood": ({"read": True}, " ", []),
    "none": ("", " ", []),
    "fewer, and one more": ("read admin", " ", ["read", "admin"]),
    "two, with a comma": ("read,write", ",", ["read", "write"]),
    "two, with a comma and a space": ("read, write", ",", ["read", "write"]),
    "two, with a space where a comma was promised": ("read write", ",", ["read", "write"]),
}


@pytest.mark.parametrize("what", SAYS)
def test_the_scopes_that_were_granted_are_noted(storage, elsewhere, what):
    said, separator, noted = SAYS[what]
    answer = json.loads(GOOD) | ({} if said is None else {"scope": None if said is ... else said})
    elsewhere.answers(200, json.dumps(answer))
    provider = elsewhere.provider(scopes=("read", "write"), scope_separator=separator)
    service = call_back(storage, provider)
    assert service.data["scope"] == noted
    missing = [scope for scope in provider.scopes if scope not in noted]
    assert account.missing_scopes(provider, service) == missing


@pytest.mark.parametrize("scope", ["read+write", "read%2Cwrite"])
def test_scopes_in_a_form_are_read_whichever_way_they_are_written(storage, elsewhere, scope):
    form = f"access_token=t&scope={scope}&token_type=bearer"
    elsewhere.answers(200, form, headers={"Content-Type": FORM})
    provider = elsewhere.provider(scopes=("read", "write"), scope_separator=",")
    assert call_back(storage, provider).data["scope"] == ["read", "write"]


# ---- revoking


def test_a_form_revocation_without_client_authentication(storage, provider, elsewhere):
    service = call_back(storage, provider)
    oauth.revoke(storage, provider, service)
    request = elsewhere.seen[-1]
    assert (request["PATH_INFO"], request["body"]) == ("/revoke", "token=t0ken")
    assert "HTTP_AUTHORIZATION" not in request


def test_a_json_revocation_with_client_authentication(storage, elsewhere):
    url = f"{elsewhere.server.url}/grant"
    how = Revocation("DELETE", url, "access_token", "json", client_auth="basic")
    provider = elsewhere.provider(client_auth="body", revocation=how)
    oauth.revoke(storage, provider, call_back(storage, provider))
    request = elsewhere.seen[-1]
    assert (request["REQUEST_METHOD"], request["PATH_INFO"]) == ("DELETE", "/grant")
    assert json.loads(request["body"]) == {"access_token": "t0ken"}
    assert request["HTTP_AUTHORIZATION"] == "Basic " + b64encode(b"client:client-secret").decode()


def test_a_form_revocation_with_the_client_in_the_body(storage, elsewhere):
    how = Revocation("POST", f"{elsewhere.server.url}/revoke", "token", "form", client_auth="body")
    provider = elsewhere.provider(revocation=how)
    oauth.revoke(storage, provider, call_back(storage, provider))
    request = elsewhere.seen[-1]
    assert request["body"] == "token=t0ken&client_id=client&client_secret=client-secret"
    assert "HTTP_AUTHORIZATION" not in request


@pytest.mark.parametrize("status", [200, 204])
def test_a_revocation_is_confirmed_by_these_alone(storage, provider, elsewhere, status):
    service = call_back(storage, provider)
    elsewhere.answers(status)
    oauth.revoke(storage, provider, service)
    assert elsewhere.trouble._plans == []


@pytest.mark.parametrize("status", [202, 401, 500])
def test_a_revocation_that_is_not_confirmed_is_an_error(storage, provider, elsewhere, status):
    service = call_back(storage, provider)
    elsewhere.answers(status)
    with pytest.raises(ProviderNonsense, match=f"did not confirm.*it answered {status}"):
        oauth.revoke(storage, provider, service)


def test_without_a_token_or_a_way_there_is_nothing_to_revoke(storage, provider, elsewhere):
    service = storage.save_service("Elsewhere", **ALICE, data={})
    oauth.revoke(storage, provider, service)
    service = storage.save_service("Elsewhere", **ALICE, data={"accessToken": "t0ken"})
    oauth.revoke(storage, elsewhere.provider(revocation=None), service)
    assert elsewhere.seen == []
