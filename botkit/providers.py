"""A provider is data: its addresses, its scopes, and the few things in which it differs.

`botkit.oauth` takes the three steps for any `Provider`.  To add one, describe it from its
documentation, as `github` below does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Revocation:
    """How a provider is told to forget a connection.

    The token goes into the body as `field`.  `client_auth` says whether the app identifies itself
    with its id and secret (HTTP Basic).
    """

    method: Literal["DELETE", "POST"]
    url: str
    field: str
    encoding: Literal["json", "form"]
    client_auth: bool


@dataclass(frozen=True)
class Provider:
    """All that the three steps need to know about a service and about our registration there."""

    name: str  # as in the column services.name
    slug: str  # as in the callback's path, /{slug}/oauth
    client_id: str
    client_secret: str = field(repr=False)

    authorize_url: str
    token_url: str
    api_url: str  # the token is sent to this address and to no other
    scopes: tuple[str, ...]

    client_auth: Literal["body", "basic"] = "body"  # at the token endpoint, RFC 6749 section 2.3.1
    issuer: str | None = None  # what `iss` must say when the callback carries it, RFC 9207
    authorize_params: Mapping[str, str] = field(default_factory=dict)  # e.g. access_type=offline
    scope_separator: str = " "  # in the token answer; in the link it is always a space
    implied_scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    account_path: str | None = None  # whose account is it?  A GET below api_url
    account_id_field: str = "id"
    account_name_field: str = "name"
    revocation: Revocation | None = None


def callback_path(provider: Provider) -> str:
    """One path for each provider, so that an answer cannot be taken for another one's."""
    return f"/{provider.slug}/oauth"


def github(client_id: str, client_secret: str, *, server: str = "https://github.com") -> Provider:
    """GitHub as an OAuth app sees it.

    `server` is the address of a GitHub Enterprise Server if it is not github.com; its API lives
    below /api/v3.  Source: GitHub Docs, "Authorizing OAuth apps" and "REST API endpoints for OAuth
    authorizations".
    """
    server = server.rstrip("/")
    api = "https://api.github.com" if server == "https://github.com" else f"{server}/api/v3"
    return Provider(
        name="GitHub",
        slug="github",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=f"{server}/login/oauth/authorize",
        token_url=f"{server}/login/oauth/access_token",
        api_url=api,
        scopes=("read:user",),
        issuer=f"{server}/login/oauth",
        scope_separator=",",
        implied_scopes={"user": ("read:user", "user:email", "user:follow")},
        account_path="/user",
        account_name_field="login",
        revocation=Revocation(
            method="DELETE",
            url=f"{api}/applications/{client_id}/grant",
            field="access_token",
            encoding="json",
            client_auth=True,
        ),
    )
