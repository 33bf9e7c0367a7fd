"""The practice GitHub: its OAuth, its pages and its API.  Start with `server.py`."""

from botkit.practice.github.server import GitHub

__all__ = ["GitHub"]
