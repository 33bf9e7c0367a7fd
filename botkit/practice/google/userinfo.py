"""Answer who signed in: the one method of Google's OAuth2 API, version 2.

A bot asks it once after the consent, to say in the chat whose account was connected.  The address
may change and be given to another person; the `id` stays the same, and is what a client should
remember.  Not played: names and pictures, which another scope opens.

Sources: the API's discovery document; Google's page "OpenID Connect" (on the claim `sub`).
"""

from __future__ import annotations

import hashlib

from flask import Blueprint

from botkit.practice.google.answers import Fields, Json, endpoint, parse_fields
from botkit.practice.google.ledger import AccessToken, GoogleLedger
from botkit.practice.google.scopes import EMAIL

#: Every field that can be asked for.
USERINFO: Fields = parse_fields("id,email,verified_email")


class UserinfoApi:
    """The route `/oauth2/v2/userinfo`, as a Flask `blueprint`."""

    def __init__(self, ledger: GoogleLedger) -> None:
        self.blueprint = Blueprint("google_userinfo", __name__)
        endpoint(self.blueprint, ledger, "oauth2.userinfo.get", _get, USERINFO)


def _get(token: AccessToken) -> Json:
    body: Json = {"id": account_id(token.owner)}
    if EMAIL in token.scopes:
        body |= {"email": token.owner, "verified_email": True}
    return body


def account_id(account: str) -> str:
    """Return the 21 digits that stand for an account; they follow from its address."""
    digest = int(hashlib.sha256(account.encode()).hexdigest(), 16)
    return f"1{digest % 10**20:020d}"
