"""A kit with the Drive bot alone, for the tests of the Drive skill."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import requests

from botkit.lessons.kit import PRACTICE, Kit
from botkit.practice.google.files import File
from botkit.storage import Service

WATCH, STOP, CHANGES = "/drive/v3/changes/watch", "/drive/v3/channels/stop", "/drive/v3/changes"
START, FILES = "/drive/v3/changes/startPageToken", "/drive/v3/files"
GARBAGE: list[dict[str, Any]] = [
    {"status": 200, "body": "<html>"},
    {"status": 200, "body": "[1, 2]"},
    {"status": 200, "body": "{}"},
    {"status": 500},
    {"status": 429},
    {"status": 403, "body": '{"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}'},
    {"status": 403, "body": '{"error": "access"}'},
    {"status": 404, "body": "null"},
]


class DriveWorld:
    """The kit, Alice's chat with the bot, and what is written there since it was last looked at."""

    def __init__(self, database: str | None = None) -> None:
        self.kit = Kit(replace(PRACTICE, skills=("drive",), database=database))
        self.google = self.kit.world.google
        self.push = self.google.push
        self.storage = self.kit.storage
        (self.skill,) = self.kit.bot.services

    def bind(self, person: str = "alice", chat: str = "direct", *, account: str = "") -> list[str]:
        """Bind the Drive of a person, or another `account` of theirs; what the bot says then."""
        someone = getattr(self.kit, person)
        someone.say("@bot bind" if chat == "Team" else "bind", chat=chat)
        browser = getattr(self.kit, account or person).browser
        page = browser.visit(someone.link).approve()
        assert page.heading == "Connected", page.text
        return self.told(person, chat)

    def told(self, person: str = "alice", chat: str = "direct") -> list[str]:
        """The new messages of the bot."""
        return [text for _, text in getattr(self.kit, person).reads(chat=chat).messages]

    def say(self, text: str, person: str = "alice", chat: str = "direct") -> str:
        return getattr(self.kit, person).say(text, chat=chat).text

    @property
    def later(self) -> list[float]:
        """In how many seconds the job that was put off is due."""
        due = self.storage.messages.next_due(30 * 24 * 3600)
        return [due["do"]] if "do" in due else []

    def do_later(self) -> None:
        """Do what was put off."""
        for seconds in self.later:
            self.kit.clock.advance(minutes=(seconds + 0.01) / 60)
        self.kit.settle()

    @property
    def row(self) -> Service:
        (row,) = self.storage.find_services(bot_id=self.kit.bot_id)
        return row

    @property
    def live(self) -> list[str]:
        """The ids of the channels that are open at Google."""
        return [one.id for one in self.push.channels.values() if self.push.is_live(one)]

    def asked(self, path: str) -> int:
        """How many requests Google has had there."""
        return sum(one.path == path for one in self.google.requests_seen)

    def link(self, file: File) -> str:
        return f"[{file.name}]({self.google.link(file)})"

    def notify(self, **headers: str) -> int:
        """Send a notification as Google does; the status of the answer."""
        channel = self.row.data["channels"][-1]
        sent = {
            "X-Goog-Channel-ID": channel["id"],
            "X-Goog-Channel-Token": channel["token"],
            "X-Goog-Resource-State": "change",
            "X-Goog-Message-Number": "7",
            "X-Goog-Resource-ID": channel["resource"],
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value != "absent"}
        answer = requests.post(f"{self.kit.address}/google/webhook", headers=sent)
        self.kit.settle()
        return answer.status_code

    def close(self) -> None:
        self.kit.close()
