"""Descriptions of services that botkit does not know, from their documentation."""

from __future__ import annotations

from botkit.oauth import Provider, Revocation


def spotify(client_id: str, client_secret: str) -> Provider:
    """Two hosts.  Source: developer.spotify.com, "Authorization Code Flow"."""
    return Provider(
        name="Spotify",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url="https://accounts.spotify.com/authorize",
        token_url="https://accounts.spotify.com/api/token",
        api_url="https://api.spotify.com/v1",
        scopes=("user-read-email",),
        client_auth="basic",
        account_url="https://api.spotify.com/v1/me",
        account_name_field="display_name",
    )


def dropbox(client_id: str, client_secret: str) -> Provider:
    """POST for everything.  Source: dropbox.com/developers, "HTTP endpoints"."""
    return Provider(
        name="Dropbox",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url="https://www.dropbox.com/oauth2/authorize",
        token_url="https://api.dropboxapi.com/oauth2/token",
        api_url="https://api.dropboxapi.com/2",
        scopes=("account_info.read", "files.metadata.read"),
        client_auth="basic",
        authorize_params={"token_access_type": "offline"},
        account_url="https://api.dropboxapi.com/2/users/get_current_account",
        account_method="POST",
        account_id_field="account_id",
        account_name_field="email",
    )


def linear(client_id: str, client_secret: str) -> Provider:
    """No path, and no account: all is one GraphQL address.  Source: linear.app/developers."""
    return Provider(
        name="Linear",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url="https://linear.app/oauth/authorize",
        token_url="https://api.linear.app/oauth/token",
        api_url="https://api.linear.app",
        scopes=("read",),
    )


def gitlab(client_id: str, client_secret: str, server: str = "https://gitlab.com") -> Provider:
    """Source: docs.gitlab.com, "OAuth 2.0 identity provider API"."""
    return Provider(
        name="GitLab",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=f"{server}/oauth/authorize",
        token_url=f"{server}/oauth/token",
        api_url=f"{server}/api/v4",
        scopes=("read_user", "read_api"),
        account_url=f"{server}/api/v4/user",
        account_name_field="username",
        revocation=Revocation(
            "POST", f"{server}/oauth/revoke", "token", "form", "body", "connection"
        ),
    )
