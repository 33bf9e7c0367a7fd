"""List the methods of Google's APIs that are played here.

The rows follow Google's discovery documents.

A row says at which path a method lives, which scopes open it, and which query parameters it takes.
A request with any other parameter is refused, so that a misspelt name is noticed.  Some of the
parameters that are let in change nothing here: nobody has a shared drive, for example.

The tests hold this table against the documents in the package google-api-python-client.
Source: https://www.googleapis.com/discovery/v1/apis/drive/v3/rest (and sheets/v4, oauth2/v2).
"""

from __future__ import annotations

from dataclasses import dataclass

from botkit.practice.google.scopes import AUTH, SIGN_IN


@dataclass(frozen=True)
class Method:
    """One row: `drive.files.list` and so on.  `path` is written as Flask wants it."""

    id: str
    http: str
    path: str
    scopes: frozenset[str]
    parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()

    @property
    def service(self) -> str:
        return self.id.split(".")[0]


def _scopes(names: str) -> frozenset[str]:
    return frozenset(AUTH + name for name in names.split())


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_USUAL = _words(
    "$.xgafv access_token alt callback fields key oauth_token prettyPrint quotaUser uploadType"
    " upload_protocol"
)
#: What every method of an API takes; the API for signing in is an old one.
SYSTEM_PARAMETERS = {
    "drive": _USUAL,
    "oauth2": _words("alt fields key oauth_token prettyPrint quotaUser userIp"),
    "sheets": _USUAL,
}

_ANY_DRIVE = _scopes("drive drive.readonly drive.metadata drive.metadata.readonly")
_READ_SHEETS = _scopes("drive drive.readonly spreadsheets spreadsheets.readonly")
_WRITE_SHEETS = _scopes("drive spreadsheets")

_ONE_FILE = _words(
    "acknowledgeAbuse includeLabels includePermissionsForView supportsAllDrives supportsTeamDrives"
)
_FILES = _words(
    "corpora corpus driveId includeItemsFromAllDrives includeLabels includePermissionsForView"
    " includeTeamDriveItems orderBy pageSize pageToken q spaces supportsAllDrives"
    " supportsTeamDrives teamDriveId"
)
_SHARED_DRIVE = _words("driveId supportsAllDrives supportsTeamDrives teamDriveId")
_CHANGES = _SHARED_DRIVE | _words(
    "includeCorpusRemovals includeItemsFromAllDrives includeLabels includePermissionsForView"
    " includeRemoved includeTeamDriveItems pageSize pageToken restrictToMyDrive spaces"
)
_READ = _words("dateTimeRenderOption majorDimension valueRenderOption")
_WRITE = _words(
    "includeValuesInResponse responseDateTimeRenderOption responseValueRenderOption"
    " valueInputOption"
)
_BOOK = _words("commentsViewMode excludeTablesInBandedRanges includeGridData ranges")
_TOKEN = _words("pageToken")

_V3, _V4 = "/drive/v3", "/v4/spreadsheets/<spreadsheetId>"
_VALUES = f"{_V4}/values/<path:range>"

METHODS = {
    method.id: method
    for method in (
        Method("drive.about.get", "GET", f"{_V3}/about", _ANY_DRIVE),
        Method("drive.files.list", "GET", f"{_V3}/files", _ANY_DRIVE, _FILES),
        Method("drive.files.get", "GET", f"{_V3}/files/<fileId>", _ANY_DRIVE, _ONE_FILE),
        Method(
            "drive.changes.getStartPageToken",
            "GET",
            f"{_V3}/changes/startPageToken",
            _ANY_DRIVE,
            _SHARED_DRIVE,
        ),
        Method("drive.changes.list", "GET", f"{_V3}/changes", _ANY_DRIVE, _CHANGES, _TOKEN),
        Method("drive.changes.watch", "POST", f"{_V3}/changes/watch", _ANY_DRIVE, _CHANGES, _TOKEN),
        Method("drive.channels.stop", "POST", f"{_V3}/channels/stop", _ANY_DRIVE),
        Method("oauth2.userinfo.get", "GET", "/oauth2/v2/userinfo", SIGN_IN),
        Method("sheets.spreadsheets.get", "GET", _V4, _READ_SHEETS, _BOOK),
        Method("sheets.spreadsheets.values.get", "GET", _VALUES, _READ_SHEETS, _READ),
        Method("sheets.spreadsheets.values.update", "PUT", _VALUES, _WRITE_SHEETS, _WRITE),
        Method(
            "sheets.spreadsheets.values.append",
            "POST",
            f"{_VALUES}:append",
            _WRITE_SHEETS,
            _WRITE | {"insertDataOption"},
        ),
        Method("sheets.spreadsheets.values.clear", "POST", f"{_VALUES}:clear", _WRITE_SHEETS),
    )
}
