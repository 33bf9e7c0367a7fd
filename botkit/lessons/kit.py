"""Start the kit: a bot, the practice world, its people, and the trace.

    import botkit
    kit = botkit.start()
    kit.alice.say("profile")

Start with `Kit`, a `botkit.run.running.Running` with what only the lessons need.  One kit runs in a
process, and `start` replaces it with a new one.  So one call resets everything, between two demos
or after a mistake: the new kit has a new database, people who have said nothing, services without
users, and labels from 1.  It uses the ports of the kit before it, so a page that is open in a
browser still works.

Not here: how the bot and the practice world run (`botkit.run.running`).
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from getpass import getpass
from typing import Any
from urllib.parse import urlsplit

from botkit.bot import describe
from botkit.errors import NotACallback
from botkit.lessons.mishaps import Mishaps
from botkit.lessons.people import Person
from botkit.oauth import Provider, callback_path, watchers
from botkit.plugins import register
from botkit.practice import ACCOUNTS, Browser, Page, Server, serve_again
from botkit.run.address import BrowserAddress
from botkit.run.running import PRACTICE, Running, WSGIApp, with_practice
from botkit.run.server import port_wanted
from botkit.run.tunnel import Tunnel
from botkit.settings import CHAT, Settings, place_of
from botkit.skills import AccountSkill, ServiceSkill
from botkit.trace import Labels, Trace, show

UNKNOWN_HUB = (
    "This JupyterHub does not say its address, so your browser cannot open the pages of the\n"
    "practice world. Ask its administrator to set BOTKIT_PUBLIC_URL. The lessons run without it."
)

_kits: list[Kit] = []
_ports: dict[str, int] = {}  # of the newest kit that ran


def start(settings: Settings = PRACTICE, *, browser_address: BrowserAddress | None = None) -> Kit:
    """Start a kit and return it; close the one that runs in this process.

    Raises what `Kit` raises.
    """
    stop()
    _kits.append(Kit(settings, browser_address=browser_address, ports=_ports))
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

    `alice`, `bob` and `mallory` are people in the practice chat.  `trace` shows what was sent, and
    `labels` has a label for each secret.  `mishaps` has the errors of skills.  `Running` has the
    rest: `bot`, `storage`, `chat`, `app` and `world`.
    """

    alice: Person
    bob: Person
    mallory: Person

    def __init__(
        self,
        settings: Settings = PRACTICE,
        *,
        browser_address: BrowserAddress | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        """Start it.

        For the parameters and for what is raised, see `Running`.  `ports` are those of a kit before
        this one.
        """
        self.labels = Labels()
        self.trace = Trace(self.labels)
        self.trace.paused = settings.chatbot is None  # until the practice people are there
        self.mishaps = Mishaps(self.labels)
        former = (ports or {}).get("bot", 0)

        def serve(app: WSGIApp, port: int) -> Server:
            with port_wanted(port):
                return Server(app, port=port) if port else serve_again(app, former)

        watchers.append(self.trace)
        try:
            super().__init__(
                settings,
                browser_address=browser_address,
                ports=ports,
                serve=serve,
                around=self.trace.around,
            )
        except BaseException:
            watchers.remove(self.trace)
            raise
        self._undo.callback(watchers.remove, self.trace)
        self.bot.worker.on_error = self.mishaps.note
        if self.world.has("chat"):
            self._add_people()

    # ---- what a lesson uses ----------------------------------------------------------------

    @property
    def github(self) -> Provider:
        """The provider GitHub, as the bot uses it.

        Raises `LookupError` if the bot runs without this skill.
        """
        return self.bot.provider("GitHub")

    @property
    def callback_url(self) -> str:
        """The callback URL for GitHub: the `redirect_uri` of steps 1 and 2."""
        return self.bot.callback_url(self.github)

    @property
    def bot_id(self) -> str:
        """The bot's id in the chat."""
        return self.world.ringcentral.bot.id if self.world.ringcentral.bot else ""

    @property
    def chat_page(self) -> str:
        """The address of the practice chat's page, for a browser."""
        return self.world.chat_page

    def show(self, value: Any) -> Any:
        """Return `value` as a notebook cell may show it, with a label for each secret."""
        return show(value, self.labels)

    def transcript(self) -> str:
        """Return what was said in each chat of the practice chat, with labels for secrets."""
        chats = self.world.ringcentral.transcript() if self.world.has("chat") else {}
        lines = []
        for title, said in chats.items():
            lines += [f"{title}:"] if said else []
            lines += [f"  {who}: {text}".replace("\n", "\n    ") for who, text in said]
        return self.labels.redact("\n".join(lines)) or "(nothing)"

    def open_tunnel(self, *, fixed_url: str | None = None) -> Tunnel:
        """Open a tunnel to the bot, through pyngrok and the practice agent.

        `fixed_url` is the address that it must have; by default the agent chooses one.  Raises
        `TunnelError`.
        """
        tunnel = super().open_tunnel(fixed_url=fixed_url)
        self.labels.name_origin(tunnel.public_url, f"tunnel·{len(self.tunnels)}")
        return tunnel

    def add(self, new: Provider | type[ServiceSkill]) -> None:
        """Add a skill to the bot, or a service, with a skill that says whose account it is.

        The service of a skill is a practice service, unless the settings name a live one.  See
        `Bot.add`, which also says what is raised.
        """
        __tracebackhide__ = True  # for pytest
        self._check_running()
        if isinstance(new, Provider):
            self.bot.add(AccountSkill, new)
        else:
            self._add_skill(new)
        self._services_changed()

    def _add_skill(self, skill: type[ServiceSkill]) -> None:
        __tracebackhide__ = True  # for pytest
        names = dict.fromkeys([*self.settings.skills, register(skill)])
        wanted = replace(self.settings, skills=tuple(names))
        settings = with_practice(wanted, self.world, self._folder)
        place, provider = place_of(skill), None
        if place is not None:
            provider = self._play(skill, describe(skill, settings.registrations[place]))
        self.bot.add(skill, provider)
        self.settings = settings

    def finish_with(self, pasted: str | None = None) -> Page:
        """Finish a trip whose browser could not open the callback URL; return its page.

        After Approve the browser shows an error, and its address bar has the callback with the
        code.  `pasted` is that address.  Without it you are asked, and your input stays hidden
        because it contains the code.  Raises `NotACallback`.
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
        titles = {name: self.settings.places[name].title for name in places}
        said = what_runs(titles.values(), [titles[name] for name in places if self.world.has(name)])
        lost = self.browser_address.source == "loopback" and os.environ.get(
            "JUPYTERHUB_SERVICE_PREFIX"
        )
        return f"{said}\n{UNKNOWN_HUB}" if lost else said

    # ---- starting --------------------------------------------------------------------------

    def _join_practice_chat(self) -> None:
        """Install the bot; it hears of a chat when somebody uses it first, and greets there.

        That halves the time of a start, and the trace of a lesson has no greetings in it.
        """
        self.world.ringcentral.tells_later = True
        super()._join_practice_chat()
        self.world.ringcentral.told = self._wait_for_greeting

    def _wait_for_greeting(self) -> None:
        paused, self.trace.paused = self.trace.paused, True
        try:
            self._settle_deliveries()
        finally:
            self.trace.paused = paused

    def _services_changed(self) -> None:
        """Name the servers in the labels; an address behind a proxy also has one."""
        systems = [(self.server.url, "bot")]
        if self.settings.chatbot:
            systems.append((self.settings.chatbot.server, CHAT))
        services = self.settings.services
        for skill in self.bot.services:
            provider, place = skill.provider, services.get(place_of(type(skill)) or "")
            # A provider that was added in a notebook has no place in the settings.
            system = place.title if place else provider.called.partition(" ")[0]
            urls = provider.authorize_url, provider.token_url, provider.api_url
            systems += [(url, system) for url in urls]
        for url, system in systems:
            here = self.browser_address.on_loopback(url)
            self.labels.name_origin(here, system)
            origin = "/".join(here.split("/")[:3])
            self.labels.name_beginning(self.browser_address.for_browsers(origin), system)
        super()._services_changed()

    def _add_people(self) -> None:
        """Create Alice, Bob and Mallory, whose browsers are signed in everywhere."""
        for name in ("Alice", "Bob", "Mallory"):
            browser = Browser(
                dict.fromkeys(ACCOUNTS, name.lower()), find=self.browser_address.on_loopback
            )
            chat, settle, mishap = self.world.ringcentral, self.settle, self.mishaps.take
            person = Person(name, chat, browser, settle, self.labels, mishap)
            setattr(self, name.lower(), person)
        # What the learner sees begins with ‹state·1› and ‹token·1›, not with what was sent so far.
        self.trace.paused = False
        for bot in self.storage.find_bots():
            self.labels.label("bot-token", (bot.token or {})["access_token"])
        self.labels.label("page-key", self.world.ringcentral.page_key)


def what_runs(titles: Iterable[str], practice: Iterable[str]) -> str:
    """Return a sentence that says which places are live.

    `titles` are their titles, and `practice` those of the places that are not live.
    """
    titles, there = list(titles), set(practice)
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
