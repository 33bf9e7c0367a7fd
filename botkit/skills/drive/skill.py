"""The Google Drive bot: a chat hears what changes in a Drive that somebody has bound to it.

`bind` brings the auth link (step 1), and the web app does step 2.  From then on the bot does not
wait for a message: Google calls POST /google/webhook when something changes, and step 3 happens by
itself.  How a Drive is watched is in drive/watch.py, below it lie the channels (drive/channels.py)
and the changes (drive/changes.py).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from botkit.chat import Event
from botkit.skills.base import ServiceSkill
from botkit.skills.drive.channels import WEBHOOK, turn_of, watched_by
from botkit.skills.drive.watch import DriveWatch, whose
from botkit.storage import Service

ABOUT = (
    "I watch a Google Drive for this chat, and tell you here when a file is added, trashed, "
    "restored or renamed. I only look: I change nothing in the Drive, and I stop when you say "
    "**unbind**."
)
NOT_BOUND = "No Google Drive is bound to this chat."


class GoogleDriveSkill(ServiceSkill):
    word = "drive"
    introduction = "I tell what changes in a Google Drive."
    commands = {
        "bind": "lets me tell in this chat what changes in your Google Drive",
        "about": "says what I do with a Google Drive",
    }
    words = ("bind", "unbind")
    shared = True
    remove_at = "in your Google account, under “Third-party apps & services”"

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.watch = DriveWatch(self)
        self.routes = Blueprint("google_drive", __name__)
        self.routes.add_url_rule(WEBHOOK, view_func=self._notification, methods=["POST"])

    # ---- what people say -------------------------------------------------------------------

    def answer(self, event: Event, command: str) -> bool:
        does = {"bind": self.connect, "unbind": self.disconnect, "about": self._about}
        first, *more = command.split() or [""]
        if first not in does:
            return False
        if more and " ".join(more) not in (self.word, self.title.lower()):
            self.say(event, f"Say **{first}** alone, without anything after it.")
        else:
            does[first](event)
        return True

    def connect(self, event: Event) -> None:
        """Offer a link; to anybody in the chat, also when a Drive is bound to it already."""
        service = self.found(event)
        if service is not None:
            but = "" if self.watch.may_look(service) else ", but I was not allowed to look into it"
            bound = f"{whose(service)} is bound to this chat{but}. Say **unbind** to end that."
            self.invite(event, f"{bound} To bind your own in its place:")

    def found(self, event: Event) -> Service | None:
        service = self.find(event)
        if service is None:
            self.invite(event, NOT_BOUND)
        return service

    def disconnect(self, event: Event) -> None:
        """Close the channels, and then end the connection as any other skill does."""
        service = self.find(event)
        if service is None:
            self.say(event, f"{NOT_BOUND} Say **bind** if you want that.")
            return
        with turn_of(self.storage, service.id) as turn:  # nobody reads changes in the middle of it
            if turn is not None:
                self.watch.close(turn.service)
            super().disconnect(event)

    def _about(self, event: Event) -> None:
        self.say(event, ABOUT)

    def help(self, topic: str) -> str | None:
        if topic not in (self.word, self.title.lower()):
            return None
        return f"{self.list_commands()}\n* **unbind** ends that"

    # ---- the connection of a chat ----------------------------------------------------------

    def find(self, event: Event) -> Service | None:
        """The connection of the chat.  One that the original framework wrote becomes ours, and
        others that it wrote beside it are deleted.
        """
        found = super().find(event)
        return found if found is None or found.user_id is not None else self._taken_over(found)

    def _taken_over(self, row: Service) -> Service:
        place = {"bot_id": row.bot_id or "", "group_id": row.group_id or ""}
        newest = self.storage.find_service(self.provider.name, **place) or row
        if newest.user_id is not None:
            if newest.id != row.id:  # it stands beside one that is ours
                self.storage.delete_service(row)
            return newest
        since = (newest.updated_at or self.storage.now()).isoformat()
        return self.storage.save_service(self.provider.name, **place, data={"watchedSince": since})

    def connected(self, service: Service) -> None:
        self.watch.begin(service)

    # ---- what happens without being asked --------------------------------------------------

    def handle(self, event: Event, handled: bool) -> bool:
        if event.kind in ("BotLeftGroup", "BotRemoved"):  # the connections go in a moment
            group_id = event.group_id if event.kind == "BotLeftGroup" else None
            for service in self.storage.find_services(bot_id=event.bot_id, group_id=group_id):
                if service.name == self.provider.name:
                    self.watch.close(service)
        return super().handle(event, handled)

    def maintain(self, service: Service) -> list[str]:
        """Renew the channel, and read what no notification has told."""
        if service.user_id is None:
            service = self._taken_over(service)
        return self.watch.look(service.id, daily=True)

    def _notification(self) -> Any:
        """POST /google/webhook: Google says that something has changed, and not what."""
        named = request.headers.get("X-Goog-Channel-ID", "")
        service = watched_by(self.storage, named, request.headers.get("X-Goog-Channel-Token", ""))
        if service is None:
            return "", 404
        if request.headers.get("X-Goog-Resource-State") != "sync":  # that one says: it is open
            self.watch.notified(service.id)
        return "", 200
