"""Every lesson as a learner meets it: in JupyterLab, in a browser, solved, run and looked at.

Unsolved they are run by nbval, which compares what each cell prints.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from jupyter_world import SECONDS
from jupyterlab_screen import ROOT, JupyterLab, Lesson

NAMES = sorted(file.name for file in (ROOT / "notebooks").glob("*.ipynb"))
SOLUTION = re.compile(r"<summary>Solution</summary>\s*```python\n(.*?)\n```", re.DOTALL)
ERRORS = "[data-mime-type$=err], [data-mime-type$=error]"


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):  # without a browser there is nothing to start
    lab = JupyterLab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def page(lab, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(lab.url)
    page.wait_for_function("window.jupyterapp?.restored.then(() => true)")
    yield page
    context.close()


@pytest.fixture
def lesson(lab, page, request):
    lesson = Lesson(lab, page, request.param)
    yield lesson
    lesson.close()
    lab.end_kernels()


@pytest.mark.parametrize("lesson", NAMES, indirect=True)
def test_a_lesson_runs_looks_well_and_can_be_solved(lesson, lab):
    folded_and_linked(lesson, lab)
    solutions = lesson.markdown(SOLUTION)
    exercises, checks = lesson.numbers("exercise"), lesson.numbers("check")
    assert [lesson.paste_the_solution(exercise) for exercise in exercises] == solutions

    lesson.menu("Edit", "Clear Outputs of All Cells")
    counts = lesson.run()
    assert lesson.page.locator(ERRORS).all_text_contents() == []
    assert counts == [f"[{count}]:" for count, _ in enumerate(lesson.runs, 1)]
    assert [lesson.output(check)[0] for check in checks] == ["✔"] * len(solutions) != []
    looks_well(lesson)
    lesson.in_other_theme()
    looks_well(lesson)


def looks_well(lesson):
    found = lesson.measure()
    assert found["complaints"] == [], lesson.theme
    outputs = [
        output.get("data", {}) for cell in lesson.cells for output in cell.get("outputs", [])
    ]
    pictures = {
        "text/markdown": len(lesson.markdown("```mermaid")),
        "text/html": sum("image/svg+xml" in data for data in outputs),
    }
    assert Counter(found["pictures"]) == Counter(pictures)


def folded_and_linked(lesson, lab):
    """What is to be unfolded is folded, and every link of the prose can be clicked."""
    prose = lesson.page.locator(".jp-Notebook .jp-RenderedMarkdown")
    details = prose.locator("details")
    assert details.count() == len(lesson.markdown("<details>")) > 0
    assert prose.locator("details[open]").count() == 0
    assert not any(hidden.is_visible() for hidden in details.locator("pre").all())

    links = prose.locator("a[href]:not(.jp-InternalAnchorLink)")
    hrefs = links.evaluate_all("links => links.map((link) => link.href)")
    targets = lesson.markdown(r"(?<!!)\]\(([^)\s{]+)\)")
    assert len(hrefs) == len(targets) > 0
    for target, href in zip(targets, hrefs, strict=True):
        if target.startswith("https://"):
            assert href == target
        else:
            assert href.startswith(f"{lab.address}/files/")
            lab.ask("GET", href.removeprefix(lab.address))


@pytest.mark.parametrize("lesson", [NAMES[2]], indirect=True)
def test_a_link_opens_the_next_lesson_or_the_code_beside_it(lesson):
    links = lesson.markdown(r"\]\((?!https?:)([^)\s{]+)\)")
    of_each_kind = {link.rpartition(".")[2]: link for link in links}
    assert of_each_kind.keys() == {"ipynb", "py"}
    for link in of_each_kind.values():
        lesson.page.get_by_role("tab", name=NAMES[2]).click()
        name = link.rpartition("/")[2]
        lesson.page.locator(f'.jp-RenderedMarkdown a[href*="{name}"]').first.click()
        tab = lesson.page.get_by_role("tab", name=name)
        tab.wait_for()
        assert tab.get_attribute("aria-selected") == "true"
