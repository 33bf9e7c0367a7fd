"""The scripted browser: what it reads, what it sends, and what it says of what is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect, request

from botkit.practice.browser.browser import Browser, NoSuchButton, NotOnThisPage, Page
from botkit.practice.browser.html_reader import Link, Reader
from botkit.practice.server import Server

CONSENT = """<html><head><title>Authorize &amp; go</title>
<style>p { color: red }</style><script>var x = "<p>unseen</p>";</script></head>
<body><p>Practice world</p><div aria-hidden="true">✓ <div>unseen</div></div><p hidden>unseen</p>
<h1>Authorize
   the <em>bot</em></h1><p>It asks for <code>read:user</code> &lt;script&gt;.</p>
<dl><div><dt>Account</dt><dd>alice</dd></div></dl>
<a href="../help?x=1">Read <b>more</b></a> <a href="mailto:a@b.example">Write</a>
<form method="POST" action="decide?keep=1">
 <input type="hidden" name="csrf" value="token&quot;1">
 <label><input type="radio" name="account" value="alice" checked> Alice</label>
 <label><input type="radio" name="account" value="bob"> Bob</label>
 <input type="checkbox" name="scope" value="read:user" checked
 ><input type="checkbox" name="scope" value="user:email" checked>
 <select name="days"><option value="1">One<option value="7">Seven</select>
 <input name="note" value="é"> <input name="off" value="x" disabled>
 <textarea name="why">
because</textarea>
 <button type="button" name="js">Show</button>
 <button name="decision" value="approve"> Approve </button>
 <button name="decision" value="deny">Deny</button><input type="submit" name="later" value="Later">
</form></body></html>"""


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    app = Flask("site")

    @app.get("/apps/consent")
    def consent() -> str:
        return CONSENT

    @app.route("/apps/decide", methods=["GET", "POST"])
    def decide() -> Any:
        fields = [list(pair) for pair in request.form.items(multi=True)]
        return jsonify(fields=fields, kept=request.args.get("keep"), headers=dict(request.headers))

    @app.route("/redirect/<int:status>", methods=["GET", "POST"])
    def away(status: int) -> Any:
        answer = redirect("../seen?code=secret", status)
        answer.set_cookie("visited", "yes")
        return answer

    @app.route("/seen", methods=["GET", "POST"])
    def seen() -> str:
        cookies = " ".join(f"{name}={value}" for name, value in sorted(request.cookies.items()))
        decision = request.form.get("decision", "nothing")
        return f"<h1>Seen</h1><p>{request.method} {decision}<p>{cookies or 'no cookie'}"

    @app.get("/press/<int:status>")
    def press(status: int) -> str:
        form = f"<form method=post action=../redirect/{status}>"
        return form + "<button name=decision value=yes>Approve</button></form>"

    @app.get("/to")
    def to() -> Any:
        return redirect(request.args["url"])

    @app.get("/search")
    def search() -> str:
        form = "<form action='?old=1'><input name=q value=1><button>Go</button></form>"
        return form + request.query_string.decode()

    @app.get("/circle")
    def circle() -> Any:
        return redirect("circle")

    @app.get("/plain")
    def plain() -> Response:
        return Response("one <b>\ntwo", 418, content_type="text/plain")

    server = Server(app)
    yield server
    server.stop()


@pytest.fixture
def consent(site: Server) -> Page:
    return Browser().visit(f"{site.url}/apps/consent")


def sent(button: str, page: Page) -> Any:
    """What arrived at the server when `button` was pressed."""
    return json.loads(page.submit(button).text)


def test_a_page_is_read_as_a_person_reads_it(consent: Page) -> None:
    assert (consent.status, consent.title) == (200, "Authorize & go")
    assert consent.heading == "Authorize the bot"
    assert consent.text.replace("\n", " / ") == (
        "Practice world / Authorize the bot / It asks for read:user <script>. / "
        "Account: alice / Read more Write / (•) Alice / ( ) Bob / [x] [x]"
    )
    assert consent.buttons == ["Approve", "Deny", "Later"]
    assert consent.links == [Link("Read more", consent.url.replace("apps/consent", "help?x=1"))]


def test_a_button_sends_the_fields_of_its_form_and_itself(consent: Page, site: Server) -> None:
    arrived = sent("aPPROVE", consent)
    assert arrived["kept"] == "1"
    assert arrived["fields"] == [
        *(["csrf", 'token"1'], ["account", "alice"]),
        *(["scope", "read:user"], ["scope", "user:email"], ["days", "1"]),
        *(["note", "é"], ["why", "because"]),
        ["decision", "approve"],
    ]
    assert arrived["headers"]["Origin"] == site.url
    assert arrived["headers"]["Sec-Fetch-Site"] == "same-origin"
    assert arrived["headers"]["User-Agent"] == "Mozilla/5.0 (practice browser)"
    assert arrived["headers"]["Accept"].startswith("text/html,")
    assert ["later", "Later"] in sent("Later", consent)["fields"]


def test_what_is_chosen_is_sent(consent: Page) -> None:
    chosen = consent.choose(account="bob", days="7", scope=["user:email"], note="hello", why="")
    assert chosen is consent
    assert "( ) Alice\n(•) Bob\n[ ] [x]" in consent.text
    fields = [value for _, value in sent("Deny", consent)["fields"]]
    assert fields == ['token"1', "bob", "user:email", "7", "hello", "", "deny"]


def test_what_is_not_there_cannot_be_pressed_and_the_error_lists_what_is(consent: Page) -> None:
    with pytest.raises(NoSuchButton, match=r"'Accept'.*'Authorize the bot'.*'Approve', 'Deny'"):
        consent.submit("Accept")
    with pytest.raises(NotOnThisPage, match=r"'Home'.*'Read more'"):
        consent.click("Home")
    with pytest.raises(NotOnThisPage, match=r"'csrf'.*'account', 'days', 'note', 'scope', 'why'"):
        consent.choose(csrf="forged")
    with pytest.raises(NotOnThisPage, match=r"'carol' for 'account'.*'alice', 'bob'"):
        consent.choose(account="carol")
    with pytest.raises(NoSuchButton, match="There is none at all"):
        consent.click("read MORE").approve()  # to a page that the site does not have


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_as_browsers_do(status: int, site: Server) -> None:
    browser, arrives = Browser(), "POST yes" if status in (307, 308) else "GET nothing"
    page = browser.visit(f"{site.url}/press/{status}").approve()
    assert page.text.splitlines() == ["Seen", arrives, "visited=yes"]
    method = arrives.split()[0]
    assert [(hop.method, hop.status) for hop in page.hops] == [("POST", status), (method, 200)]
    assert page.hops[-1].url == f"{site.url}/seen?code=secret"
    assert browser.hops[1:] == list(page.hops)


def test_two_browsers_do_not_share_cookies_and_a_jar_may_be_filled_at_first(site: Server) -> None:
    first = Browser(cookies={"visited": "before", "who": "bob"})
    assert "visited=before who=bob" in first.visit(f"{site.url}/seen").text
    assert "visited=yes who=bob" in first.visit(f"{site.url}/redirect/302").text
    assert "no cookie" in Browser().visit(f"{site.url}/seen").text


def test_a_form_that_asks_puts_its_fields_into_the_address(site: Server) -> None:
    page = Browser().visit(f"{site.url}/search").choose(q="a b&c").submit("Go")
    assert page.url == f"{site.url}/search?q=a+b%26c"


def test_the_server_learns_whether_a_request_comes_from_its_own_pages(site: Server) -> None:
    echo = f"{site.url}/apps/decide"

    def site_of(page: Page) -> str:
        return page.text.partition('"Sec-Fetch-Site":"')[2].partition('"')[0]

    assert site_of(Browser().visit(echo)) == "none"
    assert site_of(Browser().visit(f"{site.url}/to?url={echo}")) == "none"
    app = Flask("elsewhere")
    app.add_url_rule("/", view_func=lambda: f"<a href={echo}>go</a>")
    elsewhere = Server(app)
    assert site_of(Browser().visit(elsewhere.url).click("go")) == "same-site"
    far_away = elsewhere.url.replace("127.0.0.1", "localhost")
    assert site_of(Browser().visit(far_away).click("go")) == "cross-site"
    elsewhere.stop()


def test_approving_where_nothing_is_asked_any_more_goes_on(site: Server) -> None:
    page = Browser().visit(f"{site.url}/to?url=seen")
    assert page.approve() is page
    with pytest.raises(NoSuchButton):
        page.deny()


def test_an_address_that_is_dead_or_runs_in_circles_gives_a_page_that_says_so(
    site: Server,
) -> None:
    server = Server(Flask("gone"))
    server.stop()
    page = Browser().visit(f"{site.url}/to?url={server.url}/github/oauth?code=secret")
    assert (page.status, page.heading) == (0, "This address cannot be reached")
    assert [hop.status for hop in page.hops] == [302, 0]
    assert repr(page).startswith("[no answer] This address cannot be reached\n    Nothing answers")
    with pytest.raises(NoSuchButton):
        page.approve()
    turning = Browser().visit(f"{site.url}/circle")
    assert (turning.status, len(turning.hops)) == (0, 21)


def test_what_is_displayed_shows_no_address_and_no_value(consent: Page, site: Server) -> None:
    assert repr(consent).splitlines() == [
        "[200] Authorize the bot",
        "    It asks for read:user <script>.",
        "    Account: alice",
        "    Read more Write",
        "    (•) Alice",
        "    ( ) Bob",
        "    [x] [x]",
        "    Buttons: Approve, Deny, Later",
    ]
    page = Browser().visit(f"{site.url}/redirect/302")
    shown = f"{page._browser!r}{page!r}{page.hops}{consent.links}{consent.forms}"
    for secret in ("127.0.0.1", "localhost", "code", "secret", 'token"1', "0x"):
        assert secret not in shown
    talkative = Browser().visit(f"{site.url}/search?see={site.url}/x%3Fcode=1")
    assert "see=‹address›" in repr(talkative)


def test_the_browser_stops_where_it_is_told_to(site: Server) -> None:
    browser = Browser()
    browser.stop_before = f"{site.url}/seen"
    page = browser.visit(f"{site.url}/redirect/302")
    assert page.url == f"{site.url}/seen?code=secret"
    assert [hop.status for hop in browser.hops] == [302]
    assert repr(page).startswith("[302] The browser stops here") and "secret" not in repr(page)


def test_text_that_is_not_html_is_shown_as_it_is(site: Server) -> None:
    page = Browser().visit(f"{site.url}/plain")
    assert page.text == "one <b>\ntwo"
    assert repr(page) == "[418]\n    one <b>\n    two"


def test_careless_html_is_read_all_the_same() -> None:
    reader = Reader(
        "</p></form><h1>Half</h1><ul><li>a<li>b</ul><table><tr><td>c<td>d</table>"
        "<form><select name=s><option>x<option selected>y</select><button>Go</button>",
        "http://site/",
    )
    assert reader.read_lines() == ["Half", "a", "b", "c d"]
    assert [control.value for control in reader.forms[0].controls if control.on] == ["y"]
    assert [button.text for button in reader.forms[0].buttons] == ["Go"]


def test_a_choice_that_cannot_be_made_has_no_mark(site: Server) -> None:
    source = (
        "<h1>Choose</h1><form><p><input type=radio name=a value=1 disabled> one"
        "<p><input type=radio name=a value=2 checked> two"
        "<p><input name=t value=x><input type=checkbox name=gone disabled> gone</form>"
    )
    page = Page(Browser(), site.url, 200, source, [])
    assert page.text == "Choose\none\n(•) two\ngone"


def test_a_page_is_never_nested_too_deeply(site: Server) -> None:
    page = Page(Browser(), site.url, 200, "<div>" * 3000 + "<h1>Deep</h1>", [])
    assert page.text == "Deep"


@pytest.mark.parametrize("source", ["http://site/page", "<?xml version='1.0'?><p>http://site/page"])
def test_nothing_is_printed_about_a_page(source: str, recwarn: pytest.WarningsRecorder) -> None:
    assert Reader(source, "http://site/").read_lines() == ["http://site/page"]
    assert not recwarn.list


def test_the_heading_ends_below_a_line_that_is_its_equal() -> None:
    reader = Reader("<p>Same</p><h1>Same</h1><p>Below", "http://site/")
    assert reader.read_lines()[reader.heading_ends :] == ["Below"]
