"""Find out whether the tests of the core notice small mistakes in it: python tests/mutants.py

It makes one mistake after the other in a copy of `botkit/oauth/` and `botkit/storage/`, and runs
the tests that reach the place.  At the end it shows every mistake that no test noticed, and the
status is 1 if these are more than `tests/mutants.toml` allows.  That file also names the mutants
that nobody could notice, which do not count.  It needs Linux or macOS, and the packages cosmic-ray
and coverage.

For a quick look, `--every 20` tries one mutant in twenty, and `--seed 2` others than before.
`--only store.py` takes one file.  `--keep FOLDER` keeps what was found out, and the next run with
this folder goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from first_command import copy_to
from mutant_list import ROOT, Equivalent, Mutant, mutants_of, sample
from mutant_runs import Runner, load, observe


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="try one mutant in so many")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", default="", help="files with this in their names")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sqlite-only", action="store_true", help="no PostgreSQL, no process")
    parser.add_argument("--keep", type=Path, help="a folder for what is found out")
    return parser.parse_args()


def main() -> int:
    chosen, began = options(), time.monotonic()
    config = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    files = [
        file.relative_to(ROOT).as_posix()
        for folder in config["folders"]
        for file in sorted((ROOT / folder).glob("*.py"))
        if chosen.only in file.name
    ]
    every = [mutant for file in files for mutant in mutants_of(file, config["operators"])]
    equivalents = [Equivalent(**one) for one in config["equivalent"]]
    mutants = []
    for mutant in sample(every, chosen.every, chosen.seed):
        if same := mutant.is_one_of(equivalents):
            print(f"equivalent: {mutant} {same.why}")
        else:
            mutants.append(mutant)
    print(f"{len(every)} mutants, of which {len(mutants)} are tried.", flush=True)
    with tempfile.TemporaryDirectory(prefix="botkit-mutants-") as temporary:
        keep = chosen.keep or Path(temporary) / "keep"
        keep.mkdir(parents=True, exist_ok=True)
        copies = [copy_to(Path(temporary) / f"{number}") for number in range(chosen.processes)]
        found_out = keep.absolute() / "tests.json"
        if not found_out.exists() and not observe(
            copies[0], config["tests"], config["folders"], found_out
        ):
            found_out.unlink(missing_ok=True)
            print("The tests fail without any mutant. Mend them first.")
            return 2
        print(
            f"What each test reaches is known after {time.monotonic() - began:.0f} s.", flush=True
        )
        try_all(mutants, copies, keep, sqlite_only=chosen.sqlite_only)
        return report(mutants, keep, config["at_least"], time.monotonic() - began)


def try_all(
    mutants: Sequence[Mutant], copies: Sequence[Path], keep: Path, *, sqlite_only: bool
) -> None:
    """Try all mutants that were not tried before, in as many processes as there are copies."""
    known, done = load(keep.absolute() / "tests.json"), verdicts(keep)
    left = [mutant for mutant in mutants if name_of(mutant) not in done]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    children = []
    for number, copy in enumerate(copies):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                runner = Runner(copy, known, sqlite_only=sqlite_only)
                try_some(left[number :: len(copies)], runner, keep)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    try:
        if any([os.waitpid(pid, 0)[1] for pid in children]):
            raise SystemExit("A process that tried mutants has failed.")
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def try_some(mutants: Sequence[Mutant], runner: Runner, keep: Path) -> None:
    for mutant in mutants:
        code = mutant.code()
        if code is None:  # no program, or the same one
            verdict: dict[str, Any] = {"by": None, "seconds": 0.0}
        else:
            found = runner.try_out(mutant, code)
            verdict = {"by": found.by, "seconds": found.seconds}
            print(f"{'✔' if found.by else '✘'} {mutant} {found.by}", flush=True)
        with (keep / "verdicts.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mutant": name_of(mutant), **verdict}) + "\n")


def name_of(mutant: Mutant) -> str:
    """Return a name for the mutant that stays when other lines of its file change."""
    lines = (ROOT / mutant.file).read_text(encoding="utf-8").splitlines()
    first, last = mutant.lines
    return "\n".join(
        [f"{mutant.file} {mutant.operator} {mutant.occurrence}", *lines[first - 1 : last]]
    )


def verdicts(keep: Path) -> dict[str, str | None]:
    """Return what noticed each mutant that was tried: "" for nothing, None if it is no program."""
    file = keep / "verdicts.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {one["mutant"]: one["by"] for one in map(json.loads, lines)}


def report(mutants: Sequence[Mutant], keep: Path, at_least: float, seconds: float) -> int:
    found = verdicts(keep)
    tried = [mutant for mutant in mutants if found[name_of(mutant)] is not None]
    left = [mutant for mutant in tried if found[name_of(mutant)] == ""]
    for mutant in sorted(left, key=str):
        show(mutant)
    caught = len(tried) - len(left)
    share = 100 * caught / len(tried) if tried else 100.0
    print(f"\n{caught} of {len(tried)} mutants are caught: {share:.1f} %, in {seconds:.0f} s.")
    if share >= at_least:
        return 0
    print(f"At least {at_least} % must be. Write tests for what is shown above.")
    return 1


def show(mutant: Mutant) -> None:
    before = (ROOT / mutant.file).read_text(encoding="utf-8").splitlines()
    after = (mutant.code() or "").splitlines()
    print(f"\n{mutant}")
    for line in list(unified_diff(before, after, lineterm="", n=1))[3:]:
        print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
