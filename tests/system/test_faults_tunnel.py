"""The tunnel goes and comes back: at the same address, or at another one.

While it is gone nobody reaches the bot.  The chat gives up an address that does not answer, for
good; the browser stands before a closed door after Approve.  Nothing of that is the end.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from faults_world import SIX_DIGITS
from serve_world import QUICK_LOOKS, SECONDS, free_port, wait_until

from botkit.lessons.kit import PRACTICE, Kit
from botkit.practice.ngrok.agent import write_launcher
from botkit.run.tunnel import _agent, open_tunnel

CONNECTED, PROFILE = "Connected to GitHub", "Here is your GitHub profile"
# `botkit serve`, with less time between two looks at the chat.


def end_agent(ngrok_path) -> None:
    """The agent dies, as it does with the computer's network or when somebody ends it."""
    agent = _agent(str(ngrok_path))
    assert agent is not None
    agent.kill()
    agent.wait()


class Tunnelled:
    """A kit whose bot is reached through a tunnel."""

    def __init__(self) -> None:
        self.kit = Kit(replace(PRACTICE, confirm=True))
        self.fixed = f"http://127.0.0.1:{free_port()}"

    def opens(self, address: str | None) -> None:
        """A tunnel at this address, or at one that the agent chooses; the bot moves there."""
        tunnel = self.kit.open_tunnel(fixed_url=address)
        self.kit.use_address(tunnel.public_url)
        self.kit.register_callback()

    def goes(self) -> None:
        end_agent(self.kit.ngrok_path)

    def said(self, text: str) -> str:
        """What the bot answers to Alice; "" if it says nothing."""
        messages = self.kit.alice.say(text).messages
        return "\n".join(text for who, text in messages if who != "Alice")


@pytest.fixture
def tunnelled():
    tunnelled = Tunnelled()
    tunnelled.opens(tunnelled.fixed)
    yield tunnelled
    tunnelled.kit.close()


@pytest.mark.parametrize("same", [True, False], ids=["the same address", "another address"])
def test_while_it_is_gone_the_bot_hears_nothing_and_afterwards_all(tunnelled, same):
    assert "Connect your GitHub account" in tunnelled.said("profile")
    tunnelled.goes()
    assert tunnelled.said("profile") == ""
    tunnelled.opens(tunnelled.fixed if same else None)
    assert (tunnelled.kit.address == tunnelled.fixed) == same
    assert "Connect your GitHub account" in tunnelled.said("profile")
    page = tunnelled.kit.alice.browser.visit(tunnelled.kit.alice.link).approve()
    assert page.url.startswith(tunnelled.kit.address)
    assert tunnelled.kit.alice.confirm(page).text.startswith(CONNECTED)
    assert tunnelled.said("profile").startswith(PROFILE)


@pytest.mark.parametrize("same", [True, False], ids=["the same address", "another address"])
def test_a_callback_before_a_closed_door_can_be_finished(tunnelled, same):
    assert "Connect your GitHub account" in tunnelled.said("profile")
    browser = tunnelled.kit.alice.browser
    consent = browser.visit(tunnelled.kit.alice.link)
    tunnelled.goes()
    stuck = consent.approve()
    assert (stuck.status, stuck.heading) == (0, "This address cannot be reached")
    tunnelled.opens(tunnelled.fixed if same else None)
    # At the same address a reload is enough; else whoever runs the notebook pastes the old one.
    page = browser.visit(stuck.url) if same else tunnelled.kit.finish_with(stuck.url)
    assert page.heading == "One more step"
    assert tunnelled.kit.alice.confirm(page).text.startswith(CONNECTED)
    assert tunnelled.said("profile").startswith(PROFILE)


def test_with_a_tunnel_that_is_gone_for_good_the_trip_can_be_finished_too(tunnelled):
    assert "Connect your GitHub account" in tunnelled.said("profile")
    consent = tunnelled.kit.alice.browser.visit(tunnelled.kit.alice.link)
    tunnelled.goes()
    page = tunnelled.kit.finish_with(consent.approve().url)
    tunnelled.kit.use_address(tunnelled.kit.server.url)
    assert tunnelled.kit.alice.confirm(page).text.startswith(CONNECTED)


def test_a_bot_that_is_served_finds_back_into_the_chat_by_itself(serve, town, tmp_path):
    ngrok_path, public = write_launcher(tmp_path), f"http://127.0.0.1:{free_port()}"
    first = open_tunnel(serve.port, ngrok_path=ngrok_path, fixed_url=public)
    url = f"sqlite:///{tmp_path / 'botkit.sqlite'}"
    bot = serve(limits=QUICK_LOOKS, **town.settings(public, url))
    bot.wait_for("Ctrl-C ends it.")
    town.install(public)
    person = town.person(1)
    callback = person.approves(person.say("profile"), public)

    end_agent(ngrok_path)
    person.write("Is anybody there?")
    town.chat.settle()
    assert not town.hears()  # the chat has given up the address
    with pytest.raises(requests.ConnectionError):
        requests.get(callback, timeout=SECONDS)

    second = open_tunnel(serve.port, ngrok_path=ngrok_path, fixed_url=public)
    wait_until(town.hears)
    code = SIX_DIGITS.search(requests.get(callback, timeout=SECONDS).text)[0]
    assert person.say(code).startswith(CONNECTED)
    assert person.say("profile").startswith(PROFILE)
    first.close()
    second.close()
