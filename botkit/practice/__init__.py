"""Run the practice world: HTTP servers on loopback that behave like the real services.

Nothing in here imports the rest of botkit, and of the rest only `botkit.run.running` and the
lessons import anything from here.  So a protocol that one side has misread cannot be misread in the
same way by the other.  Start with `world.py`.
"""

from botkit.practice.browser.browser import Browser, Page
from botkit.practice.driven import Driven
from botkit.practice.fetch_site import from_elsewhere
from botkit.practice.known_hosts import HERE, HOST_AND_PORT, KnownHosts
from botkit.practice.ngrok.agent import write_launcher
from botkit.practice.ringcentral.chat_page import POLL_SECONDS
from botkit.practice.server import Server, serve_again
from botkit.practice.world import ACCOUNTS, Clock, World

__all__ = [
    "ACCOUNTS",
    "HERE",
    "HOST_AND_PORT",
    "POLL_SECONDS",
    "Browser",
    "Clock",
    "Driven",
    "KnownHosts",
    "Page",
    "Server",
    "World",
    "from_elsewhere",
    "serve_again",
    "write_launcher",
]
