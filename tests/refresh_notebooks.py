"""Run every notebook on a fresh kernel and store what it prints: python tests/refresh_notebooks.py

Names of notebooks may follow, to refresh those only.  Run it twice: if nothing has changed, the
second run leaves no difference.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def run(notebook: nbformat.NotebookNode) -> None:
    """Run the cells in order, as "Restart kernel and run all" does."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    client = NotebookClient(
        notebook,
        timeout=120,
        coalesce_streams=True,  # two prints that came apart on a busy machine are one output
        skip_cells_with_tag="nbval-skip",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute()


def refresh(file: Path) -> bool:
    """Refresh one notebook; return whether its file changed."""
    before = file.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    run(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran: different each time
    after = nbformat.writes(notebook, indent=1) + "\n"
    file.write_text(after, encoding="utf-8")
    return after != before


def main() -> None:
    names = sys.argv[1:]
    files = [Path(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb"))
    for file in files:
        print(f"{file.name}: {'changed' if refresh(file) else 'unchanged'}", flush=True)


if __name__ == "__main__":
    main()
