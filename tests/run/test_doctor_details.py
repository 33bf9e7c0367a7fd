"""The doctor, line by line: what the golden texts of test_doctor.py do not show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from botkit.oauth import http
from botkit.run import doctor
from botkit.run.doctor import systems
from botkit.run.doctor.database import DatabaseVisit
from botkit.run.doctor.place import (
    BotAddress,
    address,
    change,
    find_bot_address,
    processes,
    registrations,
    tunnel,
)
from botkit.run.doctor.questions import service_of
from botkit.run.doctor.report import Check, Diagnosis, note, ok, wrong
from botkit.run.doctor.services import ServiceVisit
from botkit.settings import Registration

ROOT = Path(__file__).parents[2]
PLANTED = "planted-Secret-3141"
BOT = "https://bot.example.com"
GITHUB = {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": PLANTED}
CHAT = {"RINGCENTRAL_CHATBOT_CLIENT_ID": "id", "RINGCENTRAL_CHATBOT_CLIENT_SECRET": PLANTED}
GOOGLE = {"GOOGLE_API_CLIENT_ID": "id", "GOOGLE_API_CLIENT_SECRET": PLANTED}
APP = {"RINGCENTRAL_APP_CLIENT_ID": "id", "RINGCENTRAL_APP_CLIENT_SECRET": PLANTED}
CODESPACE = {"CODESPACE_NAME": "duck", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev"}
NO_FILE = Path(os.devnull)


def read(**values: str) -> systems.Reading:
    return systems.read(values, NO_FILE)


def now() -> datetime:
    return datetime.now(UTC)


def ask_github(server: str) -> list[Check]:
    registration = Registration("id", PLANTED, server)
    return list(ServiceVisit(service_of("github", registration, BOT), now).checks())


# ---- the report --------------------------------------------------------------------------------

REPORT = Diagnosis([ok("a", "A."), wrong("b", "B.", "Do\nthis."), note("c", "C.")])


@pytest.mark.parametrize("number", ["two", "0", "-1", "2.5", "", "²", "100000"])
def test_a_number_of_processes_that_gunicorn_cannot_read(number):
    (check,) = processes({"WEB_CONCURRENCY": number})
    assert (check.state, check.text) == (
        "wrong",
        "WEB_CONCURRENCY is no number of processes, so gunicorn would not work.",
    )


def test_a_number_of_processes_is_no_line_of_the_doctor():
    assert [*processes({}), *processes({"WEB_CONCURRENCY": " 4 "})] == []


def test_a_report_shows_a_line_for_each_check_and_its_advice_below():
    assert repr(REPORT).splitlines()[:-1] == ["✔ A.", "✘ B.", "    Do", "    this.", "– C."]
    assert not REPORT.ready and Diagnosis(REPORT.checks[::2]).ready


@pytest.mark.parametrize(("checks", "status"), [(REPORT.checks, 1), (REPORT.checks[::2], 0)])
def test_run_writes_text_or_json_and_returns_the_exit_status(monkeypatch, checks, status):
    monkeypatch.setattr(doctor, "examine", lambda **_: Diagnosis(checks))
    written: list[str] = []
    assert doctor.run(write=written.append) == doctor.run(as_json=True, write=written.append)
    assert doctor.run(write=written.append) == status
    assert written[0] == repr(Diagnosis(checks))
    assert json.loads(written[1]) == [
        {"check": each.check, "state": each.state, "text": each.text, "advice": each.advice}
        for each in checks
    ]


# ---- this computer -----------------------------------------------------------------------------


def test_a_missing_package_is_said_and_the_rest_is_left():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('requests', 'sqlalchemy', 'dotenv')))\n"
        "from botkit.run import doctor; sys.exit(doctor.run(as_json=True, environment={}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert run.returncode == 1 and run.stderr == b""
    said = {line["check"]: line for line in json.loads(run.stdout)}
    assert said["packages"]["text"] == "This kernel cannot import requests, sqlalchemy, dotenv."
    assert "pip install -r requirements.txt" in said["packages"]["advice"]
    assert list(said)[-1] == "rest"


def test_a_package_of_another_version_is_named(monkeypatch):
    installed = {"flask": "4.0", "requests": "2.30.9", "sqlalchemy": "2.1.0rc1"}
    monkeypatch.setattr(
        systems.importlib.metadata, "version", lambda name: installed.get(name, "9")
    )
    check = systems.versions()
    assert check.state == "wrong" and "pip install -r requirements.txt" in check.advice
    assert "flask 4.0 does not fit, >=3.0,<4 is needed; " in check.text
    assert "requests 2.30.9 does not fit" in check.text and "sqlalchemy" not in check.text


# ---- settings ----------------------------------------------------------------------------------


def test_several_mistakes_are_said_at_once_and_the_rest_is_read():
    reading = read(GITHUB_CLIENT_ID="x", BOTKIT_PORT="many", NGROK_DOMAIN="?", **CHAT)
    assert [check.text.split()[0] for check in reading.checks] == [
        "BOTKIT_PORT",
        "GITHUB_CLIENT_ID",
        "NGROK_DOMAIN",
    ]
    assert list(reading.settings.registrations) == ["chat"]


def test_a_system_whose_server_is_nonsense_is_asked_nowhere_else():
    reading = read(GITHUB_SERVER="ftp://x", RINGCENTRAL_SERVER="x", **GITHUB, **CHAT, **APP)
    assert reading.settings.registrations == {}
    github, chat = systems.systems(reading)
    assert (github.text, chat.text) == (
        "GitHub is left out: see above.",
        "The chat is left out: see above.",
    )


def test_an_unclear_wish_for_practice_counts_as_one():
    reading = read(BOTKIT_PRACTICE="yes", **GITHUB)
    assert reading.settings.practice and reading.settings.registrations == {}
    assert next(systems.systems(reading)).text == "GitHub is left out: see above."


@pytest.mark.parametrize("encoding", ["utf-16-le", "latin-1"])
def test_an_env_file_in_another_alphabet_is_said(tmp_path, encoding):
    file = tmp_path / ".env"
    file.write_text("GITHUB_CLIENT_ID=café\n", encoding=encoding)
    reading = systems.read(CHAT, file)
    assert "is not written in UTF-8" in reading.checks[0].text
    assert reading.settings.chatbot


def test_every_service_that_has_a_skill_is_named_with_googles_seven_days():
    texts = [check.text for check in systems.systems(read(**GOOGLE, **APP))]
    assert texts[1].startswith("Google is live, at https://www.googleapis.com: GOOGLE_API_CLIENT")
    assert "after 7 days while the app is in “Testing”" in texts[2]
    assert texts[3].startswith("RingCentral is live, at ") and "RINGCENTRAL_APP_CLIENT" in texts[3]
    assert len(list(systems.systems(read()))) == 2


def test_what_is_set_and_left_out_is_said():
    texts = [check.text for check in systems.systems(read(**GOOGLE, BOTKIT_SKILLS="github"))]
    left_out = (
        "Google is not used, though GOOGLE_API_CLIENT_ID is set: BOTKIT_SKILLS leaves it out."
    )
    assert texts[2:] == [left_out]


def test_no_password_from_the_users_netrc_is_sent_along(tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text(f"machine 127.0.0.1 login me password {PLANTED}\n")
    monkeypatch.setenv("NETRC", str(file))
    sent: list[dict[str, str]] = []
    watcher = SimpleNamespace(
        before=lambda request: sent.append(dict(request.headers)), after=lambda *_: None
    )
    monkeypatch.setattr(http, "watchers", [watcher])
    service = service_of("github", Registration("id", PLANTED, "http://127.0.0.1:9"), BOT)
    list(ServiceVisit(service, lambda: datetime.now(UTC)).checks())
    assert len(sent) == 1 and "Authorization" not in sent[0]


# ---- the place ---------------------------------------------------------------------------------

HUB = {"JUPYTERHUB_PUBLIC_URL": "https://hub.example.com/user/ann/"}
TOKEN = {"NGROK_AUTHTOKEN": PLANTED}


@pytest.mark.parametrize(
    ("values", "around", "state", "words"),
    [
        ({}, {}, "ok", "at http://127.0.0.1:8090: nothing names another address"),
        ({"BOTKIT_PORT": "8090"}, {}, "ok", "at http://127.0.0.1:8090: nothing"),
        (TOKEN, {}, "note", "ngrok will choose the address"),
        (TOKEN | {"NGROK_DOMAIN": "a.ngrok-free.dev"}, {}, "ok", "https://a.ngrok-free.dev: NGROK"),
        ({"BOTKIT_PORT": "8090"}, CODESPACE, "ok", "https://duck-8090.app.github.dev: GitHub Code"),
        ({"BOTKIT_PRACTICE": "1"}, CODESPACE, "ok", "at https://duck-PORT.app.github.dev: GitHub"),
        ({"BOTKIT_PRACTICE": "1"}, {}, "ok", "at http://127.0.0.1:8090: nothing"),
        ({"BOTKIT_PUBLIC_URL": "https://h.example/{port}"}, HUB, "note", "behind this proxy has"),
        (
            CHAT | {"BOTKIT_PORT": "8090", "BOTKIT_PUBLIC_URL": "https://h.example/{port}"},
            HUB,
            "wrong",
            "at https://h.example/8090: BOTKIT_PUBLIC_URL says so. RingCentral cannot deliver",
        ),
        (TOKEN | {"NGROK_DOMAIN": "a.ngrok-free.dev"}, HUB, "ok", "https://a.ngrok-free.dev: NGR"),
        ({}, CODESPACE, "note", "BOTKIT_PORT is not set"),
        (GITHUB, CODESPACE, "wrong", "BOTKIT_PORT is not set"),
        (CHAT | {"BOTKIT_PORT": "8090"}, CODESPACE, "ok", "https://duck-8090.app.github.dev"),
        (
            GITHUB | {"BOTKIT_PORT": "8090"},
            HUB,
            "ok",
            "https://hub.example.com/user/ann/proxy/8090:",
        ),
        (CHAT | {"BOTKIT_PORT": "8090"}, HUB, "wrong", "RingCentral cannot deliver there"),
        ({"NGROK_DOMAIN": "?"}, {}, "note", "is not known: see above"),
    ],
)
def test_the_address_and_why(values, around, state, words):
    check = address(find_bot_address(read(**values), around))
    assert check.state == state and words in check.text


def test_what_is_not_known_yet_is_told_by_its_end():
    texts = [
        check.text for check in registrations(find_bot_address(read(**GITHUB, **CHAT, **TOKEN), {}))
    ]
    assert [text.split()[-1] for text in texts] == ["/github/oauth", "/bot/oauth", "/bot/webhook"]
    assert all("https://" not in text for text in texts)


def test_the_address_of_last_time_is_the_one_that_ringcentral_was_given(kit):
    visit = DatabaseVisit(kit.settings.database, kit.settings.secret_keys)
    assert [check.state for check in visit.checks()] == ["ok", "ok", "ok", "ok"]
    assert visit.webhooks == {kit.bot.webhook_url}
    assert change(BotAddress(kit.settings, "loopback", kit.address), visit.webhooks).state == "ok"


def test_ngrok_is_looked_for_and_not_started(tmp_path, monkeypatch):
    program = tmp_path / "ngrok"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PYNGROK_NGROK_PATH", str(program))
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("it was started"))
    check = tunnel(find_bot_address(read(**TOKEN), {}))
    assert check.state == "ok" and "press Visit Site" in check.advice


def test_a_practice_tunnel_that_does_not_open_is_told_with_its_advice(monkeypatch):
    monkeypatch.setenv("PRACTICE_NGROK_FAIL", "ERR_NGROK_4018")
    check = tunnel(find_bot_address(read(), {}))
    assert check.state == "wrong" and "Make a free account" in check.advice
