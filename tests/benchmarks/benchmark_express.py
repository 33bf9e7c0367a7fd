"""The original framework's callback beside botkit's: an Express server, where Node and npm are.

The server is `express/server.js`.  npm installs its packages once, in the folder `--keep`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("express")
MISSING = (
    "The Express handler was left out, because Node or npm is not installed. "
    "To install both on Debian, run: apt install nodejs npm"
)
FAILED = (
    "The Express handler was left out, because npm could not install its packages. "
    "Try it yourself in tests/benchmarks/express: npm install"
)


def install(keep: Path) -> tuple[Path | None, str]:
    """The folder with the server and its packages, or None and a sentence that says why not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None, MISSING
    folder = keep / "express"
    folder.mkdir(parents=True, exist_ok=True)
    for file in SOURCE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    if not (folder / "node_modules" / "sqlite3" / "build").exists():
        command = ["npm", "install", "--no-audit", "--no-fund"]
        if subprocess.run(command, cwd=folder, capture_output=True).returncode:
            return None, FAILED
    return folder, ""


class ExpressServer:
    """The server as a process, with a database of its own."""

    def __init__(self, folder: Path, port: int, database: Path, github: dict[str, str]) -> None:
        settings = {
            "PORT": str(port),
            "GITHUB": github["GITHUB_SERVER"],
            "CLIENT_ID": github["GITHUB_CLIENT_ID"],
            "CLIENT_SECRET": github["GITHUB_CLIENT_SECRET"],
            "DATABASE": str(database),
            "NODE_ENV": "production",
        }
        self.process = subprocess.Popen(
            ["node", "server.js"], cwd=folder, env={**os.environ, **settings}
        )

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
