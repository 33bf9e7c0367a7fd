"""Every command that the README, the lessons and the instructors' guide show is run, as it stands.

A test says with `@runs` which of them it runs, and its terminal looks whether it has.  What cannot
run here runs on GitHub's computers: `ELSEWHERE` names the workflow and the step.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
import yaml
from commands_world import Terminal, commands_in, commands_of
from documents import DOCUMENTS, LESSONS, ROOT
from first_command import GUIDE, copy_to, line_of, open_lesson
from missing import left_out
from serve_world import Alice, answers, chat_settings, free_port, github_settings, wait_until

from botkit.practice import Clock, World
from botkit.storage import Seal, Storage

FIRST, FIRST_WINDOWS = line_of("README.md", "sh"), line_of("README.md", "powershell")
STICK, STICK_WINDOWS = line_of(GUIDE, "sh"), line_of(GUIDE, "powershell")
ELSEWHERE = {
    ".ci/run": ("tests.yml", ".ci/run"),
    "python tests/mutants.py": ("nightly.yml", "python tests/mutants.py"),
    FIRST_WINDOWS: ("tests.yml", "python tests/first_command.py"),
    STICK: ("tests.yml", "python tests/first_command.py --stick"),
    STICK_WINDOWS: ("tests.yml", "python tests/first_command.py --stick"),
}


def runs(*commands: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def note(test: Callable[..., None]) -> Callable[..., None]:
        test.commands = commands
        return test

    return note


@pytest.fixture
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    if os.name == "nt":
        left_out("bash")
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()
    left = set(request.function.commands) - set(terminal.ran)
    assert not left, f"{request.function.__name__} says that it runs {left}, and does not."


@pytest.fixture
def project(terminal: Terminal) -> Path:
    """The terminal is in a copy of the repository: one lesson of one cell, and one test file."""
    for module in ("gunicorn", "flask_dance"):
        needs(module)
    terminal.folder = copy_to(terminal.folder / "botkit")
    compiled = shutil.ignore_patterns("*.py")  # what has been compiled once, for it takes seconds
    shutil.copytree(
        ROOT / "botkit", terminal.folder / "botkit", ignore=compiled, dirs_exist_ok=True
    )
    for file in [
        *terminal.folder.glob("notebooks/*.ipynb"),
        *terminal.folder.rglob("tests/**/test_*"),
    ]:
        if file.name != "test_comparison.py":
            file.unlink()
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    lesson = {"cells": [{**cell, "source": "6 * 7"}], "metadata": {}}
    lesson |= {"nbformat": 4, "nbformat_minor": 4}
    (terminal.folder / "notebooks" / LESSONS[0].name).write_text(json.dumps(lesson))
    return terminal.folder


def needs(module: str) -> None:
    """One of tests/requirements.txt."""
    if importlib.util.find_spec(module) is None:
        left_out(module)


# ---- everything is run, and what is run is there -----------------------------------------------


def run_here() -> dict[str, str]:
    """Each command that is run here, and the test that does it."""
    tests = [thing for name, thing in globals().items() if name.startswith("test_")]
    pairs = [(command, test) for test in tests for command in getattr(test, "commands", ())]
    assert len(dict(pairs)) == len(pairs), "a command is run by two tests"
    return {command: test.__name__ for command, test in pairs}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_command_that_a_document_shows_is_run(document):
    for command in commands_of(document):
        assert command in {**run_here(), **ELSEWHERE}, (
            f"{document.name} shows “{command}”, and no test runs it. "
            "Write one in tests/docs/test_commands.py, and say there @runs(...)."
        )


def test_what_is_run_is_shown_somewhere():
    shown = {command for document in DOCUMENTS for command in commands_of(document)}
    assert len(run_here()) > 20
    for command in [*run_here(), *ELSEWHERE]:
        assert command in shown, (
            f"No document shows “{command}”. Take it out of tests/docs/test_commands.py."
        )


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_is_run_elsewhere_is_a_step_there(command):
    workflow, step = ELSEWHERE[command]
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())["jobs"]
    assert step in [one.get("run") for job in jobs.values() for one in job["steps"]]


def test_commands_are_found_wherever_they_are_written():
    text = (
        "Type `python -m botkit status`, or `pytest --nbval`. `pytest` and `this.that` are names."
        "\n\n```sh\ncd there  # go\n\ngit \\\n  log\n```\n\n- ```text\n  git push\n  A=1\n  ```\n\n"
        "| t |\n|---|\n| `that -m pip list` |\n\n<p><code>jupyter lab</code></p>\n"
    )
    found = ["jupyter lab", "python -m botkit status", "pytest --nbval", "cd there", "git log"]
    assert list(commands_in(text)) == [*found, "git push", "that -m pip list"]
    with pytest.raises(AssertionError, match="a block of “console”: for commands, write sh"):
        list(commands_in("```console\nrm -r all\n```\n"))


# ---- the first command -------------------------------------------------------------------------


@runs(FIRST)
def test_the_first_line_makes_an_environment_and_opens_lesson_00(terminal, project):
    """Here pip is played.  The job `first_command` of tests.yml runs the line with the real one."""
    terminal.ran.append(FIRST)
    opened = open_lesson(FIRST, project, os.environ | terminal.environment)
    assert opened == "notebooks/00_start_here.ipynb"
    assert (project / ".venv" / "bin" / "activate").exists()


@pytest.mark.parametrize(("sh", "powershell"), [(FIRST, FIRST_WINDOWS), (STICK, STICK_WINDOWS)])
def test_the_line_for_windows_takes_the_same_steps(sh, powershell):
    as_in_sh = powershell.replace("py -3", "python3").replace("; ", " && ")
    as_in_sh = as_in_sh.replace(".venv\\Scripts\\Activate.ps1", ". .venv/bin/activate")
    assert as_in_sh.replace("\\", "/") == sh


def test_without_a_network_only_pip_is_told_where_to_look():
    assert STICK.replace(" --no-index --find-links ../wheels", "") == FIRST


# ---- for learning ------------------------------------------------------------------------------


@runs("python -m botkit demo")
def test_the_demo_takes_the_whole_trip(terminal):
    assert "Connected to GitHub" in terminal("python -m botkit demo")


@runs("python -m botkit demo --open")
def test_the_open_demo_answers_until_it_is_interrupted(terminal):
    demo = terminal.start("python -m botkit demo --open")
    page = re.search(r"http\S+", demo.wait_for("http"))
    assert page and requests.get(page[0], timeout=10).ok
    demo.process.send_signal(signal.SIGINT)  # Ctrl-C
    assert (demo.status(), demo.errors) == (0, "")


@runs('"that path" -m pip install -r requirements.txt')
def test_what_a_kernel_without_botkit_needs_can_be_installed(terminal, project):
    line = '"that path" -m pip install -r requirements.txt'
    assert terminal(line).startswith("pip install: ")
    with (project / "requirements.txt").open("a") as file:
        file.write("flask>=99\n")
    refused = terminal.end_of(line)
    assert refused.returncode == 1 and refused.stderr.startswith("flask>=99 is wanted, and ")


@runs("git checkout notebooks")
def test_a_lesson_can_be_put_back_as_it_was(terminal, repository):
    lesson = repository / "notebooks" / "lesson.ipynb"
    lesson.write_text("solved")
    terminal("git checkout notebooks")
    assert lesson.read_text() == "as it came"


@pytest.fixture
def repository(terminal: Terminal) -> Path:
    """The terminal is in a small repository: a lesson, and settings that nobody may see."""
    (terminal.folder / "notebooks").mkdir()
    for name, text in ((".gitignore", ".env\n"), ("notebooks/lesson.ipynb", "as it came")):
        (terminal.folder / name).write_text(text)
    (terminal.folder / ".env").write_text("GITHUB_CLIENT_SECRET=planted\n")
    terminal(
        "git init -q && git add . && git -c user.name=a -c user.email=a@b.example commit -qm 1"
    )
    return terminal.folder


# ---- a bot of one's own ------------------------------------------------------------------------


@runs(
    "python -m botkit new mybot",
    "cd mybot",
    "pytest",
    "python -m botkit discover https://gitlab.com",
    "python -m botkit new mylab --issuer https://gitlab.com",
    "python -m botkit check-provider mybot:gitlab",
    "python -m botkit check-provider mybot:gitlab --live",
)
def test_a_bot_is_written_as_its_page_says(terminal):
    """The commands in the order of the page.  `test_write_a_bot.py` runs the code in it."""
    terminal("python -m botkit new mybot")
    terminal("cd mybot")
    terminal.folder /= "mybot"  # a line of this terminal does not change where the next one is
    assert "2 passed" in terminal("pytest")
    assert "hello-world" in terminal("python -m botkit demo")
    with (terminal.folder / ".env").open("a") as file:
        file.write(f"BOTKIT_PORT={free_port()}\nGITLAB_CLIENT_ID=id\nGITLAB_CLIENT_SECRET=s\n")
    bot = terminal.start("python -m botkit serve")
    assert "say repos to the bot there" in bot.wait_for("to the bot there")
    bot.wait_for("Ctrl-C ends it.")
    bot.stop()
    with closing(World(Clock())) as world:
        *_, issuer = world.start_any("gitlab")
        line = "python -m botkit discover https://gitlab.com"
        described = terminal(line, instead={"https://gitlab.com": issuer})
        line = "python -m botkit new mylab --issuer https://gitlab.com"
        assert "mylab.py" in terminal(line, instead={"https://gitlab.com": issuer})
    with (terminal.folder / "mybot.py").open("a") as file:
        file.write("\n\n" + described.replace("def service(", "def gitlab("))
    assert "✔ revoke" in terminal("python -m botkit check-provider mybot:gitlab")
    asked = terminal.end_of("python -m botkit check-provider mybot:gitlab --live < /dev/null")
    terminal.ran.append("python -m botkit check-provider mybot:gitlab --live")
    assert asked.returncode == 1 and "press Approve:" in asked.stdout
    assert "Nothing was pasted." in asked.stdout and "Traceback" not in asked.stderr


# ---- a bot that lives --------------------------------------------------------------------------


@pytest.fixture
def address(terminal: Terminal, github_process, ringcentral_process) -> str:
    """The bot's.  All is live for it: its settings are in the file .env, as the README says."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = github_settings(github_process, address) | chat_settings(ringcentral_process)
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (terminal.folder / ".env").write_text("".join([*lines, f"BOTKIT_PORT={port}\n"]))
    return address


@runs(
    "python -m botkit new-key --write",
    "python -m botkit setup-database",
    "python -m botkit serve",
    "python -m botkit status",
    "python -m botkit maintain",
    "python -m botkit rotate-key",
    "python -m botkit update-token BOT_ID < token.txt",
    "python -m botkit remove-bot BOT_ID",
    "python -m botkit hand-over CONNECTION PERSON",
    "python -m botkit end-connection CONNECTION",
)
def test_a_bot_lives_as_the_readme_says(terminal, address, ringcentral_process):
    terminal("python -m botkit new-key --write")
    assert terminal("python -m botkit setup-database").startswith("Made the table ")
    bot = terminal.start("python -m botkit serve")
    bot.wait_for("Ctrl-C ends it.")
    ringcentral_process.call("install_bot", f"{address}/bot/oauth")
    Alice(ringcentral_process).connect()
    assert "account alice-practice" in terminal("python -m botkit status")
    (found,) = json.loads(terminal("python -m botkit status --json"))  # it is told in a comment
    assert found["subscription"] == "Active"
    assert terminal("python -m botkit maintain") == "Nothing to do.\n"
    assert terminal("python -m botkit rotate-key").startswith("Sealed ")
    key = re.findall("^BOTKIT_SECRET_KEY=(.+)$", (terminal.folder / ".env").read_text(), re.M)
    with closing(Storage(f"sqlite:///{terminal.folder}/botkit.sqlite", seal=Seal(key))) as storage:
        (row,) = storage.find_bots()
        (alice,) = storage.find_services()
        place = {"bot_id": alice.bot_id, "group_id": "6300002"}  # All Employees
        nobodys = storage.save_service("GitHub", **place, data=alice.data)
    instead = {"CONNECTION": str(nobodys.id), "PERSON": alice.user_id}
    handed = terminal("python -m botkit hand-over CONNECTION PERSON", instead=instead)
    assert handed.endswith(f"belongs to person {alice.user_id} now.\n")
    instead = {"CONNECTION": str(nobodys.id)}
    ended = terminal("python -m botkit end-connection CONNECTION", instead=instead)
    assert ended.startswith("Ended GitHub in chat 6300002. Nothing was revoked")
    (terminal.folder / "token.txt").write_text(row.token["access_token"])
    instead = {"BOT_ID": row.id}
    line = "python -m botkit update-token BOT_ID < token.txt"
    assert "has its new token" in terminal(line, instead=instead)
    removed = terminal("python -m botkit remove-bot BOT_ID", instead=instead)
    assert removed == f"Removed Bot {row.id} (Practice Bot) with its one connection.\n"
    bot.stop()
    assert (bot.status(), bot.output[-1], bot.errors) == (0, "Stopped.", "")


@runs("python -m botkit doctor")
def test_the_doctor_says_whether_all_is_well(terminal):
    assert "✔" in terminal("python -m botkit doctor")


GUNICORN = (
    "pip install gunicorn && gunicorn -c python:botkit.run.gunicorn --bind 127.0.0.1:8090"
    " 'botkit.run.serve:app()'"
)


@runs(GUNICORN)
def test_gunicorn_runs_the_bot(terminal, address):
    needs("gunicorn")
    terminal("python -m botkit new-key --write")
    with (terminal.folder / ".env").open("a") as file:
        file.write(f"RINGCENTRAL_CHATBOT_SERVER={address}\n")
    port = address.rpartition(":")[2]
    bot = terminal.start(GUNICORN, instead={"8090": port, "&& gunicorn": "&& exec gunicorn"})
    wait_until(lambda: answers(address))
    bot.stop()
    assert bot.status() == 0


@runs('pip install "psycopg[binary]"')
def test_what_several_computers_need_can_be_installed(terminal):
    """`test_two_hosts.py` runs the bot with it."""
    needs("psycopg")
    assert terminal('pip install "psycopg[binary]"').startswith("pip install: ")


# ---- for those who change it -------------------------------------------------------------------


@runs(
    "pip install -r requirements.txt -r tests/requirements.txt && pytest --nbval",
    "pytest --nbval",
    "pytest --nbval -q notebooks",
)
def test_the_tests_are_run(terminal, project):
    """Of a copy with one lesson and one test file.  `.ci/run` does it with all of them."""
    (project / "tests" / "conftest.py").unlink()  # neither needs it, and it takes a second
    told = terminal("pip install -r requirements.txt -r tests/requirements.txt && pytest --nbval")
    assert "test_comparison.py" in told and "00_start_here.ipynb" in told
    terminal.ran.append("pytest --nbval")  # which is the end of that line
    assert "1 passed" in terminal("pytest --nbval -q notebooks")


FILES = "tests/core/test_oauth_callback.py tests/bot/test_web.py tests/skills/test_confirm.py"


@runs("pytest tests/core", f"pytest {FILES}")
def test_the_tests_of_one_room_are_run_and_single_files(terminal, project):
    (project / "tests" / "conftest.py").unlink()
    for file in FILES.split():
        assert (ROOT / file).exists()
        (project / file).write_text("def test_one():\n    pass\n")
    assert "1 passed" in terminal("pytest tests/core")
    assert "3 passed" in terminal(f"pytest {FILES}")


@runs("pytest -m quick")
def test_the_quick_tests_are_run(terminal, project):
    files = ("def test_one():\n    pass\n", "def test_two(chromium):\n    pass\n")
    for number, text in enumerate(files):
        (project / "tests" / "core" / f"test_{number}.py").write_text(text)
    told = terminal("pytest -m quick")
    assert " passed" in told and "1 deselected" in told


@runs("python tests/refresh_notebooks.py")
def test_outputs_are_stored_anew(terminal, project):
    assert terminal("python tests/refresh_notebooks.py") == "00_start_here.ipynb: changed\n"
    assert '"42"' in (project / "notebooks" / LESSONS[0].name).read_text()


BENCHMARK = (
    "pip install -r requirements.txt -r tests/requirements.txt"
    " && python tests/benchmarks/benchmark.py"
)


@runs(BENCHMARK)
def test_the_benchmark_measures(terminal, project):
    """In small: small tables, one round, and no callbacks."""
    small = "benchmark.py --quick --only storage --rows 10 --repeat 1 --keep kept"
    told = terminal(BENCHMARK, instead={"benchmark.py": small})
    assert "| botkit, sealed |" in told and "| Flask-Dance |" in told


# ---- for instructors ---------------------------------------------------------------------------


@runs("git clone", "git clone . /media/stick/botkit")
def test_what_an_instructor_hands_out_holds_no_settings(terminal, repository):
    terminal("git clone . /media/stick/botkit", instead={"/media/stick": "stick"})
    terminal("git clone", instead={"git clone": "git clone stick/botkit learner"})
    for copy in ("stick/botkit", "learner"):
        assert (repository / copy / "notebooks" / "lesson.ipynb").exists()
        assert not (repository / copy / ".env").exists()


@runs(
    'pip download -r requirements.txt "setuptools>=68" -d /media/stick/wheels',
    "pip install jupyter-server-proxy",
)
def test_what_an_instructor_needs_of_pip_can_be_said_like_this(terminal, project):
    """Here pip is played; `first_command.py --stick` downloads, and installs without a network."""
    download = 'pip download -r requirements.txt "setuptools>=68" -d /media/stick/wheels'
    assert terminal(download).startswith("pip download: ")
    assert terminal("pip install jupyter-server-proxy") == "pip install: 1\n"
