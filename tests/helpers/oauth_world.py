"""A practice GitHub with one app in it, and a person who decides, for the tests of the three steps.

Its protocol is judged by Authlib.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import requests

from botkit import providers
from botkit.oauth import Provider
from botkit.practice.github.server import GitHub
from botkit.practice.server import Server

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
CALLBACK = "http://127.0.0.1:9/github/oauth"  # nobody listens there: tests read the redirect


def practice_github(now) -> Iterator[GitHub]:
    github = GitHub(now=now)
    server = Server(github.wsgi)
    github.address = server.url
    yield github
    github.trouble.clear()
    server.stop()


def registered(practice: GitHub) -> Provider:
    client = practice.register_app("Practice Bot", [CALLBACK])
    return providers.github(*client, server=practice.address)


def answer_of(url: str, *, decision: str = "approve", account: str = "alice") -> dict:
    """Open the link as a person does, decide, and return the query of the redirect."""
    browser = requests.Session()
    browser.headers["User-Agent"] = "Mozilla/5.0"
    browser.cookies.set("github_account", account)
    page = browser.get(url, allow_redirects=False)
    if page.status_code == 200:
        form = dict(re.findall(r'name="([^"]+)"[^>]*? value="([^"]*)"', page.text))
        form |= {"decision": decision, "account": account}
        page = browser.post(url, data=form, allow_redirects=False)
    assert page.status_code in (302, 303), page.text
    return parse_qs(urlsplit(page.headers["Location"]).query, keep_blank_values=True)


def calls(practice: GitHub, path: str) -> int:
    return sum(seen.path.startswith(path) for seen in practice.requests_seen)
