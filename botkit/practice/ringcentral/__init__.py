"""The practice RingCentral: the team messaging, and the service that people connect.

Start with `server.py`.  The files `chat_*.py` are the chat, the others the service."""

from botkit.practice.ringcentral.server import RingCentral

__all__ = ["RingCentral"]
