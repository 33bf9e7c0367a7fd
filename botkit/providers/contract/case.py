"""One provider under examination: what is known of it so far, and the steps that many lines need.

A line that finds something wrong mends it here where it can, so that the lines after it are tried
all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import parse_qs

from botkit.oauth import Provider, api_session, auth_link
from botkit.providers.contract.report import Broken, NotTried, want
from botkit.storage import Service, Storage

YOU = {"bot_id": "the bot", "group_id": "the chat", "user_id": "you"}

Query = dict[str, list[str]]


class Person(Protocol):
    """Somebody with a browser, who decides as asked."""

    def decide(self, link: str, *, approve: bool) -> str:
        """Open `link`, press Approve or Deny, and say with which query string one came back.

        Raises `LookupError`, with a sentence, where there is nothing to press.
        """
        ...


@dataclass
class Case:
    provider: Provider  # as it was described; mended where something was found wrong
    person: Person
    redirect_uri: str
    storage: Storage
    query: Query = field(default_factory=dict)  # an approval whose code is not exchanged yet
    form: dict[str, str] = field(default_factory=dict)  # an exchange that went well
    answer: dict[str, Any] = field(default_factory=dict)  # what it brought
    service: Service | None = None  # the connection, once it is stored

    # ---- in the browser ------------------------------------------------------------------------

    def link(self) -> str:
        return auth_link(self.storage, self.provider, **YOU, redirect_uri=self.redirect_uri)

    def decide(self, *, approve: bool) -> Query:
        """A trip with a link of its own, up to the callback."""
        try:
            query = self.person.decide(self.link(), approve=approve)
        except LookupError as error:
            trouble = error.args[0] if error.args else "The browser did not come back."
            raise Broken(
                f"{trouble} Look at authorize_url and client_id, and at the redirect URI that is "
                "registered."
            ) from None
        return parse_qs(query, keep_blank_values=True)

    def approved(self) -> Query:
        """The approval that waits."""
        if not self.query:
            raise NotTried("not tried: there is no approval to go on with.")
        return self.query

    # ---- at the token endpoint -----------------------------------------------------------------

    def form_for(self, query: Query) -> dict[str, str]:
        """What exchanges the code of an approval.  It claims the link."""
        pending = self.storage.claim_authorization(query["state"][0], provider=self.provider.name)
        return {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": self.redirect_uri,
            "code_verifier": pending.verifier,
        }

    def exchanged(self) -> dict[str, Any]:
        """The token endpoint's good answer."""
        if not self.answer:
            raise NotTried("not tried: there is no token.")
        return self.answer

    # ---- at the API ----------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """The address of the API that is called here: the best known one."""
        return self.provider.account_url or self.provider.api_url

    def connection(self) -> Service:
        """The stored connection, as it is now."""
        if self.service is None:
            raise NotTried("not tried: no connection was stored.")
        row = self.storage.get_service(self.service.id)
        want(row, "The stored connection is gone.")
        assert row is not None
        return row

    def call(self, service: Service) -> None:
        """Call the API as the bot does.  Raises `ReconnectNeeded` if the token is refused."""
        there = replace(self.provider, api_url=self.api_url)
        with api_session(self.storage, there, service) as api:
            api.get(self.api_url)
