"""The real bot in the practice world, and the attacker's tools, for the security checklist."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

import botkit
from botkit.lessons.kit import PRACTICE, Kit
from botkit.practice.browser.browser import Browser, Page
from botkit.storage import Service

PACKAGE = Path(botkit.__file__).parent
TOKEN_PATHS = ("/login/oauth/access_token", "/token")  # GitHub's and Google's
EVIL = "https://evil.example"
WORD = "zz9plural"  # what a stranger writes, to be looked for afterwards
MARKUP = f"<script>{WORD}</script>"

Query = dict[str, str]


class World:
    """A kit; everything that a browser or a stranger does here is real HTTP on loopback."""

    def __init__(self, *skills: str, confirm: bool = False, database: str | None = None) -> None:
        settings = replace(PRACTICE, confirm=confirm, database=database)
        self.kit = Kit(replace(settings, skills=skills or ("github",)))
        self.alice, self.mallory = self.kit.alice, self.kit.mallory
        self.storage, self.address = self.kit.storage, self.kit.address

    # ---- a trip, in its steps

    def say(self, person: Any, text: str, chat: str = "") -> str:
        """Say something to the bot; its answer.  Mallory has no chat of his own with it."""
        chat = chat or ("Team" if person is self.mallory else "direct")
        said: str = person.say(f"@bot {text}" if chat == "Team" else text, chat=chat).text
        return said

    def link(self, person: Any, word: str = "profile", chat: str = "") -> Query:
        """Step 1: what stands in the link that the bot gives to a person."""
        self.say(person, word, chat)
        return query_of(person.link)

    def answer(self, person: Any, word: str = "profile") -> Query:
        """The person approves; what the provider sends to the callback, which is not opened."""
        self.link(person, word)
        return self.approved(person.link, person.browser)

    def approved(self, link: str, browser: Browser) -> Query:
        browser.stop_before = self.address
        try:
            return query_of(browser.visit(link).approve().url)
        finally:
            browser.stop_before = ""

    def open(self, query: Query, path: str = "/github/oauth", **headers: str) -> requests.Response:
        """Step 2: somebody's browser comes to the callback."""
        return self.get(f"{path}?{urlencode(query)}", **headers)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.ask("GET", path, headers=headers)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, self.address + path, allow_redirects=False, **more)

    def connect(self, person: Any, word: str = "profile", chat: str = "") -> Page:
        """All of it, with a real click on Approve; the page on which the trip ends."""
        self.link(person, word, chat)
        page: Page = person.browser.visit(person.link).approve()
        return page

    # ---- what came of it

    @property
    def rows(self) -> list[Service]:
        return self.storage.find_services()

    @property
    def token_requests(self) -> int:
        """How often the token endpoints were asked, for whatever."""
        return sum(one.path in TOKEN_PATHS for one in self.seen)

    @property
    def seen(self) -> list[Any]:
        """Every request that GitHub and Google have had."""
        world = self.kit.world
        there = [(n, p) for n, p in (("github", "github"), ("google", "google")) if world.has(n)]
        return [one for _, place in there for one in getattr(world, place).requests_seen]

    @property
    def grants(self) -> set[str]:
        """Who has granted something at GitHub that is still in force."""
        return {login for _, login in self.kit.world.github._ledger.grants}

    def close(self) -> None:
        self.kit.close()


def query_of(url: str) -> Query:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def at_once(number: int, job: Callable[[], Any]) -> list[Any]:
    """Do the same in many threads, which begin together."""
    start = Barrier(number)

    def together(_: int) -> Any:
        start.wait()
        return job()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(together, range(number)))


class NowhereStored:
    """A storage that only hears which states are given out."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def add_authorization(self, state: str, **_: Any) -> None:
        self.states.append(state)


def strings_after(name: str) -> Iterator[str]:
    """In all of the bot's own code: the strings to which a dict's key `name` leads."""
    for file in PACKAGE.rglob("*.py"):
        if "practice" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == name:
                        yield ast.literal_eval(value)
