"""Ask a service about the client id and secret, and read its answer.

The question: exchange a made-up code.  A service that knows the client id and secret complains
about the code.  The words of the answers are those of RFC 6749.  `HABITS` has what a service says
instead, so a service that follows the RFC needs no line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import requests

from botkit.bot import describe, skill_named
from botkit.chat import as_provider
from botkit.oauth import Provider, callback_path, client_in_body, client_in_header
from botkit.run.doctor.place import INSTALL
from botkit.settings import CHAT, PLACES, Place, Registration, places_of

MADE_UP = "a-code-that-nobody-gave-out"

Judgement = Literal["accepted", "refused", "unknown"]

# RFC 6749, section 5.2.  The last one is not in it, and several services say it.
WORDS: Mapping[str, Judgement] = {
    "invalid_client": "refused",
    "invalid_grant": "accepted",
    "unauthorized_client": "accepted",  # the client is known, and may not do this
    "redirect_uri_mismatch": "accepted",
}
# RingCentral developer guide, "Errors".  The app of a private bot may not exchange codes at all.
_RINGCENTRAL: Mapping[str, Judgement] = {"invalid_request": "accepted"}
HABITS: Mapping[str, Mapping[str, Judgement]] = {  # by place
    # GitHub Docs, "Troubleshooting OAuth app access token request errors".  To a client id that it
    # does not know at all, GitHub may also answer 404 and "Not Found" (seen in
    # octokit/auth-oauth-user.js, issue 239).
    "github": {
        "incorrect_client_credentials": "refused",
        "Not Found": "refused",
        "bad_verification_code": "accepted",
    },
    "google": {"unauthorized_client": "refused"},
    "ringcentral_app": _RINGCENTRAL,
    CHAT: _RINGCENTRAL,
}


@dataclass(frozen=True)
class LiveService:
    """A live service, and how it is asked.

    `key` is the name of its `place` in the settings; the names of its checks begin with it.
    """

    key: str
    place: Place
    server: str
    provider: Provider
    redirect_uri: str

    @property
    def name(self) -> str:
        """Its name in a sentence."""
        return self.place.full_title or self.place.title

    def ask(self, session: requests.Session) -> requests.Response:
        """Send the question, with the credentials where this provider wants them."""
        form = {"grant_type": "authorization_code", "code": MADE_UP}
        form |= {"redirect_uri": self.redirect_uri, **client_in_body(self.provider)}
        return session.post(
            self.provider.token_url,
            data=form,
            auth=client_in_header(self.provider),
            headers={"Accept": "application/json"},
            allow_redirects=False,
        )

    def judge(self, status: int, answer: Mapping[str, Any]) -> Judgement:
        """Return what an answer says about the credentials."""
        words = {**WORDS, **HABITS.get(self.key, {})}
        verdict = words.get(str(answer.get("error")), "unknown")
        if verdict == "refused":
            return verdict
        if status == 401 and self.provider.client_auth == "basic":
            return "refused"  # RFC 6749, section 5.2.  A guest network's page has no word for it.
        errors = answer.get("errors")  # as RingCentral lists them; OAU-... are about the code
        listed = errors if isinstance(errors, list) else []
        codes = [str(each.get("errorCode")) for each in listed if isinstance(each, dict)]
        return "accepted" if any(code.startswith("OAU-") for code in codes) else verdict


def service_of(skill: str, registration: Registration, address: str) -> LiveService:
    """Return the service of a skill.  `address` is the bot's public address.

    Raises `ProviderError` if the description asks the service, and that does not answer.
    """
    provider = describe(skill_named(skill), registration)
    redirect_uri = f"{address}{callback_path(provider)}"
    ((key, place),) = places_of([skill]).items()
    return LiveService(
        key, place, registration.server or provider.token_url, provider, redirect_uri
    )


def chat_service(registration: Registration, address: str) -> LiveService:
    """Return the chat as the service that exchanges a code for the bot itself."""
    provider, place = as_provider(registration), PLACES[CHAT]
    return LiveService(CHAT, place, registration.server, provider, f"{address}{INSTALL}")
