"""People who connect their GitHub account, and the rows of their connections."""

from __future__ import annotations

from botkit.lessons.kit import Kit
from botkit.lessons.people import Person
from botkit.storage import Service


def connect(person: Person, chat: str = "direct") -> None:
    """Say `profile`, open the auth link and approve."""
    person.say("@bot profile" if chat == "Team" else "profile", chat=chat)
    assert person.browser.visit(person.link).approve().heading == "Connected"
    person.reads(chat=chat)  # the bot says so there


def services(kit: Kit) -> list[Service]:
    """Every connection of the kit's bot."""
    return kit.storage.find_services(bot_id=kit.bot_id)
