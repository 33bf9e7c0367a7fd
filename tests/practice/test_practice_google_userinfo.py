"""Signing in at the practice Google: scopes that are always granted, and who the person is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from google_world import BOTH, CALLBACK, DRIVE, SHEETS, World, query_of, text_of

from botkit.practice.browser.browser import Browser
from botkit.practice.google.scopes import EMAIL, OPENID

ME = "/oauth2/v2/userinfo"
SIGN_IN = f"{EMAIL} {OPENID}"
ALL = f"{EMAIL} {BOTH}"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.mark.parametrize("asked", [EMAIL, "email", f"{OPENID} email", f"email {EMAIL}"])
def test_the_email_address_is_granted_together_with_openid(world: World, asked: str) -> None:
    sent = world.decide(scope=asked, access_type="offline")
    fields = world.exchange(sent["code"]).json()
    assert (sent["scope"], fields["scope"]) == (SIGN_IN, SIGN_IN)
    assert world.refresh(fields["refresh_token"]).json()["scope"] == SIGN_IN


def test_openid_alone_does_not_bring_the_email_address(world: World) -> None:
    assert world.connect(scope=OPENID)["scope"] == OPENID


def test_on_the_consent_page_signing_in_is_named_but_is_no_tick_box(world: World) -> None:
    page = world.open(scope=ALL)
    assert re.findall(r'type="checkbox" name="scopes" value="([^"]+)"', page.text) == [
        DRIVE,
        SHEETS,
    ]
    assert "See your primary Google Account email address" in text_of(page)
    only = world.open(scope="email")
    assert "checkbox" not in only.text and "Take away the tick" not in only.text
    assert "primary Google Account email" not in text_of(world.open(scope=BOTH))


def test_whoever_unticks_everything_else_still_signs_in(world: World) -> None:
    assert world.decide(scope=ALL, tick="")["scope"] == SIGN_IN
    assert world.decide(scope=ALL, tick=SHEETS)["scope"] == f"{SHEETS} {SIGN_IN}"
    assert world.decide("deny", scope=ALL)["error"] == "access_denied"


def test_signing_in_is_not_granted_to_a_link_that_did_not_ask(world: World) -> None:
    assert world.decide(scope=BOTH, tick=f"{DRIVE} {SIGN_IN}")["scope"] == DRIVE


@pytest.mark.parametrize(("only", "granted"), [([], SIGN_IN), ([DRIVE], f"{DRIVE} {SIGN_IN}")])
def test_the_knob_for_certain_scopes_leaves_signing_in_alone(
    world: World, only: list[str], granted: str
) -> None:
    world.google.grant_only = only
    assert world.decide(scope=ALL)["scope"] == granted
    assert world.decide("deny", scope=ALL)["error"] == "access_denied"


def test_the_page_is_skipped_for_somebody_who_signed_in_before(world: World) -> None:
    world.decide(scope=f"{DRIVE} email")
    again = world.open(scope="email")
    assert (again.status_code, query_of(again.headers["Location"])["scope"]) == (302, SIGN_IN)
    assert "refresh_token" not in world.connect(scope="email", prompt="select_account")


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
def test_an_account_says_who_it_is(world: World, who: str) -> None:
    answer = world.call(world.token(scope="email", who=who), "GET", ME)
    fields = answer.json()
    assert (answer.status_code, fields.pop("id").isdecimal()) == (200, True)
    assert fields == {"email": f"{who}@practice.example", "verified_email": True}


def test_the_id_of_an_account_has_21_digits_and_never_changes(world: World) -> None:
    def ids(world: World) -> list[str]:
        tokens = [world.token(scope=OPENID, who=who) for who in ("alice", "bob", "mallory")]
        return [world.call(token, "GET", ME).json()["id"] for token in tokens]

    other = World()
    first, second = ids(world), ids(other)
    other.close()
    assert first == second and len(set(first)) == 3
    assert all(re.fullmatch(r"1\d{20}", each) for each in first)


def test_without_the_scope_for_it_the_email_address_is_left_out(world: World) -> None:
    assert world.call(world.token(scope=OPENID), "GET", ME).json().keys() == {"id"}


def test_fields_can_be_named_and_unknown_ones_are_refused(world: World) -> None:
    token = world.token(scope="email")
    answer = world.call(token, "GET", ME, fields="email")
    assert answer.json() == {"email": "alice@practice.example"}
    for wrong in ({"fields": "emial"}, {"colour": "blue"}):
        assert world.call(token, "GET", ME, **wrong).status_code == 400


def test_without_a_sign_in_scope_nobody_says_who_it_is(world: World) -> None:
    answer = world.call(world.token(scope=BOTH), "GET", ME)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (403, 403, "PERMISSION_DENIED")
    (detail,) = error["details"]
    assert detail["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert detail["metadata"] == {"service": "oauth2.googleapis.com"}


def test_without_a_live_token_the_answer_is_401(world: World) -> None:
    token = world.token(scope="email")
    world.google.revoke("alice")
    answers = [requests.get(world.server.url + ME), world.call(token, "GET", ME)]
    sentences = ["Request is missing required", "Request had invalid"]
    for answer, sentence in zip(answers, sentences, strict=True):
        error = answer.json()["error"]
        assert (answer.status_code, error["status"]) == (401, "UNAUTHENTICATED")
        assert error["message"].startswith(f"{sentence} authentication credential")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_the_scripted_browser_approves_everything_in_one_step(world: World) -> None:
    browser = Browser()
    browser.stop_before = CALLBACK
    page = browser.visit(world.open(scope=ALL).url).approve()
    assert page.url.startswith(f"{CALLBACK}?")
    sent = query_of(page.url)
    assert sent["scope"] == f"{BOTH} {SIGN_IN}"
    assert world.exchange(sent["code"]).status_code == 200
    again = browser.visit(world.open(scope=ALL).url)  # asks nothing this time
    assert again.approve() is again and "code" in query_of(again.url)


def test_the_scripted_browser_denies_in_one_step(world: World) -> None:
    browser = Browser()
    browser.stop_before = CALLBACK
    page = browser.visit(world.open(scope=ALL).url).deny()
    assert query_of(page.url) == {"error": "access_denied", "state": "s"}


def test_the_scripted_browser_unticks_every_box(world: World) -> None:
    browser = Browser()
    browser.stop_before = CALLBACK
    page = browser.visit(world.open(scope=ALL).url).choose(scopes=[]).approve()
    assert query_of(page.url)["scope"] == SIGN_IN
    assert urlsplit(page.url).path == "/google/oauth"
