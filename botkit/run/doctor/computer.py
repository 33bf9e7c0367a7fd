"""Check whether the kit works on this computer.

Start with `environment`, which lesson 00 calls as `check.environment()`.

Only the standard library is imported at the top.  This module must be able to say which package is
missing, and that Python is too old for the rest.
"""

from __future__ import annotations

import importlib
import sqlite3
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

from botkit.hiding import hiding_file, what_it_hides

OLDEST_PYTHON = (3, 11)
PACKAGES = (
    "flask",
    "requests",
    "sqlalchemy",
    "pyngrok",
    "authlib",
    "cryptography",
    "dotenv",
    "waitress",
    "bs4",
    "wcwidth",
)  # as in pyproject.toml
PROJECT = Path(__file__).resolve().parents[3]  # the folder that has requirements.txt
PATIENCE_SECONDS = 5.0
GIVE_ANOTHER_NAME = (
    "Give it another name.",
    "Then restart the kernel (menu Kernel > Restart Kernel…).",
)


class Trouble(Exception):
    """Raised when something is wrong.  `fix` says in lines what to do."""

    def __init__(self, happened: str, *fix: str) -> None:
        super().__init__(happened)
        self.fix = fix


@dataclass(frozen=True, repr=False)
class Environment:
    """What was found.

    `found` has pairs of a sentence and the lines of the fix, which are empty if nothing is wrong.
    """

    found: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return not any(fix for _, fix in self.found)

    def __repr__(self) -> str:
        lines = []
        for sentence, fix in self.found:
            lines += [f"{'✘' if fix else '✔'} {sentence}", *(f"    {line}" for line in fix)]
        lines.append(
            "Everything is ready."
            if self.ready
            else "Repair the lines marked ✘, from the top. Then run this cell again."
        )
        return "\n".join(lines)


def environment() -> Environment:
    """Look at this Python and this computer.  Never raises; takes a second.

    The practice world is started and stopped again; a kit that runs already is not touched.
    """
    found = [_result_of(look) for look in (_python, _packages, _server, _database)]
    world = _world_waits if any(fix for _, fix in found) else _world
    return Environment((*found, _result_of(world)))


def _result_of(look: Callable[[], str]) -> tuple[str, tuple[str, ...]]:
    try:
        return look(), ()
    except Trouble as trouble:
        return str(trouble), trouble.fix


def _python() -> str:
    version = tuple(sys.version_info[:2])
    if version < OLDEST_PYTHON:
        raise Trouble(
            f"Python {_dotted(version)} is too old: the lessons need {_dotted(OLDEST_PYTHON)} or "
            "newer.",
            *_another_kernel()[:2],
            "If not, get a newer Python from https://www.python.org/downloads/, delete the folder",
            f'"{PROJECT / ".venv"}", and run the line in README.md that opens the lessons.',
        )
    return "Python is new enough."


def _packages() -> str:
    missing = [name for name in PACKAGES if not _can_be_imported(name)]
    if missing and (path := hiding_file()):
        raise Trouble(what_it_hides(path), *GIVE_ANOTHER_NAME)
    if missing:
        raise Trouble(f"This kernel cannot import {', '.join(missing)}.", *_another_kernel())
    return "This kernel can import every package that the lessons need."


def _server() -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # past any proxy
    try:
        with TCPServer(("127.0.0.1", 0), _Hello) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                address = f"http://127.0.0.1:{server.server_address[1]}/"
                opener.open(address, timeout=PATIENCE_SECONDS).close()
            finally:
                server.shutdown()
    except OSError as error:
        raise Trouble(
            f"A server on this computer does not answer: {error}.",
            "Allow Python to use the network, in your firewall or antivirus program.",
        ) from error
    return "A server on this computer answers."


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass  # the base class prints


def _database() -> str:
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(sqlite3.connect(Path(folder) / "try.sqlite")) as connection,
        ):
            connection.execute("CREATE TABLE tried (id INTEGER PRIMARY KEY)")
            connection.execute("INSERT INTO tried VALUES (1)")
            connection.commit()
    except (OSError, sqlite3.Error) as error:
        raise Trouble(
            f"The database cannot write a file: {error}.",
            "Make room on the disk, or set the environment variable TMPDIR (on Windows: TEMP)",
            "to a folder in which you may write. Then start JupyterLab again.",
        ) from error
    return "The database can write a file."


def _world_waits() -> str:
    raise Trouble("The practice world was not started.", "It needs the lines above.")


def _world() -> str:
    try:
        from botkit.oauth import watchers
        from botkit.run.running import Running

        others, watchers[:] = watchers[:], []  # a kit that runs already watches its own
        try:
            Running().close()
        finally:
            watchers[:] = others
    except Exception as error:
        if path := hiding_file():
            raise Trouble(what_it_hides(path), *GIVE_ANOTHER_NAME) from error
        fix = ["Restart the kernel (menu Kernel > Restart Kernel…)."]
        if isinstance(error, ImportError):  # a package that is there, but in another version
            fix = _another_kernel()
        happened = f"The practice world does not start: {type(error).__name__}: {error}"
        raise Trouble(happened, *fix) from error
    return "The practice world starts."


def _can_be_imported(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # a package that is broken raises anything
        return False
    return True


def _another_kernel() -> list[str]:
    return [
        f"This kernel is {sys.executable}",
        "Have you installed the requirements for another Python? Choose it: menu Kernel > Change "
        "Kernel…",
        "If not, type this in a terminal, and restart the kernel afterwards:",
        f'    cd "{PROJECT}"',
        f'    "{sys.executable}" -m pip install -r requirements.txt',
    ]


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
