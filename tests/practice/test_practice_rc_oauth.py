"""The practice RingCentral's OAuth: the link, the consent page, and the exchange of a code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from rc_world import ACCOUNT, CALLBACK, CHALLENGE, VERIFIER, World, api_error, query_of, token_error

from botkit.practice.browser.browser import Browser

S256 = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
BAD_CODE = (400, "invalid_grant", "OAU-106")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


# ---- the link and the page ---------------------------------------------------------------------


def test_an_approval_leads_back_with_a_code_that_lasts_a_minute_and_the_state(world: World) -> None:
    page = world.open(scope="anything at all", display="popup", prompt="login sso", ui_locales="de")
    assert page.status_code == 200 and "Assistant" in page.text
    back = query_of(world.decide(state="a b&c=d 🐙"))
    assert back == {"code": back["code"], "state": "a b&c=d 🐙", "expires_in": "60"}


def test_a_denial_leads_back_with_an_error_and_the_state(world: World) -> None:
    back = query_of(world.decide("deny", state="x"))
    assert back == {"error": "access_denied", "state": "x"}


def test_the_scripted_browser_is_alice_unless_somebody_else_is_chosen(world: World) -> None:
    for choices, cookies, hint, owner in [
        ({}, {}, "", "2101001"),
        ({"account": "Bob"}, {}, "", "2101002"),
        ({}, {"ringcentral_account": "mallory"}, "", "2101003"),
        ({}, {"ringcentral_account": "mallory"}, "bob@practice.example", "2101002"),
    ]:
        browser = Browser(cookies)
        browser.stop_before = CALLBACK
        page = browser.visit(world.link(login_hint=hint)).choose(**choices)
        assert page.buttons == ["Approve", "Deny"]
        code = parse_qs(urlsplit(page.approve().url).query)["code"][0]
        assert world.exchange(code).json()["owner_id"] == owner
        assert not choices or browser.session.cookies["ringcentral_account"] == "Bob"
    assert "error=access_denied" in browser.visit(world.link()).deny().url


def test_the_page_names_app_and_address_and_keeps_others_out(world: World) -> None:
    evil_id, _ = world.chat.register_app("<b>Evil</b>", [CALLBACK])
    page = world.open(client_id=evil_id)
    assert "<b>Evil" not in page.text and "&lt;b&gt;Evil" in page.text
    assert (
        CALLBACK in page.text and "Practice world: nothing here leaves this computer." in page.text
    )
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    forged = world.decide(headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 403 and "Location" not in forged.headers
    for form in ({"decision": "approve", "account": "eve"}, {"account": "Alice"}, {}):
        assert world.browser.post(world.link(), data=form).status_code == 400
    assert world.chat.ledger.codes == {}


@pytest.mark.parametrize(
    "params",
    [
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": [CALLBACK, "https://evil.example/"]},
        {"client_id": "unknown"},
        {"client_id": ""},
        {"client_id": "practice-bot-app"},
        {"state": ["one", "two"]},
        {"response_type": 'code\r\n"'},
    ],
    ids=str,
)
@pytest.mark.parametrize("how", ["open", "decide"])
def test_a_link_that_is_not_the_apps_own_ends_on_a_page(
    world: World, params: dict[str, Any], how: str
) -> None:
    answer = getattr(world, how)(**params)
    assert answer.status_code == 400 and "Location" not in answer.headers
    assert "This link is not right" in answer.text and world.chat.ledger.codes == {}


def test_what_else_is_wrong_with_a_link_is_told_to_the_app(world: World) -> None:
    wrong = {"response_type": "token"}
    assert query_of(world.open(**wrong))["error"] == "unsupported_response_type"
    for wrong in ({"code_challenge": "short"}, S256 | {"code_challenge_method": "S512"}):
        back = query_of(world.open(**wrong))
        assert (back["error"], back["state"]) == ("invalid_request", "s")


def test_one_registered_redirect_uri_may_be_left_out_and_two_may_not(world: World) -> None:
    code = query_of(world.decide(redirect_uri=""))["code"]
    assert world.exchange(code, redirect_uri=None).status_code == 200
    world.chat.change_redirect_uris(world.client_id, [CALLBACK, "https://bot.example/oauth"])
    assert world.open(redirect_uri="").status_code == 400
    assert world.open(redirect_uri="https://bot.example/oauth").status_code == 200
    for uri in ("bot.example/oauth", "ftp://bot.example/", "https://bot.example/#x"):
        with pytest.raises(ValueError, match="whole web address"):
            world.chat.change_redirect_uris(world.client_id, [uri])


def test_with_prompt_none_only_who_has_agreed_before_is_sent_on(world: World) -> None:
    def unasked(**params: str) -> dict[str, str]:
        return query_of(world.open(prompt="none", **params))

    assert unasked() == {"error": "interaction_required", "state": "s"}
    world.decide()
    assert "code" in unasked()
    assert unasked(login_hint="bob")["error"] == "interaction_required"
    world.chat.revoke("Alice")
    assert unasked()["error"] == "interaction_required"


# ---- the exchange ------------------------------------------------------------------------------


def test_a_code_becomes_a_session_of_the_person_who_approved(world: World) -> None:
    answer = world.connect("Bob")
    (session,) = world.chat.sessions
    assert answer == {
        "access_token": session.pair.access_token,
        "token_type": "bearer",
        "expires_in": 3600,
        "refresh_token": session.pair.refresh_token,
        "refresh_token_expires_in": 604800,
        "scope": "ReadAccounts EditExtensions ReadPresence EditPresence",
        "owner_id": "2101002",
        "endpoint_id": session.endpoint_id,
        "session_id": session.id,
    }
    assert session.owner.name == "Bob"


@pytest.mark.parametrize(
    ("wish", "seconds"), [("1", 600), ("600", 600), ("1200", 1200), ("99999", 3600)]
)
def test_the_access_token_lives_as_long_as_was_wished_within_limits(
    world: World, wish: str, seconds: int
) -> None:
    assert world.connect(access_token_ttl=wish)["expires_in"] == seconds


REFUSED: dict[str, tuple[dict[str, Any], tuple[int, str, str]]] = {
    "a made-up code": ({"code": "made up"}, BAD_CODE),
    "no code": ({"code": None}, (400, "invalid_request", "OAU-106")),
    "two codes": ({"code": ["a", "b"]}, (400, "invalid_request", "OAU-111")),
    "another redirect URI": ({"redirect_uri": "http://x/"}, (400, "invalid_grant", "OAU-109")),
    "no redirect URI": ({"redirect_uri": None}, (400, "invalid_grant", "OAU-109")),
    "a wrong secret": ({"secret": "x"}, (401, "invalid_client", "OAU-146")),
    "an unknown app": ({"auth": ("x", "x")}, (401, "invalid_client", "OAU-146")),
    "no Basic header": ({"auth": None}, (401, "invalid_client", "OAU-146")),
    "a grant of its own": ({"grant_type": "x"}, (400, "unsupported_grant_type", "OAU-112")),
    "a life time in words": ({"access_token_ttl": "1 h"}, (400, "invalid_request", "CMN-101")),
    "a wrong verifier": ({"code_verifier": VERIFIER[::-1]}, BAD_CODE),
    "no verifier": ({"code_verifier": None}, BAD_CODE),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_exchange_is_refused_by_name_and_the_code_stays_good(world: World, what: str) -> None:
    code = world.code(**S256)
    changes, expected = REFUSED[what]
    form = {"code": code, "code_verifier": VERIFIER} | changes
    if "secret" in form:
        form["auth"] = (world.client_id, form.pop("secret"))
    assert token_error(world.exchange(**form)) == expected
    assert world.chat.sessions == []
    assert world.exchange(code, code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize(
    "header", [b"Basic", b"Basic ", b"Basic \xe9", b"Basic /////w==", b"Bearer x"]
)
def test_a_header_that_is_no_basic_one_is_nobodys(world: World, header: bytes) -> None:
    url, form = f"{world.server.url}/restapi/oauth/token", {"grant_type": "refresh_token"}
    answer = requests.post(url, data=form, headers={"Authorization": header})
    assert token_error(answer) == (401, "invalid_client", "OAU-146")


def test_a_verifier_may_be_plain_and_none_may_come_where_none_was_announced(world: World) -> None:
    plain = world.code(code_challenge=VERIFIER)
    assert token_error(world.exchange(plain, code_verifier=CHALLENGE)) == BAD_CODE
    assert world.exchange(plain, code_verifier=VERIFIER).status_code == 200
    assert token_error(world.exchange(world.code(), code_verifier=VERIFIER)) == BAD_CODE


def test_a_code_works_once_for_a_minute_and_for_its_own_app(world: World) -> None:
    code = world.code()
    assert world.exchange(code).status_code == 200
    assert token_error(world.exchange(code)) == BAD_CODE
    other = world.chat.register_app("Other", [CALLBACK])
    for app in (other, world.chat.registration):
        stolen = world.exchange(world.code(), auth=app)
        assert token_error(stolen) == (400, "invalid_grant", "OAU-110")
    late = world.code()
    world.time += timedelta(seconds=60)
    assert token_error(world.exchange(late)) == (400, "invalid_grant", "OAU-108")


def test_of_32_exchanges_of_one_code_one_wins(world: World) -> None:
    code = world.code()
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: world.exchange(code), range(32)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 31}
    assert len(world.chat.sessions) == 1


def test_the_bot_and_an_app_share_the_token_endpoint_but_not_what_they_may_do(world: World) -> None:
    bot_token = world.chat.new_bot_token(world.chat.person("Alice").id)
    assert api_error(world.call(bot_token)) == (401, "OAU-232", None)  # no bot is installed
    token = world.connect()["access_token"]
    for path in ("/restapi/v1.0/subscription", "/team-messaging/v1/chats/1/posts"):
        assert api_error(world.call(token, path)) == (403, "CMN-401", None)
    refused = world.refresh("x", auth=world.chat.registration)
    assert token_error(refused) == (400, "unauthorized_client", "OAU-112")


def test_a_token_counts_in_the_header_alone(world: World) -> None:
    token = world.connect()["access_token"]
    url = world.server.url + ACCOUNT
    assert api_error(requests.get(url, params={"access_token": token}))[:2] == (401, "AGW-401")
    assert world.call(token, ACCOUNT).status_code == 200
