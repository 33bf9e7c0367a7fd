"""`python -m botkit`: every command, as a person or a cron job runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
import python_process
import requests
from missing import left_out
from python_process import PIPE, start
from serve_world import KEY, Alice, chat_settings, clean_environment, github_settings

from botkit.storage import Seal, Storage


def botkit_command(*arguments: str, folder=None, given="", **settings: str):
    """Run a command to its end, in `folder`, with these settings and no others.

    `given` is its standard input.
    """
    return python_process.run(
        "-m",
        "botkit",
        *arguments,
        folder=folder,
        environment=clean_environment(**settings),
        given=given,
    )


def complaint(run) -> str:
    """What a command says that could not do its work: one line, and nothing else."""
    assert (run.returncode, run.stdout) == (1, "")
    (line,) = run.stderr.splitlines()
    return line


# ---- demo


def test_the_demo_takes_the_whole_trip():
    run = botkit_command("demo")
    assert (run.returncode, run.stderr) == (0, "")
    for part in [
        "not connected yet",
        "Authorize Practice Bot",
        "One more step",
        "Connected to GitHub",
    ]:
        assert part in run.stdout
    assert "‹code·1›" in run.stdout and "gho_" not in run.stdout


@pytest.mark.parametrize("lines", [0, 1])
def test_who_has_read_enough_of_it_is_not_bothered(lines):
    if os.name == "nt":
        left_out("SIGPIPE")
    command = [sys.executable, "-m", "botkit", "demo"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    for _ in range(lines):
        demo.stdout.readline()
    demo.stdout.close()  # as `| head -1` does
    assert (demo.wait(60), demo.stderr.read()) == (1, b"")
    demo.stderr.close()


@pytest.mark.parametrize("how", [[], ["--open"]])
def test_the_demo_says_in_a_sentence_that_its_port_is_taken(how):
    with socket.create_server(("127.0.0.1", 0)) as other:
        run = botkit_command("demo", *how, "--port", str(other.getsockname()[1]))
    assert run.returncode == 1
    assert "is taken by another program. Choose another port" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_open_demo_serves_the_view_and_the_chat_until_it_is_interrupted():
    pipes = {"stdout": PIPE, "stderr": PIPE}
    demo = start("-m", "botkit", "demo", "--open", environment=clean_environment(), **pipes)
    try:
        view, keys, chat = (demo.stdout.readline() for _ in range(3))
        assert view.startswith("The presenter's view: http://127.0.0.1:")
        assert all(key in keys for key in ("Space", "→", "PageDown", "F ", "R "))
        page = requests.get(view.split()[-1], timeout=10)
        assert page.ok and "presenter's view" in page.text
        page = requests.get(chat.split()[-1], timeout=10)
        assert page.ok and "Practice chat" in page.text
        demo.send_signal(2)  # Ctrl-C
        output, errors = demo.communicate(timeout=20)
    finally:
        demo.kill()
    assert (demo.returncode, errors) == (0, "")
    assert output.endswith("Stopped.\n")


# ---- setup-database


def test_setup_database_says_what_it_did_and_the_second_time_that_it_had_nothing_to_do(tmp_path):
    first = botkit_command("setup-database", folder=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert "Made the table services.\n" in first.stdout
    assert (tmp_path / "botkit.sqlite").exists()
    second = botkit_command("setup-database", folder=tmp_path)
    assert (second.returncode, second.stdout) == (0, "Nothing to do.\n")


def test_setup_database_takes_the_one_that_is_named_before_the_one_that_is_set(tmp_path):
    set_one = {"RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": "sqlite:///set.sqlite"}
    botkit_command("setup-database", folder=tmp_path, **set_one)
    assert (tmp_path / "set.sqlite").exists()
    botkit_command("setup-database", "sqlite:///named.sqlite", folder=tmp_path, **set_one)
    assert (tmp_path / "named.sqlite").exists()
    assert not (tmp_path / "botkit.sqlite").exists()


def test_setup_database_says_in_a_sentence_that_it_cannot(tmp_path):
    run = botkit_command("setup-database", "mystery://bot:planted@host/name", folder=tmp_path)
    line = complaint(run)
    assert line.startswith("The address of the database cannot be used. Write it like sqlite://")
    assert "planted" not in line


# ---- maintain and status


@pytest.fixture
def live(serve, github_process, ringcentral_process):
    """The settings of a bot that runs, and that Alice has connected to her GitHub account."""
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    serve(**settings).wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    alice.connect()
    return settings | {"BOTKIT_SECRET_KEY": KEY}


def test_status_shows_what_is_connected_and_no_secret(live, serve, tmp_path):
    run = botkit_command("status", folder=tmp_path, **live)
    assert (run.returncode, run.stderr) == (0, "")
    assert "subscription: Active, until " in run.stdout
    assert f"to {serve.address}/bot/webhook" in run.stdout
    assert "GitHub, account alice-practice: person 2101001 in chat " in run.stdout
    program = botkit_command("status", "--json", folder=tmp_path, **live)
    (bot,) = json.loads(program.stdout)
    assert bot["services"][0]["account"] == "alice-practice"
    storage = Storage(f"sqlite:///{tmp_path / 'botkit.sqlite'}", seal=Seal([KEY]))
    (row,) = storage.find_bots()
    (service,) = storage.find_services(bot_id=row.id)
    storage.close()
    secrets = [service.access_token, *row.token.values(), live["GITHUB_CLIENT_SECRET"]]
    secrets += [row.data["verificationToken"], live["RINGCENTRAL_CHATBOT_CLIENT_SECRET"]]
    for secret in secrets:
        assert secret and secret not in run.stdout + program.stdout


def test_maintain_mends_what_is_broken_and_then_has_nothing_to_do(
    live, ringcentral_process, tmp_path
):
    well = botkit_command("maintain", folder=tmp_path, **live)
    assert (well.returncode, well.stdout, well.stderr) == (0, "Nothing to do.\n", "")
    ringcentral_process.call("blacklist")
    mended = botkit_command("maintain", folder=tmp_path, **live)
    assert (mended.returncode, mended.stderr) == (0, "")
    assert mended.stdout.startswith("Made a new subscription of Bot ")
    assert botkit_command("maintain", folder=tmp_path, **live).stdout == "Nothing to do.\n"


def test_two_maintain_at_once_do_the_work_once(live, ringcentral_process, tmp_path):
    ringcentral_process.call("blacklist")
    options = {"folder": tmp_path, "environment": clean_environment(**live), "stdout": PIPE}
    both = [start("-m", "botkit", "maintain", **options) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "".join(said).count("Made a new subscription") == 1
    (bot,) = json.loads(botkit_command("status", "--json", folder=tmp_path, **live).stdout)
    assert bot["subscription"] == "Active"


# ---- update-token and remove-bot


@pytest.fixture
def refused(live, tmp_path):
    """The bot that runs has a token that RingCentral does not know.  Returns the good one."""
    storage = Storage(f"sqlite:///{tmp_path / 'botkit.sqlite'}", seal=Seal([KEY]))
    (row,) = storage.find_bots()
    storage.save_bot(row.id, token={"access_token": "lost"}, data={})
    storage.close()
    return row.token["access_token"]


def test_a_token_that_is_refused_is_replaced_as_maintain_and_status_say(live, refused, tmp_path):
    command = "python -m botkit update-token 2109001"
    for name in ("maintain", "status"):
        assert command in botkit_command(name, folder=tmp_path, **live).stdout
    arguments = command.split()[3:]
    run = botkit_command(*arguments, folder=tmp_path, given=f"{refused}\n", **live)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "Bot 2109001 has its new token.\nIt has a new subscription.\n"
    assert botkit_command("maintain", folder=tmp_path, **live).stdout == "Nothing to do.\n"


def test_a_wrong_new_token_is_refused_in_a_sentence_without_it(live, tmp_path):
    run = botkit_command("update-token", "2109001", folder=tmp_path, given="planted\n", **live)
    line = complaint(run)
    assert line.startswith("RingCentral does not accept the token") and "planted" not in line


def test_remove_bot_ends_the_connections_also_of_a_bot_that_is_refused(live, refused, tmp_path):
    run = botkit_command("remove-bot", "2109001", folder=tmp_path, **live)
    assert run.returncode == 0
    first, second = run.stdout.splitlines()
    assert first == "Removed Bot 2109001 (Practice Bot) with its one connection."
    assert second.startswith("Its subscription at RingCentral could not be ended.")
    assert botkit_command("status", folder=tmp_path, **live).stdout == "No bot is installed.\n"


@pytest.mark.parametrize("command", ["update-token", "remove-bot"])
def test_an_unknown_bot_is_told_in_a_sentence(command, ringcentral_process, tmp_path):
    settings = chat_settings(ringcentral_process) | {"BOTKIT_SECRET_KEY": KEY}
    github = {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "secret"}
    line = complaint(botkit_command(command, "5", folder=tmp_path, **settings, **github))
    assert line.startswith("There is no bot 5 in this database. To see the bots")


@pytest.mark.parametrize("command", ["maintain", "status"])
def test_without_a_registration_there_is_nothing_to_look_after(command, tmp_path):
    line = complaint(botkit_command(command, folder=tmp_path))
    assert line.startswith("The bot needs a registration at RingCentral. Set ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["serve", "maintain", "status", "setup-database"])
def test_settings_that_cannot_work_are_told_in_a_sentence(command, tmp_path):
    line = complaint(botkit_command(command, folder=tmp_path, BOTKIT_PORT="planted"))
    assert line.startswith("BOTKIT_PORT is not a port. Write a number from 1024 to 65535")


# ---- doctor


def test_doctor_answers_with_lines_for_a_person_and_json_for_a_program(tmp_path):
    run = botkit_command("doctor", folder=tmp_path)
    assert "✔" in run.stdout and run.stderr == ""
    program = botkit_command("doctor", "--json", folder=tmp_path)
    assert json.loads(program.stdout)
    assert run.returncode == program.returncode


# ---- help


def test_every_command_says_what_it_is_for():
    overview = botkit_command("--help").stdout
    bots = ("serve", "doctor", "setup-database", "maintain", "status", "new-key", "rotate-key")
    bots += ("update-token", "remove-bot")
    for command in ("demo", *bots):
        assert f"    {command}" in overview
        run = botkit_command(command, "--help")
        assert (run.returncode, run.stdout.startswith("usage: ")) == (0, True)
    wrong = botkit_command("dance")
    assert wrong.returncode == 2 and "invalid choice: 'dance'" in wrong.stderr
