"""Test the front channel: the description, the auth link, and the callback."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from botkit.errors import AuthorizationDenied, StateForeign, StateUnknown
from botkit.oauth import handle_callback, pkce_challenge
from botkit.providers.contract.case import Case, Query
from botkit.providers.contract.report import FIELDS, Broken, NotTried, look_at, refused, said, want
from botkit.providers.fields import wrong_field


def description(case: Case) -> str:
    """Check the values of the fields, before anything is sent."""
    sentence = wrong_field(case.provider)
    want(not sentence, sentence)
    return "The addresses are whole and safe, and no field has an impossible value."


def link(case: Case) -> str:
    """Read the parameters of a link.  Source: RFC 6749, section 4.1.1; RFC 7636, section 4.3."""
    sent = parse_qs(urlsplit(case.link()).query, keep_blank_values=True)
    wanted = {
        "response_type": "code",
        "client_id": case.provider.client_id,
        "redirect_uri": case.redirect_uri,
        "code_challenge_method": "S256",
        **({"scope": " ".join(case.provider.scopes)} if case.provider.scopes else {}),
    }
    look = "Look at authorize_url and authorize_params."
    for name, value in wanted.items():
        came = sent.get(name)
        want(came == [value], f"The link has {name} = {came}; wanted: {[value]}. {look}")
    try:
        (state,) = sent["state"]
        pending = case.storage.claim_authorization(state, provider=case.provider.name)
    except (StateUnknown, LookupError, ValueError):
        raise Broken(f"The state is not the one that was made for this link. {look}") from None
    made = [pkce_challenge(pending.verifier)]
    want(sent["code_challenge"] == made, f"The code_challenge is not that of the verifier. {look}")
    return "It asks for a code, with a state of its own and a PKCE challenge (S256)."


def deny(case: Case) -> str:
    """Press Deny.  Source: RFC 6749, section 4.1.2.1."""
    query = case.decide(approve=False)
    if "code" in query:
        raise NotTried("not tried: nobody was asked, since an earlier approval still counts.")
    _check_issuer(case, query)
    _check_refusal(case, query)
    with refused(AuthorizationDenied, "The person said no, but a connection was made."):
        handle_callback(case.storage, case.provider, query)
    want(not case.storage.find_services(), "Something was stored, although the person said no.")
    return "A no comes back by its name, access_denied, and nothing is stored."


def callback(case: Case) -> str:
    """Press Approve.  Source: RFC 6749, section 4.1.2, and RFC 9207."""
    query = case.decide(approve=True)
    _check_issuer(case, query)
    _check_refusal(case, query)
    if "error" in query:
        handle_callback(case.storage, case.provider, query)  # it raises the error by its name
    want(len(query.get("code", ())) == 1, "The browser came back without a code.")
    case.query = query
    return "An approval comes back with one code."


def state(case: Case) -> str:
    """Try a made-up state, and that of another service.

    Source: RFC 6749, section 10.12, and RFC 9700, section 4.4.
    """
    query = case.approved()
    made_up = {**query, "state": ["a-state-that-nobody-gave-out"]}
    with refused(StateUnknown, "A callback with a made-up state was taken."):
        handle_callback(case.storage, case.provider, made_up)
    with refused(StateForeign, "A callback for another service was taken."):
        handle_callback(case.storage, replace(case.provider, name="another service"), query)
    want(not case.storage.find_services(), "Something was stored for one of these states.")
    return "A made-up state, and that of another service, are refused."


def _check_issuer(case: Case, query: Query) -> None:
    came, described = query.get("iss"), case.provider.issuer
    if came and described and came != [described]:
        case.provider = replace(case.provider, issuer=None)
        raise Broken(f"It says iss = {came[0]}, but issuer is {described!r}.")


def _check_refusal(case: Case, query: Query) -> None:
    """Raise `Broken` for an error that does not come from the person.

    Source: RFC 6749, section 4.1.2.1.
    """
    name = query.get("error", ["access_denied"])[0]
    if name != "access_denied":
        sentence = query.get("error_description", [None])[0]
        happened = f"{case.provider.called} refused the link. "
        happened += said(case.provider, name, sentence)
        raise Broken(look_at(happened, FIELDS.get(name, "authorize_url, client_id and scopes")))
