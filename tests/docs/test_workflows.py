"""What GitHub runs for us: the commands that the README shows, and every week with what is new."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import README, ROOT
from missing import left_out
from packaging.requirements import Requirement

from botkit.run.doctor.computer import OLDEST_PYTHON

FILES = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
REQUIREMENTS = ("requirements.txt", "tests/requirements.txt")
INSTALL = " ".join(["pip install", *(f"-r {name}" for name in REQUIREMENTS)])
TEST = f"{INSTALL} && pytest --nbval"

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def read(file: Path | str) -> dict[str, Any]:
    """A workflow.  To YAML the key `on` means true."""
    path = FILES[0].parent / file
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in workflow.items()}


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def pythons(job: dict[str, Any]) -> list[str]:
    """The versions of Python with which a job runs."""
    (version,) = (
        step["with"]["python-version"] for step in job["steps"] if "setup-python" in str(step)
    )
    return job["strategy"]["matrix"]["python"] if "matrix" in version else [version]


def test_the_workflows_are_these():
    assert [file.name for file in FILES] == ["nightly.yml", "tests.yml", "weekly.yml"]


@each_file
def test_a_workflow_has_jobs_with_steps_and_says_when(file):
    workflow = read(file)
    assert workflow["name"] == file.stem and workflow["jobs"]
    assert ("schedule" in workflow["on"]) == (file.stem in ("nightly", "weekly"))
    for job in workflow["jobs"].values():
        assert "os" in job["runs-on"] or job["runs-on"] == "ubuntu-latest"
        assert commands(job) and all(("run" in step) != ("uses" in step) for step in job["steps"])


@each_file
def test_every_action_is_githubs_own_and_pinned_to_a_major_version(file):
    for job in read(file)["jobs"].values():
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used[0].startswith("actions/checkout@")
        for action in used:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", action), action


@each_file
def test_every_file_that_a_command_names_is_there(file):
    text = " ".join(command for job in read(file)["jobs"].values() for command in commands(job))
    for name in set(re.findall(r"[\w./-]+\.(?:py|txt|toml)\b|\.ci/run", text)) - {"oldest.txt"}:
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize(("name", "wanted"), [("nightly", "[*]"), ("weekly", "[0-6]")])
def test_what_is_called_nightly_or_weekly_is(name, wanted):
    (schedule,) = read(f"{name}.yml")["on"]["schedule"]
    assert re.fullmatch(rf"\d+ \d+ [*] [*] {wanted}", schedule["cron"])


def test_every_push_runs_the_command_that_the_readme_shows():
    tests = read("tests.yml")
    assert {"push", "pull_request"} <= tests["on"].keys()
    assert commands(tests["jobs"]["tests"])[-1] == ".ci/run"
    assert ".".join(map(str, OLDEST_PYTHON)) in pythons(tests["jobs"]["tests"])
    assert f"\n{TEST}\n" in README.read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK) or os.name == "nt"
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r"sed -n '/(.*)/p' README\.md", script)
    assert pattern and re.fullmatch(pattern[1].replace(r"\&", "&"), TEST)


def test_every_push_opens_lesson_00_on_every_system():
    job = read("tests.yml")["jobs"]["first_command"]
    systems = ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert job["strategy"]["matrix"]["os"] == systems


def test_every_push_asks_a_python_that_is_too_old():
    job = read("tests.yml")["jobs"]["too_old"]
    old = f"{OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1] - 1}"
    assert pythons(job) == [old]
    assert f'grep "Python {old} is too old"' in commands(job)[0]


def test_every_week_the_newest_versions_are_listed_and_everything_is_tested_with_them():
    job = read("weekly.yml")["jobs"]["newest"]
    assert job["env"] == {"PIP_UPGRADE": "1", "PIP_UPGRADE_STRATEGY": "eager"}
    wanted = [INSTALL, "pip list", "pip list --outdated", ".ci/run"]
    assert [command for command in commands(job) if "apt-get" not in command] == wanted
    assert "3.x" in pythons(job)


def test_every_week_the_oldest_versions_are_tested(tmp_path):
    job = read("weekly.yml")["jobs"]["oldest"]
    find, *wanted = commands(job)
    install = INSTALL.replace("install", "install -c oldest.txt", 1)
    assert wanted == [install, "pip list", "pytest --nbval"]
    assert pythons(job) == [".".join(map(str, OLDEST_PYTHON))]
    if os.name == "nt":
        left_out("bash")
    find = find.replace("> oldest.txt", f'> "{tmp_path}/oldest.txt"')
    subprocess.run(["bash", "-euo", "pipefail", "-c", find], cwd=ROOT, check=True)
    oldest = (tmp_path / "oldest.txt").read_text().split()
    for requirement in everything_required():
        bounds = [one for one in requirement.specifier if one.operator == ">="]
        wanted = [f"{requirement.name}=={one.version}" for one in bounds]
        assert [line for line in oldest if line.startswith(f"{requirement.name}==")] == wanted


def everything_required() -> list[Requirement]:
    """All that requirements.txt, tests/requirements.txt and pyproject.toml name."""
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for name in REQUIREMENTS:
        lines += (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line != "-e ."]
