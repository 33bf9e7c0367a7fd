"""A practice GitHub and a practice chat in this process, for bots that are processes of their own.

Here the tests may look into both, and put people into the chat; the bots know an address each.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import requests
from serve_world import KEY, LINK, PAUSE, SECONDS, BotProcess, wait_until

from botkit.lessons.kit import Kit
from botkit.practice.browser.browser import Browser, Page
from botkit.practice.github.server import GitHub
from botkit.practice.ringcentral.records import Chat, Person, Post
from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server
from botkit.storage import Seal, Storage

TOKEN = "/login/oauth/access_token"
SIX_DIGITS = re.compile(r"\b\d{3} \d{3}\b")


def now() -> datetime:
    return datetime.now(UTC)


def next_worker(bot: BotProcess) -> int:
    """Wait until gunicorn has started one more worker; return its id."""
    return int(bot.wait_for("A worker is there").split()[-1])


def hold_callback(kit: Kit) -> Callable[[], Page]:
    """Let Alice approve, and GitHub hold back the token; to call the result lets it go.

    That returns her page.
    """
    kit.alice.say("profile")
    github, pages = kit.world.github, list[Page]()
    github.trouble.next(path=TOKEN, status=None, delay=60)
    visit = kit.alice.browser.visit
    trip = threading.Thread(target=lambda: pages.append(visit(kit.alice.link).approve()))
    trip.start()
    wait_until(lambda: any(one.path == TOKEN for one in github.requests_seen))

    def let_go() -> Page:
        github.trouble.clear()
        trip.join(SECONDS)
        return pages[0]

    return let_go


def visit(address: str) -> tuple[requests.Response, int]:
    """Open an address as a browser does, which loads a page again that says `Refresh`.

    Returns the page, and how often it was loaded.
    """
    turns = 0
    while True:
        turns += 1
        page = requests.get(address, timeout=60)
        if page.status_code != 503 or "Refresh" not in page.headers:
            return page, turns
        time.sleep(float(page.headers["Refresh"]))  # as the browser does


class Town:
    """GitHub and the chat; `exchanges` counts how often each code came to the token endpoint.

    While `drips` is set, that endpoint sends a byte now and then, and no answer.
    """

    def __init__(self) -> None:
        self.github, self.chat = GitHub(now=now), RingCentral(now=now)
        self.exchanges: Counter[str] = Counter()
        self.drips, self._closed = threading.Event(), threading.Event()
        self._servers = [Server(self._counting), Server(self.chat.wsgi)]
        self.github.address, self.chat.address = (server.url for server in self._servers)

    def settings(self, address: str, database: str) -> dict[str, str]:
        """What somebody would set for a bot at `address`."""
        github = self.github.register_app("My bot", [f"{address}/github/oauth"])
        return {
            "GITHUB_CLIENT_ID": github[0],
            "GITHUB_CLIENT_SECRET": github[1],
            "GITHUB_SERVER": self.github.address,
            "RINGCENTRAL_CHATBOT_CLIENT_ID": self.chat.registration[0],
            "RINGCENTRAL_CHATBOT_CLIENT_SECRET": self.chat.registration[1],
            "RINGCENTRAL_SERVER": self.chat.address,
            "RINGCENTRAL_CHATBOT_SERVER": address,
            "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": database,
            "BOTKIT_SECRET_KEY": KEY,
        }

    def install(self, address: str) -> None:
        """Install the bot that is there, and wait until it has greeted."""
        self.chat.install_bot(f"{address}/bot/oauth")
        self.chat.settle()

    def close(self) -> None:
        self._closed.set()
        self.github.trouble.clear()
        self.chat.trouble.clear()
        for server in self._servers:
            server.stop()

    def person(self, number: int) -> Talker:
        """Somebody new, in a chat of two with the bot."""
        return Talker(self.chat, *self.chat.add_person(f"Person {number}"))

    def hears(self) -> bool:
        """Whether the chat delivers to the bot."""
        assert self.chat.bot
        there = self.chat.webhooks.of(self.chat.bot.id)
        return any(one.status == "Active" for one in there)

    def _counting(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == TOKEN:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            self.exchanges.update(parse_qs(body.decode()).get("code", ()))
            environ["wsgi.input"] = _Again(body)
            if self.drips.is_set():
                start_response("200 OK", [("Content-Type", "application/json")])
                return self._dripping()
        return self.github.wsgi(environ, start_response)

    def _dripping(self) -> Iterator[bytes]:
        while not self._closed.wait(0.5):
            yield b" "


class _Again:
    """A body that has been read, to be read again."""

    def __init__(self, body: bytes) -> None:
        from io import BytesIO

        self.read = BytesIO(body).read
        self.readline = self.read


class Talker:
    """A person in a chat with the bot, and a browser that is somebody at GitHub."""

    def __init__(self, chat: RingCentral, person: Person, place: Chat) -> None:
        self._chat, self._person, self._place = chat, person, place
        self._read = 0
        self.group_id, self.user_id = place.id, person.id
        self.browser = Browser(cookies={"github_account": "alice"})

    def write(self, text: str) -> None:
        """Say something, and wait for nothing."""
        self._read = int(self._chat.write(self._place, self._person, text).id)

    def news(self) -> list[str]:
        """What the bot has said since this person last wrote or read."""
        posts: list[Post] = [
            post
            for post in self._chat.posts_in(self._place)
            if int(post.id) > self._read and post.creator_id != self.user_id
        ]
        self._read = max([self._read, *(int(post.id) for post in posts)])
        return [post.text for post in posts]

    def reads(self, *begins: str, stop: threading.Event | None = None) -> str:
        """Wait for a message that begins in one of these ways; "" if `stop` comes before that."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            newest = self._chat._newest
            for text in self.news():
                if text.startswith(begins or ""):
                    return text
            if stop and stop.is_set():
                return ""
            self._chat.wait_for_change(newest, 0.05)
        raise AssertionError(f"The bot does not say {begins or 'anything'}.")

    def say(self, text: str, *begins: str, stop: threading.Event | None = None) -> str:
        self.write(text)
        return self.reads(*begins, stop=stop)

    def approves(self, said: str, bot: str) -> str:
        """Follow the link in what the bot said, and approve; where the browser would go then."""
        link = LINK.search(said)
        assert link, said
        self.browser.stop_before = bot
        callback = self.browser.visit(link[1]).approve().url
        self.browser.stop_before = ""
        assert callback.startswith(bot), callback
        return callback


def open_storage(database: str) -> Storage:
    """The bot's database, as the bot sees it."""
    return Storage(database, seal=Seal([KEY]))


class Sender:
    """RingCentral: it delivers messages to the webhook, and counts the replies in their chats."""

    def __init__(self, town: Town, database: str, addresses: list[str]) -> None:
        self._town, self._addresses, self._database = town, addresses, database
        self._look_at_the_secret()
        self.chats: dict[int, str] = {}
        self.answered: set[int] = set()  # with 200
        self._began = time.monotonic()

    def _look_at_the_secret(self) -> None:
        """After a kill the bot may have made a new subscription, which has another one."""
        storage = open_storage(self._database)
        (bot,) = storage.find_bots()
        storage.close()
        self._bot_id, self._token = bot.id, bot.data["verificationToken"]

    def send(self, number: int, address: str | None = None) -> int | None:
        """Deliver a message; the status of the answer, or None if there was none."""
        if number not in self.chats:
            self.chats[number] = self._town.person(number)
        person = self.chats[number]
        body = {
            "eventType": "PostAdded",
            "id": f"{number}",
            "groupId": person.group_id,
            "creatorId": person.user_id,
            "text": "help",
        }
        envelope = {"uuid": f"u{number}", "ownerId": self._bot_id, "body": body}
        headers = {"Verification-Token": self._token}
        where = address or self._addresses[0]
        try:
            answer = requests.post(
                f"{where}/bot/webhook", json=envelope, headers=headers, timeout=10
            )
        except requests.RequestException:
            return None
        if answer.status_code == 200:
            self.answered.add(number)
        if answer.status_code == 401:
            self._look_at_the_secret()
        return answer.status_code

    def replies(self) -> dict[int, int]:
        """How often each message was answered in its chat."""
        chat, bot_id = self._town.chat, self._bot_id
        return {
            number: sum(post.creator_id == bot_id for post in chat.posts_in(person._place))
            for number, person in self.chats.items()
        }

    def waits_for_answers(self) -> None:
        """Wait for the replies to all that was answered with 200, as long as more of them come."""
        missing, until = len(self.answered) + 1, 0.0
        while missing:
            there = self.replies()
            left = sum(not there[number] for number in self.answered)
            if left < missing:
                missing, until = left, time.monotonic() + SECONDS
            assert time.monotonic() < until, f"{left} messages are not answered."
            time.sleep(PAUSE)

    def verdict(self) -> str:
        """How many messages were answered with 200, and what became of them."""
        there = self.replies()
        lost = sum(not there[number] for number in self.answered)
        twice = sum(count > 1 for count in there.values())
        seconds = time.monotonic() - self._began
        accepted = len(self.answered)
        return f"{accepted} messages in {seconds:.1f} s, {lost} lost, {twice} answered twice"
