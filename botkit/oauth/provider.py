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

    The token goes into the body as `field`.  `client_auth` says how the app identifies itself: with
    HTTP Basic, with its id and secret in the body, or not at all.  `ends` says what ends with it:
    this one connection, or all that the person has granted, in every chat.
    """

    method: Literal["DELETE", "POST"]
    url: str
    field: str
    encoding: Literal["json", "form"]
    client_auth: Literal["basic", "body", "none"]
    ends: Literal["connection", "everything"] = "everything"


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

    account_url: str | None = None  # whose account is it?  A GET with the token
    account_id_field: str = "id"
    account_name_field: str = "name"
    revocation: Revocation | None = None
    same_grant: tuple[str, ...] = ()  # other providers where the person's grant is the same one
    title: str = ""  # what people call it, if that is not its name

    @property
    def called(self) -> str:
        """Its name in a sentence."""
        return self.title or self.name


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
        account_url=f"{api}/user",
        account_name_field="login",
        revocation=Revocation(
            method="DELETE",
            url=f"{api}/applications/{client_id}/grant",
            field="access_token",
            encoding="json",
            client_auth="basic",
        ),
    )


GOOGLE = "https://www.googleapis.com"
GOOGLE_SCOPE = f"{GOOGLE}/auth"  # how the names of Google's scopes begin, wherever Google is


def google_drive(client_id: str, client_secret: str, *, server: str = GOOGLE) -> Provider:
    """Google Drive, to read.  `server` stands for all of Google's addresses if it is another one.

    Source: discovery document drive.v3.
    """
    return _google(
        *("GoogleDrive", "google", client_id, client_secret, server),
        title="Google Drive",
        api_url=f"{server}/drive/v3",
        scope=f"{GOOGLE_SCOPE}/drive.readonly",
    )


def google_sheets(client_id: str, client_secret: str, *, server: str = GOOGLE) -> Provider:
    """Google Sheets, to read and write.  Source: discovery document sheets.v4."""
    api = "https://sheets.googleapis.com" if server == GOOGLE else server
    return _google(
        *("GoogleSheets", "google-sheets", client_id, client_secret, server),
        title="Google Sheets",
        api_url=f"{api}/v4",
        scope=f"{GOOGLE_SCOPE}/spreadsheets",
    )


def _google(
    name: str,
    slug: str,
    client_id: str,
    client_secret: str,
    server: str,
    *,
    title: str,
    api_url: str,
    scope: str,
) -> Provider:
    """Google as a web app sees it: one host for each thing.

    A refresh token comes only with `access_type=offline`, and only when the person is really asked:
    hence `prompt=consent`.  The e-mail scope is there to learn whose account it is.
    Source: Google's page "Using OAuth 2.0 for Web Server Applications".
    """
    accounts, tokens = "https://accounts.google.com", "https://oauth2.googleapis.com"
    if server != GOOGLE:
        accounts = tokens = server
    return Provider(
        name=name,
        slug=slug,
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=f"{accounts}/o/oauth2/v2/auth",
        token_url=f"{tokens}/token",
        api_url=api_url,
        scopes=(scope, f"{GOOGLE_SCOPE}/userinfo.email"),
        issuer=accounts,
        authorize_params={"access_type": "offline", "prompt": "consent"},
        account_url=f"{server}/oauth2/v2/userinfo",
        account_name_field="email",
        revocation=Revocation(
            method="POST",
            url=f"{tokens}/revoke",
            field="token",
            encoding="form",
            client_auth="none",
        ),
        same_grant=("GoogleDrive", "GoogleSheets"),
        title=title,
    )


def ringcentral(
    client_id: str, client_secret: str, *, server: str = "https://platform.ringcentral.com"
) -> Provider:
    """RingCentral as a service that people connect, not as the chat.

    Scopes belong to the app there, and a link asks for none.  To revoke ends one session.
    Source: RingCentral developer guide, "Authorization code flow".
    """
    return Provider(
        name="RingCentral",
        slug="ringcentral",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=f"{server}/restapi/oauth/authorize",
        token_url=f"{server}/restapi/oauth/token",
        api_url=f"{server}/restapi/v1.0",
        scopes=(),
        client_auth="basic",
        account_url=f"{server}/restapi/v1.0/account/~/extension/~",
        revocation=Revocation(
            method="POST",
            url=f"{server}/restapi/oauth/revoke",
            field="token",
            encoding="form",
            client_auth="basic",
            ends="connection",
        ),
    )
