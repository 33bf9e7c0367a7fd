"""The service of lesson 10 as botkit describes it.  (It is the answer to the exercise there.)

It stands here and not in `botkit/providers.py`, because Teapot exists in the practice world only.
"""

from __future__ import annotations

from botkit.providers import Provider, Revocation


def describe_teapot(client_id: str, client_secret: str, server: str) -> Provider:
    """Teapot, from its documentation (`kit.world.teapot.documentation`) and its answers."""
    return Provider(
        name="Teapot",
        slug="teapot",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=f"{server}/oauth/authorize",
        token_url=f"{server}/oauth/token",
        api_url=f"{server}/teapot",
        scopes=("profile", "brew"),
        client_auth="basic",
        scope_separator=",",
        account_url=f"{server}/teapot/me",
        account_id_field="guest_id",
        account_name_field="nickname",
        revocation=Revocation(
            method="POST",
            url=f"{server}/oauth/revoke",
            field="token",
            encoding="form",
            client_auth="basic",
            ends="connection",
        ),
    )
