"""`python -m botkit doctor`: what it says of set-ups that are broken, and of some that are not.

What it says word for word is in golden/doctor_*.txt.  Services that are live are practice servers
in processes of their own.
"""

from __future__ import annotations

import logging
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from live_world import PracticeProcess
from serve_world import KEY

from botkit.run import doctor
from botkit.run.doctor import computer as environment
from botkit.storage import Seal, Storage, new_key, setup_database

GOLDEN = Path(__file__).parents[1] / "golden"
PLANTED = "planted-Secret-3141"
URL = "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI"
PUBLIC = {"RINGCENTRAL_CHATBOT_SERVER": "https://bot.example.com"}
EVERYTHING_WELL = environment.environment()


class Place:
    """Two live services, a folder, and the names that stand for what differs each time."""

    def __init__(
        self, github: PracticeProcess, chat: PracticeProcess, google: PracticeProcess
    ) -> None:
        self.processes = (github, chat, google)
        client = github.call("register_app", "Doctor", ["https://bot.example.com/github/oauth"])
        self.github = {
            "GITHUB_CLIENT_ID": client[0],
            "GITHUB_CLIENT_SECRET": client[1],
            "GITHUB_SERVER": github.address,
            "BOTKIT_SECRET_KEY": KEY,
        }
        client = chat.call("registration")
        self.chat = {
            "RINGCENTRAL_CHATBOT_CLIENT_ID": client[0],
            "RINGCENTRAL_CHATBOT_CLIENT_SECRET": client[1],
            "RINGCENTRAL_SERVER": chat.address,
            "BOTKIT_SECRET_KEY": KEY,
        }
        app = chat.call("register_app", "Doctor", ["https://bot.example.com/ringcentral/oauth"])
        self.app = {
            "RINGCENTRAL_APP_CLIENT_ID": app[0],
            "RINGCENTRAL_APP_CLIENT_SECRET": app[1],
            "RINGCENTRAL_SERVER": chat.address,
            "BOTKIT_SECRET_KEY": KEY,
        }
        uris = ["https://bot.example.com/google/oauth"]
        web_client = google.call("register_client", "Doctor", uris)
        self.google = {
            "GOOGLE_API_CLIENT_ID": web_client[0],
            "GOOGLE_API_CLIENT_SECRET": web_client[1],
            "GOOGLE_SERVER": google.address,
            "BOTKIT_SECRET_KEY": KEY,
        }
        self.names = {
            github.address: "http://GITHUB",
            chat.address: "http://RINGCENTRAL",
            google.address: "http://GOOGLE",
        }
        secrets = {client[1], app[1], web_client[1]}
        self.secrets = {PLANTED, KEY, self.github["GITHUB_CLIENT_SECRET"], *secrets}
        self.folder = Path()
        self.ahead = timedelta()

    @property
    def database(self) -> dict[str, str]:
        """A database as `setup-database` leaves it."""
        url = f"sqlite:///{self.folder / 'bot.sqlite'}"
        setup_database(url)
        return {URL: url}


@pytest.fixture(scope="module")
def processes() -> Iterator[Place]:
    processes = [PracticeProcess(name) for name in ("github", "ringcentral", "google")]
    yield Place(*processes)
    for process in processes:
        process.close()


@pytest.fixture
def place(processes, tmp_path, monkeypatch) -> Iterator[Place]:
    processes.folder, processes.ahead = tmp_path, timedelta()
    monkeypatch.chdir(tmp_path)  # or the database of somebody who runs a bot here is found
    monkeypatch.setattr(environment, "environment", lambda: EVERYTHING_WELL)  # it takes its time
    yield processes
    for process in processes.processes:
        process.call("trouble.clear")


def examine(place: Place, values: dict[str, str], written: str = "") -> doctor.Diagnosis:
    file = place.folder / ".env"
    file.write_text(written, encoding="utf-8")
    ahead = place.ahead
    return doctor.examine(environment=values, env_file=file, now=lambda: datetime.now(UTC) + ahead)


# ---- the set-ups, each with its golden text ----------------------------------------------------


def practice(place):
    return {}


def practice_wanted(place):
    return place.github | PUBLIC | {"BOTKIT_PRACTICE": "1", "NGROK_AUTHTOKEN": PLANTED}


def all_live(place):
    database = place.database
    storage = Storage(database[URL], seal=Seal([KEY]))
    webhook = "https://bot.example.com/bot/webhook"
    token = {"access_token": PLANTED}
    storage.save_bot("1", token=token, data={"webhook": webhook, "verificationToken": PLANTED})
    storage.close()
    return place.github | place.chat | PUBLIC | database


def token_refused(place):
    """Of two bots: the token of one is refused, and the other was deleted."""
    values = all_live(place)
    storage = Storage(values[URL], seal=Seal([KEY]))
    moment = "2026-11-30T12:00:00+00:00"
    for bot_id, code in (("1", "OAU-213"), ("2", "OAU-232")):
        found = {"token": "hash", "code": code, "since": moment, "asked": moment}
        storage.save_bot(bot_id, token={"access_token": PLANTED}, data={"refused": found})
    storage.close()
    return values


def all_services_live(place):
    return all_live(place) | place.google | place.app


def wrong_google_secret(place):
    return place.google | {"GOOGLE_API_CLIENT_SECRET": PLANTED} | place.database


def wrong_app_secret(place):
    return place.app | {"RINGCENTRAL_APP_CLIENT_SECRET": PLANTED} | PUBLIC


def address_changed(place):
    return all_live(place) | {"RINGCENTRAL_CHATBOT_SERVER": "https://new.example.com"}


def half_set(place):
    return place.chat | PUBLIC | {"GITHUB_CLIENT_SECRET": PLANTED}


def wrong_github_secret(place):
    return place.github | {"GITHUB_CLIENT_SECRET": PLANTED}


def wrong_github_id(place):
    return place.github | {"GITHUB_CLIENT_ID": PLANTED}


def wrong_chat_secret(place):
    return place.chat | {"RINGCENTRAL_CHATBOT_CLIENT_SECRET": PLANTED} | PUBLIC | place.database


def github_unreachable(place):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    place.names[f"127.0.0.1:{port}"] = "NOWHERE"
    return place.github | {"GITHUB_SERVER": f"http://127.0.0.1:{port}"}


def guest_network(place):
    headers = {"Location": "https://sign-in.example.com/"}
    place.processes[0].call("trouble.next", status=302, headers=headers)
    return place.github


def clock_ahead(place):
    place.ahead = timedelta(minutes=7)
    return place.github


def address_with_path(place):
    return place.github | {"RINGCENTRAL_CHATBOT_SERVER": f"https://bot.example.com/{PLANTED}"}


def http_off_loopback(place):
    return place.chat | {"RINGCENTRAL_CHATBOT_SERVER": "http://bot.example.com"} | place.database


def chat_on_loopback(place):
    return place.chat | place.database


def database_nonsense(place):
    return {URL: f"nosuchdb://bot:{PLANTED}@db.example.com/bot"}


def database_unreachable(place):
    return {URL: f"sqlite:///{place.folder / 'nobody' / 'bot.sqlite'}"}


def database_read_only(place):
    file = place.database[URL].removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # a log beside it would be written at once
    return {URL: f"sqlite:///file:{file}?mode=ro&uri=true"}


def tables_missing(place):
    file = place.database[URL].removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "DROP TABLE authorizations; DROP INDEX services_one_per_owner;"
            "DROP INDEX services_without_person;"
            "ALTER TABLE services DROP COLUMN userId;"
        )
    return {URL: f"sqlite:///{file}"}


def port_taken(place):
    place.listener = socket.create_server(("127.0.0.1", 0))
    port = place.listener.getsockname()[1]
    place.names |= {f"127.0.0.1:{port}": "BOT", f"Port {port}": "Port PORT"}
    return {"BOTKIT_PORT": str(port)}


def ngrok_without_program(place):
    return place.github | place.database | {"NGROK_AUTHTOKEN": PLANTED}


def key_missing(place):
    return all_live(place) | {"BOTKIT_SECRET_KEY": ""}


def key_malformed(place):
    return all_live(place) | {"BOTKIT_SECRET_KEY": f"{KEY}, {PLANTED}"}


def key_of_another_database(place):
    return all_live(place) | {"BOTKIT_SECRET_KEY": new_key()}


def rows_from_before_the_key(place):
    database = place.database
    storage = Storage(database[URL])
    storage.save_bot("1", token={"access_token": PLANTED}, data={"name": "Bot"})
    storage.close()
    return place.github | PUBLIC | database


SETUPS = [
    practice,
    practice_wanted,
    all_live,
    all_services_live,
    token_refused,
    wrong_google_secret,
    wrong_app_secret,
    address_changed,
    half_set,
    wrong_github_secret,
    wrong_github_id,
    wrong_chat_secret,
    github_unreachable,
    guest_network,
    clock_ahead,
    address_with_path,
    http_off_loopback,
    chat_on_loopback,
    database_nonsense,
    database_unreachable,
    database_read_only,
    tables_missing,
    key_missing,
    key_malformed,
    key_of_another_database,
    rows_from_before_the_key,
    port_taken,
    ngrok_without_program,
]
WELL = {"practice", "practice_wanted", "all_live", "all_services_live", "address_changed"}
WELL |= {"rows_from_before_the_key"}


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.__name__)
def test_what_the_doctor_says_word_for_word(setup, place, monkeypatch, caplog, capfd):
    monkeypatch.setenv("PYNGROK_NGROK_PATH", str(place.folder / "ngrok"))
    caplog.set_level(logging.DEBUG)
    values = setup(place)
    before = {file.name: file.read_bytes() for file in place.folder.iterdir()}
    report = examine(place, values)
    text = repr(report)
    for found, name in place.names.items():
        text = text.replace(found, name)
    golden = GOLDEN / f"doctor_{setup.__name__}.txt"
    assert text + "\n" == golden.read_text(encoding="utf-8")
    assert report.ready == (setup.__name__ in WELL)
    assert all(check.advice for check in report.checks if check.state == "wrong")
    assert capfd.readouterr() == ("", "")
    for shown in (repr(report), report.json, repr(vars(report)), caplog.text):
        assert not any(secret in shown for secret in place.secrets)
    # Nothing was made, downloaded or changed.
    after = {file.name: file.read_bytes() for file in place.folder.iterdir()}
    assert after == before | {".env": b""}


def test_each_golden_text_belongs_to_a_set_up():
    names = {f"doctor_{setup.__name__}.txt" for setup in SETUPS}
    assert {file.name for file in GOLDEN.glob("doctor_*.txt")} == names
