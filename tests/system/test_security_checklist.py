"""The security checklist: each item of it, and the test that shows that it holds here.

The items are those of RFC 9700 (BCP 240, "Best Current Practice for OAuth 2.0 Security") that
concern a client such as this bot, and behind them what any bot with other people's tokens owes
them.  Each test is named after its item, says in its docstring what is asked, and tries it on the
whole bot over real HTTP.  Most guards have closer tests of their own elsewhere.

Where an item does not apply, a comment stands in its place, or a test that shows why.
"""

from __future__ import annotations

import hmac
import json
import logging
import math
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests
from checklist_world import EVIL, MARKUP, PACKAGE, WORD, NowhereStored, World, at_once
from checklist_world import query_of as parameters
from checklist_world import strings_after as written_in_our_code_after

from botkit import providers
from botkit.errors import SettingsError, StorageError, WrongKey
from botkit.oauth import api_session, auth_link
from botkit.practice.github.oauth import S256Only
from botkit.settings import load_settings
from botkit.storage import Seal, Storage, new_key


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def confirming() -> Iterator[World]:
    """The bot as it is live: a connection counts once its code is said in the chat."""
    world = World(confirm=True)
    yield world
    world.close()


@pytest.fixture
def two_services() -> Iterator[World]:
    world = World("github", "drive")
    yield world
    world.close()


# ---- 2.1 and 4.7: the answer belongs to the link, and the link to a person -----------------------
#
# "Bound to the user agent" is done with a cookie where a web page gives out the link.  Here a chat
# gives it out, which has no cookies.  So the bond is made at the other end: the browser that
# approved shows a code, and the person who asked says it in the chat (botkit/skills/confirm.py).


def test_rfc9700_4_7_csrf_a_forwarded_link_attaches_nobodys_account_to_anothers_chat(confirming):
    """The user agent that brings the answer must be that of the person who began."""
    confirming.link(confirming.mallory)
    page = confirming.alice.browser.visit(confirming.mallory.link).approve()
    assert page.heading == "One more step" and "tell nobody the code" in page.text
    assert "Connected" not in confirming.alice.confirm(page).text  # she did not ask
    for guess in ("000000", "123456"):
        assert "Connected" not in confirming.say(
            confirming.mallory, guess
        )  # and Mallory does not know
    assert confirming.rows == []


def test_rfc9700_4_7_csrf_a_code_that_somebody_else_says_is_spent_and_its_token_revoked(confirming):
    """Alice is tricked into saying Mallory's code aloud; Mallory hears it, and repeats it."""
    confirming.link(confirming.mallory)
    page = confirming.alice.browser.visit(confirming.mallory.link).approve()
    assert "Connected" not in confirming.alice.confirm(page).text
    assert confirming.grants == set()
    assert "Connected" not in confirming.mallory.confirm(page, chat="Team").text
    assert confirming.rows == []


def test_rfc9700_4_7_csrf_a_code_can_be_guessed_five_times_and_no_more(confirming):
    """However the guesses are said: after them the right code is worth nothing, too."""
    confirming.link(confirming.mallory)
    page = confirming.alice.browser.visit(confirming.mallory.link).approve()
    code = int(re.search(r"\b\d{3} \d{3}\b", page.text)[0].replace(" ", ""))
    for number in range(1, 6):
        confirming.say(confirming.mallory, f"it is {(code + number) % 10**6:06d}, I think")
    assert "Connected" not in confirming.mallory.confirm(page, chat="Team").text
    assert confirming.rows == [] and confirming.grants == set()


def test_rfc9700_4_7_csrf_a_link_that_is_asked_for_in_a_team_is_for_its_asker_alone(confirming):
    """Where everybody reads, somebody else would follow it, and approve with an account of his."""
    assert "http" not in confirming.say(confirming.alice, "profile", chat="Team")
    assert confirming.alice.link.startswith(confirming.kit.github.authorize_url)


def test_rfc9700_4_7_csrf_a_strangers_account_is_not_slipped_into_my_chat(confirming):
    """The other way round: an attacker approves with an account of his own, in my place."""
    confirming.link(confirming.alice)
    confirming.mallory.browser.visit(confirming.alice.link).approve()
    assert "not connected yet" in confirming.alice.say("profile").text
    confirming.kit.clock.advance(minutes=11)
    confirming.kit.bot.confirmation.delete_expired()
    assert confirming.rows == [] and confirming.grants == set()


def test_rfc9700_4_7_csrf_an_answer_without_a_link_of_ours_is_refused(world):
    """An attacker sends my browser to the callback with a code of his and a state of his making."""
    stolen = world.answer(world.mallory)
    for state in ("", "guessed", "0" * 43, stolen["code"]):
        assert world.open(stolen | {"state": state}).status_code == 400
    assert world.open({"code": stolen["code"]}).status_code == 400
    assert world.token_requests == 0 and world.rows == []


def test_rfc9700_4_2_4_a_state_is_spent_by_its_first_use(world):
    """Of 16 equal callbacks one alone may reach the token endpoint; so may none of a later time."""
    answer = world.answer(world.alice)
    statuses = at_once(16, lambda: world.open(answer).status_code)
    assert sorted(statuses) == [200] + [409] * 15
    assert world.open(answer).status_code == 409
    assert world.token_requests == 1 and len(world.rows) == 1


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", "X-Moz"])
def test_rfc9700_4_2_4_a_browser_that_only_looks_ahead_spends_no_state(world, header):
    """A prefetch is not the person's: the callback that comes after it must still work."""
    answer = world.answer(world.alice)
    assert world.open(answer, **{header: "prefetch"}).status_code == 204
    assert world.token_requests == 0 and world.open(answer).status_code == 200


def test_rfc9700_4_2_4_a_state_is_also_spent_by_a_denial(world):
    """Whatever the first answer was, a second one for the same link is none."""
    answer = world.answer(world.alice)
    denial = {"error": "access_denied", "state": answer["state"]}
    assert world.open(denial).status_code == 403
    assert world.open(answer).status_code == 409 and world.rows == []


def test_rfc6749_10_10_a_state_cannot_be_guessed(world):
    """Ten thousand states: no two alike, and more than 128 random bits in each."""
    nowhere = NowhereStored()
    who = {"bot_id": "b", "group_id": "g", "user_id": "u", "redirect_uri": world.address}
    for _ in range(10_000):
        auth_link(nowhere, world.kit.github, **who)
    assert len(set(nowhere.states)) == 10_000
    bits = sum(math.log2(len(set(place))) for place in zip(*nowhere.states, strict=True))
    assert bits >= 128


def test_rfc9700_4_7_a_state_expires(world):
    """A link works for ten minutes, and not a second longer."""
    answer = world.answer(world.alice)
    world.kit.clock.advance(minutes=10 + 1 / 60)
    assert world.open(answer).status_code == 410
    assert world.token_requests == 0 and world.rows == []


# ---- 2.1.1, 4.5 and 4.8: PKCE --------------------------------------------------------------------


def test_rfc9700_2_1_1_pkce_with_s256_and_a_new_verifier_for_every_link(world):
    """Clients must use PKCE, with a method that does not show the verifier: S256, never plain."""
    links = [world.link(world.alice) for _ in range(3)]
    assert {link["code_challenge_method"] for link in links} == {"S256"}
    assert len({link["code_challenge"] for link in links}) == 3
    for link in links:
        verifier = world.storage.claim_authorization(link["state"], provider="GitHub").verifier
        assert len(verifier) >= 43 and verifier not in link.values()  # RFC 7636, section 4.1


def test_rfc9700_2_1_1_a_code_is_worth_nothing_with_another_links_verifier(world):
    """Two trips at the same time, of one person: their codes are swapped on the way."""
    first, second = world.answer(world.alice), world.answer(world.alice)
    swapped = world.open(first | {"code": second["code"]})
    assert swapped.status_code == 502 and "bad_verification_code" in swapped.text
    assert world.rows == []


def test_rfc9700_4_5_a_stolen_code_cannot_be_injected_into_the_thiefs_own_trip(world):
    """Mallory brings Alice's code together with a good state of his own."""
    stolen, own = world.answer(world.alice), world.answer(world.mallory)
    assert world.open(own | {"code": stolen["code"]}).status_code == 502
    assert world.rows == [] and "not connected yet" in world.say(world.mallory, "profile")


def test_rfc9700_4_7_1_where_a_provider_does_not_know_pkce_the_state_still_guards(
    world, monkeypatch
):
    """PKCE may stand in for the state only if the server is known to support it: we keep both."""
    monkeypatch.setattr(S256Only, "validate_code_verifier", lambda *_: None)
    own, asked = world.answer(world.mallory), world.link(world.alice)
    assert world.open(own | {"state": "made up"}).status_code == 400
    assert world.open({"code": own["code"]}).status_code == 400
    assert world.token_requests == 0 and world.rows == []
    answer = world.approved(world.alice.link, world.alice.browser)
    assert answer["state"] == asked["state"] and world.open(answer).ok  # PKCE is really off


# ---- 2.1 and 4.1: redirect URIs ------------------------------------------------------------------


@pytest.fixture
def drive() -> Iterator[World]:
    """Google compares letter by letter; GitHub would let a deeper path pass."""
    world = World("drive")
    yield world
    world.close()


@pytest.mark.parametrize("change", ["{}/", "{}x", "{}?a=b", "{}/..", "{}%2f"])
def test_rfc9700_2_1_the_redirect_uri_is_compared_exactly(drive, change):
    """The server takes the registered address and no other: ours works, a neighbour's does not."""
    sent = drive.link(drive.alice, "bind")["redirect_uri"]
    changed = drive.alice.link.replace(quote(sent, ""), quote(change.format(sent), ""))
    page = drive.alice.browser.visit(changed)
    assert page.status == 400 and "redirect_uri_mismatch" in page.text
    assert drive.connect(drive.alice, "bind").heading == "Connected"


def test_rfc9700_4_1_the_redirect_uri_is_the_same_in_both_steps(drive):
    """The token request repeats that of the link, also if the bot has moved to another address."""
    answer = drive.answer(drive.alice, "bind")
    drive.kit.bot.address = "http://127.0.0.1:9"
    assert drive.open(answer, "/google/oauth").ok and len(drive.rows) == 1


def test_rfc9700_4_11_the_bot_is_no_open_redirector(two_services):
    """No address of the bot may send a browser to a place that the request names."""
    answer = two_services.answer(two_services.alice)
    tail = f"next={EVIL}&url={EVIL}&redirect_uri={EVIL}&return_to={EVIL}"
    paths = ["/", "//evil.example", "/github//oauth", "/github/oauth/", "/static//page.css", "/bot"]
    paths += ["/%2F%2Fevil.example", "/\\evil.example", "/health/", "/github/oauth", "/bot/oauth"]
    for path in paths:
        for query in (tail, f"{tail}&code=c&state=s", f"{tail}&code=c&state={answer['state']}"):
            page = two_services.get(f"{path}?{query}", Host="evil.example")
            assert page.status_code not in range(300, 400) and "Location" not in page.headers
            assert "evil.example" not in page.text


# ---- 4.4: mix-up ---------------------------------------------------------------------------------


def test_rfc9700_4_4_an_answer_that_names_another_issuer_is_refused(two_services):
    """`iss` is checked where a server sends it (RFC 9207), before the code is sent anywhere."""
    google = two_services.kit.bot.provider("GoogleDrive").issuer
    for issuer in (google, "https://github.com/login/oauth", EVIL, ""):
        answer = two_services.answer(two_services.alice)
        assert answer["iss"] == two_services.kit.github.issuer != issuer
        assert two_services.open(answer | {"iss": issuer}).status_code == 400
    twice = two_services.answer(two_services.alice)
    page = two_services.get(f"/github/oauth?iss={quote(twice['iss'])}&{_query(twice)}")
    assert page.status_code == 400 and "does not come from GitHub" in page.text
    assert two_services.token_requests == 0 and two_services.rows == []


def test_rfc9700_4_4_a_server_that_promises_its_name_must_send_it(two_services):
    """Without `iss` the answer may be another server's (RFC 9207, section 2.4)."""
    object.__setattr__(two_services.kit.github, "sends_issuer", True)
    answer = two_services.answer(two_services.alice)
    assert two_services.open(answer | {"iss": ""}).status_code == 400
    answer = two_services.answer(two_services.alice)
    del answer["iss"]
    assert two_services.open(answer).status_code == 400
    assert two_services.token_requests == 0 and two_services.rows == []


def test_rfc9700_4_4_2_every_provider_has_a_redirect_uri_of_its_own(two_services):
    """So that an answer, also one without `iss`, cannot be taken for another server's."""
    bot = two_services.kit.bot
    assert len({bot.callback_url(provider) for provider in bot.providers}) == 2
    answer = two_services.answer(two_services.alice)
    del answer["iss"]
    page = two_services.open(answer, "/google/oauth")
    assert page.status_code == 400 and "made for GitHub" in page.text
    assert two_services.token_requests == 0 and two_services.rows == []
    assert two_services.open(answer).ok  # where it belongs


# ---- 2.1.2 and 2.4: grants that are not used -----------------------------------------------------


def test_rfc9700_2_1_2_and_2_4_neither_the_implicit_nor_the_password_grant():
    """Tokens do not travel through a browser, and the bot never asks for anybody's password."""
    assert set(written_in_our_code_after("response_type")) == {"code"}
    grants = set(written_in_our_code_after("grant_type"))
    assert grants == {"authorization_code", "refresh_token"}


# ---- 2.2.2 and 4.14: refresh tokens --------------------------------------------------------------


@pytest.fixture
def expiring(world) -> World:
    """Alice is connected, with a token that ends after eight hours and a refresh token."""
    world.kit.world.github.apps[world.kit.github.client_id].expire_tokens = True
    assert world.connect(world.alice).heading == "Connected"
    return world


def test_rfc9700_4_14_a_refresh_token_is_used_once_however_many_need_it(expiring):
    """Each works once and brings the next.  (With processes: see tests/core/test_refresh.py.)"""
    (row,) = expiring.rows
    expiring.kit.clock.advance(hours=8)
    storage, provider = expiring.storage, expiring.kit.github
    answers = at_once(20, lambda: api_session(storage, provider, row).get("/user").status_code)
    assert answers == [200] * 20
    assert expiring.token_requests == 2  # the code, and one refresh
    assert expiring.rows[0].refresh_token not in (None, row.refresh_token)


def test_rfc9700_4_14_a_refresh_token_that_somebody_else_has_used_is_the_end(expiring):
    """The server sees the same one twice and says no; we ask the person, and do not knock again."""
    github, (row,) = expiring.kit.github, expiring.rows
    stolen = {"grant_type": "refresh_token", "refresh_token": row.refresh_token}
    app = {"client_id": github.client_id, "client_secret": github.client_secret}
    assert "access_token" in requests.post(github.token_url, data=stolen | app).text
    expiring.kit.clock.advance(hours=8)
    for _ in range(3):
        said = expiring.alice.say("profile").text
        assert "no longer accepts this connection" in said and "Connect your" in said
    assert expiring.rows[0].data["needsReconnect"] is True
    assert expiring.token_requests == 3  # the code, the thief's, and one of ours


# ---- 2.3: least privilege ------------------------------------------------------------------------

MINIMUM = {
    "GitHub": {"read:user"},
    "GoogleDrive": {f"{providers.GOOGLE_SCOPE}/drive.readonly"},
    "GoogleSheets": {f"{providers.GOOGLE_SCOPE}/spreadsheets"},
    "RingCentral": set(),  # there the scopes belong to the app
}
WHOSE_ACCOUNT = f"{providers.GOOGLE_SCOPE}/userinfo.email"


def test_rfc9700_2_3_the_links_ask_for_the_least_that_will_do():
    """What the commands need, and at Google to learn whose account it is; nothing for later."""
    world = World("github", "drive", "sheets", "ringcentral")
    try:
        for skill in world.kit.bot.services:
            asked = set(world.link(world.alice, skill.words[0]).get("scope", "").split())
            assert asked - {WHOSE_ACCOUNT} == MINIMUM[skill.provider.name]
    finally:
        world.close()


def test_rfc9700_2_3_where_less_was_granted_less_is_done(drive):
    """People may untick a box: the bot says what it cannot do, and does not try."""
    drive.kit.world.google.grant_only = []
    assert "Not granted: drive.readonly" in drive.connect(drive.alice, "bind").text
    assert "I cannot watch it" in drive.alice.reads().text
    assert not [one for one in drive.seen if one.path.startswith("/drive/")]


# ---- 2.5: client authentication, and secrets in general ------------------------------------------


def test_rfc9700_2_5_the_client_authenticates_at_the_token_endpoint(world):
    """A code, and its verifier, are worth nothing without the client's secret."""
    answer = world.answer(world.alice)
    github = world.kit.github
    verifier = world.storage.claim_authorization(answer["state"], provider="GitHub").verifier
    form = {"code": answer["code"], "code_verifier": verifier, "client_id": github.client_id}
    form["redirect_uri"] = world.kit.callback_url
    assert "access_token" not in requests.post(github.token_url, data=form).text
    secret = {"client_secret": github.client_secret}  # all the rest was right
    assert "access_token" in requests.post(github.token_url, data=form | secret).text


def test_rfc9700_2_5_no_secret_in_a_url_a_log_a_page_a_message_or_a_display(
    two_services, caplog, capfd
):
    """After two whole trips, every place where a person or a log keeper could look."""
    caplog.set_level(logging.DEBUG)
    kit, alice = two_services.kit, two_services.alice
    pages = [two_services.connect(alice), two_services.connect(alice, "bind")]
    alice.say("profile")
    (bot,) = two_services.storage.find_bots()
    registrations = kit.settings.registrations.values()
    secrets = [registration.client_secret for registration in registrations]
    secrets += [bot.token["access_token"], bot.data["verificationToken"]]
    secrets += [row.access_token for row in two_services.rows]
    secrets += [row.refresh_token for row in two_services.rows if row.refresh_token]
    assert len(secrets) == 8 and all(len(secret) > 10 for secret in secrets)
    chat = [post.text for post in kit.world.ringcentral.posts("direct", "Alice")]
    # What practice servers are made of (Authlib) logs tokens at DEBUG; that log is GitHub's own.
    logs = [one.getMessage() for one in caplog.records if not one.name.startswith("authlib")]
    shown = [two_services.rows, bot, kit.bot.providers, kit.settings, kit.trace, pages, kit]
    places = {
        "the addresses that were asked for": [one.url for one in two_services.seen],
        "the browser's history": [hop.url for hop in alice.browser.hops],
        "the logs, down to DEBUG": [*logs, *capfd.readouterr()],
        "the pages": [page.text for page in pages],
        "the chat": chat,
        "what a notebook shows": [repr(shown), repr(kit.trace.list()), kit.trace.diagram().text],
    }
    for place, texts in places.items():
        assert any(texts), place
        assert not [1 for text in texts for secret in secrets if secret in text], place


def test_rfc9700_2_5_no_secret_in_the_repository():
    """Tokens and client secrets as GitHub and Google make them, in no notebook that we publish."""
    looks = r"gh[a-z]_[A-Za-z0-9]{30}|ya29\.[\w-]{20}|GOCSPX-[\w-]{20}|1//[\w-]{30}|gAAAAA\w{20}"
    notebooks = sorted(Path(__file__).parents[2].glob("notebooks/*.ipynb"))
    assert re.search(looks, "gho_" + "a" * 36) and len(notebooks) >= 11
    assert not [one.name for one in notebooks if re.search(looks, one.read_text("utf-8"))]


# ---- 4.2 and 4.3: what leaks by itself -----------------------------------------------------------
#
# 4.2.4 and 4.3.1 name a redirect to a clean address after the callback, so that code and state do
# not stay in the browser's history.  We leave it out.  The page after it would have to know what
# it says, from a cookie or a table, on every worker; and RFC 9700 asks for it where the code could
# be used again.  What stays in the history here is spent: the next test shows it.


def test_rfc9700_4_3_1_what_stays_in_the_history_is_worth_nothing(world):
    """Somebody finds the callback's address in the browser's history, or in a proxy's log."""
    world.connect(world.alice)
    address = world.alice.browser.hops[-1].url
    code = parameters(address)["code"]
    assert world.get(address.removeprefix(world.address)).status_code == 409
    own = world.answer(world.mallory)
    assert world.open(own | {"code": code}).status_code == 502
    assert [row.account["name"] for row in world.rows] == ["alice-practice"]


def test_rfc9700_4_2_no_answer_of_the_bot_tells_others_where_the_browser_was(world):
    """No Referer to anybody, and nothing kept in a cache: pages, JSON, errors, all of them."""
    answers = [
        world.open(world.answer(world.alice)),
        world.open({"code": "c", "state": "s"}),
        world.get("/"),
        world.get("/health"),
        world.get("/nowhere"),
        world.get("/bot/oauth?code=wrong"),
        world.ask("POST", "/github/oauth?code=c&state=s"),
        world.ask("POST", "/bot/oauth"),
        world.ask("POST", "/bot/webhook", data="[]"),
        world.ask("POST", "/bot/webhook"),
        world.ask("HEAD", "/github/oauth?code=c&state=s"),
    ]
    assert {answer.status_code for answer in answers} == {200, 204, 400, 404, 405}
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_rfc9700_4_2_the_pages_load_nothing_from_elsewhere_and_run_no_script(world):
    """What a page of ours loads would see the address with the code in it."""
    page = world.open(world.answer(world.alice))
    assert page.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'"
    )
    assert re.findall(r'(?:src|href|action)="([^"]*)"', page.text) == ["../static/page.css"]
    assert "<script" not in page.text


def test_rfc9700_4_3_2_the_token_travels_in_the_header_only(world):
    """Not in an address, which servers, proxies and browsers write down (RFC 6750, section 2.3)."""
    world.connect(world.alice)
    assert "Here is your GitHub profile" in world.alice.say("profile").text
    (row,) = world.rows
    assert world.seen and not [one for one in world.seen if row.access_token in one.url]
    url = f"{world.kit.github.api_url}/user"
    assert requests.get(url, params={"access_token": row.access_token}).status_code == 400


def test_rfc9700_4_9_the_token_goes_to_the_provider_and_to_nobody_else(world):
    """Neither to an address that an answer names, nor along with a redirect."""
    world.connect(world.alice)
    api = api_session(world.storage, world.kit.github, world.rows[0])
    elsewhere = api.get(f"{world.address}/health")
    assert elsewhere.ok and "Authorization" not in elsewhere.request.headers
    headers = {"Location": f"{world.address}/health"}
    world.kit.world.github.trouble.next(path="/api/v3/user", status=302, headers=headers)
    redirected = api.get("/user")
    assert redirected.status_code == 302 and redirected.history == []  # to another origin: stays


# ---- 4.12: 303 and not 307 after a form ----------------------------------------------------------
#
# It does not apply: the bot has no form, takes no password, and redirects nobody.


def test_rfc9700_4_12_there_is_no_redirect_after_a_post(two_services):
    """With a 307 a browser would send the form, and what was typed in, to the next address."""
    rules = [rule for rule in two_services.kit.app.url_map.iter_rules() if "POST" in rule.methods]
    assert {rule.rule for rule in rules} == {"/bot/oauth", "/bot/webhook", "/google/webhook"}
    for rule in rules:
        for body in ("", "a=b", "{}"):
            answer = two_services.ask("POST", f"{rule.rule}?next={EVIL}", data=body)
            assert answer.status_code not in range(300, 400)
    for template in (PACKAGE / "bot" / "templates").iterdir():
        assert "<form" not in template.read_text("utf-8")


# ---- 2.6 and 4.13: transport ---------------------------------------------------------------------

LIVE = {
    "GITHUB_CLIENT_ID": "i",
    "GITHUB_CLIENT_SECRET": "s",
    "BOTKIT_SECRET_KEY": new_key(),
}


@pytest.mark.parametrize(
    "name", ["RINGCENTRAL_CHATBOT_SERVER", "GITHUB_SERVER", "GOOGLE_SERVER", "RINGCENTRAL_SERVER"]
)
def test_rfc9700_2_6_live_addresses_must_be_https(name, tmp_path):
    """TLS from end to end; a loopback address may do without (RFC 8252, section 7.3)."""
    none = tmp_path / "none"
    more = {"GOOGLE_API_CLIENT_ID": "i", "GOOGLE_API_CLIENT_SECRET": "s"}
    more |= {"RINGCENTRAL_APP_CLIENT_ID": "i", "RINGCENTRAL_APP_CLIENT_SECRET": "s"}
    for good in ("https://bot.example", "http://127.0.0.1:8000"):
        load_settings(LIVE | more | {name: good}, env_file=none)
    with pytest.raises(SettingsError, match=f"{name} begins with http"):
        load_settings(LIVE | more | {name: "http://bot.example"}, env_file=none)


def test_rfc9700_2_6_the_real_providers_are_asked_over_https_and_their_certificates_checked():
    """Every address that is written down for them, and no exception anywhere in the code."""
    known = (providers.github, providers.google_drive, providers.google_sheets)
    for make in (*known, providers.ringcentral):
        provider = make("id", "secret")
        urls = [provider.authorize_url, provider.token_url, provider.api_url]
        urls += [provider.account_url, provider.revocation.url]
        assert {urlsplit(url).scheme for url in urls} == {"https"}
    code = "".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    assert not re.search(r"verify\s*=\s*False|CERT_NONE|disable_warnings", code)


def test_rfc9700_2_6_practice_listens_on_this_computer_alone(two_services):
    """It speaks plain HTTP, so nobody else may come to it."""
    servers = [two_services.kit.server, *two_services.kit.world._servers]
    assert len(servers) == 4
    assert {one._server.socket.getsockname()[0] for one in servers} == {"127.0.0.1"}


def test_rfc9700_2_6_practice_answers_to_its_own_names_alone(two_services):
    """A page of a stranger, whose name leads to this computer, can read nothing (DNS rebinding)."""
    for server in two_services.kit.world.servers:
        answer = requests.get(server.url, headers={"Host": urlsplit(EVIL).netloc})
        assert answer.status_code == 403 and EVIL not in answer.text


def test_rfc9700_4_13_headers_of_a_proxy_are_not_believed(world):
    """What a request says about its host must not decide where GitHub sends the code."""
    (bot,) = world.storage.find_bots()
    alice = world.kit.world.ringcentral.person("Alice")
    direct = world.kit.world.ringcentral.find_chat("direct", alice)
    post = {"eventType": "PostAdded", "groupId": direct.id, "creatorId": alice.id}
    delivery = {"uuid": "u", "ownerId": bot.id, "body": post | {"text": "profile"}}
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    forged |= {"X-Forwarded-Proto": "https", "Forwarded": "host=evil.example;proto=https"}
    token = {"Verification-Token": bot.data["verificationToken"]}
    assert world.ask("POST", "/bot/webhook", json=delivery, headers=token | forged).ok
    world.alice.reads()
    assert parameters(world.alice.link)["redirect_uri"] == f"{world.address}/github/oauth"
    answer = world.approved(world.alice.link, world.alice.browser)
    assert world.open(answer, **forged).ok and len(world.rows) == 1


def test_rfc9700_4_13_gunicorn_believes_no_header_of_a_proxy_either():
    """Through a tunnel everybody comes from this computer, which gunicorn would trust."""
    pytest.importorskip("gunicorn")
    from gunicorn.config import Config
    from gunicorn.http.message import Request
    from gunicorn.http.unreader import IterUnreader

    from botkit.run import gunicorn as ours

    config = Config()
    for name in ("forwarder_headers", "secure_scheme_headers"):
        config.set(name, getattr(ours, name))
    forged = "SCRIPT_NAME: /bot\r\nPATH_INFO: /health\r\nX-Forwarded-Proto: https\r\n"
    sent = f"GET /bot/oauth HTTP/1.1\r\nHost: bot\r\n{forged}X-Forwarded-Ssl: off\r\n\r\n"
    heard = Request(config, IterUnreader(iter([sent.encode()])), ("127.0.0.1", 1))
    assert {name for name, _ in heard.headers} & {"SCRIPT_NAME", "PATH_INFO"} == set()
    assert heard.scheme == "http"


# ---- 4.16: clickjacking --------------------------------------------------------------------------
#
# Consent is given on the provider's page, which guards itself.  The bot's pages have no button, but
# one shows a code, and none should be lent to another site's frame.


def test_rfc9700_4_16_no_page_may_be_framed(confirming):
    """`frame-ancestors`, which every browser of today heeds in place of X-Frame-Options."""
    code_page = confirming.open(confirming.answer(confirming.alice))
    assert "One more step" in code_page.text
    for page in (code_page, confirming.get("/"), confirming.open({}), confirming.get("/nowhere")):
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


# ---- What strangers write ------------------------------------------------------------------------


def test_errors_do_not_reflect_input(world):
    """Not what an address says, nor what a provider says: neither as markup nor as words."""
    names = ("error", "error_description", "error_uri", "code", "state", "iss", "scope", "x")
    for query in ({name: MARKUP for name in names}, {"state": MARKUP, "error": WORD}):
        page = world.open(query)
        assert page.status_code == 400 and WORD not in page.text
    state = world.answer(world.alice)["state"]
    refused = {"state": state, "error": MARKUP, "error_description": MARKUP, "error_uri": MARKUP}
    assert WORD not in world.open(refused).text
    assert WORD not in world.get(f"/{quote(MARKUP)}").text + world.get(f"/{WORD}/oauth").text
    told = f'{{"error": "{MARKUP}", "error_description": "{MARKUP}"}}'
    kind = {"Content-Type": "application/json"}
    answer = world.answer(world.alice)
    world.kit.world.github.trouble.next(path="/login", status=200, body=told, headers=kind)
    page = world.open(answer)
    assert page.status_code == 502 and WORD not in page.text
    assert not [text for _, text in world.alice.reads().messages if WORD in text]


def test_what_a_provider_says_becomes_no_link_and_no_mention_in_the_chat(world):
    """A name or a text in somebody's profile is shown as a text."""
    name = "[click](https://evil.example) ![:Team](1) [/code]"
    body = f'{{"id": 7, "login": "{name}", "name": "{name}"}}'
    kind = {"Content-Type": "application/json"}
    github = world.kit.world.github
    github.trouble.next(times=2, path="/api/v3/user", status=200, body=body, headers=kind)
    world.connect(world.alice)
    said = world.alice.reads().text + world.alice.say("profile").text
    assert "evil.example" in said and "Here is your GitHub profile" in said
    assert "](https://evil" not in said and "![:" not in said and said.count("[/code]") == 1


# ---- Tokens at rest ------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path) -> Iterator[tuple[World, Path]]:
    file = tmp_path / "bot.sqlite"
    world = World(confirm=True, database=f"sqlite:///{file}")
    yield world, file
    world.close()


def raw(file: Path) -> bytes:
    """The database as it lies on the disk, with the write-ahead log beside it."""
    files = [one for one in file.parent.glob(f"{file.name}*") if one.suffix != ".key"]
    return b"".join(one.read_bytes() for one in files)


def test_tokens_are_sealed_in_the_database(sealed):
    """Whoever gets hold of the file, or of a backup, has no token and no verifier."""
    world, file = sealed
    page = world.connect(world.alice)
    waiting = raw(file)  # the answer is there, and not confirmed
    world.alice.confirm(page)
    pending = world.link(world.alice, "connect github")["state"]
    bytes_there = waiting + raw(file)
    (row,), (bot,) = world.rows, world.storage.find_bots()
    verifier = world.storage.claim_authorization(pending, provider="GitHub").verifier
    assert bot.id.encode() in bytes_there  # what is not secret can be found
    secrets = [row.access_token, bot.token["access_token"], bot.data["verificationToken"]]
    for secret in [*secrets, verifier, pending]:
        assert secret and secret.encode() not in bytes_there


def test_a_sealed_token_that_is_moved_to_another_row_is_refused(sealed):
    """Whoever can write into the database, and has no key, can give nobody another's account."""
    world, file = sealed
    world.alice.confirm(world.connect(world.alice))
    world.kit.bob.confirm(world.connect(world.kit.bob))
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT id, data FROM services ORDER BY id").fetchall()
        (_, data), (second, _) = rows
        database.execute("UPDATE services SET data = ? WHERE id = ?", (data, second))
        database.commit()
    asked = len(world.seen)
    assert "Here is your GitHub profile" not in world.kit.bob.say("profile").text
    assert len(world.seen) == asked
    assert "Here is your GitHub profile" in world.alice.say("profile").text


def test_a_wrong_key_is_told_and_overwrites_nothing(sealed):
    """A clear error; with the right key all is as it was."""
    world, file = sealed
    world.alice.confirm(world.connect(world.alice))
    keys = world.kit.settings.secret_keys
    before = (world.rows[0].data, raw(file))
    wrong = Storage(f"sqlite:///{file}", seal=Seal([new_key()]))
    with pytest.raises(WrongKey, match="sealed with another key"):
        wrong.find_services()
    with pytest.raises(WrongKey):
        wrong.save_bot("1", data={"name": "x"})
    wrong.close()
    assert (world.rows[0].data, raw(file)) == before
    newer = Storage(f"sqlite:///{file}", seal=Seal([new_key(), *keys]))
    assert newer.find_services()[0].data == before[0]
    newer.close()


# ---- The end of a connection ---------------------------------------------------------------------


def test_disconnecting_revokes_at_the_provider_too(world):
    """A row that is deleted is not enough: the token would go on living."""
    world.connect(world.alice)
    assert world.grants == {"alice-practice"}
    assert "GitHub has forgotten the connection too" in world.alice.say("disconnect github").text
    assert world.grants == set() and world.rows == []


def test_disconnecting_works_also_when_the_provider_does_not_confirm(world):
    """The row goes in any case, and the person learns what is left to do."""
    world.connect(world.alice)
    world.kit.world.github.trouble.next(path="/api/v3/applications", status=500)
    assert "You can remove the app yourself" in world.alice.say("disconnect github").text
    assert world.rows == []


@pytest.mark.parametrize("leave", ["remove_bot_from_team", "delete_bot"])
def test_where_the_bot_has_to_go_its_connections_are_revoked(world, leave):
    """With a chat or the whole bot its tokens go, here and at the provider."""
    assert world.connect(world.alice, chat="Team").heading == "Connected"
    getattr(world.kit.world.ringcentral, leave)()
    world.kit.settle()
    assert world.rows == [] and world.grants == set()


def test_a_token_that_could_not_be_stored_is_given_back(world, monkeypatch):
    """The very last step of a callback fails: then nobody holds the token, and it must not live."""

    def full(*_: object, **__: object) -> None:
        raise StorageError("The database is full.")

    answer = world.answer(world.alice)
    monkeypatch.setattr(world.storage, "save_service", full)
    assert world.open(answer).status_code == 503
    assert world.rows == [] and world.grants == set()


# ---- Whose account -------------------------------------------------------------------------------


def test_whose_account_it_is_is_asked_at_every_connection(world):
    """Another account may sign in the second time; then that one counts, and the first is let go.

    Source: GitHub Docs, "Best practices for creating an OAuth app": check the identity each time.
    """
    assert "alice-practice" in world.connect(world.alice).text
    world.link(world.alice, "connect github")
    page = world.mallory.browser.visit(world.alice.link).approve()
    assert "mallory-practice" in page.text
    assert [row.account["name"] for row in world.rows] == ["mallory-practice"]
    assert world.grants == {"mallory-practice"}


def test_an_account_that_is_connected_elsewhere_too_is_not_let_go(world):
    """GitHub forgets all of a person's tokens at once, so the one in the team's chat would die."""
    world.connect(world.alice)
    world.connect(world.alice, chat="Team")
    world.link(world.alice, "connect github")
    world.mallory.browser.visit(world.alice.link).approve()
    assert world.grants == {"alice-practice", "mallory-practice"}
    assert "alice-practice" in world.alice.say("@bot profile", chat="Team").text


# ---- Webhooks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "owner", [{"type": "User"}, {"account": {"id": "666"}}, {"id": "1\u0000"}], ids=str
)
def test_a_token_installs_a_bot_of_an_allowed_account_and_nothing_else(world, owner):
    """Anyone can send one: it may be a person's, or that of a bot that is none of ours."""
    bot = {"id": "8", "type": "Bot", "account": {"id": "2100000"}}
    path = "/restapi/v1.0/account/~/extension/~"
    said = json.dumps(bot | owner)
    world.kit.world.ringcentral.trouble.next(path=path, status=200, body=said)
    assert world.ask("POST", "/bot/oauth", data={"access_token": "somebodys"}).status_code == 400
    assert [bot.id for bot in world.storage.find_bots()] == [world.kit.bot_id]


def test_a_delivery_of_the_chat_is_believed_with_its_token_only(world):
    """Anybody can send to /bot/webhook: without the secret of the subscription, nothing is done."""
    (bot,) = world.storage.find_bots()
    right, delivery = bot.data["verificationToken"], {"ownerId": bot.id, "body": {}}
    wrong = ["", "wrong", right[:-1], right + "x", right.upper()]
    statuses = [_deliver(world, delivery, token) for token in [*wrong, None, right]]
    assert statuses == [401] * 6 + [200]


def test_a_notification_of_google_is_believed_with_its_token_only(drive):
    """The same for /google/webhook; a stranger does not even learn which channels there are."""
    drive.connect(drive.alice, "bind")
    drive.kit.settle()
    channel = drive.rows[0].data["channels"][-1]
    right, looked = channel["token"], len(drive.seen)
    for token in ("", "wrong", right[:-1], right + "x"):
        assert _notify(drive, channel["id"], token) == 404
    assert _notify(drive, "1-" + "x" * 32, right) == 404
    assert len(drive.seen) == looked  # and Google was not asked for changes
    assert _notify(drive, channel["id"], right) == 200


def test_both_tokens_are_compared_in_constant_time(drive, monkeypatch):
    """Nobody can find a token letter by letter from how long "no" takes: the decision is left to
    `hmac.compare_digest`.  Where that always says no, the right tokens are refused as well.
    """
    drive.connect(drive.alice, "bind")
    drive.kit.settle()
    (bot,), (row,) = drive.storage.find_bots(), drive.rows
    channel = row.data["channels"][-1]
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: False)
    delivery = {"ownerId": bot.id, "body": {}}
    assert _deliver(drive, delivery, bot.data["verificationToken"]) == 401
    assert _notify(drive, channel["id"], channel["token"]) == 404


def _deliver(world: World, delivery: dict[str, object], token: str | None) -> int:
    headers = {} if token is None else {"Verification-Token": token}
    return world.ask("POST", "/bot/webhook", json=delivery, headers=headers).status_code


def _notify(world: World, channel: str, token: str) -> int:
    headers = {"X-Goog-Channel-ID": channel, "X-Goog-Channel-Token": token}
    headers["X-Goog-Resource-State"] = "change"
    return world.ask("POST", "/google/webhook", headers=headers).status_code


def _query(fields: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value, '')}" for name, value in fields.items())
