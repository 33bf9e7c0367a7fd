"""The doctor's visits: the services and the database, when they are in trouble."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from live_world import PracticeProcess

from botkit.errors import ProviderUnreachable
from botkit.oauth import http
from botkit.run.doctor import services, visits
from botkit.run.doctor.database import DatabaseVisit, default_database
from botkit.run.doctor.place import BotAddress, change
from botkit.run.doctor.questions import chat_service, service_of
from botkit.run.doctor.report import Check
from botkit.run.doctor.services import ServiceVisit, clock
from botkit.settings import Registration, Settings
from botkit.storage import setup_database

PLANTED = "planted-Secret-3141"
BOT = "https://bot.example.com"
ADVICE_OFFLINE = "BOTKIT_PRACTICE=1"


@pytest.fixture(scope="module")
def github() -> Iterator[PracticeProcess]:
    process = PracticeProcess("github")
    yield process
    process.close()


def now() -> datetime:
    return datetime.now(UTC)


def ask(server: str) -> list[Check]:
    registration = Registration("id", PLANTED, server)
    return list(ServiceVisit(service_of("github", registration, BOT), now).checks())


# ---- no answer ---------------------------------------------------------------------------------


def test_a_name_that_nobody_knows(monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    (check,) = ask("https://github.example.com")
    assert check.text == "The name github.example.com cannot be looked up."
    assert ADVICE_OFFLINE in check.advice


def test_a_proxy_in_the_way(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PLANTED}@127.0.0.1:9")  # nobody is there
    (check,) = ask("https://github.example.com")
    assert check.text == "The network's proxy does not let us through to GitHub."
    assert "HTTPS_PROXY" in check.advice and PLANTED not in repr(check)


def test_a_certificate_that_is_not_accepted(github):
    (check,) = ask(github.address.replace("http:", "https:"))  # where no TLS is spoken
    assert "cannot be made secure" in check.text and "REQUESTS_CA_BUNDLE" in check.advice


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_there(monkeypatch, name):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, "/nowhere/certificates.pem")
    (check,) = ask("https://github.example.com")
    assert check.text == f"The file that {name} names is not there." and check.advice
    with pytest.raises(ProviderUnreachable), http.reaching("GitHub"):  # a bot says that
        http.Session().get("https://github.example.com")


def test_an_answer_that_does_not_come(github, monkeypatch):
    monkeypatch.setattr(services, "TIMEOUT", 2.0)
    github.call("trouble.next", delay=30, status=None)
    (check,) = ask(github.address)
    github.call("trouble.clear")
    assert check.text == "GitHub does not answer in time." and "firewall" in check.advice


def test_a_network_that_is_dead_holds_nobody_longer_than_the_deadline(monkeypatch, tmp_path):
    released = threading.Event()

    def silent(*_args, **_kwargs):
        released.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(visits, "DEADLINE_SECONDS", 0.2)
    bot = Registration("id", PLANTED, "https://rc.example.com")
    settings = Settings(
        registrations={"github": Registration("id", PLANTED, "https://gh.example.com"), "chat": bot}
    )
    begun = time.monotonic()
    visit = visits.Visits(settings, BotAddress(settings, None, None), now)
    found = list(visit.of_the_services())
    released.set()
    assert time.monotonic() - begun < 20
    assert [check.text for check in found] == [
        "GitHub does not answer in time.",
        "RingCentral does not answer in time.",
        "The clock was not compared: no service has told the time.",
    ]
    assert all(ADVICE_OFFLINE in check.advice for check in found[:2])


def test_a_mistake_of_our_own_is_told_by_its_kind_alone(monkeypatch, capfd):
    def fail(_self):
        raise RuntimeError(PLANTED)
        yield

    monkeypatch.setattr(DatabaseVisit, "checks", fail)
    settings = Settings(database="sqlite://")
    (check,) = visits.Visits(settings, BotAddress(settings, None, None), now).of_the_database()
    assert check.text == "The database could not be looked at: RuntimeError."
    assert "report it" in check.advice and capfd.readouterr() == ("", "")


# ---- an answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        (200, "wrong", "Something else answers instead of GitHub (with 200)."),
        (302, "wrong", "Something else answers instead of GitHub (with 302)."),
        (429, "note", "GitHub asks us to wait"),
        (503, "wrong", "GitHub has a problem of its own (it answered 503)."),
    ],
)
def test_an_answer_that_says_nothing_about_our_credentials(github, status, state, words):
    github.call("trouble.next", status=status, body="<html>", headers={"Location": "/sign-in"})
    (check,) = ask(github.address)
    assert check.state == state and words in check.text and check.advice


def test_github_may_call_an_unknown_client_id_not_found(github):
    body, headers = '{"error":"Not Found"}', {"Content-Type": "application/json"}
    github.call("trouble.next", status=404, body=body, headers=headers)
    assert ask(github.address)[1].text == "GitHub does not accept the client id and secret."


@pytest.mark.parametrize(
    ("status", "error", "code", "verdict"),
    [
        (401, "invalid_client", "OAU-146", "refused"),
        (400, "invalid_client", "OAU-153", "refused"),
        (401, None, None, "refused"),
        (403, "invalid_grant", "OAU-106", "accepted"),
        (400, "invalid_grant", "OAU-213", "accepted"),
        (400, None, "OAU-109", "accepted"),
        (400, "unauthorized_client", "OAU-251", "accepted"),
        (400, None, "CMN-101", "unknown"),
        (200, None, None, "unknown"),
    ],
)
def test_what_ringcentral_says_about_our_credentials(status, error, code, verdict):
    service = chat_service(Registration("id", PLANTED, "https://rc.example.com"), BOT)
    answer = {"error": error} if error else {}
    answer |= {"errors": [{"errorCode": code, "message": "no"}]} if code else {}
    assert service.judge(status, answer) == verdict
    assert PLANTED not in repr(service)


@pytest.mark.parametrize(
    ("skill", "status", "error", "verdict"),
    [
        ("github", 200, "bad_verification_code", "accepted"),
        ("github", 200, "incorrect_client_credentials", "refused"),
        ("github", 401, None, "unknown"),  # a guest network's page: it was asked in the body
        ("drive", 400, "invalid_grant", "accepted"),
        ("drive", 401, "invalid_client", "refused"),
        ("drive", 401, "unauthorized_client", "refused"),  # RingCentral knows such a client
        ("drive", 404, "Not Found", "unknown"),  # only GitHub says so of a client id
        ("ringcentral", 400, "unauthorized_client", "accepted"),
        ("ringcentral", 400, "invalid_request", "accepted"),
        ("ringcentral", 401, "invalid_grant", "refused"),
        ("ringcentral", 400, ["a", "list"], "unknown"),
    ],
)
def test_what_each_service_says_about_our_credentials(skill, status, error, verdict):
    service = service_of(skill, Registration("id", PLANTED, "https://x.example.com"), BOT)
    assert service.judge(status, {"error": error, "errors": "none"}) == verdict


def test_a_service_hears_no_address_that_is_not_known():
    settings = Settings(
        {"google": Registration("id", PLANTED, "http://127.0.0.1:9")}, skills=("drive",)
    )
    asked = [each.redirect_uri for each in visits.services(settings, None)]
    assert asked == ["http://127.0.0.1/google/oauth"]


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(seconds=30), "agrees with that of GitHub"),
        (timedelta(seconds=-30), "agrees with that of GitHub"),
        (timedelta(minutes=-9), "is 9 minutes behind that of GitHub"),
        (timedelta(hours=1, minutes=30), "is 90 minutes ahead of that of GitHub"),
        (timedelta(hours=-3), "is 3 hours behind that of GitHub"),
        (timedelta(days=800), "is 800 days ahead of that of GitHub"),
    ],
)
def test_the_clock_is_compared(github, ahead, words):
    service = service_of("github", Registration("id", PLANTED, github.address), BOT)
    visit = ServiceVisit(service, lambda: now() + ahead)
    list(visit.checks())
    check = clock([visit])
    assert words in check.text and (check.state == "wrong") == (abs(ahead) > timedelta(minutes=1))


# ---- the database ------------------------------------------------------------------------------


def look(url: str) -> list[Check]:
    return list(DatabaseVisit(url).checks())


def test_a_database_of_the_original_framework_is_looked_at_and_left_as_it_is(tmp_path):
    file = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bots (id VARCHAR(255) PRIMARY KEY, token JSON)")
    before = file.read_bytes()
    check = look(f"sqlite:///{file}")[-1]
    assert check.text.startswith("The database lacks the table authorizations, the column bots.")
    assert check.advice == "Run: python -m botkit setup-database"
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    (check,) = look(f"sqlite:///{tmp_path / 'bot.sqlite'}")
    assert check.text == "The database's file is not there yet."
    assert "setup-database" in check.advice and list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("x" * 4096)
    (check,) = look(f"sqlite:///{file}")
    assert check.text == "The database does not answer." and "SQLite file" in check.advice


def test_a_database_that_somebody_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("botkit.run.doctor.database.BUSY_SECONDS", 0.01)
    file = tmp_path / "bot.sqlite"
    setup_database(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        check = look(f"sqlite:///{file}")[-1]
    assert check.text == "The database is busy with somebody else's work." and check.advice


def test_a_database_in_memory_is_forgotten():
    (check,) = look("sqlite://")
    assert check.state == "note" and "sqlite:///botkit.sqlite" in check.advice


def test_a_database_whose_port_is_no_number_does_not_show_its_password():
    (check,) = look(f"postgresql://bot:{PLANTED}@db.example.com:{PLANTED}/bot")
    assert check.state == "wrong" and check.advice and PLANTED not in repr(check)


def test_where_none_is_set_the_file_of_serve_counts_if_anything_is_live(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    live = Settings(registrations={"github": Registration("id", PLANTED, "https://github.com")})
    assert default_database(live) is None
    Path("botkit.sqlite").touch()
    assert default_database(live) == "sqlite:///botkit.sqlite"
    google = Settings({"google": Registration("id", PLANTED, "https://google.example.com")})
    assert default_database(google) == "sqlite:///botkit.sqlite"
    assert default_database(Settings()) is None


@pytest.mark.parametrize(
    ("url", "webhooks", "words"),
    [
        ("https://a.example", ["https://a.example/bot/webhook"], "the same address as last time"),
        ("https://b.example", ["https://a.example/bot/webhook"], "last time it was https://a.exa"),
        (None, ["https://a.example/bot/webhook"], "Last time the address was https://a.example."),
        ("https://a.example", [], "The address of last time is not known."),
    ],
)
def test_the_address_is_compared_with_that_of_last_time(url, webhooks, words):
    assert words in change(BotAddress(Settings(), "ngrok", url), frozenset(webhooks)).text
