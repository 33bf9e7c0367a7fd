"""`python -m botkit serve`: a whole trip, any mix, and an end that loses nothing."""

from __future__ import annotations

import socket

import requests
from python_process import run
from serve_world import (
    KEY,
    LINK,
    SECONDS,
    Alice,
    answers,
    chat_settings,
    github_settings,
    wait_until,
)

from botkit.practice.browser.browser import Browser
from botkit.run import serve as serving
from botkit.storage import Seal, Storage


def test_the_whole_trip_with_everything_live(serve, github_process, ringcentral_process, tmp_path):
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    bot = serve(**settings)
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    page = alice.connect()
    assert page.heading == "One more step"
    assert page.url.split("?")[0] == f"{serve.address}/github/oauth"
    assert alice.say("profile").startswith("Here is your GitHub profile:\n**alice-practice**")
    bot.stop()
    assert bot.status() == 0
    assert bot.output == [
        f"GitHub:    live, at {github_process.address}",
        f"The chat:  live, at {ringcentral_process.address}",
        "Database:  sqlite, botkit.sqlite",
        f"The bot:   {serve.address}",
        f"At GitHub, register this callback URL:             {serve.address}/github/oauth",
        f"At RingCentral, register this OAuth redirect URI:  {serve.address}/bot/oauth",
        f"The chat will deliver to this webhook:             {serve.address}/bot/webhook",
        "Ctrl-C ends it.",
        "Finishing what is under way.",
        "Stopped.",
    ]
    assert bot.errors == ""
    storage = Storage(f"sqlite:///{tmp_path / 'botkit.sqlite'}", seal=Seal([KEY]))
    (row,) = storage.find_services(bot_id=storage.find_bots()[0].id)
    storage.close()
    assert row.account["name"] == "alice-practice"
    for secret in settings["GITHUB_CLIENT_SECRET"], row.access_token:
        assert secret not in str(bot.output)


def test_after_a_restart_it_goes_on_where_it_was(serve, github_process, ringcentral_process):
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    first = serve(**settings)
    first.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    alice.connect()
    first.stop()
    assert first.status() == 0
    assert not answers(serve.address)
    serve(**settings).wait_for("Ctrl-C ends it.")
    assert alice.say("profile").startswith("Here is your GitHub profile")


def test_only_github_is_live_and_the_chat_is_a_page_to_open(serve, github_process):
    bot = serve(**github_settings(github_process, serve.address))
    page = bot.wait_for("The chat:  practice, at ").split()[-1]
    assert bot.wait_for("Open the chat's address in a browser")
    bot.wait_for("Ctrl-C ends it.")
    people = f"{page}people/Alice"
    chats = requests.get(f"{people}/news").json()["chats"]
    direct = next(chat["id"] for chat in chats if chat["direct"])
    said = requests.post(f"{people}/chats/{direct}/posts", json={"text": "profile"}).json()
    link, newest = None, said["id"]
    while not link:  # each request waits until something is new
        news = requests.get(f"{people}/news", params={"since": newest}).json()
        newest = news["newest"]
        link = next(filter(None, (LINK.search(post["text"]) for post in news["posts"])), None)
    assert link[1].startswith(github_process.address)
    consent = Browser(cookies={"github_account": "alice"}).visit(link[1])
    assert consent.approve().heading == "One more step"


def test_practice_forces_practice(serve, github_process):
    bot = serve(BOTKIT_PRACTICE="1", **github_settings(github_process, serve.address))
    assert "practice" in bot.wait_for("GitHub: ")
    assert "practice" in bot.wait_for("The chat: ")
    assert not any("register" in line for line in bot.output)
    bot.wait_for("Ctrl-C ends it.")
    bot.process.send_signal(2)
    assert bot.status() == 0


def test_work_in_flight_is_finished_before_it_ends(serve, github_process, ringcentral_process):
    bot = serve(
        **github_settings(github_process, serve.address), **chat_settings(ringcentral_process)
    )
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    alice.connect()
    github_process.call("trouble.next", path="/api/v3/user", status=None, delay=60)
    ringcentral_process.call("say", "Alice", "profile", "direct")
    ringcentral_process.call("settle")  # the webhook is answered, and the work has begun
    bot.stop()
    bot.wait_for("Finishing what is under way.")
    wait_until(lambda: not answers(serve.address))
    assert bot.process.poll() is None
    github_process.call("trouble.clear")
    assert alice.reads().startswith("Here is your GitHub profile")
    assert (bot.status(), bot.output[-1], bot.errors) == (0, "Stopped.", "")


def test_a_callback_in_flight_is_answered_before_it_ends(
    serve, github_process, ringcentral_process
):
    bot = serve(
        **github_settings(github_process, serve.address), **chat_settings(ringcentral_process)
    )
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    alice.browser.stop_before = serve.address
    callback = alice.approve().url
    github_process.call("trouble.next", path="/login/oauth/access_token", status=None, delay=60)
    with socket.create_connection(("127.0.0.1", serve.port), SECONDS) as person:
        path = callback.removeprefix(serve.address)
        person.sendall(f"GET {path} HTTP/1.1\r\nHost: bot\r\n\r\n".encode())
        wait_until(lambda: "/login/oauth/access_token" in str(github_process.call("requests_seen")))
        bot.stop()
        bot.wait_for("Finishing what is under way.")
        github_process.call("trouble.clear")
        answer = b"".join(iter(lambda: person.recv(4096), b"")).decode()
    assert answer.startswith("HTTP/1.1 200") and "One more step" in answer
    assert bot.status() == 0


def test_once_a_day_it_looks_after_itself(serve, github_process, ringcentral_process):
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    first = serve(**settings)
    first.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    first.stop()
    assert first.status() == 0
    ringcentral_process.call("delete_bot")  # and nobody hears of it
    second = serve(limits={"botkit.run.serve.DAY": 0.1}, **settings)  # days fly
    wait_until(lambda: "is left as it is. RingCentral says that this bot" in second.errors)
    second.stop()
    assert second.status() == 0
    assert " INFO Bot " in second.errors and "Traceback" not in second.errors


def test_whatever_does_not_end_is_ended_when_there_is_no_more_time(tmp_path):
    code = "import logging, threading, time; logging.basicConfig(); "
    code += "from botkit.run import serve; last = serve._end_after(0.2); "
    code += "threading.Thread(target=time.sleep, args=(600,)).start()"
    done = run("-c", code)
    assert (done.returncode, done.stdout) == (0, "Stopped.\n")
    assert "Something did not end in" in done.stderr


def test_what_ends_in_time_is_left_alone():
    timer = serving._end_after(600)
    timer.cancel()
    timer.join(SECONDS)
    assert not timer.is_alive() and serving.LONGEST_STOP < 30
