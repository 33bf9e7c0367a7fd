"""A practice Google with one client in it, for the tests of the practice Google."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from botkit.practice.google.scopes import AUTH
from botkit.practice.google.server import Google
from botkit.practice.server import Server

CALLBACK = "http://127.0.0.1:8123/google/oauth"
DRIVE, METADATA = f"{AUTH}drive.readonly", f"{AUTH}drive.metadata.readonly"
SHEETS, READ_SHEETS = f"{AUTH}spreadsheets", f"{AUTH}spreadsheets.readonly"
BOTH = f"{DRIVE} {SHEETS}"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
BAD_REQUEST = (400, "invalid_grant", "Bad Request")
WATCH, STOP = "/drive/v3/changes/watch", "/drive/v3/channels/stop"
DEAD = (400, "invalid_grant", "Token has been expired or revoked.")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


@dataclass(frozen=True)
class Call:
    """One request to an API, and its answer."""

    method: str
    path: str
    params: dict[str, str]
    body: Any
    answer: requests.Response


class World:
    """A practice Google, one client in it, a clock, and a browser that belongs to Alice."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.google = Google(now=lambda: self.time)
        self.server = Server(self.google.wsgi)
        self.google.address = self.server.url
        self.client_id, self.secret = self.google.register_client("My bot", [CALLBACK])
        self.browser = requests.Session()
        self.calls: list[Call] = []

    def close(self) -> None:
        self.google.trouble.clear()
        self.server.stop()

    # ---- OAuth ---------------------------------------------------------------------------------

    def open(self, **params: str) -> requests.Response:
        """Follow a link to the consent page.  An empty parameter is left out."""
        query = {"client_id": self.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
        query |= {"scope": DRIVE, "state": "s"} | params
        url = f"{self.server.url}/o/oauth2/v2/auth"
        query = {name: value for name, value in query.items() if value}
        return self.browser.get(url, params=query, allow_redirects=False)

    def decide(
        self, decision: str = "approve", who: str = "alice", tick: str | None = None, **params: str
    ) -> dict[str, str]:
        """Press a button on the consent page; what the browser is sent back with.

        `tick` names the scopes that stay ticked; without it all do.
        """
        page = self.open(**({"prompt": "consent"} | params))
        assert page.status_code == 200, page.text
        scopes = params.get("scope", DRIVE) if tick is None else tick
        form = {"decision": decision, "account": who, "scopes": scopes.split()}
        answer = self.browser.post(page.url, data=form, allow_redirects=False)
        assert answer.headers["Location"].startswith(f"{CALLBACK}?")
        return query_of(answer.headers["Location"])

    def post(self, **fields: str) -> requests.Response:
        """A request to the token endpoint."""
        data = {"client_id": self.client_id, "client_secret": self.secret} | fields
        return requests.post(f"{self.server.url}/token", data=data)

    def exchange(self, code: str, **fields: str) -> requests.Response:
        fields = {"grant_type": "authorization_code", "redirect_uri": CALLBACK} | fields
        return self.post(code=code, **fields)

    def refresh(self, token: str, **fields: str) -> requests.Response:
        return self.post(grant_type="refresh_token", refresh_token=token, **fields)

    def connect(self, **params: str) -> dict[str, Any]:
        """All the way: consent, code, tokens."""
        answer = self.exchange(self.decide(**({"access_type": "offline"} | params))["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def token(self, **params: str) -> str:
        return str(self.connect(**params)["access_token"])

    # ---- the APIs ------------------------------------------------------------------------------

    def call(
        self, token: str, method: str, path: str, body: Any = None, **params: str
    ) -> requests.Response:
        answer = requests.request(
            method,
            self.server.url + path,
            params=params,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        )
        self.calls.append(Call(method, path, params, body, answer))
        return answer

    def drive(self, token: str, path: str, **params: str) -> dict[str, Any]:
        answer = self.call(token, "GET", f"/drive/v3/{path}", **params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def values(self, book: str, range: str, action: str = "") -> str:
        return f"/v4/spreadsheets/{book}/values/{quote(range, safe='')}{action}"


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def text_of(page: requests.Response) -> str:
    """What a person reads on a page, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    """Status, name and sentence of an error of the token or the revocation endpoint."""
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    return answer.status_code, body["error"], body["error_description"]


def reason_of(answer: requests.Response) -> tuple[int, str, str]:
    """Status, reason and message of an error of the Drive API."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    (entry,) = error["errors"]
    return answer.status_code, entry["reason"], error["message"]


class Receiver:
    """A webhook: it keeps the headers of whatever comes, and answers with `statuses` in turn."""

    def __init__(self) -> None:
        self.got: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.first: Callable[[], None] = lambda: None  # is called before an answer is given
        self.server = Server(self._answer)
        self.address = f"{self.server.url}/google/webhook"

    def _answer(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        names = {name for name in environ if name.startswith("HTTP_")}
        headers = {name[5:].replace("_", "-").lower(): environ[name] for name in names}
        headers["method"] = environ["REQUEST_METHOD"]
        headers["length"] = environ.get("CONTENT_LENGTH", "")
        self.got.append(headers)
        self.first()
        status = self.statuses.pop(0) if self.statuses else 200
        start_response(f"{status} Answer", [("Content-Length", "0")])
        return [b""]

    @property
    def states(self) -> list[str]:
        return [headers["x-goog-resource-state"] for headers in self.got]


def watch(world: World, token: str, address: str, /, **channel: Any) -> requests.Response:
    place = world.drive(token, "changes/startPageToken")["startPageToken"]
    body = {"id": "channel-1", "type": "web_hook", "address": address} | channel
    body = {name: value for name, value in body.items() if value is not None}
    return world.call(token, "POST", WATCH, body, pageToken=place)


def milliseconds(world: World, **ahead: float) -> str:
    return str(int((world.time + timedelta(**ahead)).timestamp() * 1000))
