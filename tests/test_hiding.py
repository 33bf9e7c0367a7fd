"""A file in the folder of the lessons that hides a module is named, and others are left alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import botkit
from botkit import hiding
from botkit.__main__ import main
from botkit.run.doctor import computer


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "path", ["", *sys.path[1:]])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["secrets.py", "token.py", "requests.py", "botkit.py", "netrc.py"])
def test_a_file_that_hides_a_module_is_named(folder, name, monkeypatch):
    (folder / name).write_text("mine = 1")
    monkeypatch.delitem(sys.modules, name[:-3], raising=False)
    with pytest.raises(ImportError) as told:
        hiding.refuse_hiding_file()
    assert str(folder / name) in str(told.value) and "restart the kernel" in str(told.value)


def test_start_and_the_look_at_the_computer_name_it(folder, monkeypatch):
    (folder / "secrets.py").write_text("mine = 1")
    monkeypatch.delitem(sys.modules, "secrets", raising=False)

    def fail(*_: object, **__: object) -> None:
        raise AttributeError("module 'secrets' has no attribute 'token_hex'")

    monkeypatch.setattr("botkit.lessons.kit.start", fail)
    with pytest.raises(ImportError, match="hides the module secrets"):
        botkit.start()
    monkeypatch.setattr("botkit.run.running.Running.__init__", fail)
    shown = repr(computer.environment())
    assert f"The file {folder / 'secrets.py'} hides the module secrets" in shown


def test_a_command_says_it_in_a_sentence(folder, monkeypatch, capsys):
    (folder / "secrets.py").write_text("mine = 1")
    monkeypatch.delitem(sys.modules, "secrets", raising=False)

    def fail(*_: object, **__: object) -> None:
        raise ImportError("cannot import name 'token_hex' from 'secrets'")

    monkeypatch.setattr("botkit.run.doctor.run", fail)
    assert main(["doctor"]) == 1
    assert "hides the module secrets" in capsys.readouterr().err


def test_a_command_that_cannot_even_import_botkit_ends_with_the_sentence(folder, monkeypatch):
    (folder / "token.py").write_text("mine = 1")
    monkeypatch.delitem(sys.modules, "token", raising=False)
    monkeypatch.setattr(sys, "argv", ["-m", "doctor"])  # so it is while Python imports botkit
    with pytest.raises(SystemExit) as told:
        hiding.refuse_hiding_file()
    end = "token.py hides the module token that botkit needs. Give it another name."
    assert str(told.value).endswith(end)


def test_an_error_of_another_kind_stays_what_it_is(folder, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise AttributeError("something else")

    monkeypatch.setattr("botkit.lessons.kit.start", fail)
    with pytest.raises(AttributeError, match="something else"):
        botkit.start()


def test_a_folder_hides_a_module_if_it_is_a_package(folder, monkeypatch):
    monkeypatch.delitem(sys.modules, "secrets", raising=False)
    (folder / "secrets").mkdir()
    assert hiding.hiding_file() == ""
    (folder / "secrets" / "__init__.py").touch()
    assert hiding.hiding_file() == str(folder / "secrets")


@pytest.mark.parametrize("name", ["notes.py", "test.py", "turtle.py", "secrets.txt", "solution.py"])
def test_what_hides_nothing_that_botkit_needs_is_left_alone(folder, name):
    (folder / name).write_text("mine = 1")
    assert hiding.hiding_file() == ""


def test_a_module_that_was_imported_before_is_not_hidden(folder):
    import secrets

    assert secrets.token_hex(1)
    (folder / "secrets.py").write_text("mine = 1")
    assert hiding.hiding_file() == ""


def test_the_list_has_every_module_that_botkit_imports():
    imported = set[str]()
    for file in Path(botkit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    sometimes = {"gunicorn", "msvcrt", "IPython", "psycopg", "psycopg2", "_typeshed"}
    assert imported - hiding.NEEDED - sometimes <= {"sys", "__future__", "builtins"}
