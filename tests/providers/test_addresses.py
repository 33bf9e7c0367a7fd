"""The addresses of each provider, for the servers that somebody may name."""

from __future__ import annotations

import pytest

from botkit import providers


@pytest.mark.parametrize(
    ("server", "token_url", "api_url"),
    [
        ("https://github.com", "https://github.com/login", "https://api.github.com"),
        ("https://GitHub.com/", "https://github.com/login", "https://api.github.com"),
        ("HTTPS://github.com:443", "https://github.com/login", "https://api.github.com"),
        ("https://Git.Example", "https://git.example/login", "https://git.example/api/v3"),
        ("http://LocalHost:4001", "http://localhost:4001/login", "http://localhost:4001/api/v3"),
        (
            "https://Octocorp.ghe.com",
            "https://octocorp.ghe.com/login",
            "https://api.octocorp.ghe.com",
        ),
        ("https://a.b.ghe.com", "https://a.b.ghe.com/login", "https://a.b.ghe.com/api/v3"),
    ],
)
def test_github_is_found_at_each_of_its_kinds_of_servers(server, token_url, api_url):
    github = providers.github("id", "secret", server=server)
    assert github.token_url == f"{token_url}/oauth/access_token"
    assert github.api_url == api_url
    assert github.revocation.url == f"{api_url}/applications/id/grant"


@pytest.mark.parametrize("server", ["https://www.GoogleAPIs.com", "https://www.googleapis.com/"])
def test_google_is_google_however_it_is_written(server):
    assert providers.google_drive("id", "secret", server=server).token_url == (
        "https://oauth2.googleapis.com/token"
    )
    assert providers.google_sheets("id", "secret", server=server).api_url == (
        "https://sheets.googleapis.com/v4"
    )


def test_ringcentral_has_one_slash_where_its_server_ends_with_one():
    ringcentral = providers.ringcentral("id", "secret", server="https://RC.example/")
    assert ringcentral.token_url == "https://rc.example/restapi/oauth/token"
