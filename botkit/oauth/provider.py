"""Describe a service that people can connect: its addresses, its scopes, and its habits.

The three steps work for any `Provider`.  To add one, describe it from its documentation, as
`botkit.providers.github` does.

Not here: code for one provider.  A difference between providers is a field of the description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Revocation:
    """The request that revokes a connection.

    The token goes into the body as `field`.  `client_auth` says how the app identifies itself: with
    HTTP Basic, with its id and secret in the body, or not at all.  `ends` says what this revokes:
    this connection only, or everything that the person has granted, in every chat.  `already` are
    the statuses and error names that may mean "this was revoked before"; the RFC has none, because
    there this is a success (RFC 7009, section 2.2).
    """

    method: Literal["DELETE", "POST"]
    url: str
    field: str
    encoding: Literal["json", "form"]
    client_auth: Literal["basic", "body", "none"]
    ends: Literal["connection", "everything"] = "everything"
    already: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Provider:
    """A service that people can connect, and our registration there."""

    name: str  # as in the column services.name
    slug: str = field(default="", kw_only=True)  # in the callback's path; "": made of the name
    client_id: str
    client_secret: str = field(repr=False)

    authorize_url: str
    token_url: str
    api_url: str  # the token is sent to this address and to no other
    scopes: tuple[str, ...]

    client_auth: Literal["body", "basic"] = "body"  # at the token endpoint, RFC 6749 section 2.3.1
    basic_is_form_encoded: bool = True  # as the RFC wants it; some servers do not decode it
    issuer: str | None = None  # what `iss` must say when the callback carries it, RFC 9207
    sends_issuer: bool = False  # then a callback without `iss` is refused, RFC 9207 section 2.4
    authorize_params: Mapping[str, str] = field(default_factory=dict)  # e.g. access_type=offline
    scope_separator: str = " "  # in the token answer; in the link it is always a space
    implied_scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    account_url: str | None = None  # whose account is it?  A request with the token
    account_method: Literal["GET", "POST"] = "GET"  # of that request
    account_id_field: str = "id"
    account_name_field: str = "name"
    revocation: Revocation | None = None
    same_grant: tuple[str, ...] = ()  # other providers where the person's grant is the same one
    title: str = ""  # what people call it, if that is not its name

    @classmethod
    def discover(
        cls,
        issuer: str,
        *,
        name: str,
        client_id: str,
        client_secret: str,
        api_url: str,
        scopes: tuple[str, ...],
        **more: Any,
    ) -> Provider:
        """Return the description of a service that publishes its addresses.

        This asks the issuer each time, so it is for trying things out and for practice.  For a live
        bot, `python -m botkit discover` prints a description that can be read and kept.

        No service says where its API begins, which scopes to ask for, how it separates them in an
        answer, what a link needs for a refresh token, and what a revocation ends.  That is given
        here.  What is given in `more` counts before what the service says.

        Raises `DiscoveryError` or `ProviderUnreachable`.
        """
        from botkit.oauth.discovery import discover_fields

        fields = discover_fields(issuer, name=name, scopes=scopes, given=more)
        if revocation := fields.get("revocation"):
            fields["revocation"] = Revocation(**revocation)
        given = {"client_id": client_id, "client_secret": client_secret, "api_url": api_url}
        return cls(name=name, scopes=scopes, **{**fields, **given, **more})

    def __post_init__(self) -> None:
        if self.slug == "":
            object.__setattr__(self, "slug", slug_of(self.name))

    @property
    def called(self) -> str:
        """Its name in a sentence."""
        return self.title or self.name


def slug_of(name: str) -> str:
    """Return a name as a part of an address: `GitLab` becomes `gitlab`."""
    return re.sub("[^a-z0-9]+", "-", str(name).lower()).strip("-")


def callback_path(provider: Provider) -> str:
    """Return the path of the callback URL.

    Each provider has its own, so the answer of one cannot be mistaken for that of another.
    Source: RFC 9700, section 4.4.2.
    """
    return f"/{provider.slug}/oauth"


def base_url(address: str) -> str:
    """Return the address of a server in the one form in which it can be compared.

    Scheme and host are in small letters, and there is no slash at the end and no port that goes
    without saying.  What is no address stays as it is.  Source: RFC 3986, section 6.2.2.1.
    """
    try:
        parts = urlsplit(address)
        user, at, host = parts.netloc.rpartition("@")
        host, port = host.lower(), parts.port
    except ValueError:
        return address
    if port is not None and port == {"http": 80, "https": 443}.get(parts.scheme):
        host = host.removesuffix(f":{port}")
    return parts._replace(netloc=f"{user}{at}{host}").geturl().rstrip("/")
