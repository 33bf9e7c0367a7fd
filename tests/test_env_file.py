"""The file `.env`: whoever wrote it, it is read or named, and the key in it is for its owner."""

from __future__ import annotations

import codecs
import os
from contextlib import closing

import pytest

from botkit.__main__ import main
from botkit.bot import DATABASE, with_key
from botkit.errors import SettingsError
from botkit.run.doctor import computer, systems
from botkit.run.doctor.database import DatabaseVisit
from botkit.run.doctor.report import Check
from botkit.settings import EnvFileUnreadable, Settings, load_settings, practice_settings
from botkit.storage import Seal, Storage, new_key

LINE = "GITHUB_SERVER=https://git.example.com\nGITHUB_CLIENT_ID=é\nGITHUB_CLIENT_SECRET=s\n"
UNREADABLE = {
    "latin-1": "# clé\n".encode("latin-1"),
    "UTF-16 without its mark": LINE.encode("utf-16-le"),
    "half of UTF-16": codecs.BOM_UTF16_LE + b"x",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, in which everything happens."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_the_encodings_of_editors_and_shells_are_read(folder, encoding):
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    (folder / ".env").write_bytes(mark + LINE.encode(encoding))
    github = load_settings({}).registrations["github"]
    assert (github.server, github.client_id) == ("https://git.example.com", "é")


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_cannot_be_read_is_named(folder, what):
    (folder / ".env").write_bytes(UNREADABLE[what])
    with pytest.raises(EnvFileUnreadable) as unreadable:
        load_settings({})
    assert f"{folder / '.env'} is not written in UTF-8" in str(unreadable.value)
    assert "save it in the encoding UTF-8" in unreadable.value.advice


@pytest.mark.parametrize("what", UNREADABLE)
def test_commands_say_one_sentence_and_the_doctor_goes_on(folder, what, capsys):
    (folder / ".env").write_bytes(UNREADABLE[what])
    for command in (["status"], ["maintain"], ["setup-database"], ["rotate-key"], ["serve"]):
        assert main(command) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 5
    assert "Traceback" not in printed.err
    reading = systems.read({"GITHUB_CLIENT_ID": "i", "GITHUB_CLIENT_SECRET": "s"}, None)
    assert [check.state for check in reading.checks] == ["wrong"]
    assert set(reading.settings.registrations) == {"github"}


@pytest.mark.parametrize("what", UNREADABLE)
def test_practice_starts_although_the_file_cannot_be_read(folder, what):
    (folder / ".env").write_bytes(UNREADABLE[what])
    assert practice_settings().practice
    assert computer.environment().ready


def test_a_folder_of_that_name_is_no_file(folder):
    (folder / ".env").mkdir()
    with pytest.raises(EnvFileUnreadable, match="cannot be read"):
        load_settings({}, env_file=folder / ".env")


# ---- a key is added ------------------------------------------------------------------------------


def test_the_key_is_for_its_owner_alone(folder, capsys):
    assert main(["new-key", "--write"]) == 0
    (key,) = load_settings({}).secret_keys
    printed = capsys.readouterr()
    assert key[:6] not in printed.out + printed.err and "Keep a copy" in printed.out
    if os.name != "nt":
        assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == [".env"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_what_is_in_the_file_stays(folder, encoding, end):
    before = f"# ours\nBOTKIT_SECRET_KEY=\nGITHUB_CLIENT_ID=é\nGITHUB_CLIENT_SECRET=s{end}"
    (folder / ".env").write_bytes(before.encode(encoding))
    (folder / ".env").chmod(0o644)
    main(["new-key", "--write"])
    settings = load_settings({})
    assert len(settings.secret_keys) == 1 and settings.registrations["github"].client_id == "é"
    assert (folder / ".env").read_bytes().decode("utf-8").startswith(before.rstrip())
    if os.name != "nt":
        assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_is_never_replaced(folder, capsys):
    main(["new-key", "--write"])
    before = (folder / ".env").read_bytes()
    assert main(["new-key", "--write"]) == 1
    assert "has a key already" in capsys.readouterr().err
    assert (folder / ".env").read_bytes() == before


def test_what_practice_has_stored_can_be_read_with_the_new_key(folder, capsys):
    (before,) = with_key(Settings(database=DATABASE)).secret_keys
    with closing(Storage(DATABASE, seal=Seal((before,)))) as storage:
        storage.set_up()
        storage.save_bot("1", token={"access_token": "t"}, data={})
    (check,) = sealed_with(new_key())
    assert check.state == "wrong" and "The key of practice is in botkit.sqlite.key." in check.advice

    assert main(["new-key", "--write"]) == 0
    printed = capsys.readouterr()
    assert "The key from botkit.sqlite.key is behind it" in printed.out
    assert before not in printed.out + printed.err
    newest, older = load_settings({}).secret_keys
    assert older == before != newest
    assert sealed_with(newest, older)[0].state == "ok"


def sealed_with(*keys: str) -> list[Check]:
    """Return what the doctor says of the key."""
    return [line for line in DatabaseVisit(DATABASE, keys).checks() if line.check == "sealed"]


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")
def test_a_file_that_is_a_link_stays_one(folder):
    (folder / "shared").write_text("GITHUB_CLIENT_ID=id\n")
    (folder / ".env").symlink_to("shared")
    main(["new-key", "--write"])
    assert (folder / ".env").is_symlink() and "BOTKIT_SECRET_KEY=" in (
        folder / "shared"
    ).read_text()


def test_where_nothing_can_be_written_a_sentence_says_so(folder, monkeypatch):
    from botkit.bot import keys

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys.os, "replace", full)
    with pytest.raises(SettingsError, match="cannot be written"):
        keys.write_new_key(folder / ".env")
    assert list(folder.iterdir()) == []
