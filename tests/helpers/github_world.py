"""A practice GitHub with one app in it, for the tests of the practice GitHub."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from botkit.practice.github.server import GitHub
from botkit.practice.server import Server

CALLBACK = "http://127.0.0.1:8123/github/oauth"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


class World:
    """A practice GitHub, one app in it, a clock, and a browser that belongs to Alice."""

    @staticmethod
    def start() -> datetime:
        return datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __init__(self) -> None:
        self.time = self.start()
        self.github = GitHub(now=lambda: self.time)
        self.server = Server(self.github.wsgi)
        self.github.address = self.server.url
        self.client_id, self.secret = self.github.register_app("My bot", [CALLBACK])
        self.browser = requests.Session()

    def sign_in(self, who: str) -> None:
        self.browser.cookies.set("github_account", who, domain="127.0.0.1")

    def open(self, **params: str) -> requests.Response:
        query = {"client_id": self.client_id, "state": "s", "scope": "read:user"} | params
        url = f"{self.server.url}/login/oauth/authorize"
        return self.browser.get(url, params=query, allow_redirects=False)

    def decide(self, decision: str = "approve", who: str = "alice", **params: str) -> str:
        """Press a button on the consent page; the address that the browser is sent to."""
        page = self.open(**({"prompt": "consent"} | params))
        assert page.status_code == 200, page.text
        form = {"decision": decision, "account": f"{who}-practice"}
        answer = self.browser.post(page.url, data=form, allow_redirects=False)
        return answer.headers["Location"]

    def code(self, **params: str) -> str:
        return query_of(self.decide(**params))["code"]

    def post(self, accept: str = "application/json", **fields: str) -> requests.Response:
        data = {"client_id": self.client_id, "client_secret": self.secret} | fields
        url = f"{self.server.url}/login/oauth/access_token"
        return requests.post(url, data=data, headers={"Accept": accept})

    def exchange(self, **fields: str) -> dict[str, Any]:
        answer = self.post(**fields)
        assert answer.status_code == 200
        return dict(answer.json())

    def user_status(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.server.url}/api/v3/user", headers=headers).status_code


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
