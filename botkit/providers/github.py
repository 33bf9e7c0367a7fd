"""Describe GitHub as an OAuth app sees it: the example for a provider of your own.

Source: GitHub Docs, "Authorizing OAuth apps" and "REST API endpoints for OAuth authorizations".
"""

from __future__ import annotations

import re

from botkit.oauth import Provider, Revocation, base_url


def github(client_id: str, client_secret: str, *, server: str = "https://github.com") -> Provider:
    """Return the description of GitHub.

    `server` is another address than github.com for GitHub Enterprise.  A server of your own has its
    API below /api/v3, and GitHub Enterprise Cloud (`https://NAME.ghe.com`) at api.NAME.ghe.com.
    Source: GitHub Docs, "Authorizing OAuth apps", "REST API endpoints for OAuth authorizations" and
    "About GitHub Enterprise Cloud with data residency".
    """
    server = base_url(server)
    in_the_cloud = re.fullmatch(r"https://(github\.com|[a-z0-9-]+\.ghe\.com)", server)
    api = f"https://api.{in_the_cloud[1]}" if in_the_cloud else f"{server}/api/v3"
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
            already=(404, 422),
        ),
    )
