"""The key: live it must be set, practice makes its own, and two commands make and change it."""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from serve_world import KEY, Alice, chat_settings, github_settings
from test_command_line import botkit_command, complaint

from botkit.bot import with_key
from botkit.errors import SettingsError
from botkit.lessons.kit import Kit
from botkit.settings import Registration, Settings, load_settings, read_keys
from botkit.storage import Seal, Storage, setup_database
from botkit.storage.seal import new_key
from botkit.trace import Labels

LIVE = Settings(registrations={"github": Registration("id", "secret", "https://github.com")})
GITHUB = {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "planted"}
CHAT = {"RINGCENTRAL_CHATBOT_CLIENT_ID": "id", "RINGCENTRAL_CHATBOT_CLIENT_SECRET": "planted"}
WANTED = "BOTKIT_SECRET_KEY is not set, so the tokens in the database could not be sealed."
TELLS = "python -m botkit new-key --write"


# ---- live --------------------------------------------------------------------------------------


def test_a_live_kit_without_a_key_is_refused_and_told_the_command():
    before = threading.active_count()
    with pytest.raises(SettingsError, match=WANTED) as caught:
        Kit(LIVE)
    assert caught.value.advice.endswith(TELLS)
    assert threading.active_count() <= before


@pytest.mark.parametrize("command", ["serve", "maintain", "status", "rotate-key"])
def test_a_live_command_without_a_key_is_refused_and_makes_nothing(command, tmp_path):
    line = complaint(botkit_command(command, folder=tmp_path, **GITHUB, **CHAT))
    assert line.startswith(WANTED) and line.endswith(TELLS)
    assert list(tmp_path.iterdir()) == []


def test_under_gunicorn_it_is_the_same(monkeypatch):
    from botkit.run.serve import app

    public = {"RINGCENTRAL_CHATBOT_SERVER": "https://bot.example.com", "BOTKIT_SECRET_KEY": ""}
    for name, value in (GITHUB | CHAT | public).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=WANTED):
        app()


def test_the_settings_hold_the_keys_newest_first_and_do_not_show_them(tmp_path):
    other = new_key()
    settings = load_settings({"BOTKIT_SECRET_KEY": f"{other},{KEY}"}, env_file=tmp_path / "none")
    assert settings.secret_keys == (other, KEY) and KEY not in repr(settings)
    assert with_key(settings) is settings
    with pytest.raises(SettingsError, match="BOTKIT_SECRET_KEY"):
        load_settings({"BOTKIT_SECRET_KEY": "planted"}, env_file=tmp_path / "none")


def test_a_label_stands_in_its_place():
    assert Labels().redact(f"BOTKIT_SECRET_KEY={KEY}") == "BOTKIT_SECRET_KEY=‹key·1›"


def test_the_log_shows_no_key(capsys, monkeypatch):
    from botkit.run import serve

    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    serve.write_log(Settings(secret_keys=(KEY,)))
    logging.getLogger("botkit").warning("the key is %s", KEY)
    said = capsys.readouterr().err
    assert "the key is ‹key·1›" in said and KEY not in said


# ---- practice ----------------------------------------------------------------------------------


def test_practice_in_a_file_that_goes_has_a_key_that_goes():
    first, second = with_key(Settings(practice=True)), with_key(Settings(database="sqlite://"))
    assert first.secret_keys != second.secret_keys
    assert len(read_keys(" ".join(first.secret_keys + second.secret_keys))) == 2


def test_practice_in_a_file_that_stays_keeps_its_key_beside_it(sqlite_url):
    with closing(Kit(Settings(practice=True, confirm=False, database=sqlite_url))) as kit:
        kit.alice.say("profile")
        kit.alice.browser.visit(kit.alice.link).approve()
    file = Path(sqlite_url.removeprefix("sqlite:///") + ".key")
    assert read_keys(file.read_text()) == kit.settings.secret_keys
    with closing(Kit(Settings(practice=True, database=sqlite_url))) as again:
        assert again.settings.secret_keys == kit.settings.secret_keys
        assert [row.access_token for row in again.storage.find_services()]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_the_files_are_for_nobody_else(tmp_path, umask):
    url = f"sqlite:///{tmp_path / 'botkit.sqlite'}"
    before = os.umask(umask)
    try:
        keys = with_key(Settings(database=url)).secret_keys
        with closing(Storage(url, seal=Seal(keys))) as storage:
            storage.set_up()
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    ends = ("", "-wal", "-shm", ".key")
    assert modes == {f"botkit.sqlite{end}": 0o600 for end in ends}


@pytest.mark.parametrize(
    "written", ["", "planted", KEY[:20]], ids=["nothing", "a word", "half a key"]
)
def test_a_damaged_key_file_is_told_and_left_alone(sqlite_url, written):
    file = Path(sqlite_url.removeprefix("sqlite:///") + ".key")
    file.write_text(written)
    with pytest.raises(SettingsError, match=r"botkit\.sqlite\.key beside the database") as caught:
        with_key(Settings(database=sqlite_url))
    assert "planted" not in str(caught.value) and file.read_text() == written


def test_of_many_who_make_the_key_file_at_once_all_have_the_same(sqlite_url):
    found, together = [], threading.Barrier(8)

    def start():
        together.wait()
        found.append(with_key(Settings(database=sqlite_url)).secret_keys)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert [file.name for file in Path(sqlite_url[10:]).parent.iterdir()] == ["botkit.sqlite.key"]


def test_practice_on_a_server_wants_the_variable(postgresql_url, monkeypatch, tmp_path):
    assert with_key(Settings(practice=True, database=postgresql_url)).secret_keys == (KEY,)
    monkeypatch.delenv("BOTKIT_SECRET_KEY")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=WANTED):
        with_key(Settings(practice=True, database=postgresql_url))


# ---- the commands ------------------------------------------------------------------------------


def test_new_key_prints_a_line_for_the_file_and_nothing_else(tmp_path):
    run = botkit_command("new-key", folder=tmp_path)
    assert run.returncode == 0 and re.fullmatch(r"BOTKIT_SECRET_KEY=[\w=-]{44}\n", run.stdout)
    assert "Keep it as you keep a password" in run.stderr
    (tmp_path / ".env").write_text(run.stdout)
    assert len(load_settings({}, env_file=tmp_path / ".env").secret_keys) == 1
    assert botkit_command("new-key").stdout != run.stdout


def test_rotate_key_says_how_many_rows_and_the_bot_goes_on(
    serve, github_process, ringcentral_process, tmp_path
):
    settings = github_settings(github_process, serve.address) | chat_settings(ringcentral_process)
    first = serve(**settings)
    first.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{serve.address}/bot/oauth")
    alice = Alice(ringcentral_process)
    alice.connect()
    first.stop()
    assert first.status() == 0
    newest = new_key()
    both = {"BOTKIT_SECRET_KEY": f"{newest},{KEY}"}
    serve(**settings | both).wait_for("Ctrl-C ends it.")
    run = botkit_command("rotate-key", folder=tmp_path, **both)
    assert (run.returncode, run.stderr) == (0, "")
    with closing(sqlite3.connect(tmp_path / "botkit.sqlite")) as connection:
        waiting = "SELECT count(*) FROM authorizations WHERE verifier <> ''"
        ((links,),) = connection.execute(waiting).fetchall()
        ((jobs,),) = connection.execute("SELECT count(*) FROM jobs").fetchall()
    rows = links + jobs + 2  # the bot, and Alice's connection
    assert run.stdout == f"Sealed {rows} rows with the newest key.\n"
    alone = {"BOTKIT_SECRET_KEY": newest}
    status = botkit_command("status", "--json", folder=tmp_path, **settings | alone)
    assert json.loads(status.stdout)[0]["services"][0]["account"] == "alice-practice"
    assert alice.say("profile").startswith("Here is your GitHub profile")


@pytest.mark.parametrize("command", ["serve", "maintain", "status", "rotate-key"])
def test_the_wrong_key_is_told_in_a_sentence(command, tmp_path):
    file = tmp_path / "botkit.sqlite"
    setup_database(f"sqlite:///{file}")
    with closing(Storage(f"sqlite:///{file}", seal=Seal([KEY]))) as storage:
        storage.save_bot("1", token={"access_token": "planted"}, data={})
    before = file.read_bytes()
    wrong = {"BOTKIT_SECRET_KEY": new_key(), "BOTKIT_PORT": "1"}
    line = complaint(botkit_command(command, folder=tmp_path, **GITHUB, **CHAT, **wrong))
    assert line.startswith("The database is sealed with another key. Nothing was changed.")
    assert "BOTKIT_SECRET_KEY" in line and file.read_bytes() == before
