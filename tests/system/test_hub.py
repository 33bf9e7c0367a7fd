"""On a hub: the pages and the callback behind jupyter-server-proxy, for a browser elsewhere."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from hub_world import Hub
from presenter_world import TRIP, Presented, Room
from python_process import PIPE, start
from refresh_notebooks import refresh
from serve_world import clean_environment
from sizes import Size

from botkit.lessons.kit import PRACTICE, Kit
from botkit.practice.google.ledger import PEOPLE
from botkit.run.address import BrowserAddress, find_browser_address
from botkit.settings import PLACE_OF, Settings, known_variables

ALICE = next(iter(PEOPLE))
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.close()


@pytest.fixture
def kit(hub):
    """All skills, on the hub."""
    reach = find_browser_address(Settings(), {"JUPYTERHUB_PUBLIC_URL": hub.url})
    kit = Kit(replace(PRACTICE, confirm=True, skills=tuple(PLACE_OF)), browser_address=reach)
    yield kit
    kit.close()


@pytest.fixture
def page(hub, chromium):
    """A browser that has signed in at the hub; every address that it opens must be below it."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(hub.sign_in)
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    page.goto(hub.url + "api")
    yield page
    elsewhere = [url for url in asked if not url.startswith((hub.url, "data:"))]
    context.close()
    assert asked and elsewhere == []


def say(page, text):
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")


def follow(page, words):
    """Follow the link in the chat, which opens a tab of its own."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=words).last.click()
    return opened.value


def take_the_trip(page, words, answer):
    consent = follow(page, words)
    consent.get_by_role("button", name="Approve").click()
    consent.get_by_role("heading", name="One more step").wait_for()
    consent.wait_for_load_state()
    assert consent.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)"
    say(page, consent.locator(".code").inner_text())
    page.locator(".post.bot", has_text=answer).wait_for()
    consent.close()


def test_a_person_clicks_through_the_whole_trip_on_a_hub(kit, page, hub):
    assert kit.chat_page.startswith(f"{hub.url}proxy/")
    page.goto(kit.chat_page)
    say(page, "profile")
    take_the_trip(page, "Connect your GitHub account", "Connected to GitHub as alice-practice")
    say(page, "profile")
    page.locator(".post.bot", has_text="Here is your GitHub profile").wait_for()


def test_the_other_services_and_their_pages_work_there_too(kit, page):
    page.goto(kit.chat_page)
    for command, title, done in [
        ("connect drive", "Google Drive", "is bound to this chat"),
        ("connect sheets", "Google Sheets", "Connected to Google Sheets"),
        ("connect ringcentral", "RingCentral", "Connected to RingCentral"),
    ]:
        say(page, command)
        take_the_trip(page, f"Connect your {title} account", done)
    google = kit.world.google
    link = google.link(google.add_file(ALICE, "plan.txt"))
    page.goto(link)
    page.get_by_role("heading", name="plan.txt").wait_for()
    page.get_by_role("link", name="To the home page").click()
    page.get_by_role("link", name="Which of them have access").click()
    page.get_by_role("button", name="Remove access").first.click()
    page.get_by_text("No app has access to this account").wait_for()


def test_deny_and_a_link_that_is_not_right_say_so_on_the_hub(kit, page):
    page.goto(kit.chat_page)
    say(page, "profile")
    github = follow(page, "Connect your GitHub account")
    github.get_by_role("button", name="Deny").click()
    github.get_by_role("heading", name="Not connected").wait_for()
    github.goto(f"{kit.github.authorize_url}?client_id=nobody")
    github.get_by_role("heading", name="There is no such app").wait_for()
    github.get_by_role("link", name="To the home page").click()
    github.get_by_role("heading", name="A GitHub to practice with").wait_for()


@pytest.fixture
def room(hub, chromium, monkeypatch):
    """The presenter's view on the hub, in a browser that has signed in."""
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", hub.url)
    presented = Presented()
    room = Room(chromium, presented)
    room.page.goto(hub.sign_in)
    yield room.open(f"{presented.view.url}/")
    room.context.close()
    presented.close()


def test_the_presenters_view_works_on_the_hub_with_its_one_port(hub, room):
    assert room.page.url.startswith(f"{hub.url}proxy/")
    for expected in TRIP:
        room.press()
        assert room.newest() == expected
    room.state("finished")
    assert room.troubles == []


def test_programs_stay_on_loopback_where_no_sign_in_is_asked(kit, hub):
    kit.alice.say("profile")
    assert kit.alice.link.startswith(f"{hub.url}proxy/")
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert "Connected to GitHub" in kit.alice.confirm(page).text
    assert "/proxy/" not in str(kit.trace.list()) + kit.trace.diagram().svg
    # Where a browser ended: below the user's own server, or on the way to it.
    redirected = f"https://hub.example.org/hub/user-redirect/proxy/{kit.server.port}"
    for address in (kit.address, redirected):
        pasted = f"{address}/github/oauth?state=x"
        assert kit.finish_with(pasted).heading == "Not connected"


def test_who_has_not_signed_in_gets_to_the_sign_in_and_a_webhook_gets_nowhere(kit, hub):
    seen = len(kit.trace)
    callback = requests.get(f"{kit.callback_url}?code=c&state=s", timeout=30, allow_redirects=False)
    assert callback.status_code == 302 and "/login?next=" in callback.headers["Location"]
    assert requests.post(f"{kit.address}/bot/webhook", timeout=30).status_code == 403
    assert len(kit.trace) == seen


def test_google_delivers_to_the_bot_behind_the_hub(kit):
    kit.alice.say("bind")
    kit.alice.confirm(kit.alice.browser.visit(kit.alice.link).approve())
    kit.world.google.add_file(ALICE, "plan.txt")
    assert "plan.txt" in kit.alice.reads().text


CODESPACE = {
    "CODESPACE_NAME": "fluffy-owl",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}


def test_one_callback_url_at_github_fits_every_port_of_a_class():
    reach = BrowserAddress("https://hub.example.org/hub/user-redirect/proxy/{port}", "proxy")
    kit = Kit(browser_address=reach)
    registered = "https://hub.example.org/hub/user-redirect/proxy"
    kit.world.github.change_callback_urls(kit.github.client_id, [registered])
    kit.alice.say("profile")
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.heading == "Connected" and page.url.startswith(f"{registered}/{kit.server.port}/")
    kit.close()


@pytest.mark.parametrize(
    "lesson, around",
    [
        ("09_three_services", {"JUPYTERHUB_PUBLIC_URL": "https://hub.example.org/user/ann/"}),
        ("08_attack_lab", {"JUPYTERHUB_PUBLIC_URL": "https://hub.example.org/user/ann/"}),
        ("06_public_address", {"BOTKIT_PUBLIC_URL": "https://hub.example.org/at/{port}"}),
        ("03_auth_link", CODESPACE),
    ],
)
def test_a_lesson_prints_on_a_hub_what_it_prints_elsewhere(lesson, around, tmp_path, monkeypatch):
    file, here = ROOT / "notebooks" / f"{lesson}.ipynb", tmp_path / f"{lesson}.ipynb"
    here.write_bytes(file.read_bytes())
    with monkeypatch.context() as environment:
        for variable in known_variables():
            environment.delenv(variable.name, raising=False)
        for name, value in around.items():
            environment.setenv(name, value)
        refresh(here)
    assert here.read_text("utf-8") == file.read_text("utf-8")


def test_a_hub_that_does_not_say_its_address_is_named_in_the_first_cell(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
    monkeypatch.delenv("JUPYTERHUB_PUBLIC_URL", raising=False)
    kit = Kit()
    assert "Ask its administrator to set BOTKIT_PUBLIC_URL" in repr(kit)
    kit.close()
    kit = Kit(browser_address=BrowserAddress("https://hub.example.org/{port}", "proxy"))
    assert "BOTKIT_PUBLIC_URL" not in repr(kit)
    kit.close()


def test_the_dev_container_installs_and_opens_what_a_learner_needs():
    """A Codespace is made by it; the address function knows what the Codespace calls itself."""
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert f"&& {container['postCreateCommand']} && jupyter lab" in (ROOT / "README.md").read_text()
    major, minor = re.search(r"python:1-(\d+)\.(\d+)-", container["image"]).groups()
    assert (int(major), int(minor)) >= (3, 11)
    (lesson,) = container["customizations"]["codespaces"]["openFiles"]
    assert (ROOT / lesson).is_file()
    # Ports are of the system's choosing, and a pop-up for each would cover the lesson.
    assert "forwardPorts" not in container
    assert container["otherPortsAttributes"] == {"onAutoForward": "silent"}


# ---- many learners on one host -----------------------------------------------------------------

LEARNERS = Size(4, nightly=12)
LEARNER = """
import json, sys, botkit
kit = botkit.start()
kit.alice.say("profile")
tunnel = kit.open_tunnel()
kit.use_address(tunnel.public_url)
kit.register_callback()
kit.alice.say("profile")
page = kit.alice.browser.visit(kit.alice.link).approve()
talk = kit.alice.confirm(page)
kit.alice.say(sys.argv[1])
print(json.dumps({
    "ports": [kit.server.port, *kit.world.ports.values()],
    "tunnel": tunnel.public_url,
    "database": kit.settings.database,
    "connected": "Connected to GitHub" in talk.text,
    "rows": len(kit.storage.find_services(bot_id=kit.bot_id)),
    "said": [post.text for post in kit.world.ringcentral.posts("direct", "Alice")
             if post.creator == "Alice" and post.text.startswith("I am")],
}), flush=True)
sys.stdin.readline()  # until the others are there too
"""


def test_many_learners_on_one_host_do_not_meet(tmp_path):
    """They share even the folder and the home, and all of them are there at once."""
    environment = clean_environment(HOME=str(tmp_path))
    learners = [
        start(
            *("-c", LEARNER, f"I am {number}"),
            environment=environment,
            folder=tmp_path,
            stdin=PIPE,
            stdout=PIPE,
        )
        for number in range(LEARNERS)
    ]
    told = [json.loads(learner.stdout.readline()) for learner in learners]
    for learner in learners:
        learner.communicate("\n")
    ports = [port for one in told for port in one["ports"]]
    assert len(set(ports)) == len(ports) == 3 * LEARNERS
    for what in ("tunnel", "database"):
        assert len({one[what] for one in told}) == LEARNERS
    assert [one["said"] for one in told] == [[f"I am {number}"] for number in range(LEARNERS)]
    assert all(one["connected"] and one["rows"] == 1 for one in told)
    assert [learner.returncode for learner in learners] == [0] * LEARNERS
    left = [name for name in os.listdir(tmp_path) if not name.startswith(".")]
    assert left == []
