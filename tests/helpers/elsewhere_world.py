"""A provider that answers whatever a test tells it to."""

from __future__ import annotations

from botkit import oauth
from botkit.oauth import Provider, Revocation
from botkit.practice.server import Server, Trouble

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
REDIRECT = "http://127.0.0.1:9/cb"


class Elsewhere:
    """A provider that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen = []
        self.trouble = Trouble(self._app)
        self.server = Server(self.trouble)

    def _app(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["body"] = environ["wsgi.input"].read(length).decode()
        self.seen.append(environ)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"id": 7, "name": "Alice", "access_token": "t0ken", "token_type": "Bearer"}']

    def answers(self, status, body="", **options):
        self.trouble.next(status=status, body=body, **options)

    def provider(self, **changes) -> Provider:
        url = self.server.url
        facts = {
            "name": "Elsewhere",
            "slug": "elsewhere",
            "client_id": "client",
            "client_secret": "client-secret",
            "authorize_url": f"{url}/authorize",
            "token_url": f"{url}/token",
            "api_url": f"{url}/api",
            "scopes": ("read",),
            "client_auth": "basic",
            "account_url": f"{url}/api/me",
            "revocation": Revocation("POST", f"{url}/revoke", "token", "form", client_auth="none"),
        }
        return Provider(**(facts | changes))

    def close(self) -> None:
        self.trouble.clear()
        self.server.stop()


def call_back(storage, provider):
    """Take the trip up to the exchange, with a code that the provider never looks at."""
    link = oauth.auth_link(storage, provider, **ALICE, redirect_uri=REDIRECT)
    state = link.partition("&state=")[2].partition("&")[0]
    return oauth.handle_callback(storage, provider, {"code": ["c0de"], "state": [state]})
