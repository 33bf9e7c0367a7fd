"""Lesson 00 says if the Python is too old.  So what it imports until then must run on an old one.

What a module may use with Python 3.10 is known to mypy, which has the standard library's stubs for
every version.  The job `too_old` of tests.yml tries it with a real one.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from missing import left_out

ROOT = Path(__file__).parents[2]
OLD = "3.10"
IMPORTED = """
import sys
import botkit
from botkit.lessons import check
names = [name for name in sys.modules if name.split(".")[0] == "botkit"]
print(*(sys.modules[name].__file__ for name in names), sep="\\n")
"""


@pytest.fixture(scope="module")
def files() -> list[str]:
    """The files that `import botkit` and `from botkit.lessons import check` load, and that of the
    look."""
    command = [sys.executable, "-c", IMPORTED]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [*run.stdout.splitlines(), str(ROOT / "botkit" / "run" / "doctor" / "computer.py")]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy remembers of the standard library, which it reads once for all tests here."""
    return tmp_path_factory.mktemp("mypy")


def complaints(files: list[str], cache: Path) -> list[str]:
    """What mypy finds in these files that Python 3.10 would not."""
    if importlib.util.find_spec("mypy") is None:
        left_out("mypy")
    options = ["--python-version", OLD, "--follow-imports", "skip", "--no-error-summary"]
    options += ["--config-file="]  # what it does not follow has no types: no strictness
    options += ["--cache-dir", str(cache)]
    command = [sys.executable, "-m", "mypy", *options, *files]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.stderr == ""
    return run.stdout.splitlines()


def test_what_lesson_00_imports_until_it_can_say_so_runs_on_an_old_python(files, cache):
    names = {Path(file).relative_to(ROOT / "botkit").as_posix() for file in files}
    assert {
        "__init__.py",
        "lessons/check/lesson07.py",
        "lessons/check/lesson08/steal.py",
    } <= names
    assert complaints(files, cache) == []


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("from datetime import UTC\n", 'Module "datetime" has no attribute "UTC"'),
        ("import datetime\nnow = datetime.UTC\n", 'Module has no attribute "UTC"'),
        ("import tomllib\n", "tomllib"),
        ("from typing import Self\n", 'has no attribute "Self"'),
        ("try:\n    pass\nexcept* OSError:\n    pass\n", "Python 3.11"),
        ("def first[T](things: list[T]) -> T:\n    return things[0]\n", "Python 3.12"),
    ],
)
def test_what_an_old_python_does_not_know_is_found(code, told, tmp_path, cache):
    file = tmp_path / "new.py"
    file.write_text(code)
    assert told in "\n".join(complaints([str(file)], cache))
