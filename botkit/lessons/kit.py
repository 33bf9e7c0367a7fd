"""Start the kit of the lessons: a bot, the practice world, its people, and the trace.

    import botkit
    kit = botkit.start()
    kit.alice.say("profile")

`Kit` is a `botkit.run.running.Running` with the classroom around it.  One kit runs in a process: a
notebook that starts another one replaces it.  So one call resets everything, between two demos or
after a lesson has gone astray: the new kit has a new database, people who have said nothing,
services that know nobody, and labels from 1.  It takes over the ports of the former one, so that a
page that is open in a browser goes on.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Mapping
from getpass import getpass
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

from botkit.errors import NotACallback
from botkit.lessons.people import Person
from botkit.oauth import Provider, callback_path, watchers
from botkit.practice import ACCOUNTS, Browser, Page, Server, serve_again
from botkit.run.address import Reach
from botkit.run.running import PRACTICE, Running, WSGIApp
from botkit.run.server import port_wanted
from botkit.run.tunnel import Tunnel
from botkit.settings import CHAT, PLACES, SKILLS, Settings
from botkit.skills import AccountSkill
from botkit.trace import Labels, Trace, show

UNKNOWN_HUB = (
    "This JupyterHub does not say its address, so your browser cannot open the pages of the\n"
    "practice world. Ask its administrator to set BOTKIT_PUBLIC_URL. The lessons run without it."
)

_kits: list[Kit] = []
_ports: dict[str, int] = {}  # of the newest kit that ran


def start(settings: Settings = PRACTICE, *, reach: Reach | None = None) -> Kit:
    """Start the kit; one that runs already in this process is closed first.  See `Kit`."""
    stop()
    _kits.append(Kit(settings, reach=reach, ports=_ports))
    return _kits[0]


@atexit.register
def stop() -> None:
    """Stop the kit that runs, if there is one."""
    while _kits:
        kit = _kits.pop()
        _ports.update(kit.world.ports, bot=kit.server.port)
        kit.close()


class Kit(Running):
    """The bot, the practice world, its people, and the trace that watches them.

    `alice`, `bob` and `mallory` are people in the practice chat, `trace` shows what was sent, and
    `labels` has a label for each secret.  For `bot`, `storage`, `chat`, `app` and `world` see
    `Running`.
    """

    alice: Person
    bob: Person
    mallory: Person

    def __init__(
        self,
        settings: Settings = PRACTICE,
        *,
        reach: Reach | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        """See `Running`, which also says what is raised.  `ports` are a former kit's."""
        self.labels = Labels()
        self.trace = Trace(self.labels)
        former = (ports or {}).get("bot", 0)

        def serve(app: WSGIApp, port: int) -> Server:
            with port_wanted(port):
                return Server(app, port=port) if port else serve_again(app, former)

        watchers.append(self.trace)
        try:
            super().__init__(
                settings, reach=reach, ports=ports, serve=serve, around=self.trace.around
            )
        except BaseException:
            watchers.remove(self.trace)
            raise
        self._undo.callback(watchers.remove, self.trace)
        if self.world.has("chat"):
            self._people_the_chat()

    # ---- what a lesson uses ----------------------------------------------------------------

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

    def show(self, value: Any) -> Any:
        """Show anything, with a label in place of every secret."""
        return show(value, self.labels)

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent."""
        tunnel = super().open_tunnel(fixed_url=fixed_url)
        self.labels.name_origin(tunnel.public_url, f"tunnel·{len(self.tunnels)}")
        return tunnel

    def add(self, provider: Provider) -> None:
        """Teach the bot one more service: whose account it is, no more.  See `Bot.add`."""
        self._check_running()
        self.bot.add(AccountSkill, provider)
        self._know_services()

    def finish_with(self, pasted: str | None = None) -> Page:
        """Finish a trip whose browser could not reach the bot; return the page it would have shown.

        After Approve the browser stands at the callback's address and finds nothing there.  Copy
        that address from the browser's address bar.  Without `pasted` you are asked for it, and
        what you paste stays hidden, for it holds the code.  Raises `NotACallback`.
        """
        self._check_running()
        address = urlsplit((pasted or getpass("The address at which the browser ended: ")).strip())
        paths = [callback_path(provider) for provider in self.bot.providers]
        path = next((one for one in paths if address.path.endswith(one)), None)  # after a proxy's
        if path is None or not address.query:
            raise NotACallback(f"This is not an address that ends in {paths[0]}?...")
        return Browser().visit(f"{self.server.url}{path}?{address.query}")

    def __repr__(self) -> str:
        places = (*self.settings.services, CHAT)
        said = what_runs(places, filter(self.world.has, places))
        lost = self.reach.source == "loopback" and os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
        return f"{said}\n{UNKNOWN_HUB}" if lost else said

    # ---- how it starts ---------------------------------------------------------------------

    def _know_services(self) -> None:
        """Give every address that the bot talks to, and its own, the name of the system there."""
        systems = [(self.server.url, "bot")]
        if self.settings.chatbot:
            systems.append((self.settings.chatbot.server, CHAT))
        for provider, skill in zip_longest(self.bot.providers, self.settings.skills):
            added = provider.called.partition(" ")[0]  # in a notebook: no place in the settings
            system = PLACES[SKILLS[skill]].title if skill else added
            urls = provider.authorize_url, provider.token_url, provider.api_url
            systems += [(url, system) for url in urls]
        for url, system in systems:
            here = self.reach.on_loopback(url)
            self.labels.name_origin(here, system)
            origin = "/".join(here.split("/")[:3])
            self.labels.name_beginning(self.reach.for_browsers(origin), system)
        super()._know_services()

    def _people_the_chat(self) -> None:
        """Alice, Bob and Mallory come in, each with a browser that is signed in everywhere."""
        for name in ("Alice", "Bob", "Mallory"):
            browser = Browser(dict.fromkeys(ACCOUNTS, name.lower()), find=self.reach.on_loopback)
            person = Person(name, self.world.ringcentral, browser, self.settle, self.labels)
            setattr(self, name.lower(), person)
        # What the learner sees begins with ‹state·1› and ‹token·1›, not with the bot's own.
        self.trace.clear()
        self.labels.forget()
        for bot in self.storage.find_bots():
            self.labels.label("bot-token", (bot.token or {})["access_token"])


def what_runs(places: Iterable[str], practice: Iterable[str]) -> str:
    """Say in sentences which of the `places` are live, and which are practice."""
    there = {PLACES[place].title for place in practice}
    titles = [PLACES[place].title for place in places]
    live = [title for title in titles if title not in there]
    practising = [title for title in titles if title in there]
    if live:
        return f"Live: {_listed(live)}.  Practice: {_listed(practising) or 'nothing'}."
    everyone = _listed([practising[-1], *practising[:-1], "the bot"])
    return (
        f"Practice world: {everyone} run on this computer.\n"
        "Nothing leaves it, and it ends with this notebook."
    )


def _listed(names: list[str]) -> str:
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last
