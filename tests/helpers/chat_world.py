"""A practice chat and a small bot app behind it, for the tests of the practice chat."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import requests
from flask import Flask, Response, request

from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server

FILTERS = [
    "/team-messaging/v1/posts",
    "/team-messaging/v1/groups",
    "/restapi/v1.0/account/~/extension/~",
]


class BotApp:
    """Takes a token and deliveries, keeps what it got, and answers as badly as it is told to."""

    def __init__(self) -> None:
        self.tokens: list[dict[str, str]] = []
        self.queries: list[dict[str, str]] = []
        self.token_type = ""
        self.handshakes: list[dict[str, str]] = []
        self.deliveries: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.install_status, self.status = 200, 200
        self.echo: str | None = None  # what to send back in place of the Validation-Token
        self.content_type, self.padding = "application/json", 0
        self.slow, self.released = False, threading.Event()
        self.on_install = self.on_delivery = lambda: None
        app = Flask("bot")
        app.post("/bot/oauth")(self._install)
        app.get("/bot/oauth")(self._code)
        app.post("/bot/webhook")(self._webhook)
        self.server = Server(app)

    def _install(self) -> tuple[str, int]:
        self.tokens.append(request.form.to_dict())
        self.token_type = request.mimetype
        self.on_install()
        return "", self.install_status

    def _code(self) -> tuple[str, int]:
        self.queries.append(request.args.to_dict())
        self.on_install()
        return "", self.install_status

    def _webhook(self) -> Response:
        answer = Response(status=self.status, content_type=self.content_type)
        token = request.headers.get("Validation-Token")
        if token is not None:
            self.handshakes.append(dict(request.headers))
            assert request.data == b""
            answer.headers["Validation-Token"] = token if self.echo is None else self.echo
            answer.headers["X-Padding"] = "x" * self.padding
        else:
            self.headers.append(dict(request.headers))
            self.deliveries.append(request.get_json())
            self.on_delivery()
        if self.slow:
            self.released.wait(5)
        return answer


class World:
    """The chat on a server of its own, the bot app on another, and a clock that tests move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 9, tzinfo=UTC)
        self.chat = RingCentral(now=lambda: self.time)
        self.server, self.app = Server(self.chat.wsgi), BotApp()
        self.chat.address = self.server.url

    def install(self, *, subscribed: bool = True) -> None:
        """Install the bot, which subscribes at once, and hear all events of joining."""
        if subscribed:
            self.app.on_install = lambda: self.subscribe().raise_for_status()
        self.chat.install_bot(self.app.server.url + "/bot/oauth")
        self.chat.settle()

    def api(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("headers", {"Authorization": f"Bearer {self.token}"})
        return requests.request(method, self.server.url + path, **kwargs)

    @property
    def token(self) -> str:
        return self.app.tokens[-1]["access_token"]

    def subscribe(self, **changes: Any) -> requests.Response:
        mode = {
            "transportType": "WebHook",
            "address": self.app.server.url + "/bot/webhook",
            "verificationToken": "a secret",
        } | changes.pop("deliveryMode", {})
        wish = {"eventFilters": FILTERS, "deliveryMode": mode} | changes
        return self.api("POST", "/restapi/v1.0/subscription", json=wish)

    def subscription(self) -> dict[str, Any]:
        """The only subscription, as the API lists it."""
        (one,) = self.api("GET", "/restapi/v1.0/subscription").json()["records"]
        assert isinstance(one, dict)
        return one

    def bodies(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of the deliveries so far, of one type."""
        self.chat.settle()
        bodies = [envelope["body"] for envelope in self.app.deliveries]
        return [body for body in bodies if body["eventType"] == event_type]

    def close(self) -> None:
        self.app.released.set()
        self.chat.trouble.clear()
        self.server.stop()
        self.app.server.stop()


def error_code(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error, which must have all parts of RingCentral's error body."""
    body = answer.json()
    assert body["errors"] == [{"errorCode": body["errorCode"], "message": body["message"]}]
    assert body["message"]
    return answer.status_code, body["errorCode"]
