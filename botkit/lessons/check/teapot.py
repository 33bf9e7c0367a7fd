"""Describe the practice service Teapot, and compare other descriptions with it.

This is the answer to the exercise of lesson 10.  It is not in `botkit/providers/`, because Teapot
exists in the practice world only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botkit.oauth import Provider

# What no trip can show, and where to read about it: the field, and a question.
QUESTIONS = {
    "account_id_field": "section 3: which name in the answer of /teapot/me is the id?",
    "account_name_field": "section 3: under which name does the answer have the person's name?",
    "api_url": "section 3: how do all addresses of the API begin?",
    "issuer": "it names no issuer, so leave this field out.",
    "revocation": "section 4 says how a token is given back.",
    "ends": "section 4: what happens to other connections of the same person?",
}


def describe_teapot(client_id: str, client_secret: str, server: str) -> Provider:
    """Return Teapot, from its documentation and its answers.

    The documentation is at `kit.world.teapot.documentation`.
    """
    from botkit.oauth import Provider, Revocation

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


def unlike_teapot(described: Provider, kit: Any) -> list[str]:
    """Return a sentence for each wrong field that no trip can show.

    There is none for a service other than the practice Teapot of this kit.
    """
    server = kit.world.teapot.address if kit.world.has("teapot") else ""
    if not server or not described.token_url.startswith(f"{server}/"):
        return []
    given = _values(described)
    wanted = _values(describe_teapot(described.client_id, described.client_secret, server))
    return [f"{name}: {QUESTIONS[name]}" for name in QUESTIONS if given[name] != wanted[name]]


def _values(one: Provider) -> dict[str, object]:
    """Return what no trip can show.

    A trip does show how a token is revoked, but not that a description leaves revocation out.
    """
    return {
        "account_id_field": one.account_id_field,
        "account_name_field": one.account_name_field,
        "api_url": one.api_url.rstrip("/"),
        "issuer": one.issuer,
        "revocation": one.revocation is not None,
        "ends": one.revocation.ends if one.revocation else "connection",
    }
