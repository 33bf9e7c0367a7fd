"""A running whole: the bot, the practice world around it, and the trace that watches both.

    import botkit
    kit = botkit.start()
    kit.alice.say("profile")

Everything runs in this process, on loopback, and ends with it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botkit.bot.bot import Bot
from botkit.bot.keys import with_key
from botkit.errors import KitEnded, NotACallback
from botkit.lessons.people import Person
from botkit.oauth import http
from botkit.oauth.provider import Provider, callback_path
from botkit.practice.browser import Browser, Page
from botkit.practice.ngrok_agent import write_launcher
from botkit.practice.server import Server, serve_again
from botkit.practice.world import Clock, World
from botkit.run import systems as parties
from botkit.run.address import Reach, find_reach, open_address
from botkit.run.server import STOP_IT, ProductionServer, port_wanted
from botkit.run.tunnel import Tunnel, open_tunnel
from botkit.settings import SKILLS, Settings
from botkit.skills.account import AccountSkill
from botkit.trace.labels import Labels, show
from botkit.trace.trace import Trace

PRACTICE = Settings(practice=True, confirm=False)


class Kit:
    """The bot, the world around it, and the trace that watches both.

    `bot` has the bot's parts; the most used of them are here too: `storage`, `chat`, `app`, and
    `github` (the provider).  `world` is the practice world with its knobs; `alice`, `bob` and
    `mallory` are people in the practice chat; `trace` shows what was sent.
    """

    alice: Person
    bob: Person
    mallory: Person

    def __init__(
        self,
        settings: Settings = PRACTICE,
        *,
        lasting: bool = False,
        reach: Reach | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        """What the settings do not name is practice, and without a database of its own the kit uses
        a file that goes when it closes.  `lasting` is for a bot that runs for long: it gets a
        production server, and no trace, which would grow with every message.  `reach` is how a
        browser gets here, by default as the surroundings say.  `ports` are a former kit's.  Raises
        `PortTaken`, `SettingsError`, `StorageError` or `TunnelError`.
        """
        http.keep_proxies_out()
        self.reach = reach or find_reach(settings, os.environ)
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.tunnels: list[Tunnel] = []
        self.labels, self.clock, self._ended = Labels(), Clock(), False
        self.trace = Trace(self.labels)
        self.world = World(
            self.clock,
            around=None if lasting else self.trace.around,
            for_browsers=self.reach.for_browsers,
            find=self.reach.on_loopback,
            ports=ports,
        )
        with ExitStack() as undo:  # trouble on the way undoes what was done by then
            undo.callback(self._folder.cleanup)
            undo.callback(self.world.close)
            undo.callback(self._close_tunnels)
            folder = Path(self._folder.name)
            self.settings = parties.with_practice(with_key(settings), self.world, folder)
            self.bot = Bot(self.settings, now=self.clock, for_browsers=self.reach.for_browsers)
            undo.callback(self.bot.close)
            self.storage, self.chat = self.bot.storage, self.bot.chat
            self.work, self.app = self.bot.work, self.bot.app
            self.server = self._serve(lasting, (ports or {}).get("bot", 0))
            undo.callback(self.server.stop)
            undo.callback(self.world.let_go)
            if not lasting:
                http.watchers.append(self.trace)
                undo.callback(http.watchers.remove, self.trace)
            self.bot.address, tunnel = open_address(settings, self.reach, self.server.port)
            self.tunnels += [tunnel] if tunnel else []
            self._take_in()
            if settings.chatbot is None:
                self._people_the_chat()
            else:
                self.bot.use_address(self.address)
            self._undo = undo.pop_all()

    # ---- what a lesson uses ----------------------------------------------------------------

    @property
    def address(self) -> str:
        """The bot's public address."""
        return self.bot.address

    @property
    def github(self) -> Provider:
        """GitHub, as the bot knows it; `LookupError` without that skill."""
        return self.bot.provider("GitHub")

    @property
    def callback_url(self) -> str:
        """Where GitHub sends the browser: the redirect URI of all three steps."""
        return self.bot.callback_url(self.github)

    @property
    def bot_id(self) -> str:
        """The bot's own id in the chat."""
        return self.world.ringcentral.bot.id if self.world.ringcentral.bot else ""

    @property
    def chat_page(self) -> str:
        """The address of the practice chat's page, for a person who would rather click."""
        return f"{self.world.ringcentral.browser_address}/"

    @property
    def ngrok_path(self) -> Path:
        """The practice agent's program, which pyngrok takes for ngrok's own."""
        return write_launcher(Path(self._folder.name))

    def show(self, value: Any) -> Any:
        """Show anything, with a label in the place of every secret."""
        return show(value, self.labels)

    def settle(self) -> None:
        """Wait until the chat has told everything and the bot has done its work."""
        self._go_on()
        for _ in range(3):  # an answer of the bot is itself an event that the chat tells
            if self.world.has("google"):
                self.world.google.settle()
            if self.world.has("chat"):
                self.world.ringcentral.settle()
            self.work.settle()

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent."""
        self._go_on()
        tunnel = open_tunnel(self.server.port, ngrok_path=self.ngrok_path, fixed_url=fixed_url)
        self.tunnels.append(tunnel)
        self.labels.name_origin(tunnel.public_url, f"tunnel·{len(self.tunnels)}")
        return tunnel

    def use_address(self, address: str) -> None:
        """From now on the bot gives out this public address, and the chat delivers there."""
        self._go_on()
        if self.world.has("chat"):  # which is on this computer
            self._let_the_chat_deliver_to(address)
        self.bot.use_address(address)
        self.settle()

    def add(self, provider: Provider) -> None:
        """Teach the bot one more service: whose account it is, no more.  See `Bot.add`."""
        self._go_on()
        self.bot.add(AccountSkill, provider)
        self._take_in()

    def register_callback(self, *more: Provider) -> None:
        """Where a service is practice, register there the callback URL that the bot has now."""
        urls: dict[str, list[str]] = {}
        for provider in [*self.bot.providers, *more]:
            urls.setdefault(provider.client_id, []).append(self.bot.callback_url(provider))
        self.world.register_callbacks(urls)

    def finish_with(self, pasted: str | None = None) -> Page:
        """Finish a trip whose browser could not reach the bot; the page that it would have shown.

        After Approve the browser stands at the callback's address and finds nothing there.  Copy
        that address from the browser's address bar.  Without `pasted` you are asked for it, and
        what you paste stays hidden, for it holds the code.  Raises `NotACallback`.
        """
        self._go_on()
        address = urlsplit((pasted or getpass("The address at which the browser ended: ")).strip())
        paths = [callback_path(provider) for provider in self.bot.providers]
        path = next((one for one in paths if address.path.endswith(one)), None)  # after a proxy's
        if path is None or not address.query:
            raise NotACallback(f"This is not an address that ends in {paths[0]}?...")
        return Browser().visit(f"{self.server.url}{path}?{address.query}")

    def _go_on(self) -> None:
        if self._ended:  # then its ports may be another one's
            raise KitEnded("This kit has ended. Another one was started, or it was closed.")

    def close(self) -> None:
        """Stop everything.  Calling it twice does no harm."""
        self._ended = True
        self._undo.close()

    def __repr__(self) -> str:
        places = dict.fromkeys([*(SKILLS[skill][0] for skill in self.settings.skills), "chat"])
        return parties.what_runs(places, filter(self.world.has, places), self.reach)

    # ---- how it starts ---------------------------------------------------------------------

    def _serve(self, lasting: bool, former: int) -> Server | ProductionServer:
        port = self.settings.port
        with port_wanted(port, advice=STOP_IT if lasting else None):
            if lasting:
                return ProductionServer(self.app, port=port)
            watched = self.trace.around(self.app, "bot")
            return Server(watched, port=port) if port else serve_again(watched, former)

    def _close_tunnels(self) -> None:
        while self.tunnels:
            self.tunnels.pop().close()

    def _take_in(self) -> None:
        """Name everybody's address, and register the bot's callbacks."""
        chat = self.settings.chatbot.server if self.settings.chatbot else ""
        parties.name_parties(self.labels, self.reach, self.bot, chat, self.server.url)
        self.register_callback()

    def _let_the_chat_deliver_to(self, address: str) -> None:
        """The practice chat is on this computer: an address elsewhere may be closed to it."""
        self.bot.chat_address = "" if self.reach.is_here(address) else self.server.url

    def _people_the_chat(self) -> None:
        """Alice, Bob and Mallory enter, and then the bot."""
        chat = self.world.ringcentral
        for name in ("Alice", "Bob", "Mallory"):
            accounts = ("github", "google", "ringcentral", "teapot")
            cookies = {f"{one}_account": name.lower() for one in accounts}
            browser = Browser(cookies, find=self.reach.on_loopback)
            setattr(self, name.lower(), Person(name, chat, browser, self.settle, self.labels))
        self._let_the_chat_deliver_to(self.address)
        chat.install_bot(f"{self.bot.chat_address or self.address}/bot/oauth")
        chat.add_bot_to_team()
        self.settle()
        # What the learner sees begins with ‹state·1› and ‹token·1›, not with the bot's own.
        self.trace.clear()
        self.labels.forget()
        for bot in self.storage.find_bots():
            self.labels.label("bot-token", (bot.token or {})["access_token"])
