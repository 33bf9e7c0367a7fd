"""Watch a Drive: start, check it, say what is new, and notice the end.

Start with `DriveWatch.check`.  It does all the work, after a notification, once a day, and again
after an error: renew the channel, read the log of changes from the last page token to its end, and
say in the chat what is new.  It stores the new page token at the end.  If something goes wrong
before that, the next check reads the same changes again.  What was said by then is remembered file
by file, and not said twice.

Kept in the connection's `data`: "pageToken" (the place in the log, as the original framework
named it), "watchedSince", "watchedAccount", "files" (`changes.py`), "channels" (`channels.py`).

Not here: the commands (`skill.py`).
"""

from __future__ import annotations

from contextlib import suppress

from botkit.chat import plain
from botkit.errors import (
    BotkitError,
    ChatError,
    ProviderError,
    ProviderNonsense,
    ReconnectNeeded,
    TryLater,
)
from botkit.oauth import ApiSession, missing_scopes
from botkit.skills.base import ServiceSkill
from botkit.skills.drive import api as drive_api
from botkit.skills.drive import changes as drive_changes
from botkit.skills.drive import channels as drive_channels
from botkit.skills.drive.changes import FileNews
from botkit.skills.drive.lease import Lease, lease_of
from botkit.storage import Claimed, Service, do_job, person_of, read_moment

TRY_AGAIN_AFTER = (5.0, 30.0, 180.0)  # seconds; after that the next notification, or the next day
MOST_PAGES = 100  # of changes in one check
CHECK, RENEW = "drive check", "drive renew"  # the names of jobs
ABANDONED = "abandonedBy"  # where `data` remembers who has left the chat, once that was said
HAS_LEFT = "the person who bound it has left this chat. Say **bind** to bind another one."
I_TELL = "I tell you here when a file is added, trashed, restored or renamed."


class DriveWatch:
    """The watches of all connections of one `skill`."""

    def __init__(self, skill: ServiceSkill) -> None:
        self._skill = skill
        self._storage = skill.storage

    # ---- start ----------------------------------------------------------------------------

    def start(self, service: Service) -> None:
        """Start to watch a Drive that was just bound, and say so in the chat."""
        with lease_of(self._storage, service.id) as lease:
            if lease is None:
                return
            if lease.service.account.get("id") != service.account.get("id"):
                lost = "was bound, but somebody else took its place in the same moment."
                self._skill.say(service, f"{drive_name(service)} {lost}")
                return
            if text := self._start(lease.service):
                self._skill.say(service, text)
        self.check_soon(service.id)

    def _start(self, row: Service) -> str:
        bound = drive_name(row)
        if not self.may_read(row):
            return f"{bound} is bound, but I cannot watch it. {drive_api.MISSING_BOX}"
        row = self._of_this_account(row)
        try:
            with self._skill.api(row) as api:
                page_token = self._page_token(api, row)
                self._open(api, row, page_token)
        except ReconnectNeeded as error:
            self._remove_connection(row, error)
            return ""
        except ProviderError as error:
            return f"{bound} is bound, but I cannot watch it yet. {error} I try again by myself."
        return f"{bound} is bound to this chat. {I_TELL} Say **unbind** to end that."

    def _of_this_account(self, row: Service) -> Service:
        """Delete what is known of the Drive that was bound before, if it is another one.

        Its channels go too: only the person who opened them could close them at Google.
        """
        if not _is_rebound(row):
            return row
        known = dict.fromkeys(("pageToken", "files", "watchedSince", "channels"))
        account = {"watchedAccount": row.account.get("id")}
        return self._storage.update_service(row.id, known | account) or row

    def _page_token(self, api: ApiSession, row: Service) -> str:
        """Return where reading goes on in the log; the first time its end, with today's files."""
        now, page_token = self._storage.now(), (row.data or {}).get("pageToken")
        if isinstance(page_token, str) and page_token:
            return page_token
        # The files first, so that no change after that is missed.
        files = drive_changes.files_of(drive_api.fetch_newest_files(api, drive_changes.REMEMBERED))
        page_token = drive_api.fetch_log_end(api)
        known = {"pageToken": page_token, "files": files, "watchedSince": now.isoformat()}
        self._storage.update_service(row.id, known)
        return page_token

    def _open(self, api: ApiSession, row: Service, page_token: str) -> None:
        address = drive_channels.known_address(row, self._skill.address())
        row = drive_channels.replace_channels(self._storage, api, row, page_token, address)
        life = drive_channels.life_of(row, self._storage.now())
        if life < drive_channels.RENEW_WITHIN:  # the next day may be too late
            half = life.total_seconds() / 2
            self._storage.messages.add(do_job(RENEW, str(row.id), seconds=half))

    # ---- check ----------------------------------------------------------------------------

    def check_soon(self, service_id: int) -> None:
        """Have it checked soon; one check that has not begun yet is enough."""
        self._storage.messages.add(do_job(CHECK, str(service_id)))

    def check_now(self, job: Claimed) -> None:
        """Do the job that `check_soon` has left.

        Raises `TryLater` after an error, until there are no more pauses, and then the error.
        """
        _, service_id = job.name
        try:
            self.check(int(service_id))
        except BotkitError as error:
            if job.tries > len(TRY_AGAIN_AFTER):
                raise
            raise TryLater(TRY_AGAIN_AFTER[job.tries - 1]) from error

    def check(self, service_id: int, *, daily: bool = False) -> list[str]:
        """Renew the channel, and say what is new; return a sentence for each thing done.

        `daily` says that this is the check of the day, which renews earlier.  Raises
        `ProviderError` or `TryLater` when that has to wait, and `StorageError`.
        """
        with lease_of(self._storage, service_id) as lease:
            if lease is None or not self.may_read(lease.service):
                return []
            if self._is_abandoned(lease.service):
                return []
            if _is_rebound(lease.service) and not daily:
                return []  # `start` is about to do it
            lease.service = self._of_this_account(lease.service)
            try:
                with self._skill.api(lease.service) as api:
                    return self._check(api, lease, daily)
            except ReconnectNeeded as error:
                return self._remove_connection(lease.service, error)

    def _check(self, api: ApiSession, lease: Lease, daily: bool) -> list[str]:
        row, done = lease.service, list[str]()
        now = self._storage.get_service(row.id)
        if now is None or now.account.get("id") != row.account.get("id"):
            return []  # the session may be one for another person's Drive
        page_token, address = self._page_token(api, row), self._skill.address()
        trouble = None
        if drive_channels.is_due(row, address, self._storage.now(), daily=daily):
            try:
                lease.extend()
                self._open(api, row, page_token)
                done.append(f"Renewed the watch of Google Drive in chat {row.group_id}.")
            except ProviderError as error:  # the changes can be read all the same
                trouble = error
        if done and not drive_channels.channels_of(row):
            self._skill.say(row, f"{drive_name(row)} is being watched now. {I_TELL}")
        self._tell_news(api, lease)
        if trouble is not None:
            raise trouble
        return done

    def _is_abandoned(self, row: Service) -> bool:
        """Return whether the person who bound the Drive has left the chat; say so there once.

        What happens in the Drive is told only where its owner is, too.  The changes are told later
        if the person comes back.  If not, `maintain` ends the connection.
        """
        try:
            person, place = person_of(row), (row.bot_id or "", row.group_id or "")
            has_left = self._skill.chat.has_left(*place, person)
        except ChatError:  # nobody knows
            return False
        told = (row.data or {}).get(ABANDONED) == person
        if has_left and not told:
            self._storage.update_service(row.id, {ABANDONED: person})
            self._skill.say(row, f"{drive_name(row)} is not watched here any more: {HAS_LEFT}")
        elif told and not has_left:
            self._storage.update_service(row.id, {ABANDONED: None})
        return has_left

    def may_read(self, row: Service) -> bool:
        """Return whether the person granted the scope for Drive."""
        provider = self._skill.provider
        return provider.scopes[0] not in missing_scopes(provider, row)

    # ---- what is new -----------------------------------------------------------------------

    def _tell_news(self, api: ApiSession, lease: Lease) -> None:
        row = self._storage.get_service(lease.service.id)
        if row is None:
            return
        try:
            news, page_token = self._read(api, lease, row)
        except drive_api.PageTokenUnknown as error:
            self._storage.update_service(row.id, {"pageToken": None})
            self._page_token(api, self._storage.get_service(row.id) or row)
            self._skill.say(row, f"{error} I begin again. I do not tell what came before.")
            return
        files = drive_changes.read_files(row)
        for text, told in drive_changes.write_posts(news):
            lease.extend()
            self._skill.say(row, text)
            drive_changes.update_files(files, told)
            self._storage.update_service(row.id, {"files": files})
        if news or page_token != (row.data or {}).get("pageToken"):
            drive_changes.update_files(files, news)
            files = drive_changes.keep_newest(files)
            self._storage.update_service(row.id, {"pageToken": page_token, "files": files})

    def _read(self, api: ApiSession, lease: Lease, row: Service) -> tuple[list[FileNews], str]:
        """Return what is new on all pages of changes, and the page token after them."""
        data, files, news = row.data or {}, drive_changes.read_files(row), list[FileNews]()
        since = read_moment(data.get("watchedSince")) or self._storage.now()
        account = str(row.account.get("name") or "Somebody")
        page_token, at_end, seen = str(data.get("pageToken")), False, set[str]()
        while not at_end:
            if page_token in seen:
                raise ProviderNonsense("Google Drive sent the same page of changes again.")
            if len(seen) == MOST_PAGES:  # the rest is for the next check
                self.check_soon(row.id)
                break
            seen.add(page_token)
            lease.extend()
            changes, page_token, at_end = drive_api.fetch_changes(api, page_token)
            for change in changes:  # a file may come again, if it changes while we read
                one = drive_changes.read_change(change, files, since, account)
                if one is not None:
                    drive_changes.update_files(files, [one])
                    news.append(one)
        return news, page_token

    # ---- end -------------------------------------------------------------------------------

    def close(self, service: Service) -> None:
        """Close the channels of a connection, as far as Google allows it."""
        channels = drive_channels.channels_of(service)
        if channels:
            with suppress(ProviderError), self._skill.api(service) as api:
                drive_channels.close_channels(api, channels, self._storage.now())

    def _remove_connection(self, row: Service, error: ReconnectNeeded) -> list[str]:
        """Say in the chat that Google refuses the token, and remove the connection."""
        now = self._storage.get_service(row.id)
        if now is None or not (
            (now.data or {}).get("needsReconnect") or now.shares_token_with(row)
        ):
            return []  # unbound by now, or bound anew
        self._skill.say(
            row,
            f"{drive_name(row)} cannot be watched any more: Google does not accept the "
            "connection. Somebody may have removed it there. Say **bind** to bind a Drive again.",
        )
        if not self._storage.delete_service(now):  # bound anew while we said that
            return []
        return [f"Removed the connection of Google Drive in chat {row.group_id}. {error}"]


def _is_rebound(row: Service) -> bool:
    """Return whether what is known is about another Drive than the one that is bound now."""
    return (row.data or {}).get("watchedAccount") != row.account.get("id")


def drive_name(service: Service) -> str:
    """Return what to call a Drive: by the name of its owner, if that is known."""
    name = plain(service.account.get("name"))
    return f"The Google Drive of **{name}**" if name else "A Google Drive"
