"""The commands that the documents show, and a terminal in which they are run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from documents import texts_of, tokens_in
from serve_world import BotProcess, clean_environment

SHELLS = ("sh", "powershell")  # every line in such a block is a command
OTHERS = ("python", "mermaid", "json", "text")  # in such a block, only what looks like one
PROGRAM = re.compile(
    r"(python3?|py|pip|pytest|jupyter|gunicorn|git|docker|curl|cd|\.) \S"
    r"|ngrok (http|config|start|update)\b|\S.* -m (pip|pytest|botkit|jupyter|venv)\b|\.ci/run"
)
# Plays pip, which would need the network: pip itself reads the options, and then this looks whether
# what is to be installed is here, in a version that is wanted.
PIP = """
import sys, tomllib
from importlib.metadata import version
from packaging.requirements import Requirement
from pip._internal.commands import create_command

words = [word for word in sys.argv[1:] if word not in ("-m", "pip")]
options, wanted = create_command(words[0]).parse_args(words[1:])
for file in options.requirements:
    wanted += open(file).read().splitlines()
if "-e ." in wanted:
    wanted.remove("-e .")
    wanted += tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]
for one in map(Requirement, wanted):
    if words[0] == "install" and not one.specifier.contains(version(one.name)):
        sys.exit(f"{one} is wanted, and {version(one.name)} is installed")
print(f"pip {words[0]}: {len(wanted)}")
"""


def commands_of(file: Path) -> list[str]:
    """All commands of a document, in order: lines of shell blocks, and code that looks like one."""
    return [command for text in texts_of(file) for command in commands_in(text)]


def commands_in(text: str) -> Iterator[str]:
    for code in re.findall(r"<code>([^<]+)</code>", text):
        if PROGRAM.match(code):
            yield code
    for token in tokens_in(text):
        if token["type"] == "codespan" and PROGRAM.match(token["raw"]):
            yield token["raw"]
        elif token["type"] == "block_code":
            yield from _commands_of_block(token)


def _commands_of_block(token: dict[str, Any]) -> Iterator[str]:
    language = token.get("attrs", {}).get("info", "")
    assert language in SHELLS + OTHERS, f"a block of “{language}”: for commands, write sh"
    for line in re.sub(r"\s*\\\n\s*", " ", token["raw"]).splitlines():
        command = re.sub(r"(^|\s+)#\s.*", "", line).strip()
        if command and (language in SHELLS or PROGRAM.match(command)):
            yield command


class Terminal:
    """bash, in an empty folder; `ran` are the lines that were typed, as they stand.

    Python and what is installed are those of the tests, `pip` is played by `PIP`, and nothing of
    botkit is set.  `instead` gives for a text in a line what is put in its place.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        self.ran: list[str] = []
        self._running: list[BotProcess] = []
        (folder / "plays_pip.py").write_text(PIP, encoding="utf-8")
        plays_pip = f'"{sys.executable}" "{folder / "plays_pip.py"}" "$@"\n'
        (folder / "bashrc").write_text(f"pip() {{\n{plays_pip}}}\n", encoding="utf-8")
        that_path = folder / "that path"  # as lesson 00 calls a Python elsewhere
        that_path.write_text(f"#!/bin/sh\n{plays_pip}", encoding="utf-8")
        that_path.chmod(0o755)
        places = [str(Path(sys.executable).parent), os.environ["PATH"], str(folder)]
        self.environment = {
            "BASH_ENV": str(folder / "bashrc"),
            "HOME": str(folder),
            "PATH": os.pathsep.join(places),
        }

    def __call__(self, line: str, *, instead: Mapping[str, str] | None = None) -> str:
        """Run a line to its end, which must be a good one; what it prints."""
        done = self.end_of(line, instead=instead)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def end_of(
        self, line: str, *, instead: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a line to its end, whichever it is."""
        return subprocess.run(
            ["bash", "-c", self._typed(line, instead)],
            cwd=self.folder,
            env=clean_environment(**self.environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )

    def start(self, line: str, *, instead: Mapping[str, str] | None = None) -> BotProcess:
        """Start a line that goes on until it is ended."""
        command = ["bash", "-c", self._typed(line, instead)]
        self._running.append(BotProcess(self.folder, self.environment, command))
        return self._running[-1]

    def close(self) -> None:
        for one in self._running:
            one.close()

    def _typed(self, line: str, instead: Mapping[str, str] | None) -> str:
        self.ran.append(line)
        for text, other in (instead or {}).items():
            assert line.count(text) == 1, f"{text!r} is not once in {line!r}"
            line = line.replace(text, other)
        return line
