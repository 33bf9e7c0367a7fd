"""Answer as the Drive API, version 3: files, the log of changes, and push channels.

Answers are short unless the parameter `fields` asks for more.  Not played: search other than
`trashed=`, sorting, shared drives, and all that writes files.

Source: the reference of the Drive API, and its discovery document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from botkit.practice.google.answers import (
    GoogleApiError,
    Json,
    boolean,
    endpoint,
    integer,
    json_object,
    wrong_parameter,
)
from botkit.practice.google.files import (
    ABOUT,
    CHANGES,
    FILE,
    FILES,
    FIRST_CHANGE,
    SHORT_CHANGES,
    SHORT_FILE,
    SHORT_FILES,
    START,
    Drive,
    user,
)
from botkit.practice.google.ledger import AccessToken, GoogleLedger
from botkit.practice.google.push import DEFAULT_LIFE, Channel, Push, resource_id

CHANNEL: dict[str, type | tuple[type, ...]] = {
    "expiration": (str, int),
    "params": dict,
    "payload": bool,
    **dict.fromkeys(("address", "id", "kind", "resourceId", "resourceUri", "token", "type"), str),
}
OPENED = "practice.channel"  # where the request that opened a channel says so
MOST_PER_PAGE, LONGEST_CHANNEL_ID, LONGEST_CHANNEL_TOKEN = 1000, 64, 256


class DriveApi:
    """The routes below `/drive/v3`, as a Flask `blueprint`."""

    def __init__(
        self, ledger: GoogleLedger, drive: Drive, push: Push, address: Callable[[], str]
    ) -> None:
        self._drive = drive
        self._push = push
        self._address = address
        self.blueprint = Blueprint("google_drive", __name__)
        for name, view, known, short in (
            ("about.get", self._about, ABOUT, "*"),
            ("files.list", self._list_files, FILES, SHORT_FILES),
            ("files.get", self._get_file, FILE, SHORT_FILE),
            ("changes.getStartPageToken", self._start_page_token, START, "*"),
            ("changes.list", self._list_changes, CHANGES, SHORT_CHANGES),
            ("changes.watch", self._watch, CHANGES, "*"),
            ("channels.stop", self._stop, {}, "*"),
        ):
            endpoint(self.blueprint, ledger, f"drive.{name}", view, known, short)

    # ---- who and what --------------------------------------------------------------------------

    def _about(self, token: AccessToken) -> Json:
        if not request.args.get("fields"):
            sentence = "The 'fields' parameter is required for this method."
            raise wrong_parameter("fields", sentence, "required")
        return {"kind": "drive#about", "user": user(token.owner)}

    def _list_files(self, token: AccessToken) -> Json:
        files = self._drive.files_of(token.owner)
        if query := request.args.get("q"):
            found = re.fullmatch(r"\s*trashed\s*=\s*(true|false)\s*", query)
            if not found:
                raise wrong_parameter("q", "Invalid Value")
            files = [file for file in files if file.trashed == (found[1] == "true")]
        start = self._place("0", 0, len(files))
        end = start + integer("pageSize", 100, MOST_PER_PAGE)
        body = {
            "kind": "drive#fileList",
            "incompleteSearch": False,
            "files": [file.shape(self._address()) for file in files[start:end]],
        }
        more = {"nextPageToken": str(end)} if end < len(files) else {}
        return body | more

    def _get_file(self, token: AccessToken, fileId: str) -> Json:
        file = self._drive.file(fileId, token.owner)
        if file is None:
            place = {"location": "fileId", "locationType": "parameter"}
            raise GoogleApiError(404, f"File not found: {fileId}.", "notFound", **place)
        return file.shape(self._address())

    # ---- changes -------------------------------------------------------------------------------

    def _start_page_token(self, token: AccessToken) -> Json:
        next_change = self._drive.next_change(token.owner)
        return {"kind": "drive#startPageToken", "startPageToken": str(next_change)}

    def _list_changes(self, token: AccessToken) -> Json:
        end = self._drive.next_change(token.owner)
        changes = self._drive.changes_from(token.owner, self._place("", FIRST_CHANGE, end))
        if not boolean("includeRemoved", True):
            changes = [change for change in changes if not change.file.removed]
        size = integer("pageSize", 100, MOST_PER_PAGE)
        page, rest = changes[:size], changes[size:]
        body: Json = {
            "kind": "drive#changeList",
            "changes": [change.shape(self._address()) for change in page],
        }
        if rest:
            body["nextPageToken"] = str(rest[0].number)
        else:
            body["newStartPageToken"] = str(end)
        return body

    def _place(self, default: str, first: int, last: int) -> int:
        """Return the place in a list for which `pageToken` stands."""
        sent = request.args.get("pageToken", default)
        if not re.fullmatch(r"\d{1,15}", sent) or not first <= int(sent) <= last:
            raise wrong_parameter("pageToken", "Invalid Value")
        return int(sent)

    # ---- channels ------------------------------------------------------------------------------

    def _watch(self, token: AccessToken) -> Response:
        place = self._place("", FIRST_CHANGE, self._drive.next_change(token.owner))
        asked = json_object(CHANNEL)
        self._check_channel(asked)
        channel = Channel(
            id=asked["id"],
            account=token.owner,
            client=token.app,
            address=asked["address"],
            resource_uri=f"{self._address()}/drive/v3/changes?pageToken={place}&alt=json",
            expires=self._end_of_life(asked.get("expiration")),
            token=asked.get("token"),
        )
        self._push.open(channel)
        request.environ[OPENED] = channel
        response = jsonify(channel.shape())
        response.call_on_close(channel.answered.set)
        return response

    def _check_channel(self, asked: Json) -> None:
        for name in ("id", "type", "address"):
            if not asked.get(name):
                raise GoogleApiError(400, f"Required parameter: resource.{name}", "required")
        if not re.fullmatch(rf"[\w\-+/=]{{1,{LONGEST_CHANNEL_ID}}}", asked["id"], re.ASCII):
            raise GoogleApiError(400, "Invalid value for: resource.id", "invalid")
        if asked["id"] in self._push.channels:
            raise GoogleApiError(400, f"Channel id {asked['id']} not unique", "channelIdNotUnique")
        if asked["type"] not in ("web_hook", "webhook"):
            raise GoogleApiError(400, "Channel type not supported", "push.channelTypeNotSupported")
        if len(asked.get("token", "")) > LONGEST_CHANNEL_TOKEN:
            raise GoogleApiError(400, "Invalid value for: resource.token", "invalid")
        if not _takes_webhooks(asked["address"]):
            message = f"WebHook callback must be HTTPS: {asked['address']}"
            raise GoogleApiError(400, message, "push.webhookUrlNotHttps")

    def _end_of_life(self, expiration: str | int | None) -> datetime:
        """Return the end that was asked for, unless Google's own limit comes earlier."""
        now = self._drive.now()
        if expiration is None:
            return now + min(DEFAULT_LIFE, self._push.longest_life)
        if isinstance(expiration, bool) or not re.fullmatch(r"\d{1,15}", str(expiration)):
            raise GoogleApiError(400, "Invalid value for: resource.expiration", "invalid")
        latest = now + self._push.longest_life
        asked_milliseconds = min(int(expiration), int(latest.timestamp() * 1000))
        asked = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=asked_milliseconds)
        if asked <= now:
            raise GoogleApiError(400, "Invalid value for: resource.expiration", "invalid")
        return asked

    def _stop(self, token: AccessToken) -> Response:
        """Close a channel.  Only the person who opened it may do so, with the same client."""
        asked = json_object(CHANNEL)
        channel = self._push.channels.get(asked.get("id", ""))
        mine = channel and (channel.account, channel.client) == (token.owner, token.app)
        right = channel and asked.get("resourceId") == resource_id(channel.account)
        if channel is None or not mine or not right or not self._push.is_live(channel):
            where = f"for project '{token.app.project}'"
            raise GoogleApiError(404, f"Channel '{asked.get('id')}' not found {where}", "notFound")
        channel.stopped = True
        return Response(status=204)


def _takes_webhooks(address: str) -> bool:
    """Return whether a webhook may be here: HTTPS, or HTTP on this computer."""
    try:
        url = urlsplit(address)
    except ValueError:
        return False
    loopback = url.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(url.hostname) and (url.scheme == "https" or (url.scheme == "http" and loopback))
