"""The mutation run tries what can matter, with the tests that reach it, and tells the result."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from missing import left_out
from mutant_list import Mutant, ignored_places, is_in, sample, statements_of
from mutant_runs import Known, Runner

CODE = """\
import logging

log = logging.getLogger()
LIMIT: int | None = 3


def half(
    number: int | float, *, whole: bool = False
) -> int | float:
    if whole and (
        number > LIMIT
    ):
        log.info("half of %s", number or 0)
        return number // 2
    return number / 2
"""
HERE = "test_code.py::"
TESTS = """
import time
from code_to_change import half

def test_whole():
    assert half(5, whole=True) == 2

def test_slow():
    assert half(1) == 0.5

def test_process():
    assert half(5, whole=True) == 2 and half(4, whole=True) == 2
"""


def test_annotations_and_calls_of_the_log_are_left_as_they_are():
    lines = CODE.splitlines()
    ignored = list(ignored_places(ast.parse(CODE)))
    changed = [
        (number, column)
        for number, line in enumerate(lines, 1)
        for column in range(len(line))
        if not is_in(ignored, (number, column))
    ]
    left = {number: "" for number, _ in changed}
    for number, column in changed:
        left[number] += lines[number - 1][column]
    assert left[4] == "LIMIT:  = 3"
    assert left[8].strip() == "number: , *, whole:  = False" and left[9] == ") -> :"
    assert left[13].strip() == "" and left[14].strip() == "return number // 2"


def test_a_statement_is_known_by_its_lines():
    found = set(statements_of(ast.parse(CODE)))
    assert {(3, 3), (7, 9), (10, 12), (13, 13), (15, 15)} < found


def test_a_sample_is_the_same_for_the_same_seed_and_part_of_a_larger_one():
    mutants = [mutant(line) for line in range(1000)]
    small, large = sample(mutants, 20, 1), sample(mutants, 10, 1)
    assert 20 < len(small) < 90 and small == large[: len(small)] and len(small) < len(large)
    assert sample(mutants[:500], 20, 1) == [one for one in small if one.line < 500]
    assert sample(mutants, 20, 2) != small and len(sample(mutants, 1, 1)) == 1000


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    if os.name == "nt":
        left_out("os.fork")
    (tmp_path / "code_to_change.py").write_text(CODE)
    (tmp_path / "test_code.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    lines = {"code_to_change.py": [1, 4, 10, 11, 15]}
    known = {
        "test_code.py::test_slow": Known(0.2, [], lines),
        "test_code.py::test_whole": Known(0.1, [], {"code_to_change.py": [1, 4, 10, 11, 13, 14]}),
        "test_code.py::test_process": Known(0.0, ["process"], lines),
    }
    return Runner(tmp_path, known, sqlite_only=False)


def mutant(line: int) -> Mutant:
    return Mutant("code_to_change.py", "", line, line, (line, line))


@pytest.mark.parametrize(
    ("line", "old", "new", "by"),
    [
        pytest.param(15, "number / 2", "number / 3", f"{HERE}test_slow", id="one"),
        pytest.param(10, "whole and", "not whole and", f"{HERE}test_whole", id="the fastest"),
        pytest.param(14, "// 2", "// 2 + (number < 5)", f"{HERE}test_process", id="later"),
        pytest.param(14, "number // 2", "(number * 2) // 4", "", id="nothing"),
        pytest.param(4, "LIMIT", "LIMITS", f"{HERE}test_whole", id="on import"),
        pytest.param(1, "import", "imports", "pytest ends with 2", id="no import"),
    ],
)
def test_a_mutant_is_tried_with_the_tests_that_reach_it(runner, tmp_path, line, old, new, by):
    code = CODE.replace(old, new, 1)
    assert code != CODE
    assert runner.try_out(mutant(line), code).by == by
    assert (tmp_path / "code_to_change.py").read_text() == CODE


def test_what_takes_too_long_is_noticed(runner, monkeypatch):
    monkeypatch.setattr("mutant_runs.SECONDS", -0.9)  # with ten times what the test took: 0.1
    endless = CODE.replace("return number // 2", "import time; time.sleep(60)")
    assert runner.try_out(mutant(14), endless).by == "time: test_code.py::test_whole"


def test_what_noticed_a_mutant_of_the_file_goes_first_with_the_next(runner):
    runner.try_out(mutant(15), CODE.replace("number / 2", "number / 3"))
    broken = CODE.replace("if whole", "if not number / 0 and whole")
    assert runner.try_out(mutant(10), broken).by == "test_code.py::test_slow"


def test_without_postgresql_and_processes_the_later_tests_are_left_out(tmp_path, runner):
    known = {"test_code.py::test_process": Known(0.0, ["process"], {"code_to_change.py": [14]})}
    wrong = CODE.replace("// 2", "// 7")
    assert Runner(tmp_path, known, sqlite_only=True).try_out(mutant(14), wrong).by == ""
    assert Runner(tmp_path, known, sqlite_only=False).try_out(mutant(14), wrong).by
