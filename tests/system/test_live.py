"""Live: the same code against servers that it knows by the settings alone, in any mix."""

from __future__ import annotations

import logging
import re
import sqlite3

import pytest
import requests
from serve_world import KEY

from botkit.errors import SettingsError
from botkit.lessons.kit import Kit
from botkit.practice.browser.browser import Browser
from botkit.settings import Settings, load_settings


@pytest.fixture
def live(tmp_path):
    """Start a kit from settings as a user would write them."""
    kits = []

    def start(**environment: str) -> Kit:
        database = f"sqlite:///{tmp_path / 'live.sqlite'}"
        environment["RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI"] = database
        environment["BOTKIT_SECRET_KEY"] = KEY
        settings = load_settings(environment, env_file=tmp_path / "none")
        kits.append(Kit(settings))
        return kits[-1]

    yield start
    for kit in kits:
        kit.close()


def github_settings(process, callback: str = "http://127.0.0.1/github/oauth") -> dict[str, str]:
    # As at the real GitHub, a callback on a loopback address may use any port.
    client = process.call("register_app", "My bot", [callback], loopback_any_port=True)
    return {
        "GITHUB_CLIENT_ID": client[0],
        "GITHUB_CLIENT_SECRET": client[1],
        "GITHUB_SERVER": process.address,
    }


def test_the_real_github_with_the_practice_chat(live, github_process):
    kit = live(**github_settings(github_process))
    assert repr(kit) == "Live: GitHub.  Practice: the chat."
    assert kit.alice.say("profile").text.startswith("You are not connected yet")
    assert kit.alice.link.startswith(github_process.address)
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.heading == "One more step" and "alice-practice" in page.text
    assert "Connected to GitHub" in kit.alice.confirm(page).text
    assert "Here is your GitHub profile" in kit.alice.say("profile").text
    with pytest.raises(LookupError, match="GitHub is the real one here"):
        kit.world.github.revoke("alice")


def test_the_practice_github_with_the_real_chat(live, ringcentral_process):
    client = ringcentral_process.call("registration")
    kit = live(
        RINGCENTRAL_SERVER=ringcentral_process.address,
        RINGCENTRAL_CHATBOT_CLIENT_ID=client[0],
        RINGCENTRAL_CHATBOT_CLIENT_SECRET=client[1],
    )
    assert repr(kit) == "Live: the chat.  Practice: GitHub."
    ringcentral_process.call("install_bot", f"{kit.address}/bot/oauth")
    ringcentral_process.call("settle")
    kit.settle()
    ringcentral_process.call("say", "Alice", "help", "direct")
    ringcentral_process.call("settle")
    kit.settle()
    answers = ringcentral_process.call("posts", "direct", "Alice")
    assert answers[-1]["text"].startswith("I understand:")


def test_everything_live_and_nothing_of_it_is_shown(
    live, github_process, ringcentral_process, caplog, capsys, tmp_path
):
    """Take the whole trip and some wrong turns, and look for every secret in all that is shown."""
    caplog.set_level(logging.DEBUG)
    github = github_settings(github_process)
    client = ringcentral_process.call("registration")
    kit = live(
        **github,
        RINGCENTRAL_SERVER=ringcentral_process.address,
        RINGCENTRAL_CHATBOT_CLIENT_ID=client[0],
        RINGCENTRAL_CHATBOT_CLIENT_SECRET=client[1],
    )
    ringcentral_process.call("install_bot", f"{kit.address}/bot/oauth")
    ringcentral_process.call("settle")
    kit.settle()
    ringcentral_process.call("say", "Alice", "profile", "direct")
    ringcentral_process.call("settle")
    kit.settle()
    link = ringcentral_process.call("posts", "direct", "Alice")[-1]["text"].split("](")[1]
    browser = Browser(cookies={"github_account": "alice"})
    browser.stop_before = kit.callback_url
    callback = browser.visit(link.split(")")[0]).approve().url
    pages = [requests.get(callback).text, requests.get(callback).text]
    pages.append(requests.get(f"{kit.callback_url}?state=wrong&code=wrong").text)
    assert "One more step" in pages[0] and "Already used" in pages[1]
    for text in re.search(r"\d{3} \d{3}", pages[0])[0], "profile":
        ringcentral_process.call("say", "Alice", text, "direct")
        ringcentral_process.call("settle")
        kit.settle()

    (service,) = kit.storage.find_services(bot_id=kit.storage.find_bots()[0].id)
    bot = kit.storage.find_bots()[0]
    state, code = (callback.split(f"{name}=")[1].split("&")[0] for name in ("state", "code"))
    tokens = [service.access_token, bot.token["access_token"], bot.data["verificationToken"]]
    secrets = [github["GITHUB_CLIENT_SECRET"], client[1], state, code]
    shown = [repr(kit), repr(kit.settings), repr(service), repr(bot), repr(kit.github)]
    shown += [repr(kit.trace.list()), kit.trace.diagram().svg, kit.trace.diagram().text]
    shown += [repr(kit.show(callback)), repr(kit.show(service.data)), *pages]
    shown += capsys.readouterr()
    # The browser of this test runs in the main thread, and what it opens is its own affair.
    shown += [log.getMessage() for log in caplog.records if log.threadName != "MainThread"]
    everything = "\n".join(shown)
    assert "‹code·" in everything and "alice-practice" in everything
    assert "POST /login/oauth/access_token" in everything  # the logs are among it
    for secret in tokens + secrets + [KEY]:
        assert secret and secret not in everything
    with sqlite3.connect(tmp_path / "live.sqlite") as database:
        dump = "\n".join(database.iterdump())
    assert "GitHub" in dump and "alice-practice" not in dump  # what is known of her is sealed
    for secret in tokens + secrets + [KEY]:
        assert secret not in dump


@pytest.mark.parametrize("url", ["nosuchdb://host/name", "postgresql://u:planted-secret@ho@st/x"])
def test_an_unusable_database_is_told_by_the_name_of_its_variable(url):
    with pytest.raises(SettingsError) as caught:
        Kit(Settings(practice=True, database=url))
    assert str(caught.value).startswith("RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI")
    assert "sqlite:///botkit.sqlite" in caught.value.advice
    assert "planted" not in str(caught.value) + caught.value.advice
