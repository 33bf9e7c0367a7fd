"""Every provider keeps the same contract, and a wrong description breaks the line it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from contract_world import PROVIDERS, examined, report_of, running

from botkit.oauth import Provider, refresh, revoke, token_data
from botkit.practice.oauth import CodeGrant, Revocation, S256Always
from botkit.providers.contract import LINES, front_channel
from botkit.providers.contract import revocation as contract_revocation

NOT_THERE = {("GitHub", "refresh")}  # its tokens have no end


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", PROVIDERS)
def test_the_provider_keeps_the_contract(name, line):
    found = report_of(name)[line]
    assert found.mark == ("–" if (name, line) in NOT_THERE else "✔"), found.text


# ---- a wrong description -------------------------------------------------------------------------


def mutant(provider: Provider, changes: dict[str, Any]) -> Provider:
    """`provider` with `changes`, where `{server}` stands for the service's address."""
    server = "/".join(provider.token_url.split("/")[:3])

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        return value.replace("{server}", server) if isinstance(value, str) else value

    changes = filled(changes)
    if "revocation" in changes:
        changes["revocation"] = replace(provider.revocation, **changes["revocation"])
    return replace(provider, **changes)


MUTANTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("Teapot", {"slug": "Tea Pot"}, "description", "small letters"),
    ("Teapot", {"token_url": "oauth/token"}, "description", "token_url is 'oauth/token'"),
    ("Teapot", {"api_url": "http://tea.example"}, "description", "begins with https://"),
    ("Teapot", {"scopes": ("profile brew",)}, "description", "a tuple of names"),
    ("Teapot", {"scopes": "profile"}, "description", "a tuple of names"),
    (
        "Teapot",
        {"authorize_params": {"code_challenge_method": "plain"}},
        "link",
        "wanted: ['S256']",
    ),
    ("Teapot", {"authorize_params": {"code_challenge": "mine"}}, "link", "that of the verifier"),
    ("Teapot", {"authorize_params": {"state": "mine"}}, "link", "not the one that was made"),
    ("Teapot", {"authorize_params": {"response_type": "token"}}, "link", "wanted: ['code']"),
    (
        "Teapot",
        {"authorize_url": "{server}/oauth/authorize?response_type=token"},
        "link",
        "wanted: ['code']",
    ),
    ("Teapot", {"authorize_url": "{server}/authorize"}, "deny", "Look at authorize_url"),
    ("Teapot", {"client_id": "another"}, "deny", "client_id"),
    (
        "Teapot",
        {"scopes": ("profile", "milk")},
        "deny",
        "Teapot refused the link. It said invalid_scope: “The scopes are: profile brew”. "
        "Look at scopes.",
    ),
    ("Google", {"issuer": "https://tea.example"}, "callback", "issuer is 'https://tea.example'"),
    ("Teapot", {"token_url": "{server}/token"}, "exchange", "Look at token_url"),
    ("Teapot", {"client_auth": "body"}, "exchange", "(invalid_client). Look at client_auth"),
    ("RingCentral", {"client_auth": "body"}, "exchange", "Look at client_auth"),
    ("GitHub", {"client_auth": "basic"}, "exchange", "Look at client_auth"),
    ("Teapot", {"client_secret": "another"}, "exchange", "client_secret"),
    ("Teapot", {"scope_separator": " "}, "scopes", "which is the scope_separator"),
    ("GitHub", {"scopes": ("read:user", "gist"), "scope_separator": " "}, "scopes", "separator"),
    ("Teapot", {"account_url": None}, "account", "There is no account_url"),
    ("Teapot", {"account_url": "{server}/teapot/you"}, "account", "It answered 404"),
    ("Teapot", {"account_id_field": "id"}, "account", "The answer has: guest_id, nickname."),
    ("Teapot", {"account_name_field": "name"}, "account", "The answer has: guest_id, nickname."),
    ("Teapot", {"account_url": None, "api_url": "{server}/"}, "API", "wanted: 401"),
    ("Google", {"authorize_params": {}}, "refresh", "authorize_params"),
    ("Teapot", {"client_auth": "body"}, "errors", "both called invalid_client"),
    ("Teapot", {"revocation": {"field": "access_token"}}, "revoke", "its field, encoding and url."),
    (
        "Teapot",
        {"revocation": {"encoding": "json"}},
        "revoke",
        "(it answered 400). It said invalid",
    ),
    (
        "Teapot",
        {"revocation": {"method": "DELETE"}},
        "revoke",
        "405). Look at revocation: its meth",
    ),
    (
        "Teapot",
        {"revocation": {"client_auth": "none"}},
        "revoke",
        "(it answered 401). It said invalid_client: “No client credentials were found in the "
        "Authorization header, or they are wrong”. Look at revocation: its client_auth.",
    ),
    ("Teapot", {"revocation": {"url": "{server}/oauth/token"}}, "revoke", "revocation"),
    ("RingCentral", {"revocation": {"client_auth": "none"}}, "revoke", "its client_auth"),
    ("GitHub", {"revocation": {"client_auth": "none"}}, "revoke", "client_auth"),
    # what a field cannot have is told before anything is tried
    (
        "Teapot",
        {"client_auth": "Basic"},
        "description",
        "client_auth is 'Basic'; wanted: 'body' or",
    ),
    ("Teapot", {"revocation": {"ends": "banana"}}, "description", "ends of revocation is 'banana'"),
    ("Teapot", {"revocation": {"method": "PUT"}}, "description", "wanted: 'DELETE' or 'POST'."),
    ("Teapot", {"revocation": {"encoding": "xml"}}, "description", "encoding of revocation"),
    (
        "Teapot",
        {"revocation": {"url": ...}},
        "description",
        "the url of revocation is ...; wanted:",
    ),
    ("Teapot", {"account_url": ...}, "description", "account_url is ...; wanted: a whole address"),
    ("Teapot", {"slug": ...}, "description", "slug is ...; wanted: text."),
    (
        "Teapot",
        {"client_secret": b"tea"},
        "description",
        "client_secret is of the type bytes; want",
    ),
]


@pytest.mark.parametrize(("name", "changes", "line", "words"), MUTANTS)
def test_a_wrong_description_breaks_the_line_it_is_about(name, changes, line, words):
    with running("GoogleDrive" if name == "Google" else name) as (provider, world):
        report = examined(mutant(provider, changes), world)
    assert report[line].mark == "✘", str(report)
    assert words in report[line].text
    assert report.broken[0] == line or line in ("API", "errors")
    assert not report.kept


# ---- a service, or a library, that does not do its part ------------------------------------------


@pytest.mark.parametrize(
    ("part", "method", "line", "words"),
    [
        (CodeGrant, "delete_authorization_code", "used code", "a token where it had to refuse"),
        (Revocation, "revoke_token", "revoke", "still works after it was revoked"),
    ],
)
def test_a_service_that_leaves_something_out_is_found_out(monkeypatch, part, method, line, words):
    monkeypatch.setattr(part, method, lambda *_: None)
    with running("Teapot") as (provider, world):
        report = examined(provider, world)
    assert report.broken == [line]
    assert words in report[line].text


def test_an_api_that_answers_a_revoked_token_otherwise_is_told_by_what_it_said(monkeypatch):
    with running("Teapot") as (provider, world):

        def then_forbidden(*given: Any) -> None:
            revoke(*given)
            world.teapot.trouble.next(times=9, status=403)

        monkeypatch.setattr(contract_revocation, "revoke", then_forbidden)
        report = examined(provider, world)
    assert report["revoke"].mark == "✘"
    assert "The API answered 403 to a token that was revoked" in report["revoke"].text
    assert "still works" not in report["revoke"].text


def test_a_service_without_pkce_is_told_and_not_broken(monkeypatch):
    monkeypatch.setattr(S256Always, "validate_code_verifier", lambda *_: None)
    with running("Teapot") as (provider, world):
        report = examined(provider, world)
    assert report.kept
    assert report["verifier"].mark == "–"


def test_a_refresh_token_that_is_overwritten_with_nothing_is_found_out(monkeypatch):
    def forgetful(*given: Any) -> dict[str, Any]:
        return {"refreshToken": None, **token_data(*given)}

    monkeypatch.setattr(refresh, "token_data", forgetful)
    with running("GoogleDrive") as (provider, world):
        report = examined(provider, world)
    assert report.broken == ["refresh"]
    assert report["refresh"].text == "The refresh token is lost."


def test_a_callback_that_takes_everything_is_found_out(monkeypatch):
    monkeypatch.setattr(front_channel, "handle_callback", lambda *_: None)
    with running("Teapot") as (provider, world):
        report = examined(provider, world)
    assert report.broken == ["deny", "state"]
