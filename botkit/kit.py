"""A running whole: the bot, the practice world around it, and the trace that watches both.

    import botkit
    kit = botkit.start()
    kit.alice.say("profile")

Everything runs in this process, on loopback, and ends with it.  Starting again replaces what runs.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from botkit import http
from botkit.chat import Chat
from botkit.errors import BotkitError
from botkit.labels import Labels, show
from botkit.people import Person
from botkit.practice.browser import Browser
from botkit.practice.ngrok_agent import write_launcher
from botkit.practice.server import Server
from botkit.practice.world import Clock, World
from botkit.providers import callback_path, github
from botkit.skills.github import GitHubSkill
from botkit.storage import Storage
from botkit.trace import Trace
from botkit.tunnel import Tunnel, open_tunnel
from botkit.web import create_app
from botkit.work import Work


class PortTaken(BotkitError):
    """Another program listens on the port that was asked for."""


class Kit:
    """The bot and its world.

    `storage`, `chat`, `github` (the provider) and `app` are the bot's parts; `world` is the
    practice world with its knobs; `alice`, `bob` and `mallory` are people; `trace` shows what was
    sent.
    """

    def __init__(self, *, database: str | None = None, port: int = 0) -> None:
        """`database` is an SQLAlchemy URL; by default a file that goes when the kit closes.
        `port` is the bot's, 0 for a free one.  Raises `PortTaken` or `StorageError`.
        """
        _keep_proxies_out()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._tunnels: list[Tunnel] = []
        self.labels = Labels()
        self.trace = Trace(self.labels)
        self.clock = Clock()
        self.storage = Storage(
            database or f"sqlite:///{Path(self._folder.name) / 'botkit.sqlite'}", now=self.clock
        )
        self.storage.set_up()
        self.work = Work()
        self.world = World(self.clock, around=self.trace.around)
        self._start_bot(port)
        self.alice, self.bob, self.mallory = (self._person(n) for n in ("Alice", "Bob", "Mallory"))
        self._install_bot()

    # ---- what a lesson uses ----------------------------------------------------------------

    @property
    def callback_url(self) -> str:
        """Where GitHub sends the browser: the redirect URI of all three steps."""
        return self.address + callback_path(self.github)

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
            self.world.ringcentral.settle()
            self.work.settle()

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent."""
        tunnel = open_tunnel(self.server.port, ngrok_path=self.ngrok_path, fixed_url=fixed_url)
        self._tunnels.append(tunnel)
        self.labels.name_origin(tunnel.public_url, f"tunnel·{len(self._tunnels)}")
        return tunnel

    def use_address(self, address: str) -> None:
        """From now on the bot gives out this public address, and the chat delivers there."""
        self.address = address.rstrip("/")
        for bot in self.storage.find_bots():
            self.chat.subscribe(bot, f"{self.address}/bot/webhook")
        self.settle()

    def register_callback(self) -> None:
        """At the practice GitHub, register the callback URL that the bot has now."""
        self.world.github.change_callback_urls(self.github.client_id, [self.callback_url])

    def close(self) -> None:
        """Stop everything.  Calling it twice does no harm."""
        while self._tunnels:
            self._tunnels.pop().close()
        if self.trace in http.watchers:
            http.watchers.remove(self.trace)
            self.world.close()
            self.server.stop()
            self.work.close()
            self.storage.close()
            self._folder.cleanup()

    def __repr__(self) -> str:
        return (
            "Practice world: the chat, GitHub and the bot run on this computer.\n"
            "Nothing leaves it, and it ends with this notebook."
        )

    # ---- how it starts ---------------------------------------------------------------------

    def _start_bot(self, port: int) -> None:
        client = self.world.register_at_github("http://127.0.0.1/github/oauth")
        self.github = github(*client, server=self.world.github.address)
        self.chat = Chat(self.storage, self.world.ringcentral.address)
        self.skills = [GitHubSkill(self.storage, self.chat, self.github, lambda: self.address)]
        self.app = create_app(
            self.storage, self.chat, self.skills, lambda: self.address, work=self.work
        )
        try:
            self.server = Server(self.trace.around(self.app, "bot"), port=port)
        except OSError as error:
            self.world.close()
            raise PortTaken(
                f"Port {port} is taken by another program.",
                advice="Choose another port, or leave it out: then a free one is found.",
            ) from error
        self.address = self.server.url
        self.register_callback()

    def _person(self, name: str) -> Person:
        browser = Browser(cookies={"github_account": name.lower()})
        return Person(name, self.world.ringcentral, browser, self.settle, self.labels)

    def _install_bot(self) -> None:
        for origin, name in (
            (self.world.github.address, "GitHub"),
            (self.world.ringcentral.address, "chat"),
            (self.server.url, "bot"),
        ):
            self.labels.name_origin(origin, name)
        http.watchers.append(self.trace)
        self.world.ringcentral.install_bot(f"{self.address}/bot/oauth")
        self.world.ringcentral.add_bot_to_team()
        self.settle()
        # What the learner sees begins with ‹state·1› and ‹token·1›, not with the bot's own.
        self.trace.clear()
        self.labels.forget()
        for bot in self.storage.find_bots():
            self.labels.label("bot-token", (bot.token or {})["access_token"])


def _keep_proxies_out() -> None:
    """A proxy of the office cannot reach this computer's loopback, so nothing there goes to it."""
    if not getproxies():  # of the environment, of Windows or of macOS
        return
    for name in ("NO_PROXY", "no_proxy"):
        there = os.environ.get(name, "")
        if "127.0.0.1" not in there:
            os.environ[name] = ",".join(filter(None, [there, "127.0.0.1,localhost"]))


_running: list[Kit] = []


def start(*, database: str | None = None, port: int = 0) -> Kit:
    """Start the kit; one that runs already in this process is closed first.  See `Kit`."""
    stop()
    _running.append(Kit(database=database, port=port))
    return _running[0]


@atexit.register
def stop() -> None:
    """Stop the kit that runs, if there is one."""
    while _running:
        _running.pop().close()
