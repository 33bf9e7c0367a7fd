"""`check.environment()`: what it says where everything is well, and where something is not."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import botkit
from botkit.lessons import check
from botkit.run.doctor import computer as environment

ROOT = Path(__file__).parents[2]
READY = """\
✔ Python is new enough.
✔ This kernel can import every package that the lessons need.
✔ A server on this computer answers.
✔ The database can write a file.
✔ The practice world starts.
Everything is ready."""


def lines_with_trouble():
    return [line for line in repr(check.environment()).splitlines() if line.startswith("✘")]


def test_where_all_is_well_the_text_names_no_path_no_version_and_no_port():
    found = check.environment()
    assert found.ready
    assert repr(found) == READY


def test_a_missing_package_is_shown_with_this_python_and_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyngrok", None)  # to `import` this means: not there
    text = repr(check.environment())
    assert "✘ This kernel cannot import pyngrok.\n" in text
    assert f"This kernel is {sys.executable}\n" in text
    assert "Kernel > Change Kernel" in text
    assert f'cd "{ROOT}"\n' in text
    assert f'"{sys.executable}" -m pip install -r requirements.txt\n' in text
    assert "Everything is ready" not in text


def test_a_missing_package_is_said_even_if_all_of_them_are_missing():
    code = (
        "import sys; sys.modules.update(dict.fromkeys("
        "('flask', 'requests', 'sqlalchemy', 'pyngrok', 'authlib', 'werkzeug')))\n"
        "from botkit.lessons import check\n"
        "sys.stdout.buffer.write(repr(check.environment()).encode())"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    said = run.stdout.decode()
    assert "✘ This kernel cannot import flask, requests, sqlalchemy, pyngrok, authlib." in said
    assert run.stderr == b""


def test_a_python_that_is_too_old_is_shown_with_the_fix(monkeypatch):
    old = SimpleNamespace(version_info=(3, 10, 4, "final", 0), executable="/opt/python3.10")
    monkeypatch.setattr(environment, "sys", old)
    text = repr(check.environment())
    assert "✘ Python 3.10 is too old: the lessons need 3.11 or newer.\n" in text
    assert "This kernel is /opt/python3.10\n" in text
    assert "get a newer Python" in text and "pip install" not in text.split("✘")[1]
    assert "Kernel > Change Kernel" in text


def test_trouble_below_means_that_the_practice_world_is_not_tried(monkeypatch):
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(environment, "_world", lambda: pytest.fail("it was tried"))
    assert lines_with_trouble()[1:] == ["✘ The practice world was not started."]


def test_the_proxy_of_an_office_is_no_obstacle(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # the port where nobody answers
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
    assert repr(check.environment()) == READY


def test_a_server_that_cannot_be_reached_is_shown_with_the_fix(monkeypatch):
    def blocked(*_args, **_kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(environment, "TCPServer", blocked)
    text = repr(check.environment())
    assert "✘ A server on this computer does not answer: [Errno 1] Operation not perm" in text
    assert "firewall" in text


def test_a_database_that_cannot_write_is_shown_with_the_fix(monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(environment.tempfile, "TemporaryDirectory", full)
    text = repr(check.environment())
    assert "✘ The database cannot write a file: [Errno 28] No space left on device.\n" in text
    assert "TMPDIR" in text


@pytest.mark.parametrize(
    ("error", "fix"),
    [(ImportError("cannot import name x"), "pip install"), (OSError("no port"), "Restart")],
)
def test_a_practice_world_that_does_not_start_is_shown_with_the_fix(monkeypatch, error, fix):
    def fail():
        raise error

    monkeypatch.setattr("botkit.run.running.Running", fail)
    text = repr(check.environment())
    assert f"✘ The practice world does not start: {type(error).__name__}: {error}\n" in text
    assert fix in text


def test_a_kit_that_runs_goes_on_running():
    kit = botkit.start()
    check.environment()
    assert "I understand" in kit.alice.say("help").text
    kit.close()


def test_the_packages_looked_for_are_those_that_pyproject_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=]", wanted)[0] for wanted in project["dependencies"]}
    imported_as = {"python-dotenv": "dotenv", "beautifulsoup4": "bs4"}
    names = {imported_as.get(name, name) for name in names}
    assert set(environment.PACKAGES) == names
    assert project["requires-python"] == ">=" + ".".join(map(str, environment.OLDEST_PYTHON))
