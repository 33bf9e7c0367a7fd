"""The practice GitHub's authorize step and its pages, through real HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from github_world import CALLBACK, CHALLENGE, World, query_of

from botkit.practice.github.server import GitHub


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.server.stop()


def test_an_approval_comes_back_with_code_state_and_iss(world: World) -> None:
    location = world.decide(state="x y&z")
    assert location.startswith(f"{CALLBACK}?")
    sent = query_of(location)
    assert sent.pop("code")
    assert sent == {"state": "x y&z", "iss": f"{world.server.url}/login/oauth"}


@pytest.mark.parametrize(("knob", "iss"), [("missing", None), ("wrong", "not-github.example")])
def test_the_iss_can_be_left_out_or_made_wrong(world: World, knob: str, iss: str | None) -> None:
    world.github.iss = knob
    sent = query_of(world.decide()).get("iss")
    assert (sent and urlsplit(sent).hostname) == iss


def test_a_denial_comes_back_with_githubs_words_and_the_state(world: World) -> None:
    location = world.decide("deny")
    assert "error_description=The+user+has+denied+your+application+access." in location
    sent = query_of(location)
    assert (sent["error"], sent["state"], "code" in sent) == ("access_denied", "s", False)
    assert sent["error_uri"].endswith("#access-denied")


@pytest.mark.parametrize("method", [{"code_challenge_method": "plain"}, {}])
def test_plain_pkce_is_refused_and_the_app_is_told(world: World, method: dict[str, str]) -> None:
    answer = world.open(code_challenge=CHALLENGE, **method)
    assert answer.status_code == 302
    sent = query_of(answer.headers["Location"])
    assert (sent["error"], sent["state"]) == ("invalid_request", "s")


def text_of(page: requests.Response) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page.text))


def test_the_consent_page_says_who_asks_for_what_and_where_it_leads(world: World) -> None:
    page = world.open(scope="user gist user:email")
    assert page.status_code == 200
    assert re.findall(r"<h1>(.*?)</h1>", page.text) == ["Authorize My bot"]
    assert re.findall(r"<code>(.*?)</code>", page.text) == ["user", "gist"]  # normalized
    for words in ("alice-practice", "Write gists", CALLBACK, "nothing here leaves this computer"):
        assert words in text_of(page)
    buttons = re.findall(r'name="decision" value="(\w+)"', page.text)
    assert buttons == ["approve", "deny"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"


def test_names_are_escaped_and_the_pages_carry_no_inline_script_or_style(world: World) -> None:
    name = "<script>alert('x')</script> & \"Sons\""
    evil_id, _ = world.github.register_app(name, [CALLBACK])
    paths = ["/", f"/settings/connections/applications/{evil_id}", "/nowhere<script>"]
    others = [world.browser.get(world.server.url + path) for path in paths]
    pages = [world.open(client_id=evil_id), *others]
    for page in pages:
        assert "<script" not in page.text and "style=" not in page.text
        assert not re.search(r"""(href|src|action)=["'](/|https?:)""", page.text)
    assert name in text_of(pages[0])
    assert 'Bob "Bobby" O\'Hara 🐙' in text_of(pages[0])


def test_the_stylesheet_is_found_from_every_page(world: World) -> None:
    paths = ("/", "/login/oauth/authorize", "/settings/connections/applications/none")
    for path in paths:
        page = requests.get(world.server.url + path)
        links = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
        sheets = [requests.get(urljoin(page.url, link)) for link in links]
        kinds = [sheet.headers["Content-Type"].split(";")[0] for sheet in sheets]
        assert kinds == ["text/css", "text/css"]


def test_an_unknown_app_gets_a_page_and_no_redirect(world: World) -> None:
    page = world.open(client_id="nobody", redirect_uri="https://evil.example/")
    assert (page.status_code, page.headers.get("Location")) == (404, None)
    assert "There is no such app" in page.text


def test_a_parameter_sent_twice_gets_a_page_and_no_redirect(world: World) -> None:
    url = f"{world.server.url}/login/oauth/authorize?client_id={world.client_id}&state=a&state=b"
    page = requests.get(url, allow_redirects=False)
    assert (page.status_code, page.headers.get("Location")) == (400, None)


@pytest.mark.parametrize("form", [{}, {"decision": "maybe", "account": "alice"}])
def test_a_form_that_says_neither_yes_nor_no_decides_nothing(
    world: World, form: dict[str, str]
) -> None:
    answer = world.browser.post(world.open().url, data=form, allow_redirects=False)
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def checked_account(page: requests.Response) -> str:
    (login,) = re.findall(r'value="([\w-]+)" checked', page.text)
    return str(login)


def test_the_account_comes_from_the_cookie_the_link_or_the_choice_on_the_page(
    world: World,
) -> None:
    assert checked_account(world.open()) == "alice-practice"
    assert checked_account(world.open(login="mallory-practice")) == "mallory-practice"
    world.sign_in("bob")
    assert checked_account(world.open()) == "bob-practice"
    world.decide(who="mallory")
    assert checked_account(world.open(prompt="select_account")) == "mallory-practice"


def test_the_page_is_skipped_for_scopes_that_were_granted_before(world: World) -> None:
    world.decide(scope="user")
    assert world.open(scope="read:user").status_code == 302  # included in `user`
    assert world.open(scope="user gist").status_code == 200
    assert world.open(scope="user", prompt="select_account").status_code == 200
    assert world.open(scope="user", prompt="consent").status_code == 200


def test_a_link_cannot_approve_in_the_name_of_another_account(world: World) -> None:
    world.decide(who="alice")
    world.sign_in("mallory")
    assert world.open(login="alice").status_code == 200


def test_no_scope_asked_means_none_at_first_and_later_all_that_was_granted(world: World) -> None:
    page = world.open(scope="")
    assert "(no scope)" in page.text
    first = world.exchange(code=query_of(world.decide(scope=""))["code"])
    world.decide(scope="user")
    world.decide(scope="repo")
    later = world.exchange(code=query_of(world.open(scope="").headers["Location"])["code"])
    assert (first["scope"], later["scope"]) == ("", "user,repo")


def test_a_person_may_grant_less_than_was_asked(world: World) -> None:
    world.github.grant_only = ["gist"]
    assert world.exchange(code=world.code(scope="repo gist"))["scope"] == "gist"
    assert world.open(scope="repo gist").status_code == 200  # repo is still open


SINGLE = "http://example.com/path"


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("http://example.com/path", True),
        ("http://example.com/path/subdir/other", True),
        ("http://oauth.example.com/path", True),
        ("http://example.com/bar", False),
        ("http://example.com/", False),
        ("http://example.com/pathology", False),
        ("http://example.com:8080/path", False),
        ("http://example.org/path", False),
        ("http://evilexample.com/path", False),
        ("http://example.com.evil.org/path", False),
        ("https://example.com/path", False),
        ("http://example.com@evil.org/path", False),
        ("http://evil.org\\@example.com/path", False),
        ("http://evil.org\\.example.com/path", False),
        ("http://me@oauth.example.com/path", False),
        ("http://example.com/path/../bar", False),
        ("http://example.com/path/%2E%2e/bar", False),
        ("http://example.com/path#there", False),
        ("http://[broken/path", False),
        ("javascript:alert(1)", False),
    ],
)
def test_a_single_callback_url_fits_sub_domains_and_deeper_paths(asked: str, fits: bool) -> None:
    github = GitHub(now=World.start)
    client_id, _ = github.register_app("My bot", [SINGLE])
    assert github.apps[client_id].check_redirect_uri(asked) is fits


def test_of_several_callback_urls_each_fits_as_it_stands(world: World) -> None:
    world.github.change_callback_urls(world.client_id, [CALLBACK, "http://127.0.0.1:9/second"])
    fits = world.github.apps[world.client_id].check_redirect_uri
    assert fits("http://127.0.0.1:9/second") and fits(CALLBACK)
    assert not fits(f"{CALLBACK}/deeper") and not fits("http://127.0.0.1:9/second/")


@pytest.mark.parametrize("any_port", [False, True])
def test_a_loopback_callback_may_change_its_port_only_if_the_app_says_so(
    world: World, any_port: bool
) -> None:
    client_id, _ = world.github.register_app("Other", [CALLBACK], loopback_any_port=any_port)
    other_port = CALLBACK.replace("8123", "9999")
    assert world.github.apps[client_id].check_redirect_uri(other_port) is any_port
    assert not world.github.apps[client_id].check_redirect_uri("http://127.0.0.2:8123/github/oauth")


def test_a_redirect_uri_that_does_not_fit_is_told_to_the_registered_callback(
    world: World,
) -> None:
    answer = world.open(redirect_uri="https://evil.example/steal")
    location = answer.headers["Location"]
    assert answer.status_code == 302 and location.startswith(f"{CALLBACK}?")
    sent = query_of(location)
    assert (sent["error"], sent["state"]) == ("redirect_uri_mismatch", "s")
    assert sent["error_description"].startswith("The redirect_uri MUST match the registered")
    assert sent["error_uri"].endswith("#redirect-uri-mismatch")


def test_an_app_has_one_to_ten_callback_urls(world: World) -> None:
    for urls in ([], [CALLBACK] * 11):
        with pytest.raises(ValueError, match="one to ten"):
            world.github.register_app("My bot", urls)
    assert world.github.apps.keys() == {world.client_id}


def test_the_settings_page_shows_the_grant_and_takes_it_back(world: World) -> None:
    token = world.exchange(code=world.code(scope="gist"))["access_token"]
    url = f"{world.server.url}/settings/connections/applications/{world.client_id}"
    assert "Write gists" in world.browser.get(url).text
    assert "no access" in world.browser.get(f"{url}?login=bob").text
    answer = world.browser.post(url, data={"decision": "revoke"})
    assert [step.status_code for step in answer.history] == [303]
    assert "no access" in answer.text
    assert world.user_status(token) == 401
    assert world.open(scope="gist").status_code == 200  # asks again
