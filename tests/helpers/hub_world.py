"""A hub, as far as a browser can tell: a real Jupyter server below a path of its own, with the real
jupyter-server-proxy, and a sign-in.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_world import JupyterServer


class Hub(JupyterServer):
    """`url` is what JupyterHub calls JUPYTERHUB_PUBLIC_URL; `sign_in` signs a browser in."""

    def __init__(self, folder: Path) -> None:
        super().__init__("jupyter_server", folder, base="/user/ann/")
        self.url = f"{self.address}/"
        self.sign_in = f"{self.url}api?token={self.token}"
