"""Remember apps, authorization codes and tokens, in memory, until the process ends.

The classes have the few methods that Authlib asks of a client, a code and a token.  Each service
extends them: with its rules for redirect URIs, its life times, and its own kind of tokens.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped", allow-subclassing-any

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin


@dataclass
class App(ClientMixin):
    """A registered app, which RFC 6749 calls a client."""

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    redirect_uris: list[str]

    def check_client_secret(self, client_secret: str) -> bool:
        sent = client_secret.encode(errors="replace")  # JSON can contain what UTF-8 cannot
        return secrets.compare_digest(self.client_secret.encode(), sent)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Accept each method that the server tries: see `OAuthServer.client_auth`."""
        return True

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Accept exactly the registered ones: scheme, case and trailing slash count."""
        return redirect_uri in self.redirect_uris

    def get_default_redirect_uri(self) -> str | None:
        """Return None: a link must always name its redirect URI."""
        return None

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""


@dataclass
class Code(AuthorizationCodeMixin):
    """An authorization code that waits for its exchange.

    `owner` is who approved, in whatever form the service has for people.
    """

    code: str = field(repr=False)
    app: App
    owner: Any
    scopes: list[str]
    redirect_uri: str
    expires_at: datetime
    code_challenge: str | None = field(default=None, repr=False)
    code_challenge_method: str | None = None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.scopes)


@dataclass(eq=False)  # two tokens of the same person are two, however alike they are
class Token(TokenMixin):
    """What an app may do for its owner.  Services add the tokens, and when they expire."""

    app: App
    owner: Any
    scopes: list[str]

    def check_client(self, client: App) -> bool:
        return self.app is client

    def get_scope(self) -> str:
        return " ".join(self.scopes)


AppT = TypeVar("AppT", bound=App)


class Ledger(Generic[AppT]):
    """Keep apps and codes.  Subclasses keep tokens, and what people granted.

    A grant asks a subclass for `live_refresh(refresh_token)` and `end(token)`, and revocation for
    `token_with(value)`.  Code that looks and then changes holds `lock`, unless the service takes
    one request at a time.
    """

    def __init__(self, now: Callable[[], datetime], code_life: timedelta) -> None:
        self.now = now
        self.code_life = code_life
        self.lock = threading.RLock()
        self.apps: dict[str, AppT] = {}
        self.codes: dict[str, Code] = {}

    def keep_code(
        self,
        code: str,
        app: App,
        owner: Any,
        redirect_uri: str,
        *,
        scopes: Sequence[str] = (),
        challenge: str | None = None,
        challenge_method: str | None = None,
    ) -> None:
        """Keep a new code; `redirect_uri` is empty where the link left it out."""
        with self.lock:
            expires_at = self.now() + self.code_life
            self.codes[code] = Code(
                code,
                app,
                owner,
                list(scopes),
                redirect_uri,
                expires_at,
                challenge,
                challenge_method,
            )

    def live_code(self, code: str, app: App) -> Code | None:
        """Return the code if it belongs to the app and has not expired."""
        found = self.codes.get(code)
        return found if found and found.app is app and self.now() < found.expires_at else None

    def expire(self) -> None:
        """Let every code and every access token expire now.  Refresh tokens still work."""
        for code in self.codes.values():
            code.expires_at = self.now()
