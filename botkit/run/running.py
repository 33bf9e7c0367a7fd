"""Run a bot, with a practice service in place of each one that is not live.

`Running` puts together what `botkit.bot` must not know: the practice world, the server, the public
address and the tunnel that leads to it.  `python -m botkit serve` and the doctor use it as it is;
`botkit.lessons.kit.Kit` adds the classroom: people, the trace, and the verbs of the lessons.

Everything runs in this process, on loopback, and ends with it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from botkit.bot import Bot, with_key
from botkit.errors import KitEnded
from botkit.oauth import Provider, keep_proxies_out
from botkit.practice import Clock, World, write_launcher
from botkit.run.address import Reach, find_reach, open_address
from botkit.run.server import STOP_IT, ProductionServer, port_wanted
from botkit.run.tunnel import Tunnel, open_tunnel
from botkit.settings import CHAT, Registration, Settings

PRACTICE = Settings(practice=True, confirm=False)

WSGIApp = Callable[..., Any]


class AnyServer(Protocol):
    """A server that listens on loopback."""

    port: int
    url: str

    def stop(self) -> None: ...


def serve_for_long(app: WSGIApp, port: int) -> ProductionServer:
    """Serve a bot that runs for long.  Raises `PortTaken`."""
    with port_wanted(port, advice=STOP_IT):
        return ProductionServer(app, port=port)


class Running:
    """A bot that runs, and the practice world around it.

    `bot` has the bot's parts; `storage`, `chat`, `work` and `app` are the most used of them.
    `settings` are those it runs with, the practice registrations included.  `world` is the practice
    world, `server` the bot's own, and `tunnels` are the open ones.
    """

    def __init__(
        self,
        settings: Settings = PRACTICE,
        *,
        reach: Reach | None = None,
        ports: Mapping[str, int] | None = None,
        serve: Callable[[WSGIApp, int], AnyServer] = serve_for_long,
        around: Callable[[WSGIApp, str], WSGIApp] | None = None,
    ) -> None:
        """Start it.

        What the settings do not name is practice.  Without a database of its own the bot uses a
        file that is deleted at the end.  `reach` is how a browser gets here, by default as the
        environment says.  `ports` are those of a practice world before this one.  `serve(app,
        port)` starts the bot's server, and `around(app, party)` may wrap the app of each server.
        Raises `PortTaken`, `SettingsError`, `StorageError`, `ChatError` or `TunnelError`; then
        nothing is left running.
        """
        keep_proxies_out()
        self.reach = reach or find_reach(settings, os.environ)
        self.clock = Clock()
        self.tunnels: list[Tunnel] = []
        self._ended = False
        with ExitStack() as undo:  # an error on the way stops what has been started by then
            folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            undo.callback(folder.cleanup)
            self._folder = Path(folder.name)
            self.world = World(
                self.clock,
                around=around,
                for_browsers=self.reach.for_browsers,
                find=self.reach.on_loopback,
                ports=ports,
            )
            undo.callback(self.world.close)
            undo.callback(self._close_tunnels)
            self.settings = with_practice(with_key(settings), self.world, self._folder)
            self.bot = Bot(self.settings, now=self.clock, for_browsers=self.reach.for_browsers)
            undo.callback(self.bot.close)
            self.storage, self.chat = self.bot.storage, self.bot.chat
            self.work, self.app = self.bot.work, self.bot.app
            self.server = serve(around(self.app, "bot") if around else self.app, settings.port)
            undo.callback(self.server.stop)
            undo.callback(self.world.let_go)
            self.bot.address, tunnel = open_address(settings, self.reach, self.server.port)
            self.tunnels += [tunnel] if tunnel else []
            self._know_services()
            if settings.chatbot is None:
                self._join_practice_chat()
            else:
                self.bot.use_address(self.address)
            self._undo = undo.pop_all()

    @property
    def address(self) -> str:
        """The bot's public address."""
        return self.bot.address

    @property
    def ngrok_path(self) -> Path:
        """The practice agent's program, which pyngrok takes for ngrok's own."""
        return write_launcher(self._folder)

    def settle(self) -> None:
        """Wait until the chat has delivered everything and the bot has done its work."""
        self._check_running()
        for _ in range(3):  # an answer of the bot is itself an event that the chat tells
            if self.world.has("google"):
                self.world.google.settle()
            if self.world.has("chat"):
                self.world.ringcentral.settle()
            self.work.settle()

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent."""
        self._check_running()
        tunnel = open_tunnel(self.server.port, ngrok_path=self.ngrok_path, fixed_url=fixed_url)
        self.tunnels.append(tunnel)
        return tunnel

    def use_address(self, address: str) -> None:
        """From now on the bot gives out this public address, and the chat delivers there."""
        self._check_running()
        if self.world.has("chat"):
            self._choose_chat_address(address)
        self.bot.use_address(address)
        self.settle()

    def register_callback(self, *more: Provider) -> None:
        """Where a service is practice, register there the callback URL that the bot has now."""
        urls: dict[str, list[str]] = {}
        for provider in [*self.bot.providers, *more]:
            urls.setdefault(provider.client_id, []).append(self.bot.callback_url(provider))
        self.world.register_callbacks(urls)

    def _know_services(self) -> None:
        """Called when the bot has a service more."""
        self.register_callback()

    def close(self) -> None:
        """Stop everything.  Calling it twice does no harm."""
        self._ended = True
        self._undo.close()

    def _check_running(self) -> None:
        if self._ended:  # then its ports may be another one's
            raise KitEnded("This kit has ended. Another one was started, or it was closed.")

    def _close_tunnels(self) -> None:
        while self.tunnels:
            self.tunnels.pop().close()

    def _choose_chat_address(self, address: str) -> None:
        """The practice chat is on this computer: an address elsewhere may be closed to it."""
        self.bot.chat_address = "" if self.reach.is_here(address) else self.server.url

    def _join_practice_chat(self) -> None:
        """The practice chat installs the bot, and lets it into the direct chats and the team."""
        chat = self.world.ringcentral
        self._choose_chat_address(self.address)
        chat.install_bot(f"{self.bot.chat_address or self.address}/bot/oauth")
        chat.add_bot_to_team()
        self.settle()


def with_practice(settings: Settings, world: World, folder: Path) -> Settings:
    """Return the settings, with a practice service in every place that they leave empty."""
    if settings.database is None:
        settings = replace(settings, database=f"sqlite:///{folder / 'botkit.sqlite'}")
    for place in settings.services:
        if place not in settings.registrations:
            there = Registration(*world.start_service(place))
            settings = settings.with_registration(place, there)
    if settings.chatbot is None:
        chat = world.start_chat()
        client_id, secret = chat.registration
        there = Registration(client_id, secret, chat.address)
        settings = settings.with_registration(CHAT, there)
    return settings
