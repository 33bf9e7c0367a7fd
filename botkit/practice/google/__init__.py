"""The practice Google: its OAuth, Drive and Sheets.  Start with `server.py`."""

from botkit.practice.google.server import Google

__all__ = ["Google"]
