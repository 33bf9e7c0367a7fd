"""How many learners one host can bear: python tests/benchmarks/benchmark_classroom.py

Each learner is a Jupyter kernel of its own that works through a lesson, cell by cell, and thinks
for a while after each.  For each number of learners it prints how many times as long a cell takes
as for one learner alone.  The classroom is full when that is two.

A learner in a room needs a minute or more for a cell; here it is 20 seconds unless told otherwise,
so the figure is on the safe side.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SECONDS = 120  # that a cell may take


class Learner:
    """A kernel, and somebody who runs a lesson in it, again from the top when it ends."""

    def __init__(self, cells: list[str], think: float) -> None:
        self._cells, self._think = cells, think
        self._manager, self._client = start_new_kernel(cwd=str(NOTEBOOKS))
        self._next = 0
        self.run_cell()  # the first one starts the practice world

    def run_cell(self) -> tuple[str, float]:
        """Run the next cell; which one it was, and how many seconds it took."""
        cell = self._cells[self._next]
        self._next = (self._next + 1) % len(self._cells)
        begun = time.perf_counter()
        reply = self._client.execute_interactive(
            cell, timeout=SECONDS, output_hook=lambda message: None, allow_stdin=False
        )
        taken = time.perf_counter() - begun
        assert reply["content"]["status"] == "ok", reply["content"]
        return cell, taken

    def work(self, until: float, times: dict[str, list[float]]) -> None:
        while True:
            time.sleep(min(random.expovariate(1 / self._think), max(until - time.monotonic(), 0)))
            if time.monotonic() >= until:
                return
            cell, taken = self.run_cell()
            times[cell].append(taken)

    def leave(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def cells_of(lesson: str) -> list[str]:
    """The code cells that a learner runs; an exercise is left as it comes."""
    (file,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(file, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def measure(learners: list[Learner], seconds: float, cells: list[str]) -> dict[str, list[float]]:
    """All of them work at once for so long; how long each cell took, whenever it was run."""
    times: dict[str, list[float]] = {cell: [] for cell in cells}
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=one.work, args=(until, times)) for one in learners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description="How many learners one host can bear.")
    parser.add_argument("--lesson", default="04")
    parser.add_argument("--think", type=float, default=20, help="seconds between two cells")
    parser.add_argument("--seconds", type=float, default=90, help="for each number of learners")
    parser.add_argument("--learners", type=int, nargs="+", default=[10, 20, 40, 60])
    chosen = parser.parse_args()
    cells = cells_of(chosen.lesson)
    alone = Learner(cells, chosen.think)
    # Alone: each cell three times, so that every cell has a time to be compared with.
    base: dict[str, list[float]] = {cell: [] for cell in cells}
    for _ in range(3 * len(cells)):
        cell, taken = alone.run_cell()
        base[cell].append(taken)
    usual = {cell: statistics.median(found) for cell, found in base.items()}
    print(f"lesson {chosen.lesson}, {chosen.think:g} s between two cells; alone a cell takes")
    print(f"{1000 * statistics.median(usual.values()):.0f} ms (median of {len(cells)} cells)")
    print(f"{'learners':>8} {'cells run':>9} {'times as long: median':>21} {'nine of ten':>11}")
    learners = [alone]
    for number in chosen.learners:
        learners += [Learner(cells, chosen.think) for _ in range(number - len(learners))]
        times = measure(learners, chosen.seconds, cells)
        longer = sorted(taken / usual[cell] for cell, found in times.items() for taken in found)
        nine = longer[int(len(longer) * 0.9)]
        print(
            f"{number:8} {len(longer):9} {statistics.median(longer):21.2f} {nine:11.2f}", flush=True
        )
    for learner in learners:
        learner.leave()


if __name__ == "__main__":
    main()
