"""The practice GitHub. Start with `server.py`."""

from botkit.practice.github.server import GitHub

__all__ = ["GitHub"]
