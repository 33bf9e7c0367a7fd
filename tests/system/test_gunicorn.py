"""The bot under gunicorn, in two processes: `gunicorn --workers 2 'botkit.run.serve:app()'`."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from missing import left_out
from serve_world import Alice, answers, chat_settings, github_settings, wait_until

from botkit.errors import SettingsError
from botkit.run import serve as serving

NEEDED = {
    "GITHUB_CLIENT_ID": "Ov23liSomething",
    "GITHUB_CLIENT_SECRET": "planted",
    "RINGCENTRAL_CHATBOT_CLIENT_ID": "something",
    "RINGCENTRAL_CHATBOT_CLIENT_SECRET": "planted",
    "RINGCENTRAL_CHATBOT_SERVER": "https://bot.example.com",
}
# What gunicorn's own process has done by the time at which it makes the others.
HOOKS = """
import sys, threading

def pre_fork(server, worker):
    names = sorted(thread.name for thread in threading.enumerate())
    print("before the fork:", names, "botkit.bot.bot" in sys.modules, flush=True)

def post_worker_init(worker):
    print("in the worker:", "botkit.bot.bot" in sys.modules, flush=True)
"""


@pytest.fixture
def gunicorn(serve, tmp_path):
    """Start gunicorn with settings, as the README says, at `serve.address`."""
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    (tmp_path / "hooks.py").write_text(HOOKS)
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "botkit.run.serve:app()"]
    command += ["--bind", f"127.0.0.1:{serve.port}", "--config", "hooks.py"]

    def start(**settings: str):
        return serve(command=command, **{"RINGCENTRAL_CHATBOT_SERVER": serve.address, **settings})

    return start


@pytest.fixture
def live(serve, github_process, ringcentral_process):
    github = github_settings(github_process, serve.address)
    return github | chat_settings(ringcentral_process)


def test_the_whole_trip_in_two_processes(gunicorn, live, serve, ringcentral_process, database_url):
    bot = gunicorn(**live, RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI=database_url)
    wait_until(lambda: answers(serve.address))
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    assert alice.connect().heading == "One more step"
    for _ in range(4):  # whichever of the two is asked
        assert alice.say("profile").startswith("Here is your GitHub profile")
    bot.stop()
    assert bot.status() == 0
    assert "Traceback" not in bot.errors


def test_work_in_flight_is_finished_before_it_ends(
    gunicorn, live, serve, github_process, ringcentral_process
):
    bot = gunicorn(**live)
    wait_until(lambda: answers(serve.address))
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    alice.connect()
    github_process.call("trouble.next", path="/api/v3/user", status=None, delay=60)
    ringcentral_process.call("say", "Alice", "profile", "direct")
    ringcentral_process.call("settle")  # the webhook is answered, and the work has begun
    bot.stop()
    wait_until(lambda: bot.errors.count("Worker exiting") == 2)
    assert bot.process.poll() is None
    github_process.call("trouble.clear")
    assert alice.reads().startswith("Here is your GitHub profile")
    assert bot.status() == 0
    assert "Traceback" not in bot.errors


def test_before_the_fork_there_is_no_bot_and_so_no_thread_and_no_connection(gunicorn, live, serve):
    bot = gunicorn(**live)
    assert bot.wait_for("before the fork") == "before the fork: ['MainThread'] False"
    assert bot.wait_for("in the worker") == "in the worker: True"


def test_gunicorn_says_what_is_missing_and_ends(gunicorn, live):
    bot = gunicorn(**live | {"RINGCENTRAL_CHATBOT_SERVER": ""})
    assert bot.status() != 0
    assert "Under gunicorn everything is live and has a public address." in bot.errors
    assert "\nSet RINGCENTRAL_CHATBOT_SERVER. For practice there is: python -m bot" in bot.errors
    assert live["GITHUB_CLIENT_SECRET"] not in bot.errors


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({}, "Set GITHUB_CLIENT_ID."),
        ({**NEEDED, "BOTKIT_PRACTICE": "1"}, "Set BOTKIT_PRACTICE=0."),
        ({name: NEEDED[name] for name in NEEDED if "GITHUB" in name}, "Set RINGCENTRAL_CHATBOT_CL"),
        ({**NEEDED, "RINGCENTRAL_CHATBOT_SERVER": ""}, "Set RINGCENTRAL_CHATBOT_SERVER."),
    ],
)
def test_what_is_missing_is_named(settings, advice, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="Under gunicorn everything is live") as caught:
        serving.app()
    assert caught.value.advice.startswith(advice)
