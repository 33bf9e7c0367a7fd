"""The practice world, put together: a GitHub, a chat, and a clock that can be moved.

`World` starts the servers that are wanted.  Whoever uses it decides what runs on the other side:
`botkit.kit` runs the bot there.
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
        self._around = around
        self._github: GitHub | None = None
        self._ringcentral: RingCentral | None = None
        self._servers: list[Server] = []

    def start_github(self) -> GitHub:
        self._github = GitHub(now=self.clock)
        self._github.address = self._serve(self._github.wsgi, "GitHub")
        return self._github

    def start_ringcentral(self) -> RingCentral:
        self._ringcentral = RingCentral(now=self.clock)
        self._ringcentral.address = self._serve(self._ringcentral.wsgi, "chat")
        return self._ringcentral

    @property
    def github(self) -> GitHub:
        """The practice GitHub, with its knobs; `LookupError` where GitHub is the real one."""
        if self._github is None:
            raise LookupError("GitHub is the real one here. It has no knobs.")
        return self._github

    @property
    def ringcentral(self) -> RingCentral:
        """The practice chat; `LookupError` where the chat is the real one."""
        if self._ringcentral is None:
            raise LookupError("The chat is the real one here. Nobody plays its people.")
        return self._ringcentral

    @property
    def has_github(self) -> bool:
        return self._github is not None

    @property
    def has_ringcentral(self) -> bool:
        return self._ringcentral is not None

    def let_go(self) -> None:
        """Let nobody wait any longer for an answer that was told to be late."""
        for practice in (self._github, self._ringcentral):
            if practice is not None:
                practice.trouble.clear()

    def close(self) -> None:
        """Stop the servers.  Calling it twice does no harm."""
        self.let_go()
        while self._servers:
            self._servers.pop().stop()

    def _serve(self, app: WSGIApp, party: str) -> str:
        self._servers.append(Server(self._around(app, party)))
        return self._servers[-1].url

    def __repr__(self) -> str:
        return "<practice world>"
