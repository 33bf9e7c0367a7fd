"""Which question the doctor puts to each service, and what its answer means.

The question: exchange a code that nobody gave out.  A service that knows our client id and secret
complains about the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from botkit.providers import github, google_drive
from botkit.settings import Registration, credentials

MADE_UP = "a-code-that-nobody-gave-out"

Verdict = Literal["accepted", "refused", "unknown"]


@dataclass(frozen=True)
class Service:
    """A live service, how it is asked, and what its answer means for our credentials."""

    key: str  # in the names of the checks
    name: str
    server: str
    token_url: str
    variables: str
    server_variable: str
    judge: Callable[[int, Mapping[str, Any]], Verdict]
    form: Mapping[str, str] = field(repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)


def github_service(registration: Registration) -> Service:
    return Service(
        key="github",
        name="GitHub",
        server=registration.server,
        token_url=github("", "", server=registration.server).token_url,
        variables="GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET",
        server_variable="GITHUB_SERVER",
        judge=_judge_github,
        form={
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            "code": MADE_UP,
        },
    )


def _judge_github(status: int, answer: Mapping[str, Any]) -> Verdict:
    """GitHub Docs, "Troubleshooting OAuth app access token request errors".

    To a client id that it does not know at all, GitHub may also answer 404 and "Not Found"
    (seen in octokit/auth-oauth-user.js, issue 239).
    """
    if answer.get("error") in ("incorrect_client_credentials", "Not Found"):
        return "refused"
    return "accepted" if answer.get("error") == "bad_verification_code" else "unknown"


def google_service(registration: Registration, redirect_uri: str) -> Service:
    return Service(
        key="google",
        name="Google",
        server=registration.server,
        token_url=google_drive("", "", server=registration.server).token_url,
        variables=" and ".join(credentials("drive")),
        server_variable="GOOGLE_SERVER",
        judge=_judge_google,
        form={
            "grant_type": "authorization_code",
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            "code": MADE_UP,
            "redirect_uri": redirect_uri,
        },
    )


def _judge_google(status: int, answer: Mapping[str, Any]) -> Verdict:
    """RFC 6749, section 5.2; Google says `invalid_client` and, to an unknown one, with 401."""
    if answer.get("error") in ("invalid_client", "unauthorized_client"):
        return "refused"
    known = answer.get("error") in ("invalid_grant", "redirect_uri_mismatch")
    return "accepted" if known else "unknown"


def ringcentral_service(
    registration: Registration,
    redirect_uri: str,
    *,
    key: str = "chat",
    name: str = "RingCentral",
    prefix: str = "RINGCENTRAL_CHATBOT",
) -> Service:
    """RingCentral, where the bot's app or another one is registered: `prefix` says which."""
    return Service(
        key=key,
        name=name,
        server=registration.server,
        token_url=f"{registration.server}/restapi/oauth/token",
        variables=f"{prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET",
        server_variable="RINGCENTRAL_SERVER",
        judge=_judge_ringcentral,
        form={"grant_type": "authorization_code", "code": MADE_UP, "redirect_uri": redirect_uri},
        basic=(registration.client_id, registration.client_secret),
    )


def _judge_ringcentral(status: int, answer: Mapping[str, Any]) -> Verdict:
    """RingCentral developer guide, "Errors": OAU-146 and others say that the client is not known.

    A private bot's app may not exchange codes at all (`unauthorized_client`); it is known, though.
    """
    if status == 401 or answer.get("error") == "invalid_client":
        return "refused"
    errors = answer.get("errors")
    codes = [str(each.get("errorCode")) for each in errors or () if isinstance(each, dict)]
    known = any(code.startswith("OAU-") for code in codes)
    named = answer.get("error") in ("invalid_grant", "invalid_request", "unauthorized_client")
    return "accepted" if known or named else "unknown"
