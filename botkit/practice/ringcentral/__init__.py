"""The practice RingCentral: the team chat, and the service that people connect.

Start with `server.py`.  The chat is in `chat.py`, `records.py`, `bot_user.py`, `webhooks.py`,
`subscriptions.py`, `chat_api.py` and `chat_page.py`.  The service is in the other files.
"""

from botkit.practice.ringcentral.server import RingCentral

__all__ = ["RingCentral"]
