"""Connect a person's account: the three steps, and the way back, for any `Provider`.

Start with `steps.py`: `auth_link`, `handle_callback`, `api_session` and `revoke` are what lessons
01 to 07 teach.  Then `provider.py` says what a provider is.  The steps use four more files:
`tokens.py` (a code becomes a token), `account.py` (whose account it is), `refresh.py` (a token
stays alive) and `http.py` (every request leaves there).

Not here: the providers themselves (`botkit.providers`), and where a connection is stored
(`botkit.storage`).  Nothing in this package knows Flask, a chat or a setting.
"""

from __future__ import annotations

from botkit.oauth.account import (
    fetch_account,
    missing_scopes,
    read_account,
    revoke_quietly,
    would_end_others,
)
from botkit.oauth.http import (
    ApiSession,
    Session,
    is_token,
    keep_proxies_out,
    reaching,
    read_fields,
    watchers,
)
from botkit.oauth.provider import Provider, Revocation, callback_path
from botkit.oauth.steps import (
    NEW_LINK,
    api_session,
    auth_link,
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
    "callback_path",
    "client_in_body",
    "client_in_header",
    "error_name",
    "fetch_account",
    "handle_callback",
    "is_token",
    "keep_proxies_out",
    "missing_scopes",
    "pkce_challenge",
    "reaching",
    "read_account",
    "read_fields",
    "receive_answer",
    "revoke",
    "revoke_quietly",
    "save_connection",
    "token_data",
    "watchers",
    "would_end_others",
]
