"""Who takes part: the names by which a trace, a label and a sentence call the systems."""

from __future__ import annotations

from collections.abc import Iterable

from botkit.bot import Bot
from botkit.labels import Labels
from botkit.settings import Registration

PARTIES = {  # by the place in the settings
    "github": "GitHub",
    "google": "Google",
    "ringcentral_app": "RingCentral",
    "chat": "the chat",
}


def what_runs(places: Iterable[str], practice: Iterable[str]) -> str:
    """A sentence that says which of the `places` are live, and which are practice."""
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


def name_parties(labels: Labels, bot: Bot, chat: Registration | None, bot_url: str) -> None:
    """Give every address that the bot talks to, and its own, the name of who is there."""
    for skill in bot.services:
        party = skill.title.partition(" ")[0]  # Google, be it Drive or Sheets
        for url in (skill.provider.authorize_url, skill.provider.token_url, skill.provider.api_url):
            labels.name_origin(url, party)
    labels.name_origin(chat.server if chat else "", "chat")
    labels.name_origin(bot_url, "bot")
