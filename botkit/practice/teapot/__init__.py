"""The practice Teapot of lesson 10, a service that nobody knows.  Start with `server.py`."""

from botkit.practice.teapot.server import Teapot

__all__ = ["Teapot"]
