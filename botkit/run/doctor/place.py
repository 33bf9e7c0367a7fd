"""Check where the bot will be found: address, registrations, port and tunnel."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from botkit.bot import callback_path_of, skill_named
from botkit.run.address import Source, choose_address, find_browser_address
from botkit.run.doctor.report import Check, note, ok, wrong
from botkit.run.doctor.systems import Reading
from botkit.run.serve import PORT
from botkit.settings import Settings, places_of

INSTALL, WEBHOOK = "/bot/oauth", "/bot/webhook"
DECIDING = {"RINGCENTRAL_CHATBOT_SERVER", "NGROK_DOMAIN", "BOTKIT_PORT", "BOTKIT_PUBLIC_URL"}
SET_PORT = f"Set BOTKIT_PORT, to {PORT} for example."
OPEN_UP = (
    "RingCentral delivers from outside: set NGROK_AUTHTOKEN, or RINGCENTRAL_CHATBOT_SERVER to an "
    "address\nof the bot that begins with https."
)
WHY: dict[Source, str] = {
    "configured": "RINGCENTRAL_CHATBOT_SERVER says so",
    "Codespaces": "GitHub Codespaces forwards it",
    "JupyterHub": "JUPYTERHUB_PUBLIC_URL says so",
    "proxy": "BOTKIT_PUBLIC_URL says so",
    "ngrok": "NGROK_AUTHTOKEN and NGROK_DOMAIN are set",
    "loopback": "nothing names another address",
}
BY_PORT: tuple[Source, ...] = ("proxy", "Codespaces", "JupyterHub")  # the port is in the address


@dataclass(frozen=True)
class BotAddress:
    """The address that the bot will have.

    `url` is None if it is not known before the bot starts, `source` if nothing is known.
    """

    settings: Settings
    source: Source | None
    url: str | None

    @property
    def is_reachable(self) -> bool:
        """Whether RingCentral can deliver there; a hub lets in only who has signed in."""
        return self.source not in ("loopback", "proxy", "JupyterHub")


def find_bot_address(reading: Reading, environment: Mapping[str, str]) -> BotAddress:
    """Return the address that the bot will choose when it starts."""
    settings = reading.settings
    if reading.left_out.intersection(DECIDING):
        return BotAddress(settings, None, None)
    reach = find_browser_address(settings, environment)
    chosen = choose_address(settings, reach, settings.port or PORT)  # as `serve` does
    url = chosen.url
    if settings.port == 0 and chosen.source in BY_PORT:
        url = reach.url("PORT") if settings.practice else None
    return BotAddress(settings, chosen.source, url)


# ---- the address -------------------------------------------------------------------------------


def address(place: BotAddress) -> Check:
    """Say which address the bot will have, and why."""
    settings, source = place.settings, place.source
    if source is None:
        return note("address", "Where the bot will be found is not known: see above.")
    text = f"The bot will be found at {place.url}: {WHY[source]}."
    if settings.chatbot and not place.is_reachable:
        return wrong("address", f"{text} RingCentral cannot deliver there.", OPEN_UP)
    if source == "ngrok" and place.url is None:
        advice = "Your account has a permanent domain. Set NGROK_DOMAIN to it, and register once."
        text = "ngrok will choose the address when the bot starts: NGROK_DOMAIN is not set."
        return note("address", text, advice)
    if place.url is None:
        where = "behind this proxy" if source == "proxy" else f"in {source}"
        text = f"The bot's address {where} has its port in it, and BOTKIT_PORT is not set."
        check = wrong if settings.is_live else note
        return check("address", text, SET_PORT)
    if source == "Codespaces" and settings.chatbot:
        return ok("address", text, "In the tab Ports, make this port public.")
    return ok("address", text)


def change(place: BotAddress, webhooks: frozenset[str]) -> Check:
    """Compare the address with the webhook addresses that the bots had last time."""
    former = sorted({webhook.removesuffix(WEBHOOK) for webhook in webhooks})
    if not former:
        return note("change", "The address of last time is not known.")
    if place.url is None:
        return note("change", f"Last time the address was {former[-1]}.")
    if former == [place.url]:
        return ok("change", "It is the same address as last time.")
    other = ", ".join(url for url in former if url != place.url)
    text = f"The address has changed: last time it was {other}."
    return note("change", text, "Register the new one, as the next lines say.")


def registrations(place: BotAddress) -> Iterator[Check]:
    """Say what to register at each provider, exactly."""
    settings, url = place.settings, place.url
    later = "as soon as the address is known"
    for key, party, paths in _callbacks(settings):
        if url is None:
            them = "the callback URL; it ends" if len(paths) == 1 else "the callback URLs; they end"
            yield note(key, f"At {party}, {later}, register {them} in {' and '.join(paths)}")
        else:
            them = "this callback URL" if len(paths) == 1 else "these callback URLs"
            any_port = party == "GitHub" and place.source == "loopback" and settings.port == 0
            text = f"At {party}, register {them}: {' and '.join(url + path for path in paths)}"
            yield note(key, text, "GitHub takes any port there, or none." if any_port else "")
    for name, service in settings.services.items():
        if name not in settings.registrations:
            text = f"Nothing has to be registered at {service.title}: it is not live."
            yield note(_callback_check(name), text)
    drive = "drive" in settings.skills and settings.registration_for("drive")
    if drive and not (url or "").startswith("https://"):
        text = "Google Drive tells of changes only where the address begins with https."
        yield note("google_webhook", text, "Without it, bind works, and no file is announced.")
    if settings.chatbot is None:
        yield note("install", "Nothing has to be registered at RingCentral: it is not live.")
    elif url is None or not place.is_reachable:
        text = f"At RingCentral, {later}, register the OAuth redirect URI; it ends in {INSTALL}"
        yield note("install", text)
        yield note("webhook", f"The webhook's address will end in {WEBHOOK}")
    else:
        text = f"At RingCentral, register this OAuth redirect URI: {url}{INSTALL}"
        yield note("install", text)
        text = f"The webhook's address is {url}{WEBHOOK}"
        yield note("webhook", text, "Nobody has to paste it: the bot gives it to RingCentral.")


def _callbacks(settings: Settings) -> Iterator[tuple[str, str, list[str]]]:
    """Yield a name for the line, a name for the service and its callback paths.

    There is one for each live service.
    """
    paths: dict[str, list[str]] = {}
    for skill in settings.skills:
        if registration := settings.registration_for(skill):
            path = callback_path_of(skill_named(skill), registration)
            (place,) = places_of([skill])
            if path not in paths.setdefault(place, []):
                paths[place].append(path)
    for place, its_paths in paths.items():
        yield _callback_check(place), settings.places[place].title, its_paths


def _callback_check(place: str) -> str:
    return "callback" if place == "github" else f"{place}_callback"


# ---- the port and the tunnel -------------------------------------------------------------------


def port(reading: Reading) -> Check:
    """Check whether the bot may listen on its port."""
    if "BOTKIT_PORT" in reading.left_out:
        return note("port", "No port was tried: see above.")
    number = reading.settings.port
    if number == 0:
        return note("port", f"BOTKIT_PORT is not set: serve takes {PORT}, a lesson any free port.")
    try:
        with socket.socket() as listener:
            if os.name != "nt":  # there, this option would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", number))
            listener.listen()
    except PermissionError:
        text = f"Port {number} is not for everybody."
        return wrong("port", text, "Set BOTKIT_PORT to a number from 1024 to 65535.")
    except OSError:
        text = f"Port {number} is taken by another program."
        advice = "Stop that program, or set BOTKIT_PORT to another number.\nIf it is this bot that "
        return wrong("port", text, f"{advice}runs there, all is well.")
    return ok("port", f"Port {number} is free.")


def processes(environment: Mapping[str, str]) -> Iterator[Check]:
    """Check the number of processes that gunicorn reads, if it is set."""
    number = environment.get("WEB_CONCURRENCY")
    if number is not None and not re.fullmatch("[1-9][0-9]{0,2}", number.strip(), re.ASCII):
        text = "WEB_CONCURRENCY is no number of processes, so gunicorn would not work."
        yield wrong("processes", text, "Set it to 2 for example, or leave it out.")


def tunnel(place: BotAddress) -> Check:
    """Check whether a tunnel can be opened.  Nothing is downloaded.

    The practice agent is started; ngrok's program is looked for.
    """
    if place.source == "ngrok" or (place.source is None and place.settings.ngrok_authtoken):
        return _ngrok()
    if place.settings.chatbot:
        return note("tunnel", "No tunnel is used: ngrok is not chosen.")
    from botkit.run.running import Running

    try:
        with closing(Running()) as running:
            running.open_tunnel()
    except Exception as error:
        advice = getattr(error, "advice_at_terminal", "Repair the lines above first.")
        return wrong("tunnel", "The practice tunnel does not open.", advice)
    return ok("tunnel", "The practice tunnel opens.")


def _ngrok() -> Check:
    from pyngrok.conf import PyngrokConfig

    program = PyngrokConfig().ngrok_path
    if not os.path.exists(program):
        return wrong(
            "tunnel",
            "NGROK_AUTHTOKEN is set, but the ngrok program is not on this computer.",
            "Fetch it now, in a terminal: pyngrok version\nElse the bot fetches it when it starts.",
        )
    if not os.access(program, os.X_OK):
        text = "The ngrok program may not be executed."
        return wrong("tunnel", text, "Make it executable, or remove it: then it is fetched again.")
    return ok(
        "tunnel",
        "The ngrok program is here, and NGROK_AUTHTOKEN is set.",
        "In a browser, ngrok shows a warning page of its own first: press Visit Site.",
    )
