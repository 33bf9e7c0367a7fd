"""Describe GitHub as an OAuth app sees it: the example for a provider of your own.

Source: GitHub Docs, "Authorizing OAuth apps" and "REST API endpoints for OAuth authorizations".
"""

from __future__ import annotations

from botkit.oauth import Provider, Revocation


def github(client_id: str, client_secret: str, *, server: str = "https://github.com") -> Provider:
    """Return the description of GitHub.

    `server` is the address of a GitHub Enterprise Server if it is not github.com.  Its API is below
    /api/v3.  Source: GitHub Docs, "Authorizing OAuth apps" and "REST API endpoints for OAuth
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
