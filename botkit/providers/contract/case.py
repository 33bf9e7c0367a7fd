"""Keep what is known of the provider under test, and the steps that several lines need.

A line that finds something wrong corrects it here if it can, so that the lines after it can still
be tried.
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


class ResourceOwner(Protocol):
    """Someone with a browser, who decides as asked."""

    def decide(self, link: str, *, approve: bool) -> str:
        """Open `link`, press Approve or Deny, and return the query string of the callback.

        Raises `LookupError`, with a sentence, if there is nothing to press.
        """
        ...


@dataclass
class Case:
    """A provider under test, and what has been learned about it."""

    provider: Provider  # as described, or corrected where something was wrong
    person: ResourceOwner
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
        """Take a new link up to the callback, and return the query of that."""
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
        """Return the query of an approval whose code is not exchanged yet."""
        if not self.query:
            raise NotTried("not tried: there is no approval to go on with.")
        return self.query

    # ---- at the token endpoint -----------------------------------------------------------------

    def form_for(self, query: Query) -> dict[str, str]:
        """Claim the link of an approval, and return the form that exchanges its code."""
        pending = self.storage.claim_authorization(query["state"][0], provider=self.provider.name)
        return {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": self.redirect_uri,
            "code_verifier": pending.verifier,
        }

    def exchanged(self) -> dict[str, Any]:
        """Return the token endpoint's good answer."""
        if not self.answer:
            raise NotTried("not tried: there is no token.")
        return self.answer

    # ---- at the API ----------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """The address of the API that the lines call."""
        return self.provider.account_url or self.provider.api_url

    def connection(self) -> Service:
        """Return the stored connection as it is now."""
        if self.service is None:
            raise NotTried("not tried: no connection was stored.")
        row = self.storage.get_service(self.service.id)
        want(row, "The stored connection is gone.")
        assert row is not None
        return row

    def call(self, service: Service) -> int:
        """Call the API as the bot does; return the status of the answer.

        Raises `ReconnectNeeded` if the token is refused.
        """
        there = replace(self.provider, api_url=self.api_url)
        with api_session(self.storage, there, service) as api:
            return int(api.request(there.account_method, self.api_url).status_code)
