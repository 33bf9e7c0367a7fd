"""The practice Google's consent: links, pages, and what people agree to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from google_world import BOTH, CALLBACK, DRIVE, SHEETS, World, query_of, text_of

from botkit.practice.browser.browser import Browser
from botkit.practice.google.server import Google


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_the_consent_page_says_who_asks_for_what_and_where_it_leads(world: World) -> None:
    page = world.open(scope=BOTH)
    assert page.status_code == 200
    assert "<h1>My bot wants access to your Google Account</h1>" in page.text
    for words in ("alice@practice.example", CALLBACK, "nothing here leaves this computer"):
        assert words in text_of(page)
    boxes = re.findall(r'type="checkbox" name="scopes" value="([^"]+)" checked', page.text)
    assert boxes == [DRIVE, SHEETS]
    assert re.findall(r'name="decision" value="(\w+)"', page.text) == ["approve", "deny"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("iss", ["right", "missing", "wrong"])
def test_a_callback_carries_code_state_scope_and_the_issuer(world: World, iss: str) -> None:
    world.google.iss = iss
    sent = world.decide(scope=BOTH, state="a b/c")
    expected = {"right": {"iss": world.server.url}, "wrong": {"iss": "https://not-google.example"}}
    assert sent.pop("code").startswith("4/")
    assert sent == {"state": "a b/c", "scope": BOTH, "authuser": "0"} | expected.get(iss, {})


def test_a_denial_goes_back_with_its_state_and_without_a_code(world: World) -> None:
    assert world.decide("deny") == {"error": "access_denied", "state": "s"}


def test_an_unticked_scope_is_not_granted_and_asked_for_again(world: World) -> None:
    code = world.decide(scope=BOTH, tick=SHEETS, access_type="offline")["code"]
    fields = world.exchange(code).json()
    assert fields["scope"] == SHEETS
    assert world.refresh(fields["refresh_token"]).json()["scope"] == SHEETS
    assert world.open(scope=BOTH).status_code == 200
    assert world.open(scope=SHEETS).status_code == 302


def test_a_person_who_unticks_everything_has_denied(world: World) -> None:
    assert world.decide(scope=BOTH, tick="")["error"] == "access_denied"
    assert world.open(scope=DRIVE).status_code == 200


def test_nobody_can_grant_more_than_was_asked(world: World) -> None:
    assert world.decide(scope=DRIVE, tick=BOTH)["scope"] == DRIVE


def test_people_can_be_told_to_grant_certain_scopes_only(world: World) -> None:
    world.google.grant_only = [SHEETS]
    assert world.decide(scope=BOTH)["scope"] == SHEETS
    assert world.decide(scope=DRIVE)["error"] == "access_denied"


def test_scopes_granted_before_are_included_only_when_the_link_says_so(world: World) -> None:
    world.decide(scope=DRIVE)
    assert world.decide(scope=SHEETS)["scope"] == SHEETS
    assert world.decide(scope=SHEETS, include_granted_scopes="true")["scope"] == BOTH


def test_the_page_is_skipped_for_what_the_project_was_granted_before(world: World) -> None:
    world.decide(scope=BOTH)
    again = world.open(scope=DRIVE)
    assert (again.status_code, query_of(again.headers["Location"])["scope"]) == (302, DRIVE)
    assert world.open(prompt="select_account").status_code == 200
    assert world.open(prompt="consent").status_code == 200
    assert world.open(prompt="select_account consent").status_code == 200


def test_prompt_none_shows_no_page_at_all(world: World) -> None:
    refused = world.open(prompt="none")
    sent = query_of(refused.headers["Location"])
    assert (refused.status_code, sent) == (302, {"error": "interaction_required", "state": "s"})
    world.decide()
    assert "code" in query_of(world.open(prompt="none").headers["Location"])


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"redirect_uri": f"{CALLBACK}/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": CALLBACK.upper()}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": CALLBACK.replace("http:", "https:")}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": f"{CALLBACK}?x=1"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": 'https://evil.example/"<é>'}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"response_type": ""}, 400, "invalid_request"),
        ({"response_type": 'token "é"'}, 400, "unsupported_response_type"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"scope": f"{DRIVE} made.up"}, 400, "invalid_scope"),
        ({"access_type": "sometimes"}, 400, "invalid_request"),
        ({"prompt": "none consent"}, 400, "invalid_request"),
        ({"prompt": "please"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"code_challenge_method": "S512", "code_challenge": "x" * 43}, 400, "invalid_request"),
    ],
)
def test_a_wrong_link_ends_on_a_page_of_googles_and_is_never_redirected(
    world: World, wrong: dict[str, str], status: int, error: str
) -> None:
    page = world.open(**wrong)
    assert (page.status_code, page.headers.get("Location")) == (status, None)
    assert f"Error {status}: {error}" in text_of(page)
    assert "<é>" not in page.text


def test_the_mismatch_page_shows_the_redirect_uri_that_was_sent(world: World) -> None:
    assert f"{CALLBACK}/elsewhere" in text_of(world.open(redirect_uri=f"{CALLBACK}/elsewhere"))


def test_a_parameter_sent_twice_gets_a_page(world: World) -> None:
    page = requests.get(f"{world.open().url}&state=t", allow_redirects=False)
    assert (page.status_code, page.headers.get("Location")) == (400, None)


def test_an_embedded_browser_is_not_let_in(world: World) -> None:
    world.browser.headers["User-Agent"] = "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) Chrome/130"
    page = world.open()
    assert (page.status_code, page.headers.get("Location")) == (403, None)
    assert "Error 403: disallowed_useragent" in text_of(page)


@pytest.mark.parametrize("form", [{}, {"decision": "maybe", "account": "alice"}])
def test_a_form_that_says_neither_yes_nor_no_decides_nothing(
    world: World, form: dict[str, str]
) -> None:
    answer = world.browser.post(world.open().url, data=form, allow_redirects=False)
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def checked_account(page: requests.Response) -> str:
    (email,) = re.findall(r'type="radio" name="account" value="([^"]+)" checked', page.text)
    return str(email)


def test_the_account_comes_from_the_cookie_the_link_or_the_choice_on_the_page(
    world: World,
) -> None:
    assert checked_account(world.open()) == "alice@practice.example"
    assert checked_account(world.open(login_hint="bob")) == "bob@practice.example"
    world.decide(who="mallory")
    assert checked_account(world.open(prompt="select_account")) == "mallory@practice.example"
    world.browser.cookies.clear()
    world.browser.cookies.set("google_account", "bob", domain="127.0.0.1")
    assert checked_account(world.open()) == "bob@practice.example"


def test_a_link_cannot_approve_in_the_name_of_another_account(world: World) -> None:
    world.decide(who="alice")
    world.decide(who="mallory")
    assert world.open(login_hint="alice").status_code == 200
    assert "code" not in query_of(world.open(login_hint="alice", prompt="none").headers["Location"])


@pytest.mark.parametrize(
    "uri",
    [
        "http://bot.example/google/oauth",
        "https://203.0.113.7/google/oauth",
        "https://[2001:db8::1]/oauth",
        "https://bot/google/oauth",
        "https://*.bot.example/oauth",
        "https://me@bot.example/oauth",
        "https://bot.example/a/../oauth",
        "https://bot.example/oauth#there",
        "ftp://127.0.0.1/oauth",
        "bot.example/oauth",
    ],
)
def test_the_console_does_not_register_such_a_redirect_uri(uri: str) -> None:
    world = World()
    google: Google = world.google
    world.close()
    with pytest.raises(ValueError, match="Google takes only"):
        google.register_client("Other", [uri])
    with pytest.raises(ValueError, match="Google takes only"):
        google.change_redirect_uris(world.client_id, [CALLBACK, uri])
    assert google.clients[world.client_id].redirect_uris == [CALLBACK]


def test_the_redirect_uris_of_a_client_can_change(world: World) -> None:
    moved = "https://bot.example/google/oauth"
    world.google.change_redirect_uris(world.client_id, [moved])
    assert world.open().status_code == 400
    assert world.open(redirect_uri=moved).status_code == 200


def test_the_scripted_browser_unticks_a_scope_and_approves(world: World) -> None:
    browser = Browser()
    browser.stop_before = CALLBACK
    page = browser.visit(world.open(scope=BOTH).url)
    page = page.choose(account="bob@practice.example", scopes=[SHEETS]).approve()
    assert query_of(page.url)["scope"] == SHEETS
