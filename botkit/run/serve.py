"""Run the bot as a service, until it is stopped.

    python -m botkit serve                          waitress, with a tunnel or a given address
    gunicorn --workers 2 'botkit.run.serve:app()'   several processes, with a given address

Start with `serve` and `app`.  With `serve`, a service without credentials is a practice service, so
any mix works.  Processes of gunicorn cannot share a practice world, so everything must be live.
After a restart, links and codes still wait in the database for what is left of their ten minutes.
Tokens are there too, and are refreshed when they are next used (`botkit/oauth/refresh.py`).
`continue_work` deletes answers that nobody confirms, and gives each bot a good subscription
(`botkit/chat/subscription.py`).  Forgotten are timers, such as Drive's next try, and which
deliveries were seen; after a kill, also unfinished work.

Not here: the bot with its practice world (`running.py`), and what is done each day
(`maintenance.py`).
"""

from __future__ import annotations

import atexit
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import sqlalchemy as sa

from botkit.bot import DATABASE, Bot
from botkit.errors import BotkitError, SettingsError
from botkit.run.address import open_address
from botkit.run.maintenance import maintain
from botkit.run.running import Running
from botkit.settings import CHAT, LOOPBACK, PLACE_OF, PLACES, Settings, credentials, load_settings
from botkit.skills import WAIT_SECONDS
from botkit.trace import Labels, RedactingFilter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("botkit")

PORT = 8090
DAY = 24 * 3600.0  # seconds
IN_TOUCH_SECONDS = 600.0
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
        continue_work(running.bot)
        say(*_what_runs(running, settings))
        due, again = time.monotonic() + DAY, 0.0
        while not stopped(TICK):
            if time.monotonic() >= due:
                due += DAY
                running.work.submit(_look_after, running.bot)
            if time.monotonic() >= again and not all(one.is_alive for one in running.tunnels):
                again = time.monotonic() + AGAIN_SECONDS
                _mend_tunnel(running, settings)
        say("Finishing what is under way.")
    say("Stopped.")


def continue_work(bot: Bot) -> None:
    """Continue what an earlier process has left, however it ended.

    These are answers that wait for confirmation, and chats that stopped delivering.
    """
    bot.work.later(WAIT_SECONDS, bot.confirmation.delete_expired)
    bot.work.submit(_stay_in_touch, bot)


def _stay_in_touch(bot: Bot) -> None:
    """Renew subscriptions now and from time to time.

    The network or the database may be unavailable for a while.
    """
    try:
        for row in bot.storage.find_bots():
            bot.work.submit(bot.installation.subscribe, row.id)
    finally:
        bot.work.later(IN_TOUCH_SECONDS, _stay_in_touch, bot)


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
    for sentence in maintain(bot):
        log.info(sentence)


def app() -> WSGIApplication:
    """Return the WSGI app for gunicorn, which calls this once in each process.

    Processes share no thread and no database connection.  Python waits for the threads of a pool,
    so work is finished when the process ends.  Raises `SettingsError` unless everything is live and
    the public address is set.
    """
    settings = load_settings()
    _want_everything(settings)
    write_log(settings)
    bot = Bot(settings)
    atexit.register(bot.close)
    continue_work(bot)
    return bot.app


def _want_everything(settings: Settings) -> None:
    for there, name in (
        (not settings.practice, "BOTKIT_PRACTICE=0"),
        *((settings.registration_for(one), credentials(one)[0]) for one in settings.skills),
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
    for place in (*running.settings.services, CHAT):
        live = "live" if place in settings.registrations else "practice"
        at = running.browser_address.for_browsers(running.settings.registrations[place].server)
        lines[PLACES[place].heading] = f"{live}, at {at}"
    lines["Database"] = _named(running.settings.database or "")
    lines["The bot"] = f"{running.address}{here}"
    width = max(map(len, lines)) + len(":  ")
    for name, text in lines.items():
        yield f"{name + ':':<{width}}{text}"
    for skill, provider in zip(running.settings.skills, running.bot.providers, strict=True):
        if settings.registration_for(skill):
            at = f"At {PLACES[PLACE_OF[skill]].title}, register this callback URL:"
            yield f"{at:<50} {running.bot.callback_url(provider)}"
    if settings.chatbot:
        chat = settings.chatbot
        yield f"At RingCentral, register this OAuth redirect URI:  {running.address}/bot/oauth"
        yield f"The chat will deliver to this webhook:             {running.bot.webhook_url}"
        if _is_loopback(running.address) and not _is_loopback(chat.server):
            yield "RingCentral cannot reach that address. Ask: python -m botkit doctor"
    else:
        yield "Open the chat's address in a browser, and say profile to the bot there."
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
