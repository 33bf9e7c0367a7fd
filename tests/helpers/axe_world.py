"""axe-core as a judge, and what notebooks show as learners have it before their eyes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from axe_playwright_python.base import AXE_SCRIPT

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
WIDTHS = (1280, 360)
GROUNDS = {"light": ("#fff", "rgb(0 0 0 / .87)"), "dark": ("#111", "#fff")}  # as in JupyterLab
# In JSON, and without all that was well: on its way Playwright looks at each value of an answer.
JUDGE = """async ([context, options]) => {
  const { violations, incomplete, passes } = await axe.run(context ?? document, options);
  return JSON.stringify({ violations, incomplete, passes: passes.length });
}"""


@dataclass(frozen=True, order=True)
class Finding:
    """One element that breaks one rule; the impact is minor, moderate, serious or critical, or
    unsure where axe-core could not tell."""

    impact: str
    rule: str
    element: str
    look: str = ""


def judge(page: Any, *leave_out: str, exclude: Sequence[str] = ()) -> list[Finding]:
    """What axe-core finds on the page as it is: by all of its rules but those that are left out,
    and everywhere but in frames and in what the selectors in `exclude` fit."""
    rules = {"target-size": {"enabled": True}, "frame-tested": {"enabled": False}}
    rules |= {rule: {"enabled": False} for rule in leave_out}
    options = {"resultTypes": ["violations", "incomplete"], "rules": rules, "iframes": False}
    context = {"exclude": [[one] for one in exclude]} if exclude else None
    if not page.evaluate("'axe' in window"):  # a page that was loaded since has none
        page.evaluate(f"{AXE_SCRIPT}; undefined")
    answer = json.loads(page.evaluate(JUDGE, [context, options]))
    assert answer["passes"], "axe-core has not looked at anything"
    return sorted(
        Finding(impact, one["id"], " ".join(map(str, node["target"])))
        for kind in ("violations", "incomplete")
        for one in answer[kind]
        for node in one["nodes"]
        if (impact := one["impact"] if kind == "violations" else _doubt(node))
    )


def _doubt(node: Any) -> str:
    """Where axe-core cannot tell, somebody has to look; but not at a sign, nor at what is drawn,
    for which there is a test of its own."""
    sign = [check["data"] for check in node["any"]] == [{"messageKey": "nonBmp"}]
    return "" if sign or node["html"].startswith(("<text", "<tspan")) else "unsure"


def judge_in_every_look(page: Any, widths: Sequence[int] = WIDTHS) -> list[Finding]:
    """The same, wide and narrow, in light and in dark."""
    findings = set()
    for width, scheme in product(widths, GROUNDS):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 720})
        found = judge(page)
        if any(one.impact == "unsure" for one in found):  # of what is scrolled away: unroll it
            unrolled = page.evaluate("document.querySelector('#log')?.scrollHeight ?? 0")
            page.set_viewport_size({"width": width, "height": 720 + unrolled})
            found = [one for one in found if one.impact != "unsure"] + judge(page)
        findings |= {replace(one, look=f"{width}px {scheme}") for one in found}
    return sorted(findings)


# ---- what notebooks show ---------------------------------------------------------------------


def outputs() -> dict[str, str]:
    """All rich outputs that are stored in the lessons, as HTML; nbval keeps them true."""
    found = {}
    for file in NOTEBOOKS:
        for number, cell in enumerate(nbformat.read(file, as_version=4).cells):
            for output in cell.get("outputs", []):
                kinds = set(output.get("data", {})) - {"text/plain"}
                if kinds:
                    found[f"{file.stem}, cell {number}"] = shown(output.data)
    return found


def shown(data: dict[str, str]) -> str:
    """What JupyterLab makes of an output: HTML as it is, and of plain SVG an image."""
    if "text/html" in data:
        return data["text/html"]
    return f'<img src="data:image/svg+xml,{quote(data["image/svg+xml"])}">'


def show_output(page: Any, output: str, scheme: str) -> None:
    """Put an output on a page that has nothing else, on the ground that JupyterLab has."""
    ground, ink = GROUNDS[scheme]
    style = f"body{{background:{ground};color:{ink};font:14px sans-serif}}"
    head = f"<title>An output</title><style>{style}</style>"
    main = f"<main><h1>An output</h1>{output}</main>"
    page.set_content(
        f'<!doctype html><html lang="en"><head>{head}</head><body>{main}</body></html>'
    )
