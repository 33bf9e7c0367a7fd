"""The practice Teapot: its two surprises, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from botkit.practice.browser.browser import Browser, Page
from botkit.practice.world import Clock, World

CALLBACK = "http://127.0.0.1:9/teapot/oauth"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]


class Table:
    """A Teapot with one app, and somebody's browser."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock)
        self.client_id, self.secret, self.server = self.world.start_service("teapot")
        self.world.register_callbacks({self.client_id: [CALLBACK]})
        self.browser = Browser(cookies={"teapot_account": "bob"})
        self.browser.stop_before = CALLBACK

    def open(self, **changes: str) -> Page:
        query = {"response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK}
        query |= {"scope": "profile brew", "state": "s", "code_challenge": CHALLENGE}
        query |= {"code_challenge_method": "S256"} | changes
        link = requests.Request("GET", f"{self.server}/oauth/authorize", params=query).prepare().url
        return self.browser.visit(link)

    def post(self, path: str = "token", basic: bool = True, **form: str) -> requests.Response:
        auth = (self.client_id, self.secret) if basic else None
        return requests.post(f"{self.server}/oauth/{path}", data=form, auth=auth)

    def exchange(self, code: str, **form: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK} | form
        return self.post(code=code, **({"code_verifier": VERIFIER} | form))

    def refresh(self, token: str) -> requests.Response:
        return self.post(grant_type="refresh_token", refresh_token=token)

    def connect(self, **changes: str) -> dict:
        answer = self.exchange(query_of(self.open(**changes).approve())["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, token: str, path: str, **params: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.server}/teapot/{path}", headers=headers, params=params)


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.world.close()


def query_of(page: Page) -> dict[str, str]:
    assert page.url.startswith(f"{CALLBACK}?")
    return dict(parse_qsl(urlsplit(page.url).query))


def test_a_client_in_the_form_is_refused_by_name(table):
    client = {"client_id": table.client_id, "client_secret": table.secret}
    code = query_of(table.open().approve())["code"]
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    answer = table.post(basic=False, code_verifier=VERIFIER, **form, **client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "Authorization header" in answer.json()["error_description"]
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert table.exchange(code).status_code == 200  # the code is not used up by that


def test_an_answer_separates_its_scopes_with_commas(table):
    answer = table.connect()
    assert answer["scope"] == "profile,brew"
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600


def test_both_surprises_can_be_found_in_the_documentation(table):
    documentation = table.world.teapot.documentation
    assert '"scope": "profile,brew"' in documentation
    assert "HTTP Basic" in documentation
    assert documentation.splitlines()[2] in table.browser.visit(f"{table.server}/").text


def test_the_consent_page_says_who_asks_for_what(table):
    text = table.open().text
    assert "May Practice Bot come in?" in text
    assert "Make tea in your name" in text
    assert CALLBACK in text


def test_whoever_is_signed_in_is_connected_and_a_choice_counts_more(table):
    assert table.get(table.connect()["access_token"], "me").json()["nickname"] == "Bob"
    code = query_of(table.open().choose(account="mallory").approve())["code"]
    token = table.exchange(code).json()["access_token"]
    assert table.get(token, "me").json() == {"guest_id": "tp-103", "nickname": "Mallory"}


def test_a_denial_goes_back_by_its_name(table):
    sent_back = query_of(table.open().deny())
    assert (sent_back["error"], sent_back["state"]) == ("access_denied", "s")
    assert "code" not in sent_back


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "profile milk"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_a_link_that_asks_for_the_wrong_thing_is_sent_back(table, changes, error):
    sent_back = query_of(table.open(**changes))
    assert sent_back["error"] == error
    assert "code" not in sent_back


@pytest.mark.parametrize(
    "changes", [{"client_id": "nobody"}, {"redirect_uri": "http://127.0.0.1:9/elsewhere"}]
)
def test_a_link_of_nobody_known_leads_nowhere(table, changes):
    page = table.open(**changes)
    assert page.url.startswith(table.server)
    assert page.status == 400
    assert page.heading == "This link is not right"


@pytest.mark.parametrize("name", ["response_type", "redirect_uri", "client_id"])
def test_a_link_with_control_characters_is_refused_and_leads_nowhere(table, name):
    page = table.open(**{name: "\x01é"})
    assert page.status in (400, 404) and page.url.startswith(table.server)


@pytest.mark.parametrize("header", [b"Basic", b"Basic ", b"Basic \xe9", b"Basic /////w=="])
def test_a_header_that_is_no_basic_one_is_nobodys(table, header):
    for path in ("token", "revoke"):
        form = {"grant_type": "refresh_token", "token": "x"}
        answer = requests.post(
            f"{table.server}/oauth/{path}", data=form, headers={"Authorization": header}
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_code_works_once_with_its_verifier_and_for_a_minute(table):
    code = query_of(table.open().approve())["code"]
    assert table.exchange(code, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    code = query_of(table.open().approve())["code"]
    assert table.exchange(code).status_code == 200
    assert table.exchange(code).json()["error"] == "invalid_grant"
    code = query_of(table.open().approve())["code"]
    table.clock.advance(minutes=2)
    assert table.exchange(code).json()["error"] == "invalid_grant"


def test_a_refresh_token_works_once_and_ends_the_pair(table):
    first = table.connect()
    table.clock.advance(hours=2)
    assert table.get(first["access_token"], "me").status_code == 401
    second = table.refresh(first["refresh_token"]).json()
    assert second["scope"] == "profile,brew"
    assert table.get(second["access_token"], "me").status_code == 200
    assert table.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    third = table.refresh(second["refresh_token"]).json()
    assert table.get(second["access_token"], "me").status_code == 401
    table.clock.advance(days=31)
    assert table.refresh(third["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_revoked_connection_is_over_and_another_one_stays(table):
    gone, stays = table.connect(), table.connect()
    assert table.post("revoke", token=gone["access_token"]).status_code == 200
    assert table.get(gone["access_token"], "me").status_code == 401
    assert table.refresh(gone["refresh_token"]).json()["error"] == "invalid_grant"
    assert table.get(stays["access_token"], "me").status_code == 200
    assert table.post("revoke", basic=False, token=stays["access_token"]).status_code == 401
    table.world.teapot.revoke("bob")
    assert table.get(stays["access_token"], "me").status_code == 401


def test_it_makes_tea_and_no_coffee(table):
    token = table.connect()["access_token"]
    assert table.get(token, "brew", drink="tea").json() == {"drink": "tea", "minutes": 4}
    assert table.get(token, "brew", drink="coffee").status_code == 418
    assert table.get(token, "brew", drink="<b>").status_code == 400
    assert table.get(token, "sugar").status_code == 404
    assert table.get("made-up", "sugar").status_code == 401
    only_profile = table.connect(scope="profile")["access_token"]
    assert table.get(only_profile, "brew", drink="tea").status_code == 403
    assert table.get(table.connect(scope="brew")["access_token"], "me").status_code == 403
