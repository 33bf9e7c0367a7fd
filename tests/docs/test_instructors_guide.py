"""The instructor's guide stays true: its minutes, headings, drills, commands and quotations."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest
from guide_sentences import ANY, is_said, words
from python_process import start
from sizes import Size

import botkit
from botkit.__main__ import main
from botkit.settings import known_variables

PROJECT = Path(__file__).parents[2]
NOTEBOOKS = PROJECT / "notebooks"
GUIDE = (NOTEBOOKS / "INSTRUCTORS.md").read_text(encoding="utf-8")
LESSONS = {file.stem[:2]: nbformat.read(file, 4) for file in sorted(NOTEBOOKS.glob("*.ipynb"))}
PATHS = {"45 minutes": 45, "half a day (240 minutes)": 240, "a day (480 minutes)": 480}

CLASS, PEOPLE = "30", Size(2, nightly=30)

# Sentences of others, and where to look whether they still say them.
JUPYTERLAB, SERVER, NOWHERE = "jupyterlab/static/jlab_core*.js", "jupyter_server/serverapp.py", ""
OF_OTHERS = {
    "ModuleNotFoundError: No module named 'botkit'": NOWHERE,
    "module 'botkit' has no attribute 'start'": NOWHERE,
    "NameError: name 'kit' is not defined": NOWHERE,
    "Package 'botkit' requires a different Python": NOWHERE,  # pip
    "Could not find a version that satisfies the requirement": NOWHERE,  # pip
    "error: externally-managed-environment": NOWHERE,  # pip
    "running scripts is disabled on this system": NOWHERE,  # PowerShell
    "The port 8888 is already in use, trying another port.": SERVER,
    "Select Kernel": JUPYTERLAB,
    "appears to have died. It will restart automatically.": JUPYTERLAB,
    "Server Connection Error": JUPYTERLAB,
    "has changed on disk since the last time it was opened or saved": JUPYTERLAB,
}


def part(heading: str) -> str:
    """What stands below a heading, down to the next one of its rank."""
    rank = heading.split()[0]
    found = re.search(
        rf"^{re.escape(heading)}.*?$(.*?)(?=^#{{1,{len(rank)}}} |\Z)", GUIDE, re.M | re.S
    )
    assert found, heading
    return found[1]


def tables(text: str) -> list[list[list[str]]]:
    """Each table as rows of cells, without its head."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.M)
    cut = r"(?<!\\)\|"
    rows = [[re.split(cut, line.strip("|")) for line in table.splitlines()[2:]] for table in found]
    return [[[cell.strip().replace(r"\|", "|") for cell in row] for row in table] for table in rows]


def prose(lesson: str) -> str:
    return "\n".join(c.source for c in LESSONS[lesson].cells if c.cell_type == "markdown")


# ---- minutes and headings ------------------------------------------------------------------


def test_every_lesson_has_the_minutes_of_the_readme_and_of_its_own_strip():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    stated = re.findall(r"^\| \[(\d\d) ([^\]]+)\]\([^)]+\) \| (\d+) \|", readme, re.M)
    ours = [(row[0][:2], row[0][3:], row[1]) for row in tables(part("## 2. Timings"))[0]]
    assert ours == stated
    strips = [re.search(r"^(\d+) minutes · needs", prose(n), re.M)[1] for n in LESSONS]
    assert [row[2] for row in ours] == strips
    assert len(ours) == 13


def test_the_steps_of_a_lesson_are_its_headings_and_add_up_to_its_minutes():
    lessons, steps = tables(part("## 2. Timings"))
    for name, minutes, _ in lessons:
        number = name[:2]
        mine = [row for row in steps if row[0] == number]
        headings = re.findall(r"^## (.+)$", prose(number), re.M)
        named = [row[1] for row in mine]
        assert named == [heading for heading in headings if heading in named], number
        left_out = set(headings) - set(named)
        assert not [one for one in left_out if re.match("Step|Round|Exercise|Your turn", one)]
        assert sum(int(row[2]) for row in mine) == int(minutes), number
    assert [row[0] for row in steps] == sorted(row[0] for row in steps)


@pytest.mark.parametrize("name", PATHS)
def test_a_path_fills_its_time_and_soon_lets_people_type(name):
    (rows,) = tables(part(f"### Path: {name}"))
    minute = 0
    for begins, takes, _ in rows:
        assert int(begins) == minute
        minute += int(takes)
    assert minute == PATHS[name]
    typing = [(int(row[0]), row) for row in rows if row[2].startswith("Lesson ")]
    assert typing[0][0] <= 10
    stated = {row[0][:2]: int(row[1]) for row in tables(part("## 2. Timings"))[0]}
    for _, (_, takes, what) in typing:
        assert int(takes) >= stated[what[7:9]], what
    assert any("closing exercise" in row[2] for row in rows[-3:])
    assert set(re.findall(r"^### Path: (.+)$", GUIDE, re.M)) == set(PATHS)


# ---- questions -----------------------------------------------------------------------------


def test_every_lesson_has_questions_that_are_asked_there_and_a_cell_that_answers():
    (rows,) = tables(part("## 4. Questions"))
    for lesson, question, wrong, why, cell in rows:
        asked = " ".join(prose(lesson).split())
        assert question in asked, question
        code = [c.source for c in LESSONS[lesson].cells if c.cell_type == "code"]
        assert any(cell.strip("`") in one for one in code), cell
        assert wrong and why
    assert all([row[0] for row in rows].count(lesson) >= 2 for lesson in LESSONS)


# ---- drills --------------------------------------------------------------------------------


def typed(code: str, names: dict[str, object]) -> str:
    """What a notebook shows below a cell: what is printed, the last value, or the error."""
    *before, last = ast.parse(code).body
    shown = io.StringIO()
    with redirect_stdout(shown):
        try:
            exec(compile(ast.Module(before, []), "drill", "exec"), names)
            if isinstance(last, ast.Expr):
                print(eval(compile(ast.Expression(last.value), "drill", "eval"), names))
            else:
                exec(compile(ast.Module([last], []), "drill", "exec"), names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return " ".join(shown.getvalue().split())


@pytest.fixture
def names(monkeypatch):
    monkeypatch.setattr("botkit.lessons.rehearsal.start_python", start)
    found: dict[str, object] = {"botkit": botkit}
    yield found
    for one in {"kit", "other"} & set(found):
        found[one].close()


@pytest.mark.parametrize("number", range(1, 10))
def test_a_drill_shows_the_sentence_that_the_guide_quotes(number, names):
    acts = re.findall(r"```python\n(.*?)```\s*> (.+?)\n", part(f"### Drill {number}:"), re.S)
    assert acts and part(f"### Drill {number}:").count("```python") == len(acts)
    for code, sentence in acts:
        code, sentence = (one.replace(CLASS, str(PEOPLE)) for one in (code, sentence))
        wanted = re.escape(sentence).replace(ANY, r"\S+")
        shown = typed(code, names)
        assert re.search(wanted, shown), shown


def test_there_is_no_other_drill():
    assert re.findall(r"^### Drill (\d+):", GUIDE, re.M) == list("123456789")
    assert GUIDE.count("### Drill") == 9


# ---- quotations ----------------------------------------------------------------------------


def quotations(own: bool) -> list[str]:
    found = tables(part("## 9. Troubleshooting"))
    of_others, ours = found[0], [row for table in found[1:] for row in table]
    for row in of_others + ours:
        assert re.fullmatch("`[^`]+`", row[0]) and row[1] and row[2], row
    return [row[0].strip("`") for row in (ours if own else of_others)]


def test_the_guide_quotes_many_sentences():
    assert len(quotations(own=True)) >= 25
    assert len(set(quotations(own=True))) == len(quotations(own=True))


@pytest.mark.parametrize("sentence", quotations(own=True))
def test_botkit_says_what_the_guide_quotes(sentence):
    assert is_said(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "This link has been used twice already.",
        "GitHub painted no portrait (it answered …).",
        "… …",
        "Port … is busy.",
        "What can go wrong, as a ladder of named errors.",  # only a docstring says it
    ],
)
def test_what_the_code_does_not_say_is_noticed(sentence):
    assert not is_said(sentence)


def test_a_sentence_that_changes_in_the_code_is_noticed():
    old, new = words("Port \0 is taken by another program."), words("Port \0 is in use elsewhere.")
    quoted = "Port … is taken by another program."
    assert (is_said(quoted, (old,)), is_said(quoted, (new,))) == (True, False)


def test_only_listed_sentences_are_those_of_other_programs():
    assert quotations(own=False) == list(OF_OTHERS)


@pytest.mark.parametrize("sentence", [one for one, where in OF_OTHERS.items() if where])
def test_jupyter_still_says_it(sentence):
    package, _, name = OF_OTHERS[sentence].partition("/")
    folder = Path(importlib.util.find_spec(package).origin).parent
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob(name))
    assert sentence.replace("8888", "%i") in text


# ---- commands, variables, links ------------------------------------------------------------


def test_the_commands_and_variables_that_are_named_exist(capsys):
    for command in set(re.findall(r"python -m botkit ([\w-]+)", GUIDE)):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
    named = set(re.findall(r"\b(?:BOTKIT|NGROK|GITHUB|RINGCENTRAL)_[A-Z_]+\b", GUIDE))
    assert named and named <= {variable.name for variable in known_variables()}


def test_installing_without_network_is_the_readme_s_line_with_two_options():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^.*jupyter lab .*$", readme, re.M)
    assert len(lines) == 2
    for line in lines:
        assert line.replace("install -r", "install --no-index --find-links ../wheels -r") in GUIDE


def test_the_contents_lead_to_the_sections_and_the_readme_leads_here():
    listed = re.findall(r"^\d+\. \[(.+?)\]\(#(.+?)\)$", GUIDE, re.M)
    sections = re.findall(r"^## (\d+\. .+)$", GUIDE, re.M)
    anchors = [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in sections]
    assert listed == [(s.partition(". ")[2], a) for s, a in zip(sections, anchors, strict=True)]
    assert "(notebooks/INSTRUCTORS.md)" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_guide_can_be_read_in_a_break():
    text = re.sub(r"```.*?```|^\|.*?$|<!--.*?-->", "", GUIDE, flags=re.S | re.M)
    assert len(text.split()) <= 2500
    assert not re.search(r"\b(?:simply|just)\b", GUIDE, re.I)
