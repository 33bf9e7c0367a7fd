"""Let a whole class use a bot at the same time, before a real class does.

Start with `rehearse`.  The bot is `python -m botkit serve`, and it is live: the practice GitHub and
the practice chat are processes of their own, which it knows by their addresses.  GitHub takes its
time, as the real one does.  Everyone begins at the same moment, which is the hardest case.

Not here: a bot that meets one trouble after the other (the drills in `notebooks/INSTRUCTORS.md`).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botkit.practice import Browser, Driven, Page
from botkit.run.folder import temporary_folder
from botkit.settings import known_variables
from botkit.storage import new_key

GITHUB_SECONDS = 0.7  # for each answer of GitHub
PATIENCE = 60.0  # seconds that somebody waits for anything
LOOK = 0.1  # seconds between two looks at the chat
LINK, CODE = re.compile(r"\]\((http[^)]+)\)"), re.compile(r"\b\d{3} \d{3}\b")


class Trouble(Exception):
    """Raised when somebody does not get what they should; the message says what happened."""


@dataclass(frozen=True, repr=False)
class Outcome:
    """What a rehearsal has shown.

    `seconds` is how long all of it took.  `longest_wait` is the longest time that somebody waited
    for an answer, without the time that GitHub took for it.  `troubles` has a sentence for each
    person who got an error, or something of another person, and for each error in the bot's log.
    """

    people: int
    seconds: float
    longest_wait: float
    troubles: tuple[str, ...]

    def __repr__(self) -> str:
        if self.troubles:
            return "\n".join([f"Troubles: {len(self.troubles)}", *self.troubles])
        return (
            f"{self.people} people connected, asked and disconnected in {self.seconds:.0f} s. "
            f"The longest wait for the bot was {self.longest_wait:.1f} s."
        )


def rehearse(people: int = 30) -> Outcome:
    """Let so many people connect, ask and disconnect at the same time; return what happened.

    It needs no network and no settings, and leaves nothing behind.
    """
    with ExitStack() as stack:
        github, chat = (stack.enter_context(_practice(name)) for name in ("github", "ringcentral"))
        folder = stack.enter_context(temporary_folder())
        stack.enter_context(_bot(folder, github, chat))
        learners = [_Learner(number, github, chat) for number in range(1, people + 1)]
        github.call("trouble.next", times=100 * people, status=None, delay=GITHUB_SECONDS)
        began = time.monotonic()
        with ThreadPoolExecutor(people) as pool:
            troubles = [one for one in pool.map(_Learner.take_part, learners) if one]
        seconds = time.monotonic() - began
        troubles += [trouble for one in learners if (trouble := one.met(learners))]
        log = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
        troubles += re.findall(r"^.*(?:WARNING|ERROR|Traceback).*$", log, re.MULTILINE)
        longest = max(wait for one in learners for wait in one.waits)
        return Outcome(people, seconds, longest, tuple(troubles))


class _Learner:
    """Somebody in the chat, with an account at GitHub, and a browser."""

    def __init__(self, number: int, github: Driven, chat: Driven) -> None:
        self.name, self.login = f"Learner {number}", f"learner-{number:04}"
        self.waits = [0.0]
        self._chat, self._read = chat, 0
        self._seen: list[str] = []
        github.call("add_person", self.login, self.name)
        chat.call("add_person", self.name)
        self._browser = Browser(cookies={"github_account": self.login})

    def take_part(self) -> str:
        """Connect, ask and disconnect; return what went wrong, or an empty string."""
        try:
            link = LINK.search(self._say("profile", "You are not connected yet."))
            page = self._approve(self._browser.visit(link[1] if link else ""))
            code = CODE.search(page.text)
            self._say(code[0] if code else "no code", f"Connected to GitHub as **{self.login}**")
            self._say("profile", "Here is your GitHub profile", of_github=1)
            self._say("disconnect", "Disconnected. GitHub has forgotten", of_github=1)
        except (Trouble, LookupError, RuntimeError) as trouble:
            return f"{self.name}: {trouble}"
        return ""

    def met(self, others: list[_Learner]) -> str:
        """Return a sentence if this person has seen the account of another one."""
        seen = set(re.findall(r"learner-\d+", "\n".join(self._seen))) - {self.login}
        names = [one.name for one in others if one.login in seen]
        return f"{self.name} has seen something of {', '.join(names)}." if names else ""

    def _say(self, text: str, wanted: str, *, of_github: int = 0) -> str:
        """Say something, and wait for the reply that begins with `wanted`."""
        with self._waiting(of_github):
            self._read = int(self._chat.call("say", self.name, text, "direct")["id"])
            reply = self._reply()
        if not reply.startswith(wanted):
            raise Trouble(f"The bot replied to {text!r}: {reply.splitlines()[0]}")
        return reply

    def _reply(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for post in self._chat.call("posts", "direct", self.name, since=str(self._read)):
                self._read = int(post["id"])
                if post["creator"] != self.name:
                    self._seen.append(str(post["text"]))
                    return self._seen[-1]
            time.sleep(LOOK)
        raise Trouble("The bot did not reply.")

    def _approve(self, consent: Page) -> Page:
        with self._waiting(of_github=3):  # the page itself, the token, and the account
            page = consent.approve()
            deadline = time.monotonic() + PATIENCE
            while page.status == 503 and time.monotonic() < deadline:
                time.sleep(1)  # as the page tells the browser
                page = self._browser.visit(page.url)
        self._seen.append(page.text)
        if page.status != 200 or not CODE.search(page.text):
            raise Trouble(f"The page after approving was: {page.heading} ({page.status}).")
        return page

    @contextmanager
    def _waiting(self, of_github: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.waits.append(time.monotonic() - began - of_github * GITHUB_SECONDS)


@contextmanager
def _practice(name: str) -> Iterator[Driven]:
    pipe = subprocess.PIPE
    process = start_python("-m", "botkit.practice", name, stdin=pipe, stdout=pipe)
    with closing(Driven(process)) as server:
        yield server


@contextmanager
def _bot(folder: Path, github: Driven, chat: Driven) -> Iterator[None]:
    """Run a bot that is live at these servers, installed in the chat."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    app = github.call("register_app", "My bot", [f"{address}/github/oauth"])
    bot_app = chat.call("registration")
    (folder / ".env").touch()  # the bot reads no other one above this folder
    known = {variable.name for variable in known_variables()}
    environment = {name: value for name, value in os.environ.items() if name not in known} | {
        "BOTKIT_SKILLS": "github",
        "BOTKIT_PORT": str(port),
        "BOTKIT_SECRET_KEY": new_key(),
        "GITHUB_CLIENT_ID": app[0],
        "GITHUB_CLIENT_SECRET": app[1],
        "GITHUB_SERVER": github.address,
        "RINGCENTRAL_CHATBOT_CLIENT_ID": bot_app[0],
        "RINGCENTRAL_CHATBOT_CLIENT_SECRET": bot_app[1],
        "RINGCENTRAL_SERVER": chat.address,
        "RINGCENTRAL_CHATBOT_SERVER": address,
    }
    with (folder / "errors.txt").open("w") as errors:
        bot = start_python(
            *("-m", "botkit", "serve"),
            folder=folder,
            environment=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        while "Ctrl-C" not in (line := bot.stdout.readline()):
            if not line:
                log = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"The bot did not start. {log}")
        chat.call("install_bot", f"{address}/bot/oauth")
        chat.call("settle")
        yield
    finally:
        bot.kill()
        bot.wait()
        bot.stdout.close()


def start_python(
    *command: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **streams: Any,
) -> Any:
    """Start Python with this command, as a process of its own."""
    words = [sys.executable, *command]
    return subprocess.Popen(words, cwd=folder, env=environment, encoding="utf-8", **streams)
