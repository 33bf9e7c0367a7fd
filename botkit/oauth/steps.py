"""The three steps that connect a person's account: this is what botkit is about.

1. `auth_link`        the bot sends this link into the chat; the person follows it and approves.
2. `handle_callback`  the provider sends the browser back with a code; we exchange it for a token.
3. `api_session`      the bot calls the provider's API with that token.

And the way back: `revoke`.  All of them work for any `Provider`.  The grant is the authorization
code grant (RFC 6749, section 4.1) with PKCE (RFC 7636), as RFC 9700 recommends it.
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
from botkit.oauth.account import fetch_account, revoke_quietly
from botkit.oauth.http import ApiSession
from botkit.oauth.provider import Provider
from botkit.oauth.refresh import fresh_service
from botkit.oauth.tokens import ask_for_token, error_name, revoke_token, token_data
from botkit.storage import Authorization, Service, Storage

NEW_LINK = "Nothing was connected. Ask the bot in the chat for a new link in a moment."

# ---- step 1: the link --------------------------------------------------------------------------


def auth_link(
    storage: Storage,
    provider: Provider,
    *,
    bot_id: str,
    group_id: str,
    user_id: str,
    redirect_uri: str,
) -> str:
    """The link that asks the person to let the bot in.  It works once, for ten minutes.

    `user_id` is the person who asked; `redirect_uri` is where the provider sends the browser
    afterwards, exactly as registered there.  RFC 6749, section 4.1.1.  Raises `StorageError`.
    """
    state = secrets.token_urlsafe(32)  # 256 random bits: nobody can guess it
    verifier = secrets.token_urlsafe(32)  # stays here until step 2
    storage.add_authorization(
        state,
        provider=provider.name,
        bot_id=bot_id,
        group_id=group_id,
        user_id=user_id,
        redirect_uri=redirect_uri,
        verifier=verifier,
    )
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
    return f"{provider.authorize_url}?{urlencode(query, quote_via=quote)}"


def pkce_challenge(verifier: str) -> str:
    """What may be shown of the verifier: its SHA-256.  RFC 7636, section 4.2."""
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
    """Turn the provider's answer into a stored connection, which is returned.

    `query` is the query string of the callback as `urllib.parse.parse_qs` reads it.  The connection
    belongs to the person who asked for the link, or, if it is `shared`, to the whole chat.
    Whatever goes wrong, nothing is stored.  RFC 6749, section 4.1.2.
    Raises `AuthorizationError`, `ProviderError` or `StorageError`.
    """
    link, data = receive_answer(storage, provider, query)
    user_id = "" if shared else link.user_id
    owner = {"bot_id": link.bot_id, "group_id": link.group_id, "user_id": user_id}
    return save_connection(storage, provider, owner, data)


def receive_answer(
    storage: Storage, provider: Provider, query: Mapping[str, Sequence[str]]
) -> tuple[Authorization, dict[str, Any]]:
    """The link that this callback answers, and what it brings, in the form in which we keep it."""
    state = _only(query, "state", provider)
    link = storage.claim_authorization(state, provider=provider.name)
    _check_issuer(query, provider)
    if "error" in query:
        raise _refusal(_only(query, "error", provider), provider, link)
    code = _only(query, "code", provider)
    data = _exchange(storage, provider, code, link)
    try:
        data["account"] = fetch_account(provider, data["accessToken"])
    except ProviderError as error:  # whatever it advises: this link is used up
        error.advice = NEW_LINK
        raise
    return link, data


def save_connection(
    storage: Storage, provider: Provider, owner: Mapping[str, str], data: dict[str, Any]
) -> Service:
    """Store what `receive_answer` brought; `owner` is bot_id, group_id and user_id.

    If another account was connected here, its token is given back; so is a token that cannot be
    stored.  Raises `StorageError`.
    """
    try:
        before = _other_account(storage.find_service(provider.name, **owner), data)
        if before:  # a stored refresh token is kept if the answer brings none; but not another's
            data.setdefault("refreshToken", None)
        saved = storage.save_service(provider.name, **owner, data=data)
    except StorageError as error:  # the link is used up, so trying the same one again cannot help
        revoke_quietly(storage, provider, data)
        error.advice = NEW_LINK
        raise
    if before:
        revoke_quietly(storage, provider, before)
    return saved


def _only(query: Mapping[str, Sequence[str]], name: str, provider: Provider) -> str:
    """The one value of a parameter.  RFC 6749, section 3.1: none may come twice."""
    values = query.get(name, ())
    if len(values) != 1 or not values[0]:
        many = "more than one" if len(values) > 1 else "no"
        raise CallbackIncomplete(f"The answer from {provider.called} has {many} “{name}”.")
    return values[0]


def _check_issuer(query: Mapping[str, Sequence[str]], provider: Provider) -> None:
    """GitHub and Google say who they are since 2026; who does not say it, cannot be checked."""
    if "iss" in query and provider.issuer and list(query["iss"]) != [provider.issuer]:
        raise IssuerMismatch(f"This answer does not come from {provider.called}.")


def _refusal(code: str, provider: Provider, pending: Authorization) -> BotkitError:
    if code == "access_denied":
        return AuthorizationDenied(f"You did not allow the bot to use {provider.called}.")
    if code == "redirect_uri_mismatch":
        return ProviderRefused(
            f"{provider.called} does not know the callback address in this link.",
            code=code,
            advice="If the bot has moved since, ask it for a new link. If not, its owner "
            f"must register this address at {provider.called}: {pending.redirect_uri}",
        )
    return ProviderRefused(
        f"{provider.called} refused to connect the account.", code=error_name(code)
    )


def _exchange(
    storage: Storage, provider: Provider, code: str, pending: Authorization
) -> dict[str, Any]:
    """Swap the code for a token, and put the answer into the form in which we keep it."""
    answer = ask_for_token(
        provider,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,  # the very one of step 1
            "code_verifier": pending.verifier,
        },
    )
    data = token_data(provider, answer, storage.now())
    data.setdefault("scope", list(provider.scopes))  # not said: as asked (RFC 6749, section 5.1)
    return data


def _other_account(row: Service | None, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the row holds, if that belongs to another account than what is new."""
    if row is None or row.account.get("id") == (data["account"] or {}).get("id"):
        return {}
    return row.data or {}


# ---- step 3: the API ---------------------------------------------------------------------------


def api_session(storage: Storage, provider: Provider, service: Service) -> ApiSession:
    """A `requests.Session` that calls the provider's API for this connection.

    `api_session(storage, provider, service).get("/user")`: the token travels in the header, and to
    the provider's API only.  A token near its end, or refused, is refreshed once and saved: see
    `botkit.oauth.refresh`.  For what the session's requests raise see
    `botkit.oauth.http.ApiSession`; this raises `ReconnectNeeded` or another `ProviderError` if
    there is no token that can be used.
    """
    service = fresh_service(storage, provider, service)

    def renew(rejected: str) -> str:
        return fresh_service(storage, provider, service, rejected=rejected).access_token or ""

    return ApiSession(provider.called, provider.api_url, service.access_token or "", renew=renew)


# ---- the way back ------------------------------------------------------------------------------


def revoke(storage: Storage, provider: Provider, service: Service) -> None:
    """Tell the provider to forget the connection.  The row stays; deleting it is the caller's.

    A provider may ask for a token that still works, so an old one is refreshed first; where there
    is none any more, there is nothing left to forget.  Raises `ProviderError` when the provider
    does not confirm.
    """
    if provider.revocation is None:
        return
    try:
        token = fresh_service(storage, provider, service).access_token or ""
    except ReconnectNeeded:
        return
    revoke_token(provider, provider.revocation, token)
