"""Start the practice servers that are wanted, with one clock that can be moved.

`World` knows nothing of the bot: `botkit.run.running` and `botkit.lessons.kit` run the bot on the
other side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botkit.practice.any import COOKIE, AnyService
from botkit.practice.github.server import GitHub
from botkit.practice.google.server import Google
from botkit.practice.known_hosts import KnownHosts
from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server, WSGIApp, serve_again
from botkit.practice.teapot.server import Teapot

APP_NAME = "Practice Bot"
_SERVICES: dict[str, tuple[Callable[..., Any], str]] = {
    "github": (GitHub, "GitHub"),
    "google": (Google, "Google"),
    "ringcentral_app": (RingCentral, "RingCentral"),
    "teapot": (Teapot, "Teapot"),
}


ACCOUNTS = (*(f"{name.removesuffix('_app')}_account" for name in _SERVICES), COOKIE)  # cookies


class Clock:
    """The time, and a way to move it: the servers and the bot all look at this one clock."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let that much time pass immediately."""
        self._ahead += timedelta(minutes=minutes, hours=hours, days=days)

    def __repr__(self) -> str:
        return f"<Clock, {self._ahead} ahead>" if self._ahead else "<Clock>"


class World:
    """The practice servers, and the apps that are registered there.

    `around(app, party)` may wrap each server's app, to watch what passes.

    `for_browsers` makes of an address on loopback the one that a person's browser needs, and `find`
    goes the other way.  `ports` are those of a world before this one, by the same names: what still
    has its address finds this world there.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        around: Callable[[WSGIApp, str], WSGIApp] | None = None,
        for_browsers: Callable[[str], str] = str,
        find: Callable[[str], str] = str,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.clock = clock
        self._around = around
        self._for_browsers, self._find = for_browsers, find
        self._former = ports or {}
        self.ports: dict[str, int] = {}
        self._there: dict[str, Any] = {}
        self._register: dict[str, Callable[[str, list[str]], None]] = {}  # by client id
        self._servers: list[Server] = []

    # ---- the services, each started when it is wanted ------------------------------------------

    def start_service(self, name: str) -> tuple[str, str, str]:
        """Start one of `_SERVICES`, such as "github", and register the bot's app there.

        Returns its client id, its client secret, and the address of the service.  Raises
        `LookupError` where there is no such service.
        """
        if name not in _SERVICES:
            raise LookupError(f"There is no practice {name!r}. There are: {', '.join(_SERVICES)}.")
        service = self._start(name, *_SERVICES[name])
        if name == "google":
            service.push.find = self._find
            client_id, secret = service.register_client(APP_NAME, [])
            self._register[client_id] = service.change_redirect_uris
        elif name == "github":
            client_id, secret = service.register_app(APP_NAME, ["http://127.0.0.1/github/oauth"])
            self._register[client_id] = service.change_callback_urls
        else:
            client_id, secret = service.register_app(APP_NAME, [])
            self._register[client_id] = service.change_redirect_uris
        return client_id, secret, service.address

    def start_any(self, name: str, title: str = "") -> tuple[str, str, str]:
        """Start a service that plays any description, and register the bot's app there.

        Returns the same as `start_service`, which this calls for a service that has a practice
        server of its own.  `title` is what traces call it.
        """
        if name in _SERVICES:
            return self.start_service(name)
        title = title or name.capitalize()
        service = self._start(name, partial(AnyService, name, title=title), title)
        client_id, secret = service.register_app(APP_NAME, [])
        self._register[client_id] = service.change_redirect_uris
        return client_id, secret, service.address

    def start_chat(self) -> RingCentral:
        chat: RingCentral = self._start("chat", RingCentral, "chat")
        return chat

    def register_callbacks(self, urls: Mapping[str, list[str]]) -> None:
        """Register callback URLs, for each client id that was given out here."""
        for client_id in urls.keys() & self._register.keys():
            self._register[client_id](client_id, urls[client_id])

    # ---- with their knobs ----------------------------------------------------------------------

    @property
    def github(self) -> GitHub:
        """The practice GitHub, with its knobs; `LookupError` where GitHub is the real one."""
        github: GitHub = self._found("github", "GitHub is the real one here. It has no knobs.")
        return github

    @property
    def google(self) -> Google:
        """The practice Google, with its knobs; `LookupError` where there is none."""
        google: Google = self._found("google", "There is no practice Google here.")
        return google

    @property
    def ringcentral(self) -> RingCentral:
        """The practice chat; `LookupError` where the chat is the real one."""
        why = "The chat is the real one here. Nobody plays its people."
        chat: RingCentral = self._found("chat", why)
        return chat

    @property
    def chat_page(self) -> str:
        """The address of the practice chat's page, for a browser."""
        chat = self.ringcentral
        key = f"{chat.page_key}/" if chat.page_key else ""
        return f"{chat.browser_address}/{key}"

    @property
    def ringcentral_app(self) -> RingCentral:
        """RingCentral as a service that people connect, apart from the chat; or `LookupError`."""
        app: RingCentral = self._found("ringcentral_app", "There is no practice RingCentral here.")
        return app

    @property
    def teapot(self) -> Teapot:
        """The practice Teapot of lesson 10; `LookupError` before somebody has started it."""
        why = 'There is no Teapot yet. Start it: kit.world.start_service("teapot").'
        teapot: Teapot = self._found("teapot", why)
        return teapot

    def service(self, name: str) -> Any:
        """A practice service by its name, such as "gitlab"; `LookupError` where there is none."""
        there = ", ".join(self._there)
        return self._found(name, f"There is no practice {name!r} here. There are: {there}.")

    def has(self, name: str) -> bool:
        """Return whether "chat" or a service is practice."""
        return name in self._there

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers that run."""
        return tuple(self._servers)

    def let_go(self) -> None:
        """Let nobody wait any longer for an answer that was told to be late, or for news."""
        for practice in self._there.values():
            practice.trouble.clear()
        if "chat" in self._there:
            self.ringcentral.end()

    def close(self) -> None:
        """Stop the servers.  Calling it twice does no harm."""
        self.let_go()
        while self._servers:
            self._servers.pop().stop()

    def _start(self, name: str, kind: Callable[..., Any], party: str) -> Any:
        practice = self._there[name] = kind(now=self.clock)
        app = self._around(practice.wsgi, party) if self._around else practice.wsgi
        known = KnownHosts(app)
        server = serve_again(known, self._former.get(name, 0))
        self._servers.append(server)
        self.ports[name] = server.port
        practice.address = server.url
        practice.browser_address = self._for_browsers(server.url)
        known.know(practice.browser_address)
        return practice

    def _found(self, name: str, why: str) -> Any:
        if name not in self._there:
            raise LookupError(why)
        return self._there[name]
