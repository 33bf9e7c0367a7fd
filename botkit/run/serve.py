"""Run the bot as a service, until it is stopped.

    python -m botkit serve
        waitress, with a tunnel or a given address
    gunicorn -c python:botkit.run.gunicorn 'botkit.run.serve:app()'
        several processes, with a given address

Start with `serve` and `app`.  With `serve`, a service without credentials is a practice service, so
any mix works.  Processes of gunicorn cannot share a practice world, so everything must be live.
After a restart, `continue_work` goes on with what an earlier process left in the database: messages
without an answer, replies that were not said, links and codes for what is left of their ten
minutes, and everything else that waits there.  Tokens are there too, and are refreshed when they
are next used (`botkit/oauth/refresh.py`).

Not here: the bot with its practice world (`running.py`), gunicorn's configuration (`gunicorn.py`),
what is watched all the time (`watch.py`), and what is done each day (`maintenance.py`).
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from botkit.bot import DATABASE, FEWEST_THREADS, Bot
from botkit.errors import BotkitError, SettingsError
from botkit.run.address import open_address
from botkit.run.maintenance import maintain
from botkit.run.running import Running
from botkit.run.watch import Watch
from botkit.settings import CHAT, LOOPBACK, PLACES, Settings, load_settings, place_of
from botkit.storage import do_job
from botkit.trace import Labels, RedactingFilter

log = logging.getLogger("botkit")

PORT = 8090
DAY = 24 * 3600.0  # seconds
LONGEST_STOP = 28.0  # seconds; service managers and containers kill after 30
AGAIN_SECONDS = 10.0  # between two tries to open a tunnel
TICK = 0.5  # seconds; in pieces, for on Windows a long wait does not hear Ctrl-C


def serve(settings: Settings) -> None:
    """Run the bot until SIGINT (Ctrl-C) or SIGTERM, then finish its work.

    Raises `PortTaken`, `SettingsError`, `StorageError`, `ChatError` or `TunnelError`; then nothing
    is left running.
    """
    stopped = stop_signal()
    write_log(settings)
    place = replace(settings, port=settings.port or PORT, database=settings.database or DATABASE)
    with closing(Running(place)) as running:
        # After a restart, the moment that an earlier process has chosen still counts.
        running.storage.messages.add(do_job("maintain", seconds=DAY))
        watch = continue_work(running.bot)
        say(*_what_runs(running, settings))
        again = 0.0
        while not stopped(TICK):
            if time.monotonic() >= again and not all(one.is_alive for one in running.tunnels):
                again = time.monotonic() + AGAIN_SECONDS
                _mend_tunnel(running, settings)
        say("Finishing what is under way.")
        watch.stop()
        last = _end_after(LONGEST_STOP)
    last.cancel()
    say("Stopped.")


def continue_work(bot: Bot) -> Watch:
    """Continue what an earlier process has left, however it ended, and watch over the bot.

    It is all in the database, except that a chat may have stopped delivering.
    """
    bot.worker.jobs["maintain"] = lambda _: _look_after(bot)
    bot.worker.start()
    watch = Watch(bot)
    watch.start()
    return watch


def _end_after(seconds: float) -> threading.Timer:
    """End this process after so many seconds, whatever it still waits for, unless cancelled."""

    def end() -> None:
        log.warning("Something did not end in %.0f seconds, so it was stopped.", seconds)
        say("Stopped.")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def _mend_tunnel(running: Running, settings: Settings) -> None:
    """Open a new tunnel, because the agent has ended."""
    try:
        address, tunnel = open_address(settings, running.browser_address, running.server.port)
        running.tunnels[:] = [tunnel] if tunnel else []
        running.use_address(address)
        say(f"The tunnel had ended. The bot is at {address} now.")
    except BotkitError as error:  # the network may be away; the next try is not far
        log.warning("The tunnel has ended, and there is no new one yet. %s", error)


def _look_after(bot: Bot) -> None:
    bot.storage.messages.add(do_job("maintain", seconds=DAY))
    for sentence in maintain(bot):
        log.info(sentence)


# ---- in a server of somebody else --------------------------------------------------------------

WITHOUT_THREADS = (
    "The bot needs a server with threads, because an install waits for a request that comes in "
    "at the same time. Start it with: gunicorn -c python:botkit.run.gunicorn "
    "'botkit.run.serve:app()'"
)


def app(*, threads: int = FEWEST_THREADS) -> ServedBot:
    """Return the WSGI app for gunicorn or a similar server.

    `threads` is how many threads the server has in each process; botkit's own configuration for
    gunicorn says it by itself.  The app starts no thread and leaves no connection open, so a server
    can make it before it forks (`--preload`).  Raises `SettingsError` unless everything is live and
    the public address is set.
    """
    settings = load_settings()
    want_everything(settings)
    write_log(settings)
    bot = Bot(settings, web_threads=threads)
    bot.storage.let_go()
    return ServedBot(bot)


class ServedBot:
    """A WSGI app that starts the bot's own work once in each process that serves it.

    It starts with the first request, or with `start`.
    """

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._lock = threading.Lock()
        self._process = 0
        self._refuses = False
        self._watch: Watch | None = None

    def start(self, *, threads: int | None = None) -> None:
        """Start the work of this process, whose server has so many `threads`."""
        with self._lock:
            if self._process == os.getpid():
                return
            self._process = os.getpid()
        if threads is not None:
            self.bot.places.share(threads)
        atexit.register(self.bot.close)
        self._watch = continue_work(self.bot)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._process != os.getpid():
            self._check_server(environ)
            self.start()
        if self._refuses:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [WITHOUT_THREADS.encode()]
        return self.bot.app(environ, start_response)

    def _check_server(self, environ: dict[str, Any]) -> None:
        """Refuse a server that answers one request at a time; warn of several of that kind."""
        if environ.get("wsgi.multithread"):
            return
        self._refuses = not environ.get("wsgi.multiprocess")
        if self._refuses:
            log.error(WITHOUT_THREADS)
        else:
            log.warning(
                "Each process answers one request at a time, so a few people who connect can keep "
                "the chat waiting. Use threads: see botkit/run/gunicorn.py."
            )


def want_everything(settings: Settings) -> None:
    """Raise `SettingsError` unless everything is live and the public address is set."""
    for there, name in (
        (not settings.practice, "BOTKIT_PRACTICE=0"),
        *(
            (settings.registrations.get(name), place.credentials[0])
            for name, place in settings.services.items()
        ),
        (settings.chatbot, PLACES[CHAT].credentials[0]),
        (settings.public_address, "RINGCENTRAL_CHATBOT_SERVER"),
    ):
        if not there:
            raise SettingsError(
                "Under gunicorn everything is live and has a public address.",
                advice=f"Set {name}. For practice there is: python -m botkit serve",
            )


# ---- what it says ------------------------------------------------------------------------------


def _what_runs(running: Running, settings: Settings) -> Iterator[str]:
    """Yield what is live, where the bot is, and what to register."""
    here = (
        f" (on this computer: {running.server.url})"
        if running.address != running.server.url
        else ""
    )
    lines: dict[str, str] = {}
    places = running.settings.places
    for name in (*running.settings.services, CHAT):
        live = "live" if name in settings.registrations else "practice"
        at = running.browser_address.for_browsers(running.settings.registrations[name].server)
        if live == "practice" and name == CHAT:
            at = running.world.chat_page
        lines[places[name].heading] = f"{live}, at {at}" if at else live
    lines["Database"] = _named(running.settings.database or "")
    lines["The bot"] = f"{running.address}{here}"
    width = max(map(len, lines)) + len(":  ")
    for name, text in lines.items():
        yield f"{name + ':':<{width}}{text}"
    for skill in running.bot.services:
        place = place_of(type(skill)) or ""
        if place in settings.registrations:
            at = f"At {places[place].title}, register this callback URL:"
            yield f"{at:<50} {running.bot.callback_url(skill.provider)}"
    if settings.chatbot:
        chat = settings.chatbot
        yield f"At RingCentral, register this OAuth redirect URI:  {running.address}/bot/oauth"
        yield f"The chat will deliver to this webhook:             {running.bot.webhook_url}"
        if _is_loopback(running.address) and not _is_loopback(chat.server):
            yield "RingCentral cannot reach that address. Ask: python -m botkit doctor"
    else:
        first = next(iter(running.bot.added[0].commands), "help")
        yield f"Open the chat's address in a browser, and say {first} to the bot there."
    yield "Ctrl-C ends it."


def _named(database: str) -> str:
    url = sa.make_url(database)  # which may hold a password, so not all of it
    return f"{url.get_backend_name()}, {url.database or 'in memory'}"


def _is_loopback(address: str) -> bool:
    return urlsplit(address).hostname in LOOPBACK


def say(*lines: str) -> None:
    """Print lines immediately, also into a pipe."""
    print(*lines, sep="\n", flush=True)


# ---- how it hears and logs ---------------------------------------------------------------------


def stop_signal() -> Callable[[float], bool]:
    """Remember SIGINT and SIGTERM from now on.

    Return a function that waits this many seconds for one, and says whether one has come.
    """
    heard: SimpleQueue[int] = SimpleQueue()  # of all queues the one that a handler may put into
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: heard.put(number))

    def stopped(seconds: float) -> bool:
        with suppress(Empty):
            return bool(heard.get(timeout=seconds))
        return False

    return stopped


def write_log(settings: Settings, labels: Labels | None = None) -> None:
    """Write the log to standard error, with labels instead of secrets."""
    labels = labels or Labels()
    for registration in settings.registrations.values():
        labels.label("secret", registration.client_secret)
    for key in settings.secret_keys:
        labels.label("key", key)
    labels.label("authtoken", settings.ngrok_authtoken or "")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(RedactingFilter(labels))
    logging.getLogger().addHandler(handler)
    log.setLevel(logging.INFO)
