"""A bot as a process of its own, `python -m botkit serve` or gunicorn, and Alice who uses it."""

from __future__ import annotations

import json
import os
import queue
import re
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import requests
from live_world import PracticeProcess
from python_process import PIPE, start

from botkit.practice.browser.browser import Browser, Page
from botkit.settings import known_variables
from botkit.storage.seal import new_key

SECONDS = 30.0  # that a test waits for anything; most of it takes a fraction of one
PAUSE = 0.02  # seconds between two questions whether something has happened
LINK = re.compile(r"\]\((http[^)]+)\)")
SERVE = ["-m", "botkit", "serve"]
# Runs a module with other limits than it would have.
LIMITED = """
import importlib, json, runpy, sys
limits, module = sys.argv[1:3]
for place, seconds in json.loads(limits).items():
    name, _, limit = place.rpartition(".")
    assert isinstance(getattr(importlib.import_module(name), limit), float), place
    setattr(sys.modules[name], limit, seconds)
sys.argv[1:] = sys.argv[3:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
QUICK_LOOKS = {"botkit.run.watch.LOOK_SECONDS": 0.1}  # at the subscriptions
# What a killed process had in hand is claimed again soon.
SHORT_LEASE = {"botkit.storage.messages.LEASE": 2.0, "botkit.bot.worker.BEAT": 0.5}
KEY = new_key()  # live, a bot wants one
# All that app() needs, but for the key.  Nobody answers there.
NEEDED = {
    "GITHUB_CLIENT_ID": "Ov23liSomething",
    "GITHUB_CLIENT_SECRET": "planted",
    "RINGCENTRAL_CHATBOT_CLIENT_ID": "something",
    "RINGCENTRAL_CHATBOT_CLIENT_SECRET": "planted",
    "RINGCENTRAL_CHATBOT_SERVER": "https://bot.example.com",
}


def free_port() -> int:
    """A port that nobody uses, and that the system gives to nobody else until it is wanted."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)  # below those of connections and of `port=0`
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's environment, with `settings` and with no other ones of botkit."""
    names = {variable.name for variable in known_variables()}
    return {name: value for name, value in os.environ.items() if name not in names} | settings


class BotProcess:
    """The bot, running in `folder` with these settings.  `output` is what it has printed so far.

    `command` are Python's arguments, or words for bash.
    """

    def __init__(
        self, folder: Path, settings: dict[str, str], command: Sequence[str] = SERVE
    ) -> None:
        self._errors = folder / "errors.txt"
        self.output: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()  # None: there will be no more
        with self._errors.open("w") as errors:
            self.process = start(
                *command,
                folder=folder,
                environment=clean_environment(**settings),
                stdout=PIPE,
                stderr=errors,
            )
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str) -> str:
        """The first line of its output, not asked for before, that has `text` in it."""
        with suppress(queue.Empty):
            while (line := self._lines.get(timeout=SECONDS)) is not None:
                if text in line:
                    return line
        raise AssertionError(f"{text!r} is not in {self.output}; {self.errors}")

    def stop(self) -> None:
        """Ask it to end, as a service manager does, and do not wait."""
        self.process.send_signal(signal.SIGTERM)

    def status(self) -> int:
        """Wait for its end; its exit status."""
        return self.process.wait(SECONDS)

    @property
    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8")

    def close(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


class ServeAt:
    """Starts bots in `folder` that listen at `address`, and ends them when it closes."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._running: list[BotProcess] = []

    def __call__(
        self,
        *,
        command: Sequence[str] = SERVE,
        limits: Mapping[str, float] | None = None,
        **settings: str,
    ) -> BotProcess:
        """Start one: `serve`, or the module of a command; `limits` are those of its modules."""
        if limits:
            command = ["-c", LIMITED, json.dumps(limits), *command[1:]]
        settings = {"BOTKIT_PORT": str(self.port), "BOTKIT_SECRET_KEY": KEY, **settings}
        self._running.append(BotProcess(self._folder, settings, command))
        return self._running[-1]

    def close(self) -> None:
        for bot in self._running:
            bot.close()


def wait_until(is_true: Callable[[], bool]) -> None:
    """Ask again and again; fail when the answer does not become true.

    The pause leaves the processor to what is being waited for.
    """
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "It did not become true in time."
        time.sleep(PAUSE)


def answers(address: str) -> bool:
    """Whether a bot is there."""
    try:
        return requests.get(f"{address}/health", timeout=SECONDS).ok
    except requests.ConnectionError:
        return False


def github_settings(github: PracticeProcess, address: str) -> dict[str, str]:
    client = github.call("register_app", "My bot", [f"{address}/github/oauth"])
    return {
        "GITHUB_CLIENT_ID": client[0],
        "GITHUB_CLIENT_SECRET": client[1],
        "GITHUB_SERVER": github.address,
    }


def chat_settings(chat: PracticeProcess) -> dict[str, str]:
    client = chat.call("registration")
    return {
        "RINGCENTRAL_CHATBOT_CLIENT_ID": client[0],
        "RINGCENTRAL_CHATBOT_CLIENT_SECRET": client[1],
        "RINGCENTRAL_SERVER": chat.address,
    }


class Alice:
    """Alice in a chat that runs as a process, with her browser; the bot has come and greeted."""

    def __init__(self, chat: PracticeProcess) -> None:
        self.chat = chat
        self.browser = Browser(cookies={"github_account": "alice"})
        self.newest = 0  # of all posts that she has read
        assert self.reads().startswith("Hello!")

    def say(self, text: str) -> str:
        """Write to the bot; its answer."""
        self.newest = int(self.chat.call("say", "Alice", text, "direct")["id"])
        return self.reads()

    def reads(self) -> str:
        """Wait for the next thing that the bot says to her, and read it."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for post in self.chat.call("posts", "direct", "Alice", since=str(self.newest)):
                self.newest = int(post["id"])
                if post["creator"] != "Alice":
                    return str(post["text"])
            self.chat.call("wait_for_change", self.newest, 1.0)
        raise AssertionError("The bot says nothing.")

    def approve(self) -> Page:
        """Follow the link in what the bot says, and approve."""
        link = LINK.search(self.say("profile"))
        assert link
        return self.browser.visit(link[1]).approve()

    def connect(self) -> Page:
        """Approve, and say the code that stands on the page; that page."""
        page = self.approve()
        code = re.search(r"\b\d{3} \d{3}\b", page.text)
        assert code, page
        assert self.say(code[0]).startswith("Connected to GitHub as **alice-practice**")
        return page
