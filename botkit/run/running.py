"""Run a bot, with a practice service instead of each one that is not live.

Start with `Running`.  It connects what `botkit.bot` does not know: the practice world, the server,
the public address and the tunnel.  `python -m botkit serve` and the doctor use it unchanged.
`botkit.lessons.kit.Kit` adds people, the trace, and the methods of the lessons.

Everything runs in this process, on loopback, and ends with it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from botkit.bot import Bot, with_key
from botkit.errors import KitEnded, SettingsError, TunnelError
from botkit.oauth import Provider
from botkit.practice import Clock, World, write_launcher
from botkit.run.address import BrowserAddress, find_browser_address, open_address
from botkit.run.folder import temporary_folder
from botkit.run.loopback import reach_loopback_directly
from botkit.run.server import STOP_IT, ProductionServer, port_wanted
from botkit.run.tunnel import Tunnel, open_tunnel
from botkit.settings import CHAT, Registration, Settings, place_of
from botkit.skills import ServiceSkill

PRACTICE = Settings(practice=True, confirm=False)

SETTLED_WITHIN = 10.0  # seconds; a message that waits so long for others has not been answered yet

WSGIApp = Callable[..., Any]


class RunningServer(Protocol):
    """A server that listens on loopback."""

    port: int
    url: str

    def stop(self) -> None: ...


def serve_for_long(app: WSGIApp, port: int) -> ProductionServer:
    """Serve a bot with waitress.  Raises `PortTaken`."""
    with port_wanted(port, advice=STOP_IT):
        return ProductionServer(app, port=port)


class Running:
    """A bot that runs, and the practice world around it.

    `bot` has all parts of the bot; `storage`, `chat`, `worker` and `app` are those used most.
    `settings` include the registrations of the practice world.  `world` is the practice world,
    `server` is the bot's server, and `tunnels` are open.
    """

    def __init__(
        self,
        settings: Settings = PRACTICE,
        *,
        browser_address: BrowserAddress | None = None,
        ports: Mapping[str, int] | None = None,
        serve: Callable[[WSGIApp, int], RunningServer] = serve_for_long,
        around: Callable[[WSGIApp, str], WSGIApp] | None = None,
    ) -> None:
        """Start it.

        A service without credentials in `settings` is a practice service.  Without a database in
        `settings` the bot uses a file that is deleted at the end.  `browser_address` is how a
        browser reaches this computer, by default as the environment says.  `ports` are those of an
        earlier practice world.  `serve(app, port)` starts the bot's server.  `around(app, party)`
        can wrap the app of each server.

        Raises `PortTaken`, `SettingsError`, `StorageError`, `ChatError` or `TunnelError`; then
        nothing is left running.
        """
        reach_loopback_directly()
        self.browser_address = browser_address or find_browser_address(settings, os.environ)
        self.clock = Clock()
        self.tunnels: list[Tunnel] = []
        self._ended = False
        self._is_live = settings.is_live
        with ExitStack() as undo:  # an error stops what was started before it
            self._folder = undo.enter_context(temporary_folder())
            self.world = World(
                self.clock,
                around=around,
                for_browsers=self.browser_address.for_browsers,
                find=self.browser_address.on_loopback,
                ports=ports,
            )
            undo.callback(self.world.close)
            undo.callback(self._close_tunnels)
            self.settings = with_practice(with_key(settings), self.world, self._folder)
            self.bot = Bot(
                self.settings,
                now=self.clock,
                for_browsers=self.browser_address.for_browsers,
                play=self._play,
            )
            undo.callback(self.bot.close)
            self.storage = self.bot.storage
            self.chat = self.bot.chat
            self.worker = self.bot.worker
            self.app = self.bot.app
            self.server = serve(around(self.app, "bot") if around else self.app, settings.port)
            undo.callback(self.server.stop)
            undo.callback(self.world.let_go)
            self.bot.address, tunnel = open_address(
                settings, self.browser_address, self.server.port
            )
            self.tunnels += [tunnel] if tunnel else []
            self.worker.start()  # not before: what waits from before may be answered with a link
            self._services_changed()
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
        """The program of the practice agent, which pyngrok uses like ngrok's.

        Raises `TunnelError` if no program can be started from the folder for temporary files.
        """
        program = write_launcher(self._folder)
        if not os.access(program, os.X_OK):  # its file system is mounted with `noexec`
            raise TunnelError(
                f"No program can be started from the folder {self._folder.parent}.",
                advice="Set the environment variable TMPDIR to a folder of yours, for example to "
                f"{Path.home()}, and start JupyterLab again.",
            )
        return program

    def settle(self) -> None:
        """Wait until the chat has delivered everything and the bot has finished."""
        self._check_running()
        for _ in range(3):  # a reply of the bot is itself an event that the chat delivers
            if self.world.has("google"):
                self.world.google.settle()
            if self.world.has("chat"):
                self.world.ringcentral.settle()
            self.worker.settle(within=SETTLED_WITHIN)

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent.

        `fixed_url` is the address that it must have; by default the agent chooses one.  Raises
        `TunnelError`.
        """
        self._check_running()
        tunnel = open_tunnel(self.server.port, ngrok_path=self.ngrok_path, fixed_url=fixed_url)
        self.tunnels.append(tunnel)
        return tunnel

    def use_address(self, address: str) -> None:
        """Give out this public address from now on, and let the chat deliver there."""
        self._check_running()
        if self.world.has("chat"):
            self._choose_chat_address(address)
        self.bot.use_address(address)
        self.settle()

    def register_callback(self, *more: Provider) -> None:
        """Register the bot's callback URLs at the practice services.

        `more` are providers that the bot does not know yet.
        """
        urls: dict[str, list[str]] = {}
        for provider in [*self.bot.providers, *more]:
            urls.setdefault(provider.client_id, []).append(self.bot.callback_url(provider))
        self.world.register_callbacks(urls)

    def _play(self, skill: type[ServiceSkill], described: Provider) -> Provider:
        """Let the practice service of a skill be what is described, and answer as the skill says.

        Raises `SettingsError` if it cannot.
        """
        place = place_of(skill) or ""
        if not self.world.has(place):
            return described
        service = self.world.service(place)
        try:
            for what, value in skill.practice.items():
                service.answers(what, value)
            played: Provider = service.play(described) if hasattr(service, "play") else described
        except ValueError as error:
            raise SettingsError(
                f"{skill.__name__} cannot be practised: {error}",
                advice="Correct that, or run it live.",
            ) from None
        return played

    def _services_changed(self) -> None:
        """Register callback URLs again, because the bot has a new service."""
        self.register_callback()

    def close(self) -> None:
        """Stop everything.  Calling it again does no harm."""
        self._ended = True
        self._undo.close()

    def _check_running(self) -> None:
        if self._ended:  # its ports may belong to another kit
            raise KitEnded("This kit has ended. Another one was started, or it was closed.")

    def _close_tunnels(self) -> None:
        while self.tunnels:
            self.tunnels.pop().close()

    def _choose_chat_address(self, address: str) -> None:
        """Choose where the practice chat delivers.

        It runs on this computer, and may not be able to reach an address elsewhere.
        """
        self.bot.chat_address = "" if self.browser_address.is_here(address) else self.server.url

    def _join_practice_chat(self) -> None:
        """Install the bot in the practice chat, with its direct chats and the team."""
        chat = self.world.ringcentral
        if self._is_live:  # what is said there is done with real accounts
            chat.page_key = secrets.token_urlsafe(16)
        self._choose_chat_address(self.address)
        chat.install_bot(f"{self.bot.chat_address or self.address}/bot/oauth")
        chat.add_bot_to_team()
        self._settle_deliveries()

    def _settle_deliveries(self) -> None:
        """Settle, and subscribe again if the chat does not deliver any more.

        A chat gives an address three seconds.  A busy computer may have needed longer.
        """
        self.settle()
        chat = self.world.ringcentral
        if chat.bot and not any(one.status == "Active" for one in chat.webhooks.of(chat.bot.id)):
            self.bot.installation.subscribe(chat.bot.id)


def with_practice(settings: Settings, world: World, folder: Path) -> Settings:
    """Return the settings, with a practice service in each place without one."""
    if settings.database is None:
        settings = replace(settings, database=f"sqlite:///{folder / 'botkit.sqlite'}")
    for name, place in settings.services.items():
        if name not in settings.registrations:
            there = Registration(*world.start_any(name, place.title))
            settings = settings.with_registration(name, there)
    if settings.chatbot is None:
        chat = world.start_chat()
        client_id, secret = chat.registration
        there = Registration(client_id, secret, chat.address)
        settings = settings.with_registration(CHAT, there)
    return settings
