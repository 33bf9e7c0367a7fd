"""Who takes part: the names by which a trace, a label and a sentence call the systems."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from botkit.bot.bot import Bot
from botkit.run.address import Reach
from botkit.settings import SKILLS, Registration, Settings
from botkit.trace.labels import Labels

PARTIES = {  # by the place in the settings
    "github": "GitHub",
    "google": "Google",
    "ringcentral_app": "RingCentral",
    "chat": "the chat",
}


UNKNOWN_HUB = (
    "This JupyterHub does not say its address, so your browser cannot open the pages of the\n"
    "practice world. Ask its administrator to set BOTKIT_PUBLIC_URL. The lessons run without it."
)


def what_runs(places: Iterable[str], practice: Iterable[str], reach: Reach) -> str:
    """Sentences that say which of the `places` are live, and which are practice."""
    said = _what_runs(places, practice)
    lost = reach.source == "loopback" and os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    return f"{said}\n{UNKNOWN_HUB}" if lost else said


def _what_runs(places: Iterable[str], practice: Iterable[str]) -> str:
    there = {PARTIES[place] for place in practice}
    live = [PARTIES[place] for place in places if PARTIES[place] not in there]
    practising = [PARTIES[place] for place in places if PARTIES[place] in there]
    if live:
        return f"Live: {_listed(live)}.  Practice: {_listed(practising) or 'nothing'}."
    everybody = _listed([practising[-1], *practising[:-1], "the bot"])
    return (
        f"Practice world: {everybody} run on this computer.\n"
        "Nothing leaves it, and it ends with this notebook."
    )


def _listed(names: list[str]) -> str:
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last


def with_practice(settings: Settings, world: Any, folder: Path) -> Settings:
    """The settings, with the practice world in every place that they leave empty."""
    if settings.database is None:
        settings = replace(settings, database=f"sqlite:///{folder / 'botkit.sqlite'}")
    for skill in settings.skills:
        if settings.registration_for(skill) is None:
            place = SKILLS[skill][0]
            there = Registration(*world.start_service(place))
            settings = replace(settings, **{place: there})  # type: ignore[arg-type]
    if settings.chatbot is None:
        chat = world.start_chat()
        client_id, secret = chat.registration
        settings = replace(settings, chatbot=Registration(client_id, secret, chat.address))
    return settings


def name_parties(labels: Labels, reach: Reach, bot: Bot, chat: str, bot_url: str) -> None:
    """Give every address that the bot talks to, and its own, the name of who is there."""
    places = [(chat, "chat"), (bot_url, "bot")]
    for skill in bot.services:
        party = skill.title.partition(" ")[0]  # Google, be it Drive or Sheets
        one = skill.provider
        places += [(url, party) for url in (one.authorize_url, one.token_url, one.api_url)]
    for url, party in places:
        here = reach.on_loopback(url)
        labels.name_origin(here, party)
        labels.name_beginning(reach.for_browsers("/".join(here.split("/")[:3])), party)
