"""Refuse requests for a host name that is not the view's, and addresses that it cannot have.

The view answers to the names of this computer, and to a hub's name if the environment has one.
`botkit.practice.KnownHosts` says why.
"""

from __future__ import annotations

import re

from botkit.practice import HOST_AND_PORT, KnownHosts

NOT_AN_ADDRESS = (
    "That is not an address of this view. One begins with http:// or https:// and a host; "
    "no user name, no braces, no spaces and nothing after the path are in it."
)
NOT_KNOWN = (
    "The presenter's view does not know itself by this address. If a hub or a proxy leads here, "
    "set BOTKIT_PUBLIC_URL to the address that a browser uses, with {port} instead of the "
    "port, and start the view again."
)


class HostGuard(KnownHosts):
    """The known hosts of the presenter's view."""

    refusal = NOT_KNOWN

    def objection(self, home: str) -> str:
        """Return a sentence that says why the view cannot have this address.

        It is empty if the view can.
        """
        there = re.fullmatch(rf"https?://{HOST_AND_PORT}(/[^?#{{}}\\]*)?", home, re.IGNORECASE)
        printable = home.isascii() and home.isprintable() and " " not in home
        if there is None or not printable or int(there[2] or 0) > 65535:
            return NOT_AN_ADDRESS
        return "" if there[1].lower() in self.names else NOT_KNOWN
