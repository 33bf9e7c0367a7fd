"""Describe RingCentral as a service that people connect.

Not here: RingCentral as the chat (`botkit.chat`).
Source: RingCentral developer guide, "Authorization code flow".
"""

from __future__ import annotations

from botkit.oauth import Provider, Revocation, base_url


def ringcentral(
    client_id: str, client_secret: str, *, server: str = "https://platform.ringcentral.com"
) -> Provider:
    """Return the description of RingCentral.

    Scopes belong to the app there, so a link asks for none.  To revoke ends one session only.
    Source: RingCentral developer guide, "Authorization code flow".
    """
    server = base_url(server)
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
            already=(400, 401),
        ),
    )
