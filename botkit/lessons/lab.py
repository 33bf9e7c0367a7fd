"""Do what the people of lesson 08 do, on the practice GitHub only.

Start with `Lab`.  Nothing here takes the address of a server, and a link must lead to the practice
GitHub of the kit.

Not here: the bot without guards, which the lesson builds in its cells.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from botkit.lessons.kit import Kit
from botkit.lessons.people import Person


class Lab:
    """The attack lab of a running kit.

    Raises `LookupError` if the kit's GitHub is live.
    """

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        github = kit.world.github
        self._homes = f"{github.browser_address}/", f"{github.address}/"

    def approve(self, person: Person, link: str) -> str:
        """Let `person` open `link` and approve; return the callback, which is not opened.

        Raises `ValueError` for a link that does not lead to the practice GitHub.  Raises
        `LookupError` if GitHub does not send the browser back.
        """
        if not link.startswith(self._homes):
            raise ValueError("In this lab, links lead to the practice GitHub only.")
        browser = person.browser
        browser.stop_before = self.kit.callback_url
        try:
            page = browser.visit(link)
            if not page.url.startswith(self.kit.callback_url):  # else it was sent back unasked
                page = page.approve()
        finally:
            browser.stop_before = ""
        if not page.url.startswith(self.kit.callback_url):
            raise LookupError(f"The browser ended on the page {page.heading!r}.")
        return str(page.url)

    @staticmethod
    def code(address: str) -> str:
        """Return the code in the address of a callback."""
        return dict(parse_qsl(urlsplit(address).query))["code"]

    @staticmethod
    def change(address: str, **values: str) -> str:
        """Return the address of a callback with other values.

        Anyone can change an address before opening it.
        """
        base, _, query = address.partition("?")
        return f"{base}?{urlencode(dict(parse_qsl(query)) | values)}"

    @property
    def log(self) -> list[str]:
        """The log of GitHub's web server: the address of each request."""
        return [seen.url for seen in self.kit.world.github.requests_seen]

    # ---- a bot without any guard, for the checks -------------------------------------------------

    def link(self, **more: str) -> str:
        """Return an auth link of the kit's app; `more` are additional parameters."""
        provider = self.kit.github
        query = {"client_id": provider.client_id, "redirect_uri": self.kit.callback_url, **more}
        return f"{provider.authorize_url}?{urlencode(query)}"

    def exchange(self, code: str, **more: str) -> dict[str, Any]:
        """Send a code to GitHub's token endpoint as the kit's app; return the JSON answer.

        `more` are additional parameters.
        """
        provider = self.kit.github
        form = {"client_id": provider.client_id, "client_secret": provider.client_secret}
        form |= {"code": code, **more}
        json_please = {"Accept": "application/json"}
        answer = requests.post(provider.token_url, data=form, headers=json_please, timeout=10)
        told: dict[str, Any] = answer.json()
        return told
