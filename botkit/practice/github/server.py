"""Serve the practice GitHub on loopback: it behaves like GitHub's OAuth, quirks included.

This module puts it together, and has the knobs with which a lesson causes trouble on purpose.  What
is remembered is in `ledger.py`, and GitHub's way of OAuth in `oauth.py`.  A person sees `pages.py`,
and a program `api.py`.

    github = GitHub(now=lambda: datetime.now(UTC))
    server = Server(github.wsgi)
    github.address = server.url
    client_id, client_secret = github.register_app("My bot", ["http://127.0.0.1:8000/github/oauth"])

Nobody has a password here.  The person at the consent page is Alice, unless the browser's cookie
`github_account`, the parameter `login` or a choice on the page says otherwise.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.github.api import PEOPLE, GitHubApi, RateLimit, http_problem
from botkit.practice.github.ledger import GitHubApp, GitHubLedger
from botkit.practice.github.oauth import GitHubOAuthServer
from botkit.practice.github.pages import GitHubPages, http_problem_page
from botkit.practice.service import PracticeService, make_web


class GitHub(PracticeService):
    """A GitHub Enterprise Server with three accounts at first, in memory, with knobs.

    `now` is the clock that decides every life time.  How it is served: see `PracticeService`.

    Knobs: `iss` is "right", "missing" or "wrong" (RFC 9207); `grant_only` lists the scopes that
    people agree to, whatever is asked (None: all); `rate_limit_remaining` and `rate_limit_status`
    (403 or 429); `trouble` spoils answers; `apps[client_id].expire_tokens` turns expiry on or off
    for tokens to come; `revoke()` and `expire_everything()`.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.iss = "right"
        self._ledger = GitHubLedger(now, PEOPLE)
        self._limit = RateLimit(self._ledger)
        self._oauth = GitHubOAuthServer(self._ledger, self._issuer)
        self._web = self._make_web()

    def _make_web(self) -> Flask:
        web = make_web(__name__)
        web.register_blueprint(GitHubPages(self._ledger, self._oauth).blueprint)
        web.register_blueprint(GitHubApi(self._ledger, self._limit).blueprint)
        web.register_error_handler(HTTPException, _in_place_of_an_answer)
        self._told.apis = ("/api/v3",)
        self._told.serve(web)
        return web

    def owner_of(self, token: str) -> str | None:
        found = self._ledger.live_token(token)
        return str(found.owner) if found else None

    def _issuer(self) -> str | None:
        issuers = {"right": f"{self.address}/login/oauth", "missing": None}
        return issuers.get(self.iss, "https://not-github.example/login/oauth")

    # Accounts, and what the owner of an app does at GitHub

    def register_app(
        self,
        name: str,
        callback_urls: Sequence[str],
        *,
        expire_tokens: bool = False,
        loopback_any_port: bool = False,
    ) -> tuple[str, str]:
        """Register an OAuth app with one to ten callback URLs; its client id and secret.

        The client id follows from `name` and the number of apps, so that it is the same each time.

        `loopback_any_port`: at GitHub a callback on a loopback address may use any port.  Here
        every address is a loopback one and takes the place of a public one, so the port counts
        unless an app says otherwise.

        Raises `ValueError` for no callback URL or more than ten.
        """
        with self._lock:
            digest = hashlib.sha256(f"{len(self.apps)} {name}".encode()).hexdigest()
            app = GitHubApp(
                client_id=f"Ov23li{digest[:14]}",
                client_secret=secrets.token_hex(20),
                name=name,
                redirect_uris=_checked(callback_urls),
                expire_tokens=expire_tokens,
                loopback_any_port=loopback_any_port,
            )
            self.apps[app.client_id] = app
        return app.client_id, app.client_secret

    def add_person(self, login: str, name: str) -> None:
        """Add an account with an empty profile."""
        profile = {
            "company": None,
            "location": None,
            "bio": None,
            "public_repos": 0,
            "followers": 0,
        }
        with self._lock:
            number = 1001 + len(self._ledger.people)
            self._ledger.people[login] = {"id": number, "name": name, **profile}

    def change_callback_urls(self, client_id: str, callback_urls: Sequence[str]) -> None:
        """Register other callback URLs for an app.  `KeyError`: there is no such app."""
        with self._lock:
            self.apps[client_id].redirect_uris = _checked(callback_urls)

    @property
    def apps(self) -> dict[str, GitHubApp]:
        return self._ledger.apps

    # Knobs

    @property
    def grant_only(self) -> list[str] | None:
        return self._ledger.grant_only

    @grant_only.setter
    def grant_only(self, scopes: list[str] | None) -> None:
        self._ledger.grant_only = scopes

    @property
    def rate_limit_remaining(self) -> int:
        return self._limit.remaining

    @rate_limit_remaining.setter
    def rate_limit_remaining(self, remaining: int) -> None:
        self._limit.leave(remaining)

    @property
    def rate_limit_status(self) -> int:
        return self._limit.status

    @rate_limit_status.setter
    def rate_limit_status(self, status: int) -> None:
        self._limit.status = status

    def revoke(self, login: str) -> None:
        """Revoke every grant of a person, as the settings page does for one app.

        `login` is an account's name or its short form (`bob`).  `KeyError`: nobody has it.
        """
        known = self._ledger.find_person(login)
        if known is None:
            raise KeyError(login)
        with self._lock:
            for client_id in self.apps:
                self._ledger.revoke(client_id, known)

    def expire_everything(self) -> None:
        """Let every access token and unused code expire now.  Refresh tokens still work."""
        with self._lock:
            self._ledger.expire()

    def __repr__(self) -> str:
        return f"<practice GitHub: {len(self.apps)} apps, {len(self._ledger.grants)} grants>"


def _checked(callback_urls: Sequence[str]) -> list[str]:
    if not 1 <= len(callback_urls) <= 10:
        raise ValueError("An OAuth app has one to ten callback URLs.")
    return list(callback_urls)


def _in_place_of_an_answer(error: HTTPException) -> Response | tuple[str, int]:
    return http_problem(error) if request.path.startswith("/api/") else http_problem_page(error)
