"""A provider's name and addresses, and the accounts and tokens that connections share there."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext

import pytest
from elsewhere_world import ALICE, Elsewhere, call_back

from botkit import oauth
from botkit.errors import ProviderNonsense, TryLater
from botkit.oauth.tokens import revoke_token
from botkit.storage import Service


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url  # who shares an account is tried on both kinds in test_sealed_to_its_row.py


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


def revoked(elsewhere: Elsewhere) -> list[str]:
    """The tokens that the provider was told to revoke."""
    sent = [one["body"] for one in elsewhere.seen if one["PATH_INFO"] == "/revoke"]
    return [body.removeprefix("token=") for body in sent]


# ---- names and addresses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("HTTPS://Api.Example/", "https://api.example"),
        ("https://api.example:443/v3//", "https://api.example/v3"),
        ("http://api.example:80", "http://api.example"),
        ("http://api.example:443", "http://api.example:443"),
        ("https://api.example:80", "https://api.example:80"),
        ("https://api.example:8443/V3", "https://api.example:8443/V3"),
        ("ftp://api.example:21", "ftp://api.example:21"),
        ("http://User:PaSs@Host:80/Path/", "http://User:PaSs@host/Path"),
    ],
)
def test_an_address_has_one_form_in_which_it_is_compared(address, expected):
    assert oauth.base_url(address) == expected


@pytest.mark.parametrize("address", ["", "nonsense", "http://[bad", "http://host:port"])
def test_what_is_no_address_stays_as_it_is(address):
    assert oauth.base_url(address) == address


def test_a_provider_is_called_by_its_title_if_it_has_one(elsewhere):
    assert elsewhere.provider().called == "Elsewhere"
    assert elsewhere.provider(title="Else Where").called == "Else Where"
    assert oauth.callback_path(elsewhere.provider()) == "/elsewhere/oauth"


# ---- accounts and scopes -------------------------------------------------------------------------


def test_a_provider_that_tells_no_account_connects_without_one(storage, elsewhere):
    provider = elsewhere.provider(account_url=None)
    first = call_back(storage, provider)
    assert (first.access_token, first.account) == ("t0ken", {})
    assert [one["PATH_INFO"] for one in elsewhere.seen] == ["/token"]
    again = call_back(storage, provider)  # nothing says that this is another account
    assert again.id == first.id and revoked(elsewhere) == []


@pytest.mark.parametrize("name", ["\ud800", "Al\ud800ice"])
def test_half_a_character_in_a_name_is_replaced(storage, elsewhere, name):
    elsewhere.trouble.next(path="/api/me", status=200, body=json.dumps({"id": 7, "name": name}))
    found = call_back(storage, elsewhere.provider()).account["name"]
    assert found == name.replace("\ud800", "?")


def test_scopes_that_another_one_implies_are_not_missing(elsewhere):
    implied = {"admin": ("write", "read")}
    provider = elsewhere.provider(scopes=("read", "write", "mail"), implied_scopes=implied)
    granted = Service(data={"scope": ["admin"]})
    assert oauth.missing_scopes(provider, granted) == ["mail"]
    assert oauth.missing_scopes(provider, Service(data=None)) == []  # no word means: all


# ---- what a revocation would end ---------------------------------------------------------------


def account(number: object, token: str = "t0ken", **more: object) -> dict:
    return {"accessToken": token, "account": {"id": number, "name": "x"}, **more}


@pytest.mark.parametrize("ends", ["everything", "connection"])
def test_other_connections_of_the_account_are_named_if_they_would_end(storage, elsewhere, ends):
    how = dataclasses.replace(elsewhere.provider().revocation, ends=ends)
    provider = elsewhere.provider(revocation=how, same_grant=("Calendar", "Mail"))
    mine = storage.save_service("Elsewhere", **ALICE, data=account(7))
    assert oauth.others_in_grant(storage, provider, mine) == []
    for name, number in (("Mail", 7), ("Calendar", 8), ("Other", 7)):
        storage.save_service(name, **ALICE, data=account(number))
    expected = ["Mail"] if ends == "everything" else []
    assert oauth.others_in_grant(storage, provider, mine) == expected
    storage.save_service("Elsewhere", **(ALICE | {"user_id": "bob"}), data=account(7))
    expected = ["Elsewhere", "Mail"] if ends == "everything" else []
    assert oauth.others_in_grant(storage, provider, mine) == expected
    leaving = {"bot_id": ALICE["bot_id"]}
    assert oauth.others_in_grant(storage, provider, mine, leaving=leaving) == []
    assert oauth.others_in_grant(storage, elsewhere.provider(revocation=None), mine) == []


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (account(7), ["t0ken"]),
        (account(None), []),  # nobody knows whose grant that would end
        ({"account": {"id": 7}}, []),
        (account(8), []),  # Bob uses this grant
    ],
)
def test_a_token_that_belongs_to_no_connection_is_revoked_if_it_ends_no_other(
    storage, elsewhere, data, sent
):
    storage.save_service("Elsewhere", **(ALICE | {"user_id": "bob"}), data=account(8))
    oauth.revoke_quietly(storage, elsewhere.provider(), data)
    assert revoked(elsewhere) == sent


def test_where_a_revocation_ends_one_connection_the_account_does_not_matter(storage, elsewhere):
    how = dataclasses.replace(elsewhere.provider().revocation, ends="connection")
    oauth.revoke_quietly(storage, elsewhere.provider(revocation=how), account(None))
    assert revoked(elsewhere) == ["t0ken"]
    oauth.revoke_quietly(storage, elsewhere.provider(revocation=None), account(7))
    assert revoked(elsewhere) == ["t0ken"]


@pytest.mark.parametrize(
    ("seconds", "refresh", "sent"),
    [(-1, "r", "new"), (0, "r", "new"), (1, "r", "old"), (-1, None, "old"), (None, "r", "old")],
)
def test_an_expired_token_is_refreshed_to_be_revoked(
    storage, elsewhere, clock, seconds, refresh, sent
):
    end = None if seconds is None else clock().replace(second=30 + seconds).isoformat()
    clock.advance(seconds=30)
    elsewhere.trouble.next(
        path="/token", status=200, body='{"access_token": "new", "token_type": "bearer"}'
    )
    data = account(7, "old", expiresAt=end, refreshToken=refresh)
    oauth.revoke_quietly(storage, elsewhere.provider(), data)
    assert revoked(elsewhere) == [sent]


def test_a_revocation_that_fails_is_tried_again_for_a_day(storage, elsewhere, clock):
    provider = elsewhere.provider()
    elsewhere.answers(500, path="/revoke", times=7)
    oauth.revoke_quietly(storage, provider, account(7))
    waits, error = [60.0], None
    while error is None:
        assert storage.messages.next_due(1e6) == {"do": waits[-1]}
        clock.advance(seconds=waits[-1])
        job = storage.messages.claim("do")
        try:
            oauth.revoke_later(storage, [provider], job)
        except TryLater as later:
            waits.append(later.seconds)
            storage.messages.later(job, later.seconds, failed=True)
        except ProviderNonsense as refused:
            error = refused
    assert waits == [60, 300, 1800, 7200, 21600, 43200]
    assert "did not confirm that the token is revoked" in str(error)
    elsewhere.trouble.clear()
    oauth.revoke_later(storage, [provider], job)
    assert revoked(elsewhere) == ["t0ken"]


@pytest.mark.parametrize("status", [302, 307])
def test_a_token_that_is_revoked_follows_no_redirect(elsewhere, status):
    provider = elsewhere.provider()
    elsewhere.answers(status, path="/revoke", headers={"Location": "/elsewhere"})
    with pytest.raises(ProviderNonsense, match=f"it answered {status}"):
        revoke_token(provider, provider.revocation, "t0ken")
    assert elsewhere.seen == []


@pytest.mark.parametrize(
    ("status", "error", "api", "was_revoked"),
    [
        (400, "invalid_token", 200, True),
        (400, "another", 401, False),
        (404, "", 401, True),
        (404, "", 200, False),  # the API still takes it
        (404, "", 302, False),  # who follows it finds a 401 that says nothing of the token
    ],
)
def test_a_token_that_was_revoked_before_is_known_as_such(
    elsewhere, status, error, api, was_revoked
):
    how = dataclasses.replace(elsewhere.provider().revocation, already=("invalid_token", 404))
    provider = elsewhere.provider(revocation=how)
    elsewhere.answers(status, json.dumps({"error": error}), path="/revoke")
    elsewhere.answers(api, path="/api/me", headers={"Location": "/login"})
    elsewhere.answers(401, path="/login")
    with nullcontext() if was_revoked else pytest.raises(ProviderNonsense):
        revoke_token(provider, how, "t0ken")


# ---- is it still the same connection? ----------------------------------------------------------


def row(access: str | None, refresh: str | None, account_id: object = 7) -> Service:
    data = {"accessToken": access, "refreshToken": refresh, "account": {"id": account_id}}
    return Service(data=data)


@pytest.mark.parametrize(
    ("other", "holds", "shares"),
    [
        (row("a", "r"), True, True),
        (row("b", "r"), False, True),  # refreshed, by a provider that does not rotate
        (row("a", "s"), False, True),
        (row("b", "s"), False, False),
        (row("a", "r", 8), False, True),
        (Service(data=None), False, False),
    ],
)
def test_two_readings_of_a_row_are_compared_by_their_tokens(other, holds, shares):
    assert row("a", "r").holds_tokens_of(other) is other.holds_tokens_of(row("a", "r")) is holds
    assert row("a", "r").shares_token_with(other) is shares
    assert other.shares_token_with(row("a", "r")) is shares


def test_two_rows_without_tokens_share_none():
    assert not row(None, None).shares_token_with(row(None, None))
    assert not row("a", None).shares_token_with(row("b", None))
    assert row("a", None).shares_token_with(row("a", None))


@pytest.mark.parametrize(
    "data", [None, [], "text", {"accessToken": 7}, {"token": "t"}, {"tokens": 7}]
)
def test_what_other_programs_left_in_a_row_is_no_token(data):
    service = Service(data=data)
    assert (service.access_token, service.refresh_token, service.expires_at) == (None, None, None)
    assert service.account == Service(data={"account": "me"}).account == {}
