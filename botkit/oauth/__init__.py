"""Connect a person's account over OAuth, in three steps, for any `Provider`.

Start with `steps.py`: `auth_link`, `handle_callback`, `api_session` and `revoke` are what lessons
01 to 07 teach.  Then read `provider.py`, which says what a provider is, and `tokens.py`, where a
code becomes a token.  The steps also use `account.py` (whose account it is) and `refresh.py` (an
expired token becomes a new one).  `http.py` sends every request, and `discovery.py` asks a service
for its addresses.
Skip `connections.py` at first: it opens, shares and ends what requests go through.

Not here: the providers themselves (`botkit.providers`), and where a connection is stored
(`botkit.storage`).  This package does not know Flask, a chat or a setting.
"""

from __future__ import annotations

from botkit.oauth.account import (
    fetch_account,
    missing_scopes,
    others_in_grant,
    read_account,
    revoke_later,
    revoke_quietly,
)
from botkit.oauth.connections import is_loopback
from botkit.oauth.discovery import fetch_metadata, read_metadata
from botkit.oauth.http import (
    ApiSession,
    Session,
    is_token,
    reaching,
    read_fields,
    read_json,
    watchers,
)
from botkit.oauth.provider import Provider, Revocation, base_url, callback_path, slug_of
from botkit.oauth.steps import (
    NEW_LINK,
    api_session,
    auth_link,
    end_connection,
    expect_callback,
    handle_callback,
    pkce_challenge,
    receive_answer,
    revoke,
    save_connection,
)
from botkit.oauth.tokens import (
    ask_for_token,
    client_in_body,
    client_in_header,
    error_name,
    token_data,
)

__all__ = [
    "NEW_LINK",
    "ApiSession",
    "Provider",
    "Revocation",
    "Session",
    "api_session",
    "ask_for_token",
    "auth_link",
    "base_url",
    "callback_path",
    "client_in_body",
    "client_in_header",
    "end_connection",
    "error_name",
    "expect_callback",
    "fetch_account",
    "fetch_metadata",
    "handle_callback",
    "is_loopback",
    "is_token",
    "missing_scopes",
    "others_in_grant",
    "pkce_challenge",
    "reaching",
    "read_account",
    "read_fields",
    "read_json",
    "read_metadata",
    "receive_answer",
    "revoke",
    "revoke_later",
    "revoke_quietly",
    "save_connection",
    "slug_of",
    "token_data",
    "watchers",
]
