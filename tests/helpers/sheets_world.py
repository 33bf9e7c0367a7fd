"""A kit whose bot knows Google Sheets alone, with Alice connected and a spreadsheet of hers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from botkit.lessons.kit import PRACTICE, Kit

ROWS = [["Item", "Amount"], ["Rent", 950], ["Tea", 12.5]]


@contextmanager
def sheets_kit() -> Iterator[Kit]:
    kit = Kit(replace(PRACTICE, skills=("sheets",)))
    try:
        yield kit
    finally:
        kit.close()


class Desk:
    """Alice at her spreadsheet Budget, in the chat with the bot."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.google = kit, kit.world.google
        if not kit.storage.find_services(bot_id=kit.bot_id):
            connect(kit, "alice")
        self.book, self.link = self.new("Budget", ["Sheet1", "My tab"])
        self.google.type_cells(self.book, "A1", ROWS)

    def new(self, title: str, tabs: list[str], owner: str = "alice") -> tuple[str, str]:
        book = self.google.add_spreadsheet(owner, title, tabs)
        return book, self.google.link(self.google.spreadsheet_file(book))

    def say(self, text: str, who: str = "alice", chat: str = "direct") -> str:
        return str(getattr(self.kit, who).say(text, chat=chat).text)

    def cells(self, range: str = "A1:Z1000") -> list[list[Any]]:
        return self.google.read_cells(self.book, range)

    def keep(self, sheet: Any) -> None:
        """Write into the connection what is kept as the chosen spreadsheet."""
        (service,) = self.kit.storage.find_services(bot_id=self.kit.bot_id)
        self.kit.storage.update_service(service.id, {"sheet": sheet})

    @property
    def requests(self) -> list[str]:
        """What was asked of the Sheets API so far."""
        seen = [one for one in self.google.requests_seen if one.path.startswith("/v4/")]
        return [f"{one.method} {one.path}" for one in seen]


def connect(kit: Kit, name: str, text: str = "sheet read", chat: str = "direct") -> str:
    """All the way; what the bot says then."""
    person = getattr(kit, name)
    person.say(text, chat=chat)
    person.browser.visit(person.link).approve()
    return str(person.reads(chat=chat).text)
