"""Connect a person's account in three steps, use it, and revoke it again.

1. `auth_link`        the bot sends this link to the chat.  The person opens it and approves.
2. `handle_callback`  the provider sends the browser back with a code.  The bot exchanges it.
3. `api_session`      the bot calls the provider's API with the token that it got.

At the end of a connection: `revoke`.  All four work for any `Provider`.  Read the functions from
top to bottom.  The comments between the lines lead the way, and the private functions follow the
one that calls them.

Not here: the request that exchanges the code (`tokens.py`), the refresh (`refresh.py`), the tables
(`botkit.storage`), how long a link lives (`LINK_LIFE` in `botkit/storage/store.py`), and the
sentence around it in the chat (`botkit/skills/base.py`).
Source: the authorization code grant (RFC 6749, section 4.1) with PKCE (RFC 7636), as RFC 9700
recommends it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from botkit.errors import (
    AuthorizationDenied,
    BotkitError,
    CallbackIncomplete,
    IssuerMismatch,
    ProviderError,
    ProviderRefused,
    ReconnectNeeded,
    StorageError,
)
from botkit.oauth.account import fetch_account, others_in_grant, revoke_quietly
from botkit.oauth.http import ApiSession
from botkit.oauth.provider import Provider
from botkit.oauth.refresh import fresh_service, last_tokens
from botkit.oauth.tokens import ask_for_token, error_name, revoke_token, token_data
from botkit.storage import BOUND_BY, Asked, Authorization, Service, Storage, owner_of

NEW_LINK = "Nothing was connected. Ask the bot in the chat for a new link in a moment."

# ---- step 1: the auth link ---------------------------------------------------------------------


def auth_link(
    storage: Storage,
    provider: Provider,
    *,
    bot_id: str,
    group_id: str,
    user_id: str,
    redirect_uri: str,
) -> str:
    """Return the link that asks the person to let the bot in.  It works once, for ten minutes.

    `user_id` is the person who asked in the chat.  The provider sends the browser to `redirect_uri`
    afterwards, so that address must be registered there.
    Raises `StorageError`.  Source: RFC 6749, section 4.1.1.
    """
    # Anyone can open the callback URL with a code of their own.  So the link gets a `state`, which
    # the provider sends back unchanged: 256 random bits, which nobody can guess.
    state = secrets.token_urlsafe(32)

    # Someone may steal the code on its way through the browser.  So the bot also makes a secret
    # that never goes there.  Without it the code is worth nothing (PKCE, RFC 7636).
    verifier = secrets.token_urlsafe(32)

    # The callback comes minutes later, and perhaps to another process.  Everything that step 2 must
    # know again is kept in a row until then.
    storage.add_authorization(
        state,
        provider=provider.name,
        bot_id=bot_id,
        group_id=group_id,
        user_id=user_id,
        redirect_uri=redirect_uri,
        verifier=verifier,
    )

    # The browser carries everything in this query, so none of it is secret: the client id without
    # the client secret, and the hash of the verifier in place of the verifier.
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        **({"scope": " ".join(provider.scopes)} if provider.scopes else {}),
        "state": state,
        "code_challenge": pkce_challenge(verifier),
        "code_challenge_method": "S256",
        **provider.authorize_params,
    }
    # The provider's address may have a query of its own, which stays (RFC 6749, section 3.1).
    address, _, own_query = provider.authorize_url.partition("?")
    both = filter(None, [own_query, urlencode(query, quote_via=quote)])
    return f"{address}?{'&'.join(both)}"


def pkce_challenge(verifier: str) -> str:
    """Return the SHA-256 of the verifier, which anyone may see.  Source: RFC 7636, section 4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


# ---- step 2: the callback ----------------------------------------------------------------------


def handle_callback(
    storage: Storage,
    provider: Provider,
    query: Mapping[str, Sequence[str]],
    *,
    shared: bool = False,
) -> Service:
    """Turn the callback into a stored connection, and return it.

    `query` is the query string of the callback as `urllib.parse.parse_qs` reads it.  The connection
    belongs to the person who asked for the link, or to the whole chat if it is `shared`.  If
    anything fails, nothing is stored.
    Raises `AuthorizationError`, `ProviderError` or `StorageError`.
    Source: RFC 6749, section 4.1.2.
    """
    # Two halves.  The bot waits between them if the person must confirm in the chat, so
    # `botkit.skills.confirm` calls each half by itself.
    link, data = receive_answer(storage, provider, query)

    # The owner comes from the row of the link.  The person at the browser may be someone else.
    return save_connection(storage, provider, link, data, shared=shared)


def receive_answer(
    storage: Storage, provider: Provider, query: Mapping[str, Sequence[str]]
) -> tuple[Authorization, dict[str, Any]]:
    """Return the link that this callback answers, and the data that a connection keeps.

    Raises `AuthorizationError`, `ProviderError` or `StorageError`.
    """
    # Find the link by its state, and claim it in the same moment.  Of many callbacks with one state
    # a single one gets past this line (RFC 6749, section 10.12, and RFC 9700, section 4.7).
    state = _single_value(query, "state", provider)
    link = storage.claim_authorization(state, provider=provider.name)

    # Does the answer come from the provider that the link was made for?  (RFC 9207, section 2.4)
    _check_issuer(query, provider)

    # The person pressed Deny, or the provider refused the link (RFC 6749, section 4.1.2.1).
    if "error" in query:
        raise _callback_error(_single_value(query, "error", provider), provider, link)

    # The code is not a token yet.  It lives for some minutes and works once, together with the
    # client secret and the verifier, which the browser has never seen.
    code = _single_value(query, "code", provider)
    data = _exchange_code(storage, provider, code, link)

    # The person who approved may have another account in mind than the one who asked.  So ask the
    # provider whose token this is.
    try:
        data["account"] = fetch_account(provider, data["accessToken"])
    except ProviderError as error:
        revoke_quietly(storage, provider, data)  # nobody will use this token
        error.advice = NEW_LINK  # trying the same link again cannot help: it is claimed
        raise
    return link, data


def expect_callback(
    storage: Storage, provider: Provider, query: Mapping[str, Sequence[str]]
) -> Authorization:
    """Return the link that waits for this callback.  It changes nothing.

    Raises `AuthorizationError` if none does.

    It asks only the database.  A server can call it before it gives a callback one of the threads
    that may wait for a provider.  Raises `StorageError` too.
    """
    state = _single_value(query, "state", provider)
    return storage.check_authorization(state, provider=provider.name)


def _single_value(query: Mapping[str, Sequence[str]], name: str, provider: Provider) -> str:
    """Return the one value of a parameter, which must not come twice (RFC 6749, section 3.1)."""
    values = query.get(name, ())
    if len(values) != 1 or not values[0]:
        many = "more than one" if len(values) > 1 else "no"
        raise CallbackIncomplete(f"The answer from {provider.called} has {many} “{name}”.")
    return values[0]


def _check_issuer(query: Mapping[str, Sequence[str]], provider: Provider) -> None:
    """Raise `IssuerMismatch` if the answer says that it comes from another provider.

    An answer that says nothing is accepted, unless the provider promises `iss`.  GitHub and Google
    have sent it since 2026, others do not.
    """
    if "iss" not in query and provider.sends_issuer:
        raise IssuerMismatch(f"This answer does not say that it comes from {provider.called}.")
    if "iss" in query and provider.issuer and list(query["iss"]) != [provider.issuer]:
        raise IssuerMismatch(f"This answer does not come from {provider.called}.")


def _callback_error(code: str, provider: Provider, link: Authorization) -> BotkitError:
    """Return the exception for the `error` of a callback."""
    if code == "access_denied":
        return AuthorizationDenied(f"You did not allow the bot to use {provider.called}.")
    if code == "redirect_uri_mismatch":
        return ProviderRefused(
            f"{provider.called} does not know the callback address in this link.",
            code=code,
            advice="If the bot has moved since, ask it for a new link. If not, its owner "
            f"must register this address at {provider.called}: {link.redirect_uri}",
        )
    return ProviderRefused(
        f"{provider.called} refused to connect the account.", code=error_name(code)
    )


def _exchange_code(
    storage: Storage, provider: Provider, code: str, link: Authorization
) -> dict[str, Any]:
    """Exchange the code for a token, and return the data that a connection keeps."""
    answer = ask_for_token(
        provider,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": link.redirect_uri,  # must equal the one in the link
            "code_verifier": link.verifier,
        },
    )
    data = token_data(provider, answer, storage.now())
    # No word about scopes means: granted as asked (RFC 6749, section 5.1).
    data.setdefault("scope", list(provider.scopes))
    return data


def save_connection(
    storage: Storage, provider: Provider, asked: Asked, data: dict[str, Any], *, shared: bool
) -> Service:
    """Store what `receive_answer` returned, and return the row.

    `asked` says who asked for the link, and where.  A `shared` connection belongs to the chat, and
    remembers who has connected it.  If another account was connected here, its token is revoked.  A
    token that cannot be stored is revoked too.
    Raises `StorageError`.
    """
    owner = owner_of(asked, shared=shared)
    if shared:
        data[BOUND_BY] = asked.user_id
    try:
        # Saving merges: a stored refresh token stays if the answer brings none.  But it must not
        # stay if it belongs to another account.
        before = _other_account(storage.find_service(provider.name, **owner), data)
        if before:
            data.setdefault("refreshToken", None)
        saved = storage.save_service(provider.name, **owner, data=data)
    except StorageError as error:
        # Nobody can use this token now, so the provider should not honour it any longer.
        revoke_quietly(storage, provider, data)
        error.advice = NEW_LINK
        raise
    if before:
        revoke_quietly(storage, provider, before)
    return saved


def _other_account(row: Service | None, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row's data if they belong to another account than the new data, else {}."""
    if row is None or row.account.get("id") == (data["account"] or {}).get("id"):
        return {}
    return row.data or {}


# ---- step 3: the API ---------------------------------------------------------------------------


def api_session(storage: Storage, provider: Provider, service: Service) -> ApiSession:
    """Return a `requests.Session` that calls the provider's API for this connection.

    `api_session(storage, provider, service).get("/user")` sends the token in a header, and to the
    provider's API only.  `botkit.oauth.http.ApiSession` says what its requests raise.
    Raises `ReconnectNeeded`, or another `ProviderError`, if there is no token that can be used.
    """
    # A token that expires soon is refreshed before it is used.
    service = fresh_service(storage, provider, service)

    # A token can also be refused before its time: the session then calls this, once.
    def renew(rejected: str) -> str:
        return fresh_service(storage, provider, service, rejected=rejected).access_token or ""

    return ApiSession(provider.called, provider.api_url, service.access_token or "", renew=renew)


# ---- the end of a connection -------------------------------------------------------------------


def revoke(storage: Storage, provider: Provider, service: Service) -> None:
    """Tell the provider to revoke the connection.  The row stays: deleting it is the caller's task.

    Raises `ProviderError` if the provider does not confirm.
    """
    if provider.revocation is None:
        return
    # Some providers take only a token that still works, so an expired one is refreshed first.  If
    # the provider refuses to refresh it, there is nothing left to revoke.
    try:
        token = fresh_service(storage, provider, service).access_token or ""
    except ReconnectNeeded:
        return
    revoke_token(provider, provider.revocation, token)


def end_connection(
    storage: Storage,
    provider: Provider,
    service: Service,
    *,
    leaving: Mapping[str, str] | None = None,
) -> list[str]:
    """Revoke a connection, unless that would end others, and delete its row.

    Returns the names of those others: an empty list says that the connection was revoked.
    `leaving` is a bot, or a chat of it, whose connections do not count as others.  The row is
    deleted also when this raises `ProviderError`, because the provider does not confirm, and
    only if it still holds what was revoked.  Raises `StorageError` too.
    """
    service = _with_account(storage, provider, service)
    try:
        others = others_in_grant(storage, provider, service, leaving=leaving)
        if not others:
            service = last_tokens(storage, provider, service)
            revoke(storage, provider, service)
    finally:
        storage.delete_service(service)
    return others


def _with_account(storage: Storage, provider: Provider, service: Service) -> Service:
    """Return the connection with its account, if that decides whether others would end.

    Rows of the original framework do not say whose account it is, so the provider is asked.
    """
    decides = provider.revocation is not None and provider.revocation.ends == "everything"
    if service.account or not decides or not service.access_token:
        return service
    try:
        account = fetch_account(provider, service.access_token)
    except ProviderError:  # then it will not be revoked either
        return service
    return storage.update_service(service, {"account": account}) or service
