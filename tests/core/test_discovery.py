"""A description that is asked from its issuer: what is taken from the answer, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask, redirect

from botkit.errors import DiscoveryError, IssuerMismatch, ProviderUnreachable
from botkit.oauth import Provider, read_metadata
from botkit.oauth.steps import _check_issuer
from botkit.practice.server import Server

OPENID = "/.well-known/openid-configuration"
OURS = {"name": "Lab", "client_id": "id", "client_secret": "s"}


class Issuer:
    """A server that publishes what it is told."""

    def __init__(self) -> None:
        self.paths: dict[str, object] = {}
        app = Flask(__name__)
        app.add_url_rule("/<path:path>", "any", self._answer)
        self.server = Server(app)
        self.url = self.server.url

    def _answer(self, path: str):
        found = self.paths.get(f"/{path}")
        return ("", 404) if found is None else found

    def says(self, path: str = OPENID, issuer: str | None = None, **more) -> None:
        said = {
            "issuer": issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            **more,
        }
        self.paths[path] = json.dumps({k: v for k, v in said.items() if v is not None})

    def discover(self, path: str = "", scopes=("openid",), **more) -> Provider:
        return Provider.discover(self.url + path, **OURS, api_url=self.url, scopes=scopes, **more)


@pytest.fixture(scope="module")
def served() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.server.stop()


@pytest.fixture
def issuer(served: Issuer) -> Issuer:
    served.paths.clear()
    return served


def test_what_is_said_is_taken(issuer):
    issuer.says(
        userinfo_endpoint=f"{issuer.url}/me",
        revocation_endpoint=f"{issuer.url}/revoke",
        token_endpoint_auth_methods_supported=["private_key_jwt", "client_secret_post"],
        claims_supported=["sub", "email"],
        authorization_response_iss_parameter_supported=True,
    )
    one = issuer.discover()
    assert (one.authorize_url, one.token_url) == (f"{issuer.url}/authorize", f"{issuer.url}/token")
    assert (one.issuer, one.sends_issuer, one.client_auth) == (issuer.url, True, "body")
    account = one.account_url, one.account_id_field, one.account_name_field
    assert account == (f"{issuer.url}/me", "sub", "email")
    assert one.revocation and one.revocation.url == f"{issuer.url}/revoke"
    assert (one.revocation.client_auth, one.revocation.ends) == ("basic", "everything")


def test_what_is_given_counts_before_what_is_said(issuer):
    issuer.says(userinfo_endpoint=f"{issuer.url}/me", revocation_endpoint=f"{issuer.url}/revoke")
    url = f"{issuer.url}/x"
    one = issuer.discover(scopes=(), account_url=url, revocation=None, title="The Lab")
    assert (one.account_url, one.account_id_field, one.sends_issuer) == (url, "id", False)
    assert one.revocation is None and one.called == "The Lab"


def test_an_issuer_with_a_path_is_asked_in_both_ways(issuer):
    path = "/.well-known/oauth-authorization-server/login/oauth"
    issuer.says(path, issuer=f"{issuer.url}/login/oauth")
    assert issuer.discover("/login/oauth").issuer == f"{issuer.url}/login/oauth"


def test_a_slash_at_the_end_of_an_issuer_belongs_to_it(issuer):
    issuer.says(issuer=f"{issuer.url}/")
    assert issuer.discover().issuer == f"{issuer.url}/"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"token_endpoint": "http://evil.example/token"}, "no token_endpoint that can be trusted"),
        ({"token_endpoint": None}, "no token_endpoint"),
        ({"token_endpoint": "https://user@evil.example/"}, "no token_endpoint"),
        ({"token_endpoint": "https://evil.example/#x"}, "no token_endpoint"),
        ({"token_endpoint": "http://[/"}, "no token_endpoint"),
        ({"token_endpoint": "https://x:y/"}, "no token_endpoint"),
        ({"token_endpoint": ["x"]}, "no token_endpoint"),
        ({"userinfo_endpoint": "https://x.example"}, "the scope openid"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "identify itself"),
        ({"token_endpoint_auth_methods_supported": "client_secret_basic"}, "identify itself"),
    ],
)
def test_what_cannot_be_trusted_is_refused(issuer, more, words):
    issuer.says(**more)
    with pytest.raises(DiscoveryError, match=words):
        issuer.discover(scopes=())


def test_a_redirect_is_not_followed(issuer):
    issuer.says("/elsewhere")
    issuer.paths[OPENID] = redirect(f"{issuer.url}/elsewhere")
    with pytest.raises(DiscoveryError, match="does not publish its addresses"):
        issuer.discover()


@pytest.mark.parametrize("body", ["[]", "{", "<html>", json.dumps({"x": "x" * 300_000})])
def test_nonsense_is_refused(issuer, body):
    issuer.paths[OPENID] = body
    with pytest.raises(DiscoveryError, match="cannot be read"):
        issuer.discover()


def test_an_issuer_that_does_not_answer_is_told_as_such():
    with pytest.raises(ProviderUnreachable, match="Lab could not be reached"):
        Provider.discover("http://127.0.0.1:9", **OURS, api_url="http://127.0.0.1:9", scopes=())


@pytest.mark.parametrize(
    "url",
    ["http://gitlab.com", "https://gitlab.com?x", "https://a@gitlab.com", "https://x:y", "x", ""],
)
def test_an_issuer_must_be_an_address_of_its_own(url):
    with pytest.raises(DiscoveryError, match="The issuer of Lab is not an address"):
        Provider.discover(url, **OURS, api_url="https://x.example", scopes=())


INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "localhost",
    "a.localhost",
    "169.254.169.254",
    "[::1]",
    "[fe80::1%25eth0]",
    "2130706433",
]
INSIDE += [
    "2130706433",
    "127.1",
    "0x7f.0.0.0x1",
    "[::ffff:10.0.0.1]",
    "intranet",
    "db.internal",
    "LOCALHOST.",
]


@pytest.mark.parametrize("host", INSIDE)
def test_a_public_issuer_names_nothing_inside(host):
    said = {"issuer": "https://gitlab.com", "authorization_endpoint": f"https://{host}/authorize"}
    with pytest.raises(DiscoveryError, match="authorization_endpoint"):
        read_metadata(said, "https://gitlab.com", name="Lab", scopes=())


def test_an_issuer_in_a_private_network_names_itself_and_public_hosts_are_fine():
    hosts = [("https://gitlab", "gitlab")]
    for host in ("b.example", "8.8.8.8", "[2606:4700:4700::1111]"):
        hosts.append(("https://a.example", host))
    for issuer, host in hosts:
        said = {
            "issuer": issuer,
            "authorization_endpoint": f"https://{host}/authorize",
            "token_endpoint": f"https://{host}/token",
        }
        fields = read_metadata(said, issuer, name="Lab", scopes=())
        assert fields["token_url"] == f"https://{host}/token"
        assert fields["client_auth"] == "basic"  # RFC 8414: if nothing is said


def test_a_promised_issuer_must_come(issuer):
    issuer.says(authorization_response_iss_parameter_supported=True)
    one = issuer.discover()
    with pytest.raises(IssuerMismatch, match="does not say that it comes from Lab"):
        _check_issuer({"code": ["x"]}, one)
    _check_issuer({"iss": [issuer.url]}, one)
    _check_issuer({"code": ["x"]}, replace(one, sends_issuer=False))
