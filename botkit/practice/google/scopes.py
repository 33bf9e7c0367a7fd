"""List the scopes that the practice Google knows, and read those that a link asks for.

Scopes for signing in are special: Google offers no box for them.  A person who approves grants
them, even with every box empty.  Some have a short name, and the email address brings `openid`
along, so a client may be granted other words than it sent (RFC 6749, section 3.3).

Sources: Google's pages "OAuth 2.0 Scopes for Google APIs", "OpenID Connect", and "How to handle
granular permissions".
"""

from __future__ import annotations

from collections.abc import Iterable

AUTH = "https://www.googleapis.com/auth/"
EMAIL = f"{AUTH}userinfo.email"
OPENID = "openid"
SIGN_IN = frozenset({EMAIL, OPENID})
SHORT_NAMES = {"email": EMAIL}

#: The scopes that practice clients may ask for, in the words of the consent page.
SCOPES = {
    f"{AUTH}drive": "See, change, create and delete all of your Google Drive files",
    f"{AUTH}drive.readonly": "See and download all of your Google Drive files",
    f"{AUTH}drive.metadata": "See and change information about your Google Drive files",
    f"{AUTH}drive.metadata.readonly": "See information about your Google Drive files",
    f"{AUTH}spreadsheets": "See, change, create and delete all your Google Sheets spreadsheets",
    f"{AUTH}spreadsheets.readonly": "See all your Google Sheets spreadsheets",
    EMAIL: "See your primary Google Account email address",
    OPENID: "Know you again by the number of your Google Account",
}


def in_order(scopes: Iterable[str]) -> list[str]:
    """Return the scopes that are known here, each once, in a fixed order."""
    wanted = set(scopes)
    return [scope for scope in SCOPES if scope in wanted]


def asked_scopes(sent: str) -> list[str]:
    """Return what a link's `scope` asks for, by its full names.

    Raises `ValueError` for an unknown one.

    `email` comes back as the two scopes that Google grants for it.
    """
    names = {SHORT_NAMES.get(name, name) for name in sent.split()}
    if not names <= SCOPES.keys():
        raise ValueError("There is no such scope.")
    return in_order(names | {OPENID} if EMAIL in names else names)
