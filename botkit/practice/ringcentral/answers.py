"""Write the answers of RingCentral's token endpoint: tokens, and errors in its own words.

`oauth.py` decides who gets tokens, and this module what they look like.  An error has RingCentral's
own code beside the name from RFC 6749.

Sources: RingCentral developer guide, "Authorization code flow" and "API error codes"; `TokenInfo`
in its SDK; OAU-210 and OAU-213 as apps in the field have met them.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any

import flask
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from werkzeug.datastructures import MultiDict

from botkit.practice.ringcentral.ledger import BotApp, Pair, RingCentralLedger, Session

PERMANENT = 2_147_483_647  # seconds: as long as the field can say
ACCESS_SECONDS = (600, 3600, 3600)  # the least, the usual and the most that a client gets
REFRESH_SECONDS = (600, 604_800, 2_592_000)

BAD_CODE = ("OAU-106", "Invalid authorization code")
UNKNOWN_TOKEN = ("OAU-213", "Token not found")
USED_TOKEN = ("OAU-210", "Refresh token has been used already")  # the real words are not known


class Refused(InvalidGrantError):
    """Raised when a code or refresh token is refused, with RingCentral's code for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def session_answer(session: Session, ledger: RingCentralLedger) -> dict[str, Any]:
    """Return the session's pair as the token endpoint answers; times are the seconds left."""
    pair, now = session.pair, ledger.now()
    fields: dict[str, Any] = {
        "access_token": pair.access_token,
        "token_type": "bearer",
        "expires_in": max(0, round((pair.access_ends - now).total_seconds())),
        "scope": session.get_scope(),
        "owner_id": session.owner.id,
        "endpoint_id": session.endpoint_id,
        "session_id": session.id,
    }
    if pair.refresh_token is not None:
        fields["refresh_token"] = pair.refresh_token
        fields["refresh_token_expires_in"] = round((pair.refresh_ends - now).total_seconds())
    return fields


def permanent_token(token: str, owner_id: str, app: BotApp) -> dict[str, Any]:
    """Return what a bot gets: one permanent token, and nothing to refresh it with."""
    return {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": PERMANENT,
        "scope": app.get_allowed_scope(None),
        "owner_id": owner_id,
        "endpoint_id": secrets.token_urlsafe(16),
    }


def wished_pair(ledger: RingCentralLedger, form: MultiDict[str, str]) -> Pair:
    """Make a new pair that expires when the client asked for it."""
    access = _seconds(form, "access_token_ttl", ACCESS_SECONDS)
    return ledger.new_pair(access, _seconds(form, "refresh_token_ttl", REFRESH_SECONDS))


def _seconds(form: MultiDict[str, str], name: str, limits: tuple[int, int, int]) -> timedelta:
    """Return the life time that a client wishes, brought between the limits."""
    least, usual, most = limits
    wish = form.get(name, str(usual))
    if not re.fullmatch(r"[0-9]{1,9}", wish):
        raise InvalidRequestError(f"Parameter [{name}] value is invalid")
    return timedelta(seconds=min(max(int(wish), least), most))


def problem(status: int, error: str, code: str, message: str) -> flask.Response:
    """Return an error as the token and the revocation endpoint word it."""
    reasons = [{"errorCode": code, "message": message}]
    response = flask.jsonify(error=error, error_description=message, errors=reasons)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def error_answer(sent: MultiDict[str, str], error: OAuth2Error) -> flask.Response:
    """Return the answer to a token or revocation request that Authlib has refused."""
    return problem(*_in_ringcentrals_words(sent, error))


def _in_ringcentrals_words(
    sent: MultiDict[str, str], error: OAuth2Error
) -> tuple[int, str, str, str]:
    """Return the status, name, code and message of an error.

    RingCentral's table of codes says 403 for bad codes.  The text above it says 400, as RFC 6749.
    """
    if isinstance(error, InvalidClientError):
        return 401, error.error, "OAU-146", "Invalid client credentials"
    if isinstance(error, UnsupportedGrantTypeError | UnauthorizedClientError):
        grant = sent.get("grant_type", "")
        message = f"The client is unauthorized for the required grant type: [{grant}]"
        return 400, error.error, "OAU-112", message
    if isinstance(error, Refused):
        return 400, error.error, error.code, error.description
    if isinstance(error, InvalidGrantError):
        wrong_uri = "redirect_uri" in (error.description or "")
        mismatch = ("OAU-109", "Redirect URIs do not match")
        return 400, error.error, *(mismatch if wrong_uri else ("OAU-121", "Wrong Application"))
    if sent.get("grant_type") == "authorization_code" and not sent.get("code"):
        return 400, error.error, *BAD_CODE
    return 400, error.error or "invalid_request", "CMN-101", error.description or "Bad request"
