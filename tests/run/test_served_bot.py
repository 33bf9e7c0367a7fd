"""The WSGI app for gunicorn: what it has done before a fork, and what it starts in each process."""

from __future__ import annotations

import importlib.util
import os
import threading
from types import SimpleNamespace

import pytest
import serve_world
from missing import left_out
from serve_world import KEY
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from botkit.run import serve as serving

NEEDED = {**serve_world.NEEDED, "BOTKIT_SECRET_KEY": KEY}


@pytest.fixture
def threads():
    """The threads that were there before the app was made."""
    return set(threading.enumerate())


@pytest.fixture
def served(threads, monkeypatch, tmp_path, sqlite_url):
    """The app, as gunicorn makes it; nothing has been asked of it yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("atexit.register", lambda job: ended.append(job))
    monkeypatch.setattr(serving, "write_log", lambda settings: None)
    ended: list[object] = []
    settings = {**NEEDED, "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": sqlite_url}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    served = serving.app()
    yield served
    if served._watch:
        served._watch.stop()
    for job in ended:
        job()


def ask(served, **environ):
    """A request for `/health`; status and text of the answer."""
    full = EnvironBuilder("/health", environ_base={"wsgi.multithread": True, **environ})
    body, status, _ = run_wsgi_app(served, full.get_environ() | environ, buffered=True)
    return status, b"".join(body).decode()


def test_before_a_fork_it_has_no_thread_and_no_connection(served, threads):
    assert set(threading.enumerate()) == threads
    assert served.bot.storage._engine.pool.checkedin() == 0


def test_it_starts_with_the_first_request_and_once(served, threads):
    for _ in range(2):
        status, _ = ask(served, **{"wsgi.multithread": True})
        assert status == "200 OK"
    names = [one.name for one in set(threading.enumerate()) - threads]
    assert names.count("botkit-watch") == 1


def test_each_process_starts_its_own(served, threads, monkeypatch):
    served.start()
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)  # as after a fork
    first = served._watch
    served.start()
    first.stop()
    assert served._watch is not first


def test_gunicorn_says_how_many_threads_there_are_to_share(served):
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    from botkit.run.gunicorn import post_worker_init

    assert served.bot.places.callbacks.count == 1  # as long as nobody says it
    post_worker_init(SimpleNamespace(wsgi=served, cfg=SimpleNamespace(threads=16)))
    assert served.bot.places.callbacks.count == 8
    post_worker_init(SimpleNamespace(wsgi=Client, cfg=None))  # wrapped: the first request starts it


def test_a_server_that_answers_one_request_at_a_time_is_refused(served, threads):
    one = {"wsgi.multithread": False, "wsgi.multiprocess": False}
    for _ in range(2):
        status, text = ask(served, **one)
        assert status.startswith("503") and "needs a server with threads" in text


def test_several_processes_of_that_kind_are_warned_of_once(served, caplog):
    several = {"wsgi.multithread": False, "wsgi.multiprocess": True}
    for _ in range(2):
        assert ask(served, **several)[0] == "200 OK"
    assert caplog.text.count("Each process answers one request at a time") == 1
