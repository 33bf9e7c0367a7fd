"""Bind a Google Drive to a chat, and take Google's notifications.

The reply to `bind` is the auth link (step 1), and the web app does step 2.  After that the bot does
not wait for a message: Google calls POST /google/webhook when something changes, and step 3 happens
by itself.

Not here: how a Drive is watched (`watch.py`).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from botkit.chat import Event
from botkit.providers import google_drive
from botkit.skills.base import ServiceSkill
from botkit.skills.drive.channels import WEBHOOK, find_watched
from botkit.skills.drive.lease import lease_of
from botkit.skills.drive.watch import CHECK, RENEW, DriveWatch, drive_name
from botkit.storage import Service

ABOUT = (
    "I watch a Google Drive for this chat, and tell you here when a file is added, trashed, "
    "restored or renamed. I only look: I change nothing in the Drive, and I stop when you say "
    "**unbind**."
)
NOT_BOUND = "No Google Drive is bound to this chat."


class GoogleDriveSkill(ServiceSkill):
    word, connects_to = "drive", google_drive
    introduction = "I tell what changes in a Google Drive."
    commands = {
        "bind": "lets me tell in this chat what changes in your Google Drive",
        "about": "says what I do with a Google Drive",
    }
    words = ("bind", "unbind")
    shared = True
    remove_at = "in your Google account, under “Third-party apps & services”"

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.watch = DriveWatch(self)
        self.jobs = {CHECK: self.watch.check_now, RENEW: self.watch.check_now}
        self.routes = Blueprint("google_drive", __name__)
        self.routes.add_url_rule(WEBHOOK, view_func=self._notification, methods=["POST"])

    # ---- what people say -------------------------------------------------------------------

    def answer(self, event: Event, command: str) -> bool:
        does = {"bind": self.connect, "unbind": self.disconnect, "about": self._about}
        first, *more = command.split() or [""]
        if first not in does:
            return False
        if more and " ".join(more) not in (self.word, self.title.lower()):
            self.reply(event, f"Say **{first}** alone, without anything after it.")
        else:
            does[first](event)
        return True

    def connect(self, event: Event) -> None:
        """Reply with an auth link, to the one who has bound the Drive also for another one."""
        service = self.find_or_send_link(event)
        if service is None:
            return
        but = "" if self.watch.may_read(service) else ", but I was not allowed to look into it"
        bound = f"{drive_name(service)} is bound to this chat{but}."
        if not self.may_decide(service, event.user_id):
            self.reply(event, f"{bound} {self.belongs_to_another()}")
            return
        end = "Say **unbind** to end that. To bind your own in its place:"
        self.send_auth_link(event, f"{bound} {end}")

    def find_or_send_link(self, event: Event) -> Service | None:
        service = self.find(event)
        if service is None:
            self.send_auth_link(event, NOT_BOUND)
        return service

    def disconnect(self, event: Event) -> None:
        if self.find(event) is None:
            self.reply(event, f"{NOT_BOUND} Say **bind** if you want that.")
            return
        super().disconnect(event)

    def end(self, service: Service) -> list[str]:
        """Close the channels, then end the connection as every skill does."""
        with lease_of(self.storage, service.id) as lease:  # nobody reads changes in the middle
            if lease is not None:
                self.watch.close(lease.service)
            return super().end(service)

    def belongs_to_another(self) -> str:
        return "Only the person who has bound it can unbind or replace it."

    def _about(self, event: Event) -> None:
        self.reply(event, ABOUT)

    def help(self, topic: str) -> str | None:
        if topic not in (self.word, self.title.lower()):
            return None
        return f"{self.list_commands()}\n* **unbind** ends that"

    # ---- the connection of a chat ----------------------------------------------------------

    def find(self, event: Event) -> Service | None:
        """Return the connection of the chat.

        One that the original framework wrote is taken over, and others beside it are deleted.
        """
        found = super().find(event)
        return found if found is None or found.user_id is not None else self._take_over(found)

    def _take_over(self, row: Service) -> Service:
        place = {"bot_id": row.bot_id or "", "group_id": row.group_id or ""}
        newest = self.storage.find_service(self.provider.name, **place) or row
        if newest.user_id is not None:
            if newest.id != row.id:  # there is one of ours beside it
                self.storage.delete_service(row)
            return newest
        since = (newest.updated_at or self.storage.now()).isoformat()
        return self.storage.save_service(self.provider.name, **place, data={"watchedSince": since})

    def on_connected(self, service: Service) -> None:
        self.watch.start(service)

    # ---- what happens without being asked --------------------------------------------------

    def handle(self, event: Event, handled: bool) -> bool:
        if event.kind in ("BotLeftGroup", "BotRemoved"):  # the connections are deleted in a moment
            group_id = event.group_id if event.kind == "BotLeftGroup" else None
            for service in self.storage.find_services(bot_id=event.bot_id, group_id=group_id):
                if service.name == self.provider.name:
                    self.watch.close(service)
        return super().handle(event, handled)

    def maintain(self, service: Service) -> list[str]:
        """Renew the channel, and read what no notification came for."""
        if service.user_id is None:
            service = self._take_over(service)
        return self.watch.check(service.id, daily=True)

    def _notification(self) -> Any:
        """Take a notification: something has changed, but it does not say what."""
        named = request.headers.get("X-Goog-Channel-ID", "")
        service = find_watched(self.storage, named, request.headers.get("X-Goog-Channel-Token", ""))
        if service is None:
            return "", 404
        if (
            request.headers.get("X-Goog-Resource-State") != "sync"
        ):  # `sync` only says that the channel is open
            self.watch.check_soon(service.id)
        return "", 200
