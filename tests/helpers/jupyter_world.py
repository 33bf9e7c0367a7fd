"""A real Jupyter server on loopback, as a process of its own, with a sign-in token."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from serve_world import PAUSE, clean_environment, free_port

SECONDS = 90  # that a test waits for anything; most of it takes a fraction of one


class JupyterServer:
    """`module` is jupyterlab or jupyter_server; `folder` is its root and its home.

    `address` has no final slash; all is below `base`.
    """

    def __init__(
        self, module: str, folder: Path, base: str = "/", options: Mapping[str, Any] | None = None
    ) -> None:
        port, self.token = free_port(), secrets.token_hex(16)
        self.address = f"http://127.0.0.1:{port}{base}".rstrip("/")
        options = {
            **(options or {}),
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.base_url": base,
            "ServerApp.root_dir": folder,
            "IdentityProvider.token": self.token,
            "LanguageServerManager.autodetect": False,  # it starts npm and node to look for more
        }
        command = [sys.executable, "-m", module, "--no-browser", "--allow-root"]
        command += [f"--{name}={value}" for name, value in options.items()]
        home = {"HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "config")}
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, env=clean_environment(**home), stdout=log, stderr=log
            )
        while not self._answers():
            assert self._process.poll() is None, f"{module} has ended:\n{self._log.read_text()}"
            time.sleep(PAUSE)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("GET", "/api"))
        except requests.ConnectionError:
            return False

    def ask(self, method: str, path: str) -> requests.Response:
        query: Any = {"token": self.token}
        answer = requests.request(method, self.address + path, params=query, timeout=SECONDS)
        answer.raise_for_status()
        return answer

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:  # it waits for kernels, and these end without it, too
            self._process.kill()
            self._process.wait(SECONDS)
