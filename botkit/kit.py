"""A running whole: the bot, the practice world around it, and the trace that watches both.

    import botkit
    kit = botkit.start()
    kit.alice.say("profile")

Everything runs in this process, on loopback, and ends with it.  Starting again replaces what runs.
"""

from __future__ import annotations

import atexit
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botkit import http, parties
from botkit.address import open_address
from botkit.bot import Bot
from botkit.errors import NotACallback, PortTaken
from botkit.keys import with_key
from botkit.labels import Labels, show
from botkit.people import Person
from botkit.practice.browser import Browser, Page
from botkit.practice.ngrok_agent import write_launcher
from botkit.practice.server import Server
from botkit.practice.world import Clock, World
from botkit.production import ProductionServer
from botkit.providers import Provider, callback_path
from botkit.settings import SKILLS, Registration, Settings
from botkit.skills.account import AccountSkill
from botkit.trace import Trace
from botkit.tunnel import Tunnel, open_tunnel

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

    def __init__(self, settings: Settings = PRACTICE, *, lasting: bool = False) -> None:
        """What the settings do not name is practice, and without a database of its own the kit uses
        a file that goes when it closes.  `lasting` is for a bot that runs for long: it gets a
        production server, and no trace, which would grow with every message.
        Raises `PortTaken`, `SettingsError`, `StorageError` or `TunnelError`.
        """
        http.keep_proxies_out()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.tunnels: list[Tunnel] = []
        self.labels = Labels()
        self.trace = Trace(self.labels)
        self.clock = Clock()
        self.world = World(self.clock) if lasting else World(self.clock, around=self.trace.around)
        with ExitStack() as undo:  # trouble on the way undoes what was done by then
            undo.callback(self._folder.cleanup)
            undo.callback(self.world.close)
            undo.callback(self._close_tunnels)
            self.settings = self._with_practice(with_key(settings))
            self.bot = Bot(self.settings, now=self.clock)
            undo.callback(self.bot.close)
            self.storage, self.chat, self.work = self.bot.storage, self.bot.chat, self.bot.work
            self.app = self.bot.app
            self.server = self._serve(lasting)
            undo.callback(self.server.stop)
            undo.callback(self.world.let_go)
            if not lasting:
                http.watchers.append(self.trace)
                undo.callback(http.watchers.remove, self.trace)
            parties.name_parties(self.labels, self.bot, self.settings.chatbot, self.server.url)
            self.bot.address, tunnel = open_address(settings, self.server.port)
            self.tunnels += [tunnel] if tunnel else []
            self.register_callback()
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
        bot = self.world.ringcentral.bot
        return bot.id if bot else ""

    @property
    def chat_page(self) -> str:
        """The address of the practice chat's page, for a person who would rather click."""
        return self.world.ringcentral.address

    @property
    def ngrok_path(self) -> Path:
        """The practice agent's program, which pyngrok takes for ngrok's own."""
        return write_launcher(Path(self._folder.name))

    def show(self, value: Any) -> Any:
        """Show anything, with a label in the place of every secret."""
        return show(value, self.labels)

    def settle(self) -> None:
        """Wait until the chat has told everything and the bot has done its work."""
        for _ in range(3):  # an answer of the bot is itself an event that the chat tells
            if self.world.has("google"):
                self.world.google.settle()
            if self.world.has("chat"):
                self.world.ringcentral.settle()
            self.work.settle()

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent."""
        tunnel = open_tunnel(self.server.port, ngrok_path=self.ngrok_path, fixed_url=fixed_url)
        self.tunnels.append(tunnel)
        self.labels.name_origin(tunnel.public_url, f"tunnel·{len(self.tunnels)}")
        return tunnel

    def use_address(self, address: str) -> None:
        """From now on the bot gives out this public address, and the chat delivers there."""
        self.bot.use_address(address)
        self.settle()

    def add(self, provider: Provider) -> None:
        """Teach the bot one more service: whose account it is, no more.  See `Bot.add`."""
        self.bot.add(AccountSkill, provider)
        parties.name_parties(self.labels, self.bot, self.settings.chatbot, self.server.url)
        self.register_callback()

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
        address = urlsplit((pasted or getpass("The address at which the browser ended: ")).strip())
        paths = [callback_path(provider) for provider in self.bot.providers]
        if address.path not in paths or not address.query:
            raise NotACallback(f"This is not an address that ends in {paths[0]}?...")
        return Browser().visit(f"{self.server.url}{address.path}?{address.query}")

    def close(self) -> None:
        """Stop everything.  Calling it twice does no harm."""
        self._undo.close()

    def __repr__(self) -> str:
        places = dict.fromkeys([*(SKILLS[skill][0] for skill in self.settings.skills), "chat"])
        return parties.what_runs(places, filter(self.world.has, places))

    # ---- how it starts ---------------------------------------------------------------------

    def _with_practice(self, settings: Settings) -> Settings:
        """The settings, with the practice world in every place that they leave empty."""
        if settings.database is None:
            file = Path(self._folder.name) / "botkit.sqlite"
            settings = replace(settings, database=f"sqlite:///{file}")
        for skill in settings.skills:
            if settings.registration_for(skill) is None:
                place = SKILLS[skill][0]
                there: Any = Registration(*self.world.start_service(place))
                settings = replace(settings, **{place: there})
        if settings.chatbot is None:
            chat = self.world.start_chat()
            settings = replace(settings, chatbot=Registration(*chat.registration, chat.address))
        return settings

    def _serve(self, lasting: bool) -> Server | ProductionServer:
        port = self.settings.port
        try:
            if lasting:
                return ProductionServer(self.app, port=port)
            return Server(self.trace.around(self.app, "bot"), port=port)
        except OverflowError as error:
            raise PortTaken(f"There is no port {port}.") from error
        except OSError as error:
            advice = "Stop it, or set BOTKIT_PORT to another number." if lasting else None
            raise PortTaken(f"Port {port} is taken by another program.", advice=advice) from error

    def _close_tunnels(self) -> None:
        while self.tunnels:
            self.tunnels.pop().close()

    def _people_the_chat(self) -> None:
        """Alice, Bob and Mallory enter, and then the bot."""
        chat = self.world.ringcentral
        for name in ("Alice", "Bob", "Mallory"):
            accounts = ("github", "google", "ringcentral", "teapot")
            browser = Browser(cookies={f"{one}_account": name.lower() for one in accounts})
            setattr(self, name.lower(), Person(name, chat, browser, self.settle, self.labels))
        if not self.settings.practice:  # then the address may be one that only others can use
            self.bot.chat_address = self.server.url
        chat.install_bot(f"{self.bot.chat_address or self.address}/bot/oauth")
        chat.add_bot_to_team()
        self.settle()
        # What the learner sees begins with ‹state·1› and ‹token·1›, not with the bot's own.
        self.trace.clear()
        self.labels.forget()
        for bot in self.storage.find_bots():
            self.labels.label("bot-token", (bot.token or {})["access_token"])


_running: list[Kit] = []


def start(settings: Settings = PRACTICE) -> Kit:
    """Start the kit; one that runs already in this process is closed first.  See `Kit`."""
    stop()
    _running.append(Kit(settings))
    return _running[0]


@atexit.register
def stop() -> None:
    """Stop the kit that runs, if there is one."""
    while _running:
        _running.pop().close()
