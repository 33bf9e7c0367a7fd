"""`python -m botkit discover` prints a description to paste."""

from __future__ import annotations

from contextlib import closing

import pytest
from contract_world import BOT, examined

from botkit import __main__ as command_line
from botkit.practice.world import Clock, World
from botkit.run import discover


def written(text: str, name: str, *registration: str):
    """Run the code that was printed, and return the description."""
    scope: dict = {}
    exec(text.replace("from botkit import", "from botkit.oauth import"), scope)
    return scope[name](*registration)


def test_what_is_printed_is_a_description_that_works(capsys):
    with closing(World(Clock())) as world:
        client_id, secret, address = world.start_any("lab")
        assert command_line.main(["discover", address]) == 0
        text = capsys.readouterr().out
        assert f'server="{address}"):' in text and "# where the API begins" in text
        provider = written(text, "service", client_id, secret)
        assert provider.sends_issuer and provider.issuer == address
        world.register_callbacks({client_id: [f"{BOT}/{provider.slug}/oauth"]})
        report = examined(provider, world)
        assert report.kept, report


SAID = {
    "issuer": "https://accounts.example.com/",
    "authorization_endpoint": "https://login.example.com/a",
    "token_endpoint": 'https://login.example.com/{__import__("os")}"t',
    "scopes_supported": ["openid", "two\nlines", *(f"s{n}" for n in range(20))],
}


def test_addresses_of_others_are_no_code(monkeypatch):
    monkeypatch.setattr(discover, "fetch_metadata", lambda *_: SAID)
    text = discover.describe_issuer("https://accounts.example.com/")
    provider = written(text, "example", "id", "s")
    assert provider.token_url == SAID["token_endpoint"]
    assert provider.issuer == "https://accounts.example.com/"
    assert provider.account_url is None and provider.revocation is None
    assert "# It knows: openid, s0" in text and "two" not in text and text.count(", s") < 13


def test_an_address_below_the_issuer_is_no_code_either(monkeypatch):
    below = {name: f"{SAID['issuer']}{{1/0}}" for name in SAID if name.endswith("_endpoint")}
    monkeypatch.setattr(discover, "fetch_metadata", lambda *_: SAID | below)
    provider = written(discover.describe_issuer(SAID["issuer"]), "example", "id", "s")
    assert provider.authorize_url == provider.token_url == "https://accounts.example.com/{1/0}"


@pytest.mark.parametrize(
    ("issuer", "word"),
    [
        ("https://gitlab.com", "gitlab"),
        ("https://accounts.google.com", "google"),
        ("https://login.tea-house.co.uk/x", "teahouse"),
        ("https://1.2.3.4", "service"),
        ("http://localhost:8000", "service"),
        ("https://www.import.com", "service"),
    ],
)
def test_a_word_is_made_of_the_host(issuer, word):
    assert discover.word_of(issuer) == word


def test_an_issuer_that_says_nothing_gets_a_sentence(capsys):
    assert command_line.main(["discover", "http://example.com"]) == 1
    assert capsys.readouterr().err.startswith("The issuer of Example is not an address that can")
