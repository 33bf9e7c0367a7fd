"""How many instructions an operation takes, counted by valgrind's callgrind.

    python tests/benchmarks/benchmark_instructions.py

Seconds depend on who else uses the machine; instructions hardly do.  Each contestant runs in a
process of its own, on a new SQLite database of 100 rows, all with botkit's settings.  Imports and
the first operations are not in the count, nor is waiting for the disk.  On Debian, valgrind comes
with: apt install valgrind
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COUNTED = 30  # operations
MISSING = (
    "Instructions were not counted, because valgrind is not installed. "
    "To install it on Debian, run: apt install valgrind"
)
CONTESTANTS = {
    "a state": ("SealedState", "SlackState", "RawState"),
    "a service": ("SealedService", "SlackService", "FlaskDanceService", "RawService"),
}
# `getppid` is the mark for valgrind: there it writes down what it has counted, and begins anew.
MARK = "getppid"
PROGRAM = """
import os, sys
import benchmark_contestants, benchmark_peers
name, url, tuned, count = sys.argv[1:]
kind = {**vars(benchmark_contestants), **vars(benchmark_peers)}[name]
one = kind(url, 100, tuned == "tuned")
one.fill()
for _ in range(10):
    one.once()
os.getppid()
for _ in range(int(count)):
    one.once()
os.getppid()
"""


def instructions_table() -> str:
    """The table, or a sentence that says why there is none."""
    if shutil.which("valgrind") is None:
        return MISSING
    names = [name for task in CONTESTANTS.values() for name in task]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = dict(zip(names, pool.map(_instructions, names), strict=True))
    lines = ["| instructions, in millions | | to botkit, sealed |", "|---|---|---|"]
    for task, contestants in CONTESTANTS.items():
        ours = counted[contestants[0]]
        for name in contestants:
            share = f"{counted[name] / 1e6:.2f} | {counted[name] / ours:.2f}"
            lines.append(f"| {task}: {name} | {share} |")
    lines.append(f"\nCallgrind's count for one operation; the mean of {COUNTED}.")
    return "\n".join(lines)


def _instructions(name: str) -> float:
    """Instructions of one operation."""
    tuned = "" if name.startswith(("Sealed", "Raw")) else "tuned"
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1])])
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out"
        subprocess.run(
            [
                *("valgrind", "--tool=callgrind", f"--dump-before={MARK}"),
                *(f"--callgrind-out-file={out}", sys.executable, "-c", PROGRAM),
                *(name, f"sqlite:///{folder}/one.sqlite", tuned, str(COUNTED)),
            ],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
            capture_output=True,
            check=True,
        )
        counted = re.search(r"^totals: (\d+)", Path(f"{out}.2").read_text(), re.MULTILINE)
    assert counted
    return int(counted[1]) / COUNTED


if __name__ == "__main__":
    print(instructions_table())
