"""How `python -m botkit serve` begins: its public address, and trouble told in a sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from serve_world import Alice, BotProcess, answers, chat_settings, free_port, github_settings

from botkit.practice.ngrok.agent import write_launcher


@pytest.fixture
def ngrok(tmp_path):
    """The settings of somebody with an ngrok account and the (practice) agent installed."""
    return {
        "PYNGROK_NGROK_PATH": str(write_launcher(tmp_path)),
        "NGROK_AUTHTOKEN": "2abcPlantedSecretToken",
    }


def test_behind_a_tunnel_the_whole_trip_goes_through_it(
    serve, ngrok, github_process, ringcentral_process
):
    settings = github_settings(github_process, serve.address)
    bot = serve(**settings, **chat_settings(ringcentral_process), **ngrok)
    address = bot.wait_for("The bot:   ").split()[2]
    assert address != serve.address and answers(address)
    assert bot.wait_for("register this callback URL").endswith(f"{address}/github/oauth")
    github_process.call(
        "change_callback_urls", settings["GITHUB_CLIENT_ID"], [f"{address}/github/oauth"]
    )
    ringcentral_process.call("install_bot", f"{address}/bot/oauth")
    alice = Alice(ringcentral_process)
    assert alice.connect().url.startswith(address)
    bot.stop()
    assert bot.status() == 0
    assert not answers(address)
    assert "PlantedSecret" not in str(bot.output) + bot.errors


def kill_agent(bot: BotProcess) -> None:
    """What a crash does to the agent, which is a child of the bot's process."""
    for child in children_of(bot.process.pid):
        os.kill(child, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    if sys.platform == "darwin":
        command = ["pgrep", "-P", str(pid)]
        return [int(line) for line in subprocess.check_output(command, text=True).split()]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            found += [int(folder.name)] * (int(parent) == pid)
    return found


def test_a_tunnel_that_ends_is_opened_again_and_the_chat_delivers_there(
    serve, ngrok, github_process, ringcentral_process
):
    settings = github_settings(github_process, serve.address)
    bot = serve(**settings, **chat_settings(ringcentral_process), **ngrok)
    first = bot.wait_for("The bot:   ").split()[2]
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{first}/bot/oauth")
    alice = Alice(ringcentral_process)
    kill_agent(bot)
    second = bot.wait_for("The tunnel had ended.").split()[-2]
    assert second != first and answers(second) and not answers(first)
    assert alice.say("help").startswith("I understand:")


def test_a_given_address_is_the_one_that_is_given_out(serve, github_process):
    settings = github_settings(github_process, "https://bot.example.com")
    bot = serve(RINGCENTRAL_CHATBOT_SERVER="https://bot.example.com", **settings)
    line = bot.wait_for("The bot:   ")
    assert line == f"The bot:   https://bot.example.com (on this computer: {serve.address})"
    callback = bot.wait_for("register this callback URL").split()[-1]
    assert callback == "https://bot.example.com/github/oauth"
    bot.wait_for("Ctrl-C ends it.")
    assert answers(serve.address)


# ---- trouble at the start ----------------------------------------------------------------------


def trouble(bot: BotProcess) -> str:
    """What a bot says that could not start: one sentence with advice, and nothing else."""
    assert bot.status() == 1
    assert bot.output == []
    (line,) = bot.errors.splitlines()
    return line


def test_a_port_that_is_taken(serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = trouble(serve(BOTKIT_PORT=str(port)))
    assert line.startswith(f"Port {port} is taken by another program. ")
    assert line.endswith("Stop it, or set BOTKIT_PORT to another number.")


@pytest.mark.parametrize(
    ("url", "happened"),
    [
        ("sqlite:////no/such/folder/botkit.sqlite", "The database file cannot be opened."),
        (
            "mystery://bot:planted@host/name",
            "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI cannot be used.",
        ),
    ],
)
def test_a_database_that_cannot_be_used(serve, url, happened):
    line = trouble(serve(RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI=url))
    assert line.startswith(happened) and "planted" not in line
    assert not answers(serve.address)


def test_settings_that_cannot_work(serve):
    line = trouble(serve(GITHUB_CLIENT_ID="Ov23liSomething"))
    assert line.startswith("GITHUB_CLIENT_ID is set, but GITHUB_CLIENT_SECRET is not. Set")


def test_a_tunnel_that_cannot_be_opened(serve, ngrok, github_process):
    settings = github_settings(github_process, serve.address)
    line = trouble(serve(PRACTICE_NGROK_FAIL="ERR_NGROK_105", **settings, **ngrok))
    assert line.startswith("ngrok does not accept this authtoken. (ERR_NGROK_105)")
    assert "PlantedSecret" not in line
    assert not answers(serve.address)


def test_an_address_that_leads_nowhere(serve, github_process, ringcentral_process):
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    bot = serve(**settings)
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    bot.stop()
    assert bot.status() == 0
    nowhere = f"http://127.0.0.1:{free_port()}"
    line = trouble(serve(RINGCENTRAL_CHATBOT_SERVER=nowhere, **settings))
    assert line.startswith(f"RingCentral called {nowhere}/bot/webhook and was not answered")
    assert "Make sure that this address leads to the running bot" in line
    assert not answers(serve.address)
