"""Ask a service for its addresses: its issuer publishes them as JSON.

Start with `discover_fields`; `Provider.discover` makes a description of what it returns.  OpenID
Connect Discovery and RFC 8414 have the same members.

The client secret goes where the answer says.  So the answer must come from the issuer itself, and
it must name that very issuer.  The issuer is chosen by the person who writes the bot, and never by
a person who talks to it.  What no service says is in the docstring of `Provider.discover`.

Source: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414, sections 2 and 3; RFC 9700,
section 4.4.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botkit.errors import DiscoveryError
from botkit.oauth import http
from botkit.oauth.connections import is_loopback

LARGEST_METADATA = 256 * 1024  # bytes; Google's has two thousand
METHODS = {"client_secret_basic": "basic", "client_secret_post": "body"}
NAME_CLAIMS = ("preferred_username", "nickname", "name", "email")


def discover_fields(
    issuer: str, *, name: str, scopes: Sequence[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a `Provider` that its issuer says; `revocation` is a dict of fields.

    `name` is for the sentences of errors.  `given` are fields that somebody has said already.
    Raises `DiscoveryError` or `ProviderUnreachable`.
    """
    issuer = issuer.rstrip("/")
    said = fetch_metadata(issuer, name)
    if said.get("userinfo_endpoint") and not ("openid" in scopes or "account_url" in given):
        raise DiscoveryError(
            f"{name} says whose account it is only to apps that ask for the scope openid.",
            advice='Add "openid" to the scopes, or give account_url yourself.',
        )
    return read_metadata(said, issuer, name=name, scopes=scopes)


# ---- the request -------------------------------------------------------------------------------


def fetch_metadata(issuer: str, name: str) -> Mapping[str, Any]:
    """Return what an issuer publishes about itself.

    Raises `DiscoveryError` or `ProviderUnreachable`.
    """
    for url in _metadata_urls(issuer.rstrip("/"), name):
        said = _fetch(url, name)
        if said is not None:
            _check_issuer(said, issuer, name)
            return said
    raise DiscoveryError(f"{name} does not publish its addresses at {urlsplit(issuer).hostname}.")


def _metadata_urls(issuer: str, name: str) -> Iterator[str]:
    """Yield where to ask: as OpenID Connect has it, and then as RFC 8414 has it."""
    parts = _split(issuer)
    scheme, host = (parts.scheme, parts.hostname or "") if parts else ("", "")
    is_safe = scheme == "https" or (scheme == "http" and is_loopback(host))
    if parts is None or not is_safe or not host or parts.query or parts.fragment or parts.username:
        raise DiscoveryError(
            f"The issuer of {name} is not an address that can be trusted.",
            advice="Write it like https://gitlab.com: with https, and with nothing after the path.",
        )
    yield f"{issuer}/.well-known/openid-configuration"
    origin = f"{parts.scheme}://{parts.netloc}"
    yield f"{origin}/.well-known/oauth-authorization-server{parts.path}"


def _fetch(url: str, name: str) -> dict[str, Any] | None:
    """Return the JSON object at `url`; None if nothing is there.  A redirect is not followed."""
    with http.Session() as session, http.reaching(name):
        answer = session.get(url, headers={"Accept": "application/json"}, allow_redirects=False)
    if answer.status_code != 200:
        return None
    said = http.read_json(answer) if len(answer.content) <= LARGEST_METADATA else None
    if not isinstance(said, dict):
        raise DiscoveryError(f"What {name} publishes about itself cannot be read.")
    return said


def _check_issuer(said: Mapping[str, Any], issuer: str, name: str) -> None:
    """Raise `DiscoveryError` if the answer names another issuer.  Source: RFC 8414, section 3.3."""
    if str(said.get("issuer")).rstrip("/") != issuer.rstrip("/"):
        raise DiscoveryError(
            f"{name} says that it is another issuer than the one that was asked.",
            advice="Write the issuer exactly as the service's documentation has it.",
        )


# ---- the answer --------------------------------------------------------------------------------


def read_metadata(
    said: Mapping[str, Any], issuer: str, *, name: str, scopes: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of a `Provider` in what an issuer has published.

    Raises `DiscoveryError`.
    """

    def address(member: str) -> str:
        return _address(said, member, issuer, name)

    fields: dict[str, Any] = {
        "authorize_url": address("authorization_endpoint"),
        "token_url": address("token_endpoint"),
        "issuer": str(said["issuer"]),
        "client_auth": _client_auth(said, "token", name),
        "sends_issuer": said.get("authorization_response_iss_parameter_supported") is True,
    }
    if said.get("userinfo_endpoint") and "openid" in scopes:
        claims = said.get("claims_supported")
        known = claims if isinstance(claims, list) else []
        fields["account_url"] = address("userinfo_endpoint")
        fields["account_id_field"] = "sub"
        fields["account_name_field"] = next((one for one in NAME_CLAIMS if one in known), "name")
    if said.get("revocation_endpoint"):
        fields["revocation"] = {
            "method": "POST",
            "url": address("revocation_endpoint"),
            "field": "token",
            "encoding": "form",
            "client_auth": _client_auth(said, "revocation", name),
        }
    return fields


def _address(said: Mapping[str, Any], member: str, issuer: str, name: str) -> str:
    """Return an endpoint, if a secret may be sent there."""
    parts, home = _split(said.get(member)), urlsplit(issuer)
    host = (parts.hostname or "") if parts else ""
    here = is_loopback(home.hostname or "")
    good = (
        parts is not None
        and host
        and (parts.scheme == "https" or (here and parts.scheme == "http" and is_loopback(host)))
        and not parts.username
        and not parts.fragment
        and (host == home.hostname or here or not _is_inside(host))
    )
    if not good:
        raise DiscoveryError(
            f"{name} names no {member} that can be trusted.",
            advice="Describe it by hand, from its documentation: lesson 10 shows how.",
        )
    return str(said[member])


def _client_auth(said: Mapping[str, Any], which: str, name: str) -> str:
    """Return how the app identifies itself.

    HTTP Basic counts if nothing is said.  Source: RFC 8414, section 2.
    """
    named = said.get(f"{which}_endpoint_auth_methods_supported") or ["client_secret_basic"]
    for method in METHODS:
        if isinstance(named, list) and method in named:
            return METHODS[method]
    raise DiscoveryError(
        f"{name} wants an app to identify itself in a way that botkit does not know.",
        advice="botkit sends the client secret with HTTP Basic or in the form.",
    )


def _split(url: Any) -> SplitResult | None:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        if parts is not None:
            _ = parts.port  # raises `ValueError` for nonsense
        return parts
    except ValueError:
        return None


def _is_inside(host: str) -> bool:
    """Return whether a host is this computer or in a private network, by its name alone."""
    host = host.rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        looks_like_one = re.fullmatch("[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2])
        local = host.endswith((".localhost", ".internal", ".local"))
        return bool(looks_like_one) or local or "." not in host
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global
