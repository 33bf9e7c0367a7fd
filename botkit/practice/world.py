"""The practice world, put together: a GitHub, a chat, and a clock that can be moved.

`World` starts the servers.  Whoever uses it decides what runs on the other side: `botkit.kit` runs
the bot there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from botkit.practice.github import GitHub
from botkit.practice.ringcentral import RingCentral
from botkit.practice.server import Server, WSGIApp

APP_NAME = "Practice Bot"


class Clock:
    """The time, and a way to move it: the servers and the bot all look at this one clock."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let that much time pass at once."""
        self._ahead += timedelta(minutes=minutes, hours=hours, days=days)

    def __repr__(self) -> str:
        return f"<Clock, {self._ahead} ahead>" if self._ahead else "<Clock>"


class World:
    """`around(app, party)` may wrap each server's app, to watch what passes."""

    def __init__(
        self, clock: Clock, *, around: Callable[[WSGIApp, str], WSGIApp] = lambda app, party: app
    ) -> None:
        self.clock = clock
        self.github = GitHub(now=clock)
        self.ringcentral = RingCentral(now=clock)
        self._servers = [
            Server(around(self.github.wsgi, "GitHub")),
            Server(around(self.ringcentral.wsgi, "chat")),
        ]
        self.github.address, self.ringcentral.address = (server.url for server in self._servers)

    def register_at_github(self, callback_url: str) -> tuple[str, str]:
        """Register the bot as an OAuth app; its client id and secret."""
        return self.github.register_app(APP_NAME, [callback_url])

    def close(self) -> None:
        """Stop the servers.  Calling it twice does no harm."""
        for trouble in (self.github.trouble, self.ringcentral.trouble):
            trouble.clear()
        while self._servers:
            self._servers.pop().stop()

    def __repr__(self) -> str:
        return "<practice world>"
