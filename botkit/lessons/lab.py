"""The attack lab of lesson 08: what its people can do, on the practice GitHub and nowhere else.

None of this takes the address of a server.  The one thing that comes from outside, a link to be
opened, must lead to the practice GitHub of the kit.  The weak bot itself stands in the lesson.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from botkit.lessons.kit import Kit
from botkit.lessons.people import Person


class Lab:
    """`kit` is the running one.  Raises `LookupError` where its GitHub is the real one."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        github = kit.world.github
        self._homes = f"{github.browser_address}/", f"{github.address}/"

    def approve(self, person: Person, link: str) -> str:
        """`person` opens `link` and approves; returns the callback's address, which nobody opens.

        Raises `ValueError` for a link to anywhere else than the practice GitHub, and `LookupError`
        when GitHub does not send the browser back.
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
        """The code in a callback's address."""
        return dict(parse_qsl(urlsplit(address).query))["code"]

    @staticmethod
    def change(address: str, **values: str) -> str:
        """A callback's address with other values: whoever opens it can change them."""
        base, _, query = address.partition("?")
        return f"{base}?{urlencode(dict(parse_qsl(query)) | values)}"

    @property
    def log(self) -> list[str]:
        """The log of GitHub's web server: the address of each request, as such logs have it."""
        return [seen.url for seen in self.kit.world.github.requests_seen]

    # ---- a bot without any guard, for the checks -------------------------------------------------

    def link(self, **more: str) -> str:
        """An auth link of the kit's app, with `more` parameters."""
        provider = self.kit.github
        query = {"client_id": provider.client_id, "redirect_uri": self.kit.callback_url, **more}
        return f"{provider.authorize_url}?{urlencode(query)}"

    def exchange(self, code: str, **more: str) -> dict[str, Any]:
        """What GitHub's token endpoint says to the kit's app, which brings `code` and `more`."""
        provider = self.kit.github
        form = {"client_id": provider.client_id, "client_secret": provider.client_secret}
        form |= {"code": code, **more}
        json_please = {"Accept": "application/json"}
        answer = requests.post(provider.token_url, data=form, headers=json_please, timeout=10)
        told: dict[str, Any] = answer.json()
        return told

    def __repr__(self) -> str:
        return "<Lab>"
