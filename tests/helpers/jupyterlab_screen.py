"""JupyterLab as a learner has it: a server on a copy of the lessons, and a lesson on the screen."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from jupyter_world import JupyterServer

ROOT = Path(__file__).parents[2]
IDLE = "Python 3 (ipykernel) | Idle"  # the notebook's own sign says idle before there is a kernel
RENDERED = """(count) => {
  const prose = [...document.querySelectorAll(".jp-Notebook .jp-RenderedMarkdown")];
  const links = prose.flatMap((cell) => [...cell.querySelectorAll("a")]);
  return prose.filter((cell) => cell.firstElementChild).length === count
    && links.every((link) => /^(https?:|#)/.test(link.getAttribute("href")));
}"""
RAN = """([numbers, before]) => {
  const cells = document.querySelectorAll(".jp-Notebook .jp-Cell");
  const counts = numbers.map((n) => cells[n].querySelector(".jp-InputPrompt").textContent);
  return document.querySelector('.jp-Notebook [data-mime-type$="err"], [data-mime-type$="error"]')
    || counts.every((count, n) => /\\d/.test(count) && count !== before[n]);
}"""
# Without a result: the page would send the whole open document, with all that hangs on it.
OPEN = """async (path) => {
  await jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook" });
}"""
CLOSE_ALL = "() => [...jupyterapp.shell.widgets('main')].forEach((widget) => widget.dispose())"
IN_THEME = "name => document.body.dataset.jpThemeName === name"
MEASURE = (Path(__file__).parent / "on_screen.js").read_text("utf-8")
POLLING = 100  # milliseconds; by default a page is asked before each picture, 60 times a second
NEWS = "user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'  # a pop-up would cover the page


class JupyterLab(JupyterServer):
    """A JupyterLab server whose folder is `folder`, with a copy of the lessons and of botkit."""

    def __init__(self, folder: Path) -> None:
        for part in ("notebooks", "botkit"):
            shutil.copytree(
                ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        for page in ROOT.glob("*.md"):  # lessons link to one
            shutil.copy(page, folder)
        files = (folder / "notebooks").glob("*.ipynb")
        self.cells = {file.name: json.loads(file.read_text("utf-8"))["cells"] for file in files}
        settings = folder / "config" / "lab" / NEWS
        settings.parent.mkdir(parents=True)
        settings.write_text(NO_NEWS)
        super().__init__("jupyterlab", folder, options={"LabApp.expose_app_in_browser": True})

    @property
    def url(self) -> str:
        """The page of JupyterLab, with nothing open."""
        return f"{self.address}/lab?reset&token={self.token}"

    def end_kernels(self) -> None:
        for session in self.ask("GET", "/api/sessions").json():
            self.ask("DELETE", f"/api/sessions/{session['id']}")


class Lesson:
    """A notebook on the screen.  Its cells have the numbers that they have in the file.

    `page` is that of JupyterLab, which all lessons share, because it takes seconds to start.
    """

    def __init__(self, lab: JupyterLab, page: Any, name: str) -> None:
        self.cells = lab.cells[name]
        self.page = page
        self.page.evaluate(OPEN, f"notebooks/{name}")
        self.page.get_by_text(IDLE).wait_for()
        prose = sum(cell["cell_type"] == "markdown" for cell in self.cells)
        self.page.wait_for_function(RENDERED, arg=prose, polling=POLLING)

    def close(self) -> None:
        """Close everything that is open, and save nothing."""
        self.page.evaluate(CLOSE_ALL)

    def numbers(self, tag: str) -> list[int]:
        cells = enumerate(self.cells)
        return [n for n, cell in cells if tag in cell["metadata"].get("tags", [])]

    @property
    def runs(self) -> list[int]:
        """The cells that need no real account."""
        code = [n for n, cell in enumerate(self.cells) if cell["cell_type"] == "code"]
        return [n for n in code if n not in self.numbers("nbval-skip")]

    def markdown(self, pattern: str) -> list[str]:
        """What a pattern finds in the prose of the file."""
        cells = [cell for cell in self.cells if cell["cell_type"] == "markdown"]
        return re.findall(pattern, "\n".join("".join(cell["source"]) for cell in cells))

    def cell(self, number: int) -> Any:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def output(self, number: int) -> str:
        return "\n".join(self.cell(number).locator(".jp-OutputArea-output").all_text_contents())

    def menu(self, *names: str) -> None:
        """Click through a menu of JupyterLab."""
        for name in names:
            self.page.locator(".lm-MenuBar, .lm-Menu").get_by_text(name, exact=True).click()

    def run(self) -> list[str]:
        """Run all cells that can be run here, to the end or to an error; what they counted."""
        before = self._counts()
        if self.numbers("nbval-skip"):
            for number in self.runs:
                self.cell(number).locator(".jp-InputPrompt").click()
                self.page.keyboard.press("Control+Enter")
        else:
            self.menu("Run", "Run All Cells")
        self.page.wait_for_function(RAN, arg=[self.runs, before], polling=POLLING)
        return self._counts()

    def _counts(self) -> list[str]:
        prompts = [self.cell(number).locator(".jp-InputPrompt") for number in self.runs]
        return [str(prompt.text_content()) for prompt in prompts]

    def paste_the_solution(self, exercise: int) -> str:
        """Unfold the next solution after an exercise, copy it, paste it into the exercise."""
        markdown = self.page.locator(f".jp-Notebook .jp-Cell:nth-child(n + {exercise + 2})")
        folded = markdown.locator("details", has_text="Solution").first
        folded.locator("summary").click()
        folded.locator("pre").evaluate("code => getSelection().selectAllChildren(code)")
        self.page.keyboard.press("Control+c")
        editor = self.cell(exercise).locator(".cm-content")
        editor.click()
        for key in ("Control+a", "Control+v"):
            self.page.keyboard.press(key)
        return "\n".join(editor.locator(".cm-line").all_text_contents())

    @property
    def theme(self) -> str:
        return "Light" if self.page.locator("body[data-jp-theme-light=true]").count() else "Dark"

    def in_other_theme(self) -> None:
        """Choose it in the menu; JupyterLab remembers it for the next lesson, too."""
        other = {"Light": "Dark", "Dark": "Light"}[self.theme]
        self.menu("Settings", "Theme", f"JupyterLab {other}")
        self.page.wait_for_function(IN_THEME, arg=f"JupyterLab {other}")

    def measure(self) -> dict[str, list[str]]:
        """What is shown, and what is wrong with it: see on_screen.js."""
        found: dict[str, list[str]] = self.page.evaluate(MEASURE)
        return found
