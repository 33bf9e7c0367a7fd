"""The kit as a notebook uses it: starting again, people, clock, address."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest
import requests
import sqlalchemy as sa

import botkit
from botkit.errors import KitEnded, NotACallback, PortTaken, SettingsError
from botkit.lessons.kit import Kit, stop
from botkit.oauth import http
from botkit.practice.ringcentral.webhooks import Webhooks


@pytest.fixture
def started():
    yield botkit.start
    stop()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_starting_again_replaces_what_runs(started):
    first = started()
    second = started()
    assert answers(second.address)
    assert http.watchers == [second.trace]
    first.close()  # once more does no harm
    assert answers(second.address)


def rows_of(kit) -> list[int]:
    engine = sa.create_engine(kit.settings.database)
    counts = [
        engine.connect().scalar(sa.text(f"SELECT count(*) FROM {table}"))
        for table in ("services", "authorizations", "bots")
    ]
    engine.dispose()
    return counts


def everything(kit) -> dict:
    """What a trip leaves behind, wherever it leaves it."""
    github = kit.world.github
    return {
        "rows": rows_of(kit),
        "labels": kit.labels.label("token", "one-to-see-its-number"),
        "trace": len(kit.trace),
        "clock": repr(kit.clock),
        "grants": [*github._ledger.grants, *github._ledger.codes, *github._ledger.tokens],
        "posts": [post.text[:20] for post in kit.world.ringcentral.posts("direct", "Alice")],
        "trouble": repr(github.trouble),
        "tunnels": kit.tunnels,
        "skills": [skill.provider.name for skill in kit.bot.services],
    }


def test_one_call_resets_everything_and_leaves_the_addresses_as_they_are(started):
    kit = started()
    fresh, places = everything(kit), (kit.address, kit.chat_page, kit.github.authorize_url)
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link)
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    kit.clock.advance(hours=1)
    kit.open_tunnel()
    kit.use_address(kit.tunnels[0].public_url)
    kit.world.github.trouble.next(times=5)
    kit = started()
    assert everything(kit) == fresh
    assert (kit.address, kit.chat_page, kit.github.authorize_url) == places
    assert "Connect your GitHub account" in kit.alice.say("profile").text


def test_a_start_that_fails_does_not_lose_the_addresses(started):
    places = started().address, botkit.start().chat_page
    with pytest.raises(SettingsError):
        started(database="nonsense")
    kit = started()
    assert (kit.address, kit.chat_page) == places


def test_a_kit_that_has_ended_says_so_whatever_is_asked_of_it(started):
    old = started()
    old.alice.say("profile")
    new = started()
    for use in (
        lambda: old.alice.say("help"),
        lambda: old.open_tunnel(),
        lambda: old.use_address("http://127.0.0.1:9"),
        lambda: old.finish_with(f"{old.address}/github/oauth?state=x"),
        lambda: old.add(old.github),
    ):
        with pytest.raises(KitEnded, match="This kit has ended") as caught:
            use()
        assert caught.value.__notes__ == ["Use the new one: kit = botkit.start() gives one."]
    assert "Connect your GitHub account" in new.alice.say("profile").text


def test_a_port_that_somebody_has_taken_meanwhile_is_left_to_them(started):
    port = started().server.port
    stop()
    with socket.create_server(("127.0.0.1", port)):
        running_ports = {"bot": port}
        kit = Kit(ports=running_ports)
        assert kit.server.port != port and answers(kit.address)
        kit.close()


def test_the_same_port_can_be_used_again_at_once(started):
    port = started().server.port
    assert started(port=port).server.port == port


def test_a_port_that_is_taken_is_named_and_leaves_nothing_running(started):
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is taken") as caught:
            started(port=port)
    assert "Choose another port" in caught.value.advice
    assert threading.active_count() <= before  # one of an earlier test may end meanwhile


def test_a_database_of_ones_own_outlives_the_kit(started, database_url):
    kit = started(database=database_url)
    kit.alice.say("profile")
    kit.alice.confirm(kit.alice.browser.visit(kit.alice.link).approve())
    again = started(database=database_url)
    assert [row.name for row in again.storage.find_services(bot_id=kit.bot_id)] == ["GitHub"]


def test_labels_begin_at_one_for_the_learner(kit):
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    text = repr(kit.trace.list())
    assert "‹state·1›" in text and "‹state·2›" not in text
    assert "‹token·1›" in text


def test_moving_the_clock_moves_it_for_everybody(kit):
    kit.alice.say("profile")
    kit.clock.advance(minutes=11)
    assert "more than ten minutes old" in kit.alice.browser.visit(kit.alice.link).approve().text


def test_a_trip_through_the_tunnel_and_a_changed_address(kit):
    kit.use_address(kit.open_tunnel().public_url)
    kit.alice.say("profile")
    assert "Not connected" in kit.alice.browser.visit(kit.alice.link).approve().text
    kit.register_callback()
    kit.alice.say("profile")
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.heading == "Connected" and page.url.startswith(kit.address)
    assert "tunnel·1" in repr(kit.show(kit.callback_url))
    kit.use_address(kit.server.url)
    assert "Here is your GitHub profile" in kit.alice.say("profile").text


@pytest.mark.parametrize("exceptions", ["intranet.example", "localhost;127.0.0.1", "*"])
def test_a_proxy_of_the_office_does_not_get_in_the_way(monkeypatch, started, exceptions):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, exceptions)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    before = dict(os.environ)
    kit = started()
    kit.use_address(kit.open_tunnel().public_url)
    assert "not connected yet" in kit.alice.say("profile").text
    assert dict(os.environ) == before


def test_a_browser_that_cannot_reach_the_bot_is_finished_by_pasting(kit, monkeypatch):
    kit.alice.say("profile")
    kit.alice.browser.stop_before = kit.callback_url
    ended_at = kit.alice.browser.visit(kit.alice.link).approve().url
    elsewhere = ended_at.replace(kit.address, "http://127.0.0.1:1")
    monkeypatch.setattr("botkit.lessons.kit.getpass", lambda prompt: f"  {elsewhere} ")
    assert kit.finish_with().heading == "Connected"
    assert kit.finish_with(elsewhere).heading == "Already used"


@pytest.mark.parametrize("pasted", ["", "hello", "http://127.0.0.1:1/github/oauth", "/x?code=1"])
def test_what_is_no_callback_is_not_taken_for_one(kit, pasted, monkeypatch):
    monkeypatch.setattr("botkit.lessons.kit.getpass", lambda prompt: pasted)
    with pytest.raises(NotACallback, match="ends in /github/oauth") as caught:
        kit.finish_with()
    assert "address bar" in caught.value.advice


def test_importing_botkit_is_light():
    command = "import sys, botkit; print('flask' in sys.modules, 'sqlalchemy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert run.stdout == "False False\n"


def test_closing_ends_every_thread_and_the_temporary_folder():
    before = set(threading.enumerate())
    kit = Kit()
    folder = kit._folder.name
    kit.close()
    left = [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]
    assert [thread.name for thread in left if "botkit-work" in thread.name] == []
    assert not os.path.exists(folder)


def test_the_bot_greets_in_a_chat_when_somebody_uses_it_first():
    with closing(Kit()) as kit:
        assert kit.transcript() == "(nothing)"
        kit.bob.say("help")
        chats = kit.world.ringcentral.transcript()
        assert [title for title, said in chats.items() if said] == ["Bob and Practice Bot"]
        (first, second, third) = chats["Bob and Practice Bot"]
        assert first[1].startswith("Hello!") and second == ("Bob", "help")
        assert third[0] == "Practice Bot"


def test_the_trace_has_no_greetings():
    with closing(Kit()) as kit:
        for chat in ("direct", "Team"):
            assert kit.alice.reads(chat=chat).text.startswith("Hello!")
        assert list(kit.trace) == []


def test_who_opens_the_page_of_a_chat_is_greeted_there():
    with closing(Kit()) as kit:
        url = f"{kit.world.ringcentral.address}/people/Bob/news"
        news = requests.get(url, timeout=10).json()
        assert [post["text"][:6] for post in news["posts"]] == ["Hello!", "Hello!"]
        assert news["newest"] >= max(int(post["id"]) for post in news["posts"])


def test_a_kit_on_a_busy_computer_subscribes_again(monkeypatch):
    """The chat gave up its address, because the answer to the first delivery came too late."""
    late, deliver = ["the first"], Webhooks._deliver

    def too_late_once(webhooks, subscription, envelope):
        if late:
            webhooks.blacklist(subscription, late.pop())
        deliver(webhooks, subscription, envelope)

    monkeypatch.setattr(Webhooks, "_deliver", too_late_once)
    with closing(Kit()) as kit:
        assert "shows your GitHub profile" in kit.alice.say("help").text
        assert late == []
