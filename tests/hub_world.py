"""A hub, as far as a browser can tell: a real Jupyter server below a path of its own, with the real
jupyter-server-proxy, and a sign-in.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import requests
from serve_world import clean_environment, free_port

BASE = "/user/ann/"


class Hub:
    """`url` is what JupyterHub calls JUPYTERHUB_PUBLIC_URL; `sign_in` signs a browser in."""

    def __init__(self, folder: Path) -> None:
        port, self._token = free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{port}{BASE}"
        self.sign_in = f"{self.url}api?token={self._token}"
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.base_url": BASE,
            "ServerApp.root_dir": folder,
            "IdentityProvider.token": self._token,
        }
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        command += [f"--{name}={value}" for name, value in options.items()]
        home = {"HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "config")}
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, env=clean_environment(**home), stdout=log, stderr=log
            )
        while not self._answers():
            assert self._process.poll() is None, f"The hub has ended:\n{self.log}"

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    def _answers(self) -> bool:
        try:
            return requests.get(self.sign_in, timeout=30).ok
        except requests.ConnectionError:
            return False

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
