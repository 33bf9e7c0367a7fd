"""Test the back channel: the token endpoint and the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import requests

from botkit.errors import BotkitError, ProviderRefused, ReconnectNeeded, StateUsed
from botkit.oauth import (
    Provider,
    ask_for_token,
    fetch_account,
    handle_callback,
    http,
    missing_scopes,
    read_fields,
    token_data,
)
from botkit.providers.contract.case import YOU, Case
from botkit.providers.contract.report import Broken, NotTried, refused, want
from botkit.storage import Service

UNNAMED = "an unnamed error"


# ---- a code becomes a token --------------------------------------------------------------------


def exchange(case: Case) -> str:
    """Exchange a code.  Source: RFC 6749, section 4.1.3, and RFC 7636, section 4.5."""
    form = case.form_for(case.approved())
    case.answer = ask_for_token(case.provider, form)
    case.form = form
    return "The code becomes a token."


def scopes(case: Case) -> str:
    """Compare the scopes that were granted with those that were asked for.

    Source: RFC 6749, section 5.1.
    """
    one = case.provider
    data = token_data(one, case.exchanged(), case.storage.now())
    asked, granted = list(one.scopes), data.get("scope")
    missing = missing_scopes(one, Service(data=data))
    want(
        not missing,
        f"Asked for: {asked}. The answer was read as: {granted}. Did the person allow less, or "
        f"does the answer separate scopes with something else than {one.scope_separator!r}, which "
        "is the scope_separator?",
    )
    return "All that was asked for is granted."


def account(case: Case) -> str:
    """Ask whose token it is."""
    token, described = case.exchanged()["access_token"], case.provider
    case.provider = replace(described, account_url=None)
    want(described.account_url, "There is no account_url: nobody can see whose account it is.")
    try:
        found = fetch_account(described, token) or {}
    except BotkitError as error:
        raise Broken(f"{error} {_fields_of_account(described, token)}") from None
    named = found["id"] not in ("", "None") and found["name"] != "no name"
    want(named, f"The account has no id or no name. {_fields_of_account(described, token)}")
    case.provider = described
    return f"The bot will call the account “{found['name']}”; its id there is {found['id']}."


def _fields_of_account(provider: Provider, token: str) -> str:
    """Return which fields the answer has, to compare with the described ones."""
    url = provider.account_url or ""
    try:
        with http.ApiSession(provider.name, url, token) as api:
            answer = api.request(provider.account_method, url)
    except BotkitError:
        return "Look at account_url."
    if answer.status_code != 200:
        return f"It answered {answer.status_code}. Look at account_url."
    wanted = f"{provider.account_id_field}, {provider.account_name_field}"
    there = ", ".join(sorted(read_fields(answer))) or "nothing that can be read"
    return f"Wanted: {wanted}. The answer has: {there}."


def used_code(case: Case) -> str:
    """Exchange the code a second time.  Source: RFC 6749, section 4.1.2."""
    case.exchanged()
    return f"A code does not work twice ({_name_of_no(case.provider, case.form)})."


def verifier(case: Case) -> str:
    """Exchange a code with another verifier, as a thief would.  Source: RFC 7636, section 4.6."""
    case.exchanged()
    form = case.form_for(case.decide(approve=True)) | {"code_verifier": "another-verifier-" * 3}
    try:
        ask_for_token(case.provider, form)
    except ProviderRefused as error:
        return f"A code with another trip's verifier is refused ({error.code})."
    raise NotTried("A wrong verifier was taken. The state alone protects this trip.")


def stored(case: Case) -> str:
    """Take the whole second step, `handle_callback`, twice."""
    case.exchanged()
    query = case.decide(approve=True)
    service = handle_callback(case.storage, case.provider, query)
    found = case.storage.find_service(case.provider.name, **YOU)
    want(found and found.access_token == service.access_token, "The token was not stored.")
    with refused(StateUsed, "The same callback was taken twice."):
        handle_callback(case.storage, case.provider, query)
    want(len(case.storage.find_services()) == 1, "There is more than one row.")
    case.service = service
    return "The connection is stored, once, and its callback does not work twice."


# ---- a token is used and renewed ---------------------------------------------------------------


def api(case: Case) -> str:
    """Call the API with a made-up token and with ours.  Source: RFC 6750, section 3.1."""
    name, method, url = case.provider.name, case.provider.account_method, case.api_url
    with http.ApiSession(name, url, "a-token-that-nobody-gave-out") as session:
        try:
            status = session.request(method, url).status_code
        except ReconnectNeeded:
            pass
        else:
            raise Broken(
                f"A made-up token was answered with {status}; wanted: 401. Is {url} right?"
            )
    status = case.call(case.connection())
    if status >= 400:
        return f"It answers our token with {status}, and a made-up one with 401."
    return "It takes our token, and answers a made-up one with 401."


def refresh(case: Case) -> str:
    """Refresh the token, which may or may not replace the refresh token.

    Source: RFC 6749, section 6.
    """
    before = case.connection()
    if not before.refresh_token:
        want(
            before.expires_at is None,
            "The token ends, but no refresh token came: people must connect again each time. Does "
            "the service want a scope or one of authorize_params for it?",
        )
        raise NotTried("The token has no end, and there is no refresh token.")
    over = case.storage.now() - timedelta(minutes=1)
    before = case.storage.update_service(before.id, {"expiresAt": over.isoformat()}) or before
    witness = _Witness(case)
    http.watchers.append(witness)
    try:
        case.call(before)
    finally:
        http.watchers.remove(witness)
    after = case.connection()
    want(after.access_token != before.access_token, "The refresh brought no new token.")
    want(after.refresh_token, "The refresh token is lost.")
    want(witness.saw == [True], "The new token was used before it was stored.")
    how = "kept" if after.refresh_token == before.refresh_token else "replaced (rotation)"
    return f"The new token is stored before it is used; the refresh token is {how}."


class _Witness:
    """Watch the request to the API, and note whether its token is already stored."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.saw: list[bool] = []

    def before(self, request: requests.PreparedRequest) -> None:
        if request.url == requests.Request("GET", self._case.api_url).prepare().url:
            stored = f"Bearer {self._case.connection().access_token}"
            self.saw.append(request.headers.get("Authorization") == stored)

    def after(self, *_: object) -> None:
        """Ignore the answer."""


def errors(case: Case) -> str:
    """Compare the names of two errors, which must differ.  Source: RFC 6749, section 5.2."""
    form = {
        "grant_type": "authorization_code",
        "code": "a-code-that-nobody-gave-out",
        "redirect_uri": case.redirect_uri,
        "code_verifier": "a-verifier-" * 4,
    }
    code = _name_of_no(case.provider, form)
    secret = _name_of_no(replace(case.provider, client_secret="not-the-secret"), form)
    want(UNNAMED not in (code, secret), "An error came without a name that can be read.")
    want(
        code != secret,
        f"A wrong code and a wrong secret are both called {code}. Does the app identify itself at "
        f"all? client_auth is {case.provider.client_auth!r}.",
    )
    return f"A wrong code is called {code}, a wrong secret {secret}."


def _name_of_no(provider: Provider, form: dict[str, str]) -> str:
    """Return the provider's name for its refusal.  Raises `Broken` if it does not refuse."""
    try:
        ask_for_token(provider, form)
    except ProviderRefused as error:
        return error.code
    raise Broken("It gave a token where it had to refuse.")
