"""Describe Google Drive and Google Sheets, which are two providers with the same habits.

Source: Google's page "Using OAuth 2.0 for Web Server Applications"; discovery documents drive.v3
and sheets.v4.
"""

from __future__ import annotations

from botkit.oauth import Provider, Revocation, base_url

GOOGLE = "https://www.googleapis.com"
GOOGLE_SCOPE = f"{GOOGLE}/auth"  # how the names of Google's scopes begin, wherever Google is


def google_drive(client_id: str, client_secret: str, *, server: str = GOOGLE) -> Provider:
    """Return the description of Google Drive, to read files.

    `server` replaces all of Google's addresses if it is not Google's own.

    Source: discovery document drive.v3.
    """
    server = base_url(server)
    return _google(
        name="GoogleDrive",
        slug="google",
        client_id=client_id,
        client_secret=client_secret,
        server=server,
        title="Google Drive",
        api_url=f"{server}/drive/v3",
        scope=f"{GOOGLE_SCOPE}/drive.readonly",
    )


def google_sheets(client_id: str, client_secret: str, *, server: str = GOOGLE) -> Provider:
    """Return the description of Google Sheets, to read and write.

    `server` is as in `google_drive`.  Source: discovery document sheets.v4.
    """
    server = base_url(server)
    api = "https://sheets.googleapis.com" if server == GOOGLE else server
    return _google(
        name="GoogleSheets",
        slug="google-sheets",
        client_id=client_id,
        client_secret=client_secret,
        server=server,
        title="Google Sheets",
        api_url=f"{api}/v4",
        scope=f"{GOOGLE_SCOPE}/spreadsheets",
    )


def _google(
    *,
    name: str,
    slug: str,
    client_id: str,
    client_secret: str,
    server: str,
    title: str,
    api_url: str,
    scope: str,
) -> Provider:
    """Return what both have in common.  Google has a host for each purpose.

    A refresh token comes only with `access_type=offline`, and only if the person is asked:
    `prompt=consent` makes sure of that.  The email scope tells whose account it is.
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
            already=("invalid_token",),
        ),
        same_grant=("GoogleDrive", "GoogleSheets"),
        title=title,
    )
