"""`python -m botkit new` makes a folder with a bot whose tests pass."""

from __future__ import annotations

import os
import stat
from contextlib import closing

import pytest

from botkit import __main__ as command_line
from botkit import plugins
from botkit.errors import SettingsError
from botkit.lessons import pytest_plugin
from botkit.practice.world import Clock, World
from botkit.run.new import make_folder
from botkit.settings import load_settings

pytest_plugins = ["pytester"]


def test_the_tests_of_a_new_bot_pass(pytester, capsys):
    with closing(World(Clock())) as world:
        *_, issuer = world.start_any("lab")
        assert command_line.main(["new", "mybot"]) == 0
        assert capsys.readouterr().out.endswith("\n\nTry it:\n    cd mybot\n    pytest\n")
        assert command_line.main(["new", "my_other", "--issuer", issuer]) == 0
        run = pytester.inline_run(plugins=[pytest_plugin])
    run.assertoutcome(passed=4)
    other = (pytester.path / "my_other" / "my_other.py").read_text()
    assert other.startswith('"""A bot of my own."""\n\nfrom botkit import Provider, Revocation, Sk')
    assert f'def service(client_id, client_secret, server="{issuer}"):' in other
    assert "class MyOther(Skill):" in other


def test_its_settings_name_it_and_the_demo_shows_it(tmp_path, monkeypatch, capsys):
    files = {file.name: file for file in make_folder("my_bot", where=tmp_path)}
    if os.name != "nt":
        assert stat.S_IMODE(files[".env"].stat().st_mode) == 0o600
    assert files[".env"].read_text() == files[".env.example"].read_text()
    assert ".env\n" in files[".gitignore"].read_text()
    monkeypatch.setattr(plugins, "_known", {})
    monkeypatch.chdir(tmp_path / "my_bot")
    monkeypatch.syspath_prepend(str(tmp_path / "my_bot"))
    assert load_settings({}).skills == ("my_bot:MyBot",)
    assert command_line.main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert "── Alice says repos." in shown and "Practice Bot  hello-world" in shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My-Bot", "cannot be the name of a Python module"),
        ("../bot", "cannot be the name of a Python module"),
        ("class", "cannot be the name of a Python module"),
        ("", "cannot be the name of a Python module"),
        ("json", "Python has a module json already"),
        ("taken", "is here already"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path, name, words):
    (tmp_path / "taken").mkdir()
    with pytest.raises(SettingsError) as caught:
        make_folder(name, where=tmp_path)
    assert str(caught.value).endswith(f"{words}.")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot be written \(No such file"):
        make_folder("mybot", where=tmp_path / "nowhere")


def test_a_class_does_not_hide_what_it_needs(tmp_path):
    bot, *_ = make_folder("provider", where=tmp_path)
    assert "class ProviderBot(Skill):" in bot.read_text()
