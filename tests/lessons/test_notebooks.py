"""What strict nbval does not see: traps that would let a notebook pass without being checked."""

from __future__ import annotations

import json
import re
import statistics
from itertools import groupby
from pathlib import Path

import nbformat
import pytest
from missing import chromium_program
from refresh_notebooks import METADATA, NOTEBOOKS, refresh, run

FILES = sorted(NOTEBOOKS.glob("*.ipynb"))
SECRET = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{8,}|ya29\.[\w-]{10,}|127\.0\.0\.1:(?!8090\b)\d|localhost:\d|0x[0-9a-f]{6,}"
    r"|[?&](?:code|access_token|client_secret|state|code_challenge)=[\w-]{12,}|/home/|/root/|/tmp/"
)
LIVE = "nbval-skip"  # the tag of a cell that needs a real account
LAB = "08_attack_lab"  # has a round, with an exercise, for each attack; all others have one
ROUNDS = 8
CLEAR = "*Edit* > *Clear Outputs of All Cells*"
SOLUTION = re.compile(r"<summary>Solution</summary>\s*```python\n(.*?)```", re.DOTALL)

each_notebook = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def read(file: Path) -> nbformat.NotebookNode:
    return nbformat.read(file, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def text_of(cell: nbformat.NotebookNode) -> str:
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def test_the_lessons_are_all_there():
    numbers = [file.stem[:2] for file in FILES]
    assert numbers == [f"{number:02}" for number in range(13)]


@each_notebook
def test_every_code_cell_was_run_in_order(file):
    """nbval runs a cell without a count, and compares nothing."""
    notebook = read(file)
    cells = [cell for cell in code_cells(notebook) if cell not in tagged(notebook, LIVE)]
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1))


@each_notebook
def test_nothing_is_hidden_from_nbval(file):
    source = file.read_text(encoding="utf-8")
    assert "NBVAL_" not in source
    tags = {tag for cell in read(file).cells for tag in cell.metadata.get("tags", [])}
    live = {LIVE, "skip-execution"} if file.stem == "11_go_live" else set()
    assert tags - {"exercise", "check"} == live


@each_notebook
def test_a_cell_that_nbval_leaves_out_is_left_out_by_other_programs_too(file):
    """papermill, nbmake and `jupyter execute` know this tag, and not nbval's."""
    assert tagged(read(file), LIVE) == tagged(read(file), "skip-execution")


def test_a_cell_that_needs_a_real_account_shows_nothing():
    (file,) = (one for one in FILES if one.stem == "11_go_live")
    cells = tagged(read(file), LIVE)
    assert 0 < len(cells) < 5
    assert [cell.outputs for cell in cells] == [[]] * len(cells)


@each_notebook
def test_who_is_asked_to_predict_is_told_how_to_hide_our_answers(file):
    first, *rest = read(file).cells
    asked = any("**Predict" in cell.source for cell in rest)
    assert (CLEAR in first.source) == asked or file.stem == "00_start_here"


@each_notebook
def test_the_kernel_is_nobodys_own(file):
    assert read(file).metadata == METADATA


@each_notebook
def test_outputs_hold_no_error_no_secret_and_nothing_of_this_machine(file):
    for cell in code_cells(read(file)):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert not SECRET.search(json.dumps(output)), f"cell {cell.execution_count}"


@each_notebook
def test_the_lesson_keeps_to_its_size(file):
    notebook = read(file)
    code = code_cells(notebook)
    lines = [len(cell.source.splitlines()) for cell in code]
    prose = 1 - len(code) / len(notebook.cells)
    assert max(lines) <= 20 and statistics.median(lines) <= 5
    assert 0.4 <= prose <= 0.65
    assert len(notebook.cells) <= (52 if file.stem == LAB else 40)


@each_notebook
def test_an_exercise_comes_unsolved_with_a_check_a_hint_and_a_solution(file):
    notebook = read(file)
    for exercise in tagged(notebook, "exercise"):
        assert exercise.source.endswith("raise NotImplementedError  # your turn")
    for check in tagged(notebook, "check"):
        assert text_of(check).startswith("… not yet: the cell above still waits")
    parts = [part for cell in notebook.cells for part in parts_of_an_exercise(cell)]
    rounds = ROUNDS if file.stem == LAB else 1
    assert [part for part, _ in groupby(parts)] == [
        "exercise",
        "check",
        "hint",
        "solution",
    ] * rounds
    assert len(solutions(notebook)) == rounds


def parts_of_an_exercise(cell: nbformat.NotebookNode) -> list[str]:
    folded = re.findall("<summary>(Hint|Solution)", cell.source)
    tags = [tag for tag in cell.metadata.get("tags", []) if tag in ("exercise", "check")]
    return tags + [part.lower() for part in folded]


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return SOLUTION.findall(prose)


def solve(file: Path, change=lambda solution: solution) -> list[str]:
    """Put each folded solution into its exercise, run the notebook, return the verdicts."""
    notebook = read(file)
    exercises = tagged(notebook, "exercise")
    for exercise, solution in zip(exercises, solutions(notebook), strict=True):
        exercise.source = change(solution)
    run(notebook)
    return [text_of(check) for check in tagged(notebook, "check")]


if chromium_program() is None:  # else test_lessons_on_screen.py does it, as a learner would

    @each_notebook
    def test_the_folded_solutions_solve_the_exercises(file):
        verdicts = solve(file)
        assert [verdict[0] for verdict in verdicts] == ["✔"] * (ROUNDS if file.stem == LAB else 1)


def test_a_sabotaged_solution_does_not():
    (verdict,) = solve(FILES[1], lambda solution: solution.replace("EBCGFAD", "EBCGADF"))
    assert verdict.startswith("… not yet")


def test_pytest_collects_every_code_cell_of_every_notebook():
    collected = Collected()
    options = ["--nbval", "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider"]
    assert pytest.main([*options, str(NOTEBOOKS)], plugins=[collected]) == 0
    for file in FILES:
        assert collected.files.count(file) == len(code_cells(read(file)))


class Collected:
    def pytest_collection_finish(self, session):
        self.files = [item.path for item in session.items]


def test_refreshing_a_notebook_twice_leaves_no_difference(tmp_path):
    copy = tmp_path / FILES[0].name
    copy.write_bytes(FILES[0].read_bytes())
    assert refresh(copy) is False
    notebook = read(copy)
    code_cells(notebook)[0].outputs.clear()
    nbformat.write(notebook, copy)
    assert refresh(copy) is True
    assert copy.read_bytes() == FILES[0].read_bytes()
