"""A practice RingCentral with one third-party app in it, for the tests of OAuth and accounts."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server

CALLBACK = "http://127.0.0.1:8123/ringcentral/oauth"
ACCOUNT = "/restapi/v1.0/account/~"
ME = f"{ACCOUNT}/extension/~"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]


class World:
    """A practice RingCentral, one app in it, a clock, and a browser that belongs to Alice."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.chat = RingCentral(now=lambda: self.time)
        self.server = Server(self.chat.wsgi)
        self.chat.address = self.server.url
        self.app = self.chat.register_app("Assistant", [CALLBACK])
        self.client_id = self.app[0]
        self.browser = requests.Session()

    def close(self) -> None:
        self.chat.trouble.clear()
        self.server.stop()

    # ---- the consent page ----------------------------------------------------------------------

    def link(self, **params: Any) -> str:
        """A link to the consent page.  An empty parameter is left out, a list is repeated."""
        query = {"response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK}
        query = {name: value for name, value in (query | {"state": "s"} | params).items() if value}
        url = f"{self.server.url}/restapi/oauth/authorize"
        return str(requests.Request("GET", url, params=query).prepare().url)

    def open(self, **params: Any) -> requests.Response:
        return self.browser.get(self.link(**params), allow_redirects=False)

    def decide(
        self, decision: str = "approve", who: str = "Alice", headers: Any = None, **params: Any
    ) -> requests.Response:
        form = {"decision": decision, "account": who}
        url = self.link(**params)
        return self.browser.post(url, data=form, headers=headers, allow_redirects=False)

    def code(self, who: str = "Alice", **params: Any) -> str:
        return query_of(self.decide(who=who, **params))["code"]

    # ---- tokens --------------------------------------------------------------------------------

    def post(self, path: str, auth: Any = (), **form: Any) -> requests.Response:
        form = {name: value for name, value in form.items() if value is not None}
        auth = self.app if auth == () else auth
        return requests.post(f"{self.server.url}/restapi/oauth/{path}", data=form, auth=auth)

    def exchange(self, code: str | None, **form: Any) -> requests.Response:
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code} | form
        return self.post("token", **form)

    def refresh(self, token: Any, **form: Any) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token} | form
        return self.post("token", **form)

    def connect(self, who: str = "Alice", **form: Any) -> dict[str, Any]:
        """All the way: consent, code, tokens."""
        answer = self.exchange(self.code(who), **form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    # ---- the API -------------------------------------------------------------------------------

    def call(
        self, token: str, path: str = ME, method: str = "GET", **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, self.server.url + path, headers=headers, **more)

    def get(self, token: str, path: str = ME) -> dict[str, Any]:
        answer = self.call(token, path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def query_of(answer: requests.Response) -> dict[str, str]:
    """What the browser takes back to the app's callback."""
    where = answer.headers["Location"]
    assert where.startswith(f"{CALLBACK}?")
    return dict(parse_qsl(urlsplit(where).query, keep_blank_values=True))


def token_error(answer: requests.Response) -> tuple[int, str, str]:
    """Status, name and RingCentral's code of an error of the token or revocation endpoint."""
    body = answer.json()
    assert body.keys() == {"error", "error_description", "errors"}
    (reason,) = body["errors"]
    assert reason["message"] == body["error_description"] != ""
    return answer.status_code, body["error"], reason["errorCode"]


def api_error(answer: requests.Response) -> tuple[int, str, str | None]:
    """Status, code and, where it is named, the wrong parameter of an error of the API."""
    body = answer.json()
    (reason,) = body["errors"]
    assert (reason["errorCode"], reason["message"]) == (body["errorCode"], body["message"])
    return answer.status_code, body["errorCode"], reason.get("parameterName")
