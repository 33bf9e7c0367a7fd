"""Watching a Drive: begin, look, tell, and notice the end.

`look` is all there is to do, after a notification, every day, and once more after trouble: see to
the channel, read the log of changes from where we stopped to its end, and tell in the chat what is
new.  It stores the new place in the log at the very end.  Should anything go wrong on the way, the
next look reads the same changes again; what was told by then is remembered file by file, and not
told twice.

Kept in the connection's `data`: "pageToken" (the place in the log, named as the original named it),
"watchedSince", "watchedAccount", "files" (see drive/changes.py), "channels" (drive/channels.py).
"""

from __future__ import annotations

import threading
from contextlib import suppress

from botkit.chat import plain
from botkit.errors import BotkitError, ProviderError, ProviderNonsense, ReconnectNeeded
from botkit.oauth import ApiSession, missing_scopes
from botkit.skills.base import ServiceSkill
from botkit.skills.drive import api as drive_api
from botkit.skills.drive import changes as drive_changes
from botkit.skills.drive import channels as drive_channels
from botkit.skills.drive.changes import News
from botkit.skills.drive.channels import Turn, turn_of
from botkit.storage import Service

TRY_AGAIN_AFTER = (5.0, 30.0, 180.0)  # seconds; after that the next notification, or the next day
I_TELL = "I tell you here when a file is added, trashed, restored or renamed."


class DriveWatch:
    """The watches of all connections of one `skill`."""

    def __init__(self, skill: ServiceSkill) -> None:
        self._skill = skill
        self._storage = skill.storage
        self._waiting: set[int] = set()  # the connections for which a thread waits for its turn
        self._lock = threading.Lock()

    # ---- it begins -------------------------------------------------------------------------

    def begin(self, service: Service) -> None:
        """Watch a Drive that was bound a moment ago, and say so in the chat."""
        with turn_of(self._storage, service.id) as turn:
            if turn is None:
                return
            if turn.service.account.get("id") != service.account.get("id"):
                lost = "was bound, but somebody else took its place in the same moment."
                self._skill.tell(service, f"{whose(service)} {lost}")
                return
            if text := self._begun(turn.service):
                self._skill.tell(service, text)
        self.notified(service.id)

    def _begun(self, row: Service) -> str:
        bound = whose(row)
        if not self.may_look(row):
            return f"{bound} is bound, but I cannot watch it. {drive_api.MISSING_BOX}"
        row = self._of_this_account(row)
        try:
            with self._skill.api(row) as api:
                place = self._place(api, row)
                self._open(api, row, place)
        except ReconnectNeeded as error:
            self._ended(row, error)
            return ""
        except ProviderError as error:
            return f"{bound} is bound, but I cannot watch it yet. {error} I try again by myself."
        return f"{bound} is bound to this chat. {I_TELL} Say **unbind** to end that."

    def _of_this_account(self, row: Service) -> Service:
        """Forget what we know of the Drive that was bound before, if it is another one.

        With it go its channels; only the person who opened them could close them at Google.
        """
        if not _is_rebound(row):
            return row
        known = dict.fromkeys(("pageToken", "files", "watchedSince", "channels"))
        account = {"watchedAccount": row.account.get("id")}
        return self._storage.update_service(row.id, known | account) or row

    def _place(self, api: ApiSession, row: Service) -> str:
        """Where we are in the log; at the first time its end, with the files that are there."""
        now, place = self._storage.now(), (row.data or {}).get("pageToken")
        if isinstance(place, str) and place:
            return place
        # The files first, so that whatever changes after that is told.
        files = drive_changes.as_files(drive_api.newest_files(api, drive_changes.REMEMBERED))
        place = drive_api.log_end(api)
        known = {"pageToken": place, "files": files, "watchedSince": now.isoformat()}
        self._storage.update_service(row.id, known)
        return place

    def _open(self, api: ApiSession, row: Service, place: str) -> None:
        address = drive_channels.known_address(row, self._skill.address())
        row = drive_channels.replace_channels(self._storage, api, row, place, address)
        life = drive_channels.life_of(row, self._storage.now())
        if life < drive_channels.RENEW_WITHIN:  # the next day may be too late
            self._skill.work.later(life.total_seconds() / 2, self.notified, row.id)

    # ---- it goes on ------------------------------------------------------------------------

    def notified(self, service_id: int) -> None:
        """Look soon.  One thread that waits for its turn will see all that has changed by then."""
        with self._lock:
            if service_id in self._waiting:
                return
            self._waiting.add(service_id)
        self._skill.work.submit(self._look_soon, service_id, TRY_AGAIN_AFTER)

    def _look_soon(self, service_id: int, pauses: tuple[float, ...]) -> None:
        try:
            self.look(service_id)
        except BotkitError:
            if not pauses:
                raise
            self._skill.work.later(pauses[0], self._look_soon, service_id, pauses[1:])
        finally:
            self._waits_no_more(service_id)

    def look(self, service_id: int, *, daily: bool = False) -> list[str]:
        """See to the channel and tell what is new; a sentence for each thing that was done.

        Raises `ProviderError` or `ChatError` when that has to wait, and `StorageError`.
        """
        with turn_of(self._storage, service_id) as turn:
            self._waits_no_more(service_id)
            if turn is None or not self.may_look(turn.service):
                return []
            if _is_rebound(turn.service) and not daily:
                return []  # `begin` is about to look after it
            turn.service = self._of_this_account(turn.service)
            try:
                with self._skill.api(turn.service) as api:
                    return self._look(api, turn, daily)
            except ReconnectNeeded as error:
                return self._ended(turn.service, error)

    def _look(self, api: ApiSession, turn: Turn, daily: bool) -> list[str]:
        row, done = turn.service, list[str]()
        now = self._storage.get_service(row.id)
        if now is None or now.account.get("id") != row.account.get("id"):
            return []  # the session may be one for another person's Drive
        place, address = self._place(api, row), self._skill.address()
        trouble = None
        if drive_channels.is_due(row, address, self._storage.now(), daily=daily):
            try:
                turn.go_on()
                self._open(api, row, place)
                done.append(f"Renewed the watch of Google Drive in chat {row.group_id}.")
            except ProviderError as error:  # the changes can be read all the same
                trouble = error
        if done and not drive_channels.channels_of(row):
            self._skill.tell(row, f"{whose(row)} is being watched now. {I_TELL}")
        self._tell_news(api, turn)
        if trouble is not None:
            raise trouble
        return done

    def _waits_no_more(self, service_id: int) -> None:
        with self._lock:
            self._waiting.discard(service_id)

    def may_look(self, row: Service) -> bool:
        """Whether the person has left the box for Drive ticked."""
        provider = self._skill.provider
        return provider.scopes[0] not in missing_scopes(provider, row)

    # ---- what is new -----------------------------------------------------------------------

    def _tell_news(self, api: ApiSession, turn: Turn) -> None:
        row = self._storage.get_service(turn.service.id)
        if row is None:
            return
        try:
            news, place = self._read(api, turn, row)
        except drive_api.PlaceLost as error:
            self._storage.update_service(row.id, {"pageToken": None})
            self._place(api, self._storage.get_service(row.id) or row)
            self._skill.tell(row, f"{error} I begin again. I do not tell what came before.")
            return
        files = drive_changes.remembered(row)
        for text, told in drive_changes.posts(news):
            turn.go_on()
            self._skill.tell(row, text)
            drive_changes.remember(files, told)
            self._storage.update_service(row.id, {"files": files})
        if news or place != (row.data or {}).get("pageToken"):
            drive_changes.remember(files, news)
            files = drive_changes.newest(files)
            self._storage.update_service(row.id, {"pageToken": place, "files": files})

    def _read(self, api: ApiSession, turn: Turn, row: Service) -> tuple[list[News], str]:
        """All pages of changes, and the place after them."""
        data, files, news = row.data or {}, drive_changes.remembered(row), list[News]()
        since = drive_channels.moment(data.get("watchedSince")) or self._storage.now()
        account = str(row.account.get("name") or "Somebody")
        place, at_end, seen = str(data.get("pageToken")), False, set[str]()
        while not at_end:
            if place in seen:
                raise ProviderNonsense("Google Drive sent the same page of changes again.")
            seen.add(place)
            turn.go_on()
            changes, place, at_end = drive_api.changes_page(api, place)
            for change in changes:  # a file may come again, if it changes while we read
                one = drive_changes.news_of(change, files, since, account)
                if one is not None:
                    drive_changes.remember(files, [one])
                    news.append(one)
        return news, place

    # ---- it ends ---------------------------------------------------------------------------

    def close(self, service: Service) -> None:
        """Close the channels, as far as Google lets us."""
        channels = drive_channels.channels_of(service)
        if channels:
            with suppress(ProviderError), self._skill.api(service) as api:
                drive_channels.close_channels(api, channels, self._storage.now())

    def _ended(self, row: Service, error: ReconnectNeeded) -> list[str]:
        """Google no longer accepts the token: say so in the chat, and remove the connection."""
        now = self._storage.get_service(row.id)
        if now is None or now.refresh_token not in (None, row.refresh_token):
            return []  # unbound by now, or bound anew
        self._skill.tell(
            row,
            f"{whose(row)} cannot be watched any more: Google does not accept the "
            "connection. Somebody may have removed it there. Say **bind** to bind a Drive again.",
        )
        self._storage.delete_service(now)
        return [f"Removed the connection of Google Drive in chat {row.group_id}. {error}"]

    def __repr__(self) -> str:
        return "<DriveWatch>"


def _is_rebound(row: Service) -> bool:
    """Whether what we know is of another Drive than the one that is bound now."""
    return (row.data or {}).get("watchedAccount") != row.account.get("id")


def whose(service: Service) -> str:
    """A Drive, by the name of its owner where that is known."""
    name = plain(service.account.get("name"))
    return f"The Google Drive of **{name}**" if name else "A Google Drive"
