"""A tour of all pages: some of everything to look at, and a list that pages_world.py fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from described import gitlab
from flask import template_rendered

import botkit
from botkit.lessons.check.teapot import describe_teapot
from botkit.lessons.kit import PRACTICE, Kit
from botkit.settings import PLACE_OF
from botkit.skills import Call, Skill, command

PARTS = {"base", "decision", "accounts"}  # templates that are no page of their own


class Todos(Skill):
    """I list your to-dos at GitLab."""

    word, connects_to = "gitlab", gitlab

    @command("todos", "lists your to-dos")
    def todos(self, call: Call) -> str:
        return call.service.name or ""


class Tour:
    """All skills in one bot, Teapot and GitLab besides, and some of everything to look at."""

    def __init__(self) -> None:
        self.seen: set[str] = set()  # templates
        self.visited: set[str] = set()  # names of pages
        self.opened: list[Any] = []  # for one page alone
        template_rendered.connect(self._note)
        self.kit = Kit(replace(PRACTICE, skills=tuple(PLACE_OF), confirm=False))
        kit, world = self.kit, self.kit.world
        kit.add(describe_teapot(*world.start_service("teapot")))
        kit.add(Todos)
        self.github, self.google = world.github, world.google
        self.file = self.google.add_file("alice", "Notes.txt")
        self.trash = self.google.add_file("alice", "Old.txt")
        self.google.trash(self.trash)
        sheet = self.google.add_spreadsheet("alice", "Plans", ["Filled", "Empty"])
        self.sheet = self.google.spreadsheet_file(sheet)
        self.google.type_cells(sheet, "A1", [["Tea", 1], ["", 2]])
        kit.alice.say("profile")
        kit.alice.browser.visit(kit.alice.link).approve()
        written = (
            "@bot **bold** *slanted* [a link](https://a.example) https://b.example\n* one\n* two"
        )
        for text in ("help", written, "profile"):
            kit.alice.say(text)
        self.github_app = f"/settings/connections/applications/{kit.github.client_id}"

    def ask(self, command: str, person: str = "bob") -> str:
        """The link that the bot gives."""
        someone = getattr(self.kit, person)
        someone.say(command)
        return str(someone.link)

    @contextmanager
    def visit(self, page: Any, name: str) -> Iterator[None]:
        """Inside of `with`, the page is open."""
        self.visited.add(name)
        try:
            PAGES[name](self, page)
            yield
        finally:
            page.unroute_all()
            page.goto("about:blank")  # else another #name alone loads nothing
            while self.opened:  # the presenter's view holds back whatever anybody sends
                self.opened.pop().close()

    def templates(self) -> set[str]:
        """All templates that make a page."""
        files = Path(botkit.__file__).parent.rglob("templates/*.html")
        return {file.name for file in files if file.stem.rpartition("_")[2] not in PARTS}

    def _note(self, sender: object, *, template: Any, **more: object) -> None:
        self.seen.add(template.name)

    def close(self) -> None:
        template_rendered.disconnect(self._note)
        self.kit.close()


Way = Callable[[Tour, Any], object]
PAGES: dict[str, Way] = {}


def page_called(name: str) -> Callable[[Way], Way]:
    def note(go: Way) -> Way:
        PAGES[name] = go
        return go

    return note


def found_at(address: Callable[[Tour], str]) -> Way:
    return lambda tour, page: page.goto(address(tour))
