"""The bot under gunicorn, in two processes, with the configuration that botkit brings."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import signal
from datetime import timedelta
from types import SimpleNamespace

import pytest
import requests
from missing import left_out
from serve_world import (
    NEEDED,
    SECONDS,
    SHORT_LEASE,
    Alice,
    answers,
    chat_settings,
    github_settings,
    wait_until,
)

from botkit.errors import SettingsError
from botkit.run import serve as serving
from botkit.settings import load_settings

CONFIG = "python:botkit.run.gunicorn"
# What gunicorn's own process has done by the time at which it makes the others.
HOOKS = """
import sys, threading
from botkit.run.gunicorn import *

def pre_fork(server, worker):
    names = sorted(thread.name for thread in threading.enumerate())
    print("before the fork:", names, flush=True)
"""


@pytest.fixture
def gunicorn(serve, tmp_path):
    """Start gunicorn with options and settings, as the README says, at `serve.address`."""
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    (tmp_path / "hooks.py").write_text(HOOKS)

    def start(*options: str, config: str | None = CONFIG, limits=None, **settings: str):
        command = ["-m", "gunicorn", "botkit.run.serve:app()"]
        command += ["--bind", f"127.0.0.1:{serve.port}", *options]
        command += ["--config", config] if config else []
        settings = {"RINGCENTRAL_CHATBOT_SERVER": serve.address, **settings}
        return serve(command=command, limits=limits, **settings)

    return start


@pytest.fixture
def live(serve, github_process, ringcentral_process):
    ringcentral_process.set("webhooks.timeout", SECONDS)  # how quick it is, is tested elsewhere
    github = github_settings(github_process, serve.address)
    return github | chat_settings(ringcentral_process)


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["", "preload"])
def test_the_whole_trip_in_two_processes(
    gunicorn, live, serve, ringcentral_process, database_url, options
):
    settings = live | {"RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": database_url}
    bot = gunicorn(*options, limits=SHORT_LEASE, **settings)
    wait_until(lambda: answers(serve.address))
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    assert alice.connect().heading == "One more step"
    for _ in range(4):  # whichever of the two is asked
        assert alice.say("profile").startswith("Here is your GitHub profile")
    for worker in workers_of(bot):  # each is replaced, and the next message is answered
        ringcentral_process.call("settle")  # or it would give up the webhook
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda gone=worker: gone not in workers_of(bot) and len(workers_of(bot)) == 2)
        assert alice.say("profile").startswith("Here is your GitHub profile")
    bot.stop()
    assert bot.status() == 0
    assert "Traceback" not in bot.errors


def workers_of(bot):
    """The ids of the processes that answer requests, as gunicorn's log tells of them."""
    booted = re.findall(r"Booting worker with pid: (\d+)", bot.errors)
    return [int(pid) for pid in booted if _runs(pid)]


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


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


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["", "preload"])
def test_before_the_fork_there_is_no_thread(gunicorn, live, serve, options):
    bot = gunicorn(*options, config="hooks.py", **live)
    names = bot.wait_for("before the fork").partition(": ")[2]
    assert "botkit" not in names and "Thread-" not in names
    wait_until(lambda: answers(serve.address))


# ---- what cannot work --------------------------------------------------------------------------


def test_gunicorn_says_what_is_missing_and_ends(gunicorn, live):
    bot = gunicorn(**live | {"RINGCENTRAL_CHATBOT_SERVER": ""})
    assert bot.status() != 0
    assert "Under gunicorn everything is live and has a public address. Set RING" in bot.errors
    assert live["GITHUB_CLIENT_SECRET"] not in bot.errors and "Traceback" not in bot.errors


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--worker-class", "sync", "--threads", "1"], "The bot needs workers with threads, and"),
        (["--threads", "3"], "With 3 threads the chat would have to wait for people who connect."),
        ([], "Several processes cannot share a database in memory. Set RINGCENTRAL_CHATBOT_DATA"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(gunicorn, live, options, sentence):
    memory = {} if options else {"RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": "sqlite://"}
    bot = gunicorn(*options, **live, **memory)
    assert bot.status() != 0
    assert sentence in bot.errors and "Traceback" not in bot.errors
    assert "Booting worker" not in bot.errors


@pytest.mark.parametrize("kind", ["gevent", "eventlet", "tornado", "sync"])
def test_every_other_class_of_workers_is_refused(kind, monkeypatch, tmp_path):
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    from botkit.run.gunicorn import refusal

    monkeypatch.chdir(tmp_path)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    config = SimpleNamespace(worker_class_str=kind, threads=16, workers=2)
    assert refusal(load_settings(), config) == (
        f"The bot needs workers with threads, and these are of the class {kind}. "
        "Leave out --worker-class, or set it to gthread."
    )
    config.worker_class_str = "gthread"
    assert refusal(load_settings(), config) == ""
    config.workers = 0  # gunicorn would start, and answer nothing
    assert refusal(load_settings(), config) == (
        "Without a process nobody would answer. Set --workers to 1 or more."
    )


def test_without_the_configuration_one_process_without_threads_says_what_it_needs(
    gunicorn, live, serve
):
    bot = gunicorn(config=None, **live)
    wait_until(lambda: "Booting worker" in bot.errors)
    answer = requests.get(f"{serve.address}/bot/oauth?code=x", timeout=SECONDS)
    assert answer.status_code == 503
    assert "needs a server with threads" in answer.text and CONFIG in answer.text
    assert "needs a server with threads" in bot.errors
    assert requests.get(f"{serve.address}/health", timeout=SECONDS).status_code == 503


def test_without_the_configuration_two_processes_work_and_are_warned_of(
    gunicorn, live, serve, ringcentral_process
):
    bot = gunicorn("--workers", "2", config=None, **live)
    wait_until(lambda: answers(serve.address))
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    assert Alice(ringcentral_process).connect().heading == "One more step"
    assert "Each process answers one request at a time" in bot.errors


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


# ---- what is logged ----------------------------------------------------------------------------

SECRET, ANOTHER = "planted-0f3a", "planted-77b1"  # the other one is in no known parameter
FORMAT = "%(h)s %(r)s %(s)s %(q)s %(U)s %(f)s %(a)s %({cookie}i)s %({raw_uri}e)s %({location}o)s"


def test_the_logs_hold_no_query_of_any_address(gunicorn, live, serve, tmp_path):
    options = ["--access-logfile", "access.txt", "--access-logformat", FORMAT]
    bot = gunicorn(*options, "--log-level", "debug", **live)
    wait_until(lambda: answers(serve.address))
    callback = f"{serve.address}/github/oauth?code={SECRET}&state={SECRET}&anything={ANOTHER}"
    headers = {"Referer": callback, "Cookie": f"a={SECRET}", "User-Agent": "a browser"}
    assert requests.get(callback, headers=headers, timeout=SECONDS).status_code == 400
    bot.stop()
    assert bot.status() == 0
    logged = (tmp_path / "access.txt").read_text()
    assert "GET /github/oauth HTTP/1.1 400" in logged and "a browser" in logged
    assert SECRET not in logged + bot.errors and ANOTHER not in logged + bot.errors


def test_an_error_that_gunicorn_logs_holds_no_query_either(caplog):
    """As when a process is killed in the middle of a request."""
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    from gunicorn.config import Config

    from botkit.run.gunicorn import RedactingLogger

    config = Config()
    logger = RedactingLogger(config)
    lines: list[str] = []
    handler = next(iter(logger.error_log.handlers))
    handler.emit = lambda record: lines.append(handler.format(record))
    logger.setup(config)  # as after the signal HUP
    handler = next(iter(logger.error_log.handlers))
    handler.emit = lambda record: lines.append(handler.format(record))
    uri = f"/github/oauth?code={SECRET}&state={SECRET}&anything={ANOTHER}"
    try:
        raise ValueError(f"in the middle of {uri}")
    except ValueError:
        logger.exception("Error handling request %s", uri)
    (line,) = lines
    assert "Error handling request /github/oauth?" in line and "in the middle of" in line
    assert SECRET not in line and ANOTHER not in line
    assert [type(one).__name__ for one in handler.filters] == ["_WithoutSecrets"]
    logging.getLogger("gunicorn.error").handlers.clear()


@pytest.mark.parametrize(
    "line",
    [
        f"Invalid HTTP request line: 'GET /github/oauth?state=a b&code={SECRET} HTTP/1.1'",
        f"Error handling request /github/oauth?state='&code={SECRET}",
        f'Error handling request /github/oauth?state="&code={SECRET}',
    ],
)
def test_a_query_with_a_quote_or_a_space_in_it_is_left_out_to_its_end(line):
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    from botkit.run.gunicorn import _WithoutSecrets

    record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, line, None, None)
    assert _WithoutSecrets().filter(record)
    assert record.getMessage() == line.partition("?")[0] + "?…"


def test_times_of_the_access_log_stay_numbers():
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    from gunicorn.config import Config

    from botkit.run.gunicorn import RedactingLogger

    answer = SimpleNamespace(status="200 OK", sent=7, headers=[("Location", "/x?code=1")])
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/x?a='&code=1", "SERVER_PROTOCOL": "HTTP/1.1"}
    asked = SimpleNamespace(headers=[("HOST", "bot"), ("VERIFICATION-TOKEN", SECRET)])
    atoms = RedactingLogger(Config()).atoms(answer, asked, environ, timedelta(seconds=2))
    assert (atoms["T"], atoms["B"], atoms["r"]) == (2, 7, "GET /x HTTP/1.1")
    assert atoms["{host}i"] == "bot"
    assert SECRET not in str(atoms) and "code=1" not in str(atoms)
