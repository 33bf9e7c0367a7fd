"""Show the pages of the practice GitHub, and answer at the token endpoint beside them.

The bot has sent a person to the consent page, and only this person can allow it anything.

Source: GitHub's page "Authorizing OAuth apps".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from flask import abort, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.github.ledger import SCOPES, GitHubLedger, covers, split_scopes
from botkit.practice.github.oauth import GitHubOAuthServer
from botkit.practice.oauth import ConsentPages, render_page
from botkit.practice.oauth.pages import Answer


class GitHubPages(ConsentPages[str]):
    """The routes below `/login` and `/settings`, and the home page, as a Flask `blueprint`."""

    authorize = "/login/oauth/authorize"
    cookie = "github_account"
    hint = "login"

    def __init__(self, ledger: GitHubLedger, oauth: GitHubOAuthServer) -> None:
        super().__init__(oauth)
        self._ledger = ledger
        route = self.blueprint.add_url_rule
        grant = "/settings/connections/applications/<client_id>"
        route("/", view_func=self._home)
        route("/login/oauth/access_token", view_func=self._access_token, methods=["POST"])
        route(grant, view_func=self._show_grant)
        route(grant, view_func=self._revoke_grant, methods=["POST"])

    def find_account(self, name: str | None) -> str | None:
        return self._ledger.find_person(name)

    def first_account(self) -> str:
        return next(iter(self._ledger.people))

    def show_consent(self, grant: Any) -> Answer:
        login = self.suggested()
        asked = split_scopes(request.args.get("scope"))
        if self._has_consented(grant.client.client_id, login, asked):
            return self.answer(grant, login)
        return render_page(
            "consent.html",
            app=grant.client,
            scopes={name: SCOPES[name] for name in asked},
            people=self._ledger.people,
            login=login,
            redirect_uri=grant.redirect_uri,
        )

    def _has_consented(self, client_id: str, login: str, asked: list[str]) -> bool:
        """Return whether GitHub would not ask this person again."""
        granted = self._ledger.grants.get((client_id, login))
        if granted is None or login != self.signed_in():
            return False
        ask_anyway = request.args.get("prompt") in ("select_account", "consent")
        return covers(granted, asked) and not ask_anyway

    def show_problem(self, error: OAuth2Error) -> Answer:
        if isinstance(error, InvalidClientError):
            return _problem(404, "There is no such app", "The client_id belongs to no app here.")
        return _problem(400, "This link is not right", error.description)

    def _home(self) -> str:
        return render_page("home.html", apps=self._ledger.apps.values(), people=self._ledger.people)

    def _access_token(self) -> Response:
        values: MultiDict[str, str] = request.form.copy()
        if request.is_json:  # documented nowhere, but accepted
            body = request.get_json(silent=True)
            fields = body.items() if isinstance(body, dict) else ()
            values = MultiDict((key, value) for key, value in fields if isinstance(value, str))
        response: Response = self._oauth.create_token_response(values)
        return response

    def _show_grant(self, client_id: str) -> str:
        app, login = self._ledger.apps.get(client_id) or abort(404), self.suggested()
        granted = self._ledger.grants.get((client_id, login))
        return render_page(
            "grant.html",
            app=app,
            login=login,
            people=self._ledger.people,
            connected=granted is not None,
            scopes={name: SCOPES[name] for name in granted or ()},
        )

    def _revoke_grant(self, client_id: str) -> Response:
        login = self.suggested()
        self._ledger.revoke(client_id, login)
        return redirect(f"{client_id}?login={login}", code=303)


def http_problem_page(error: HTTPException) -> tuple[str, int]:
    """Return the page for a path, a method or a form that is not understood."""
    return _problem(error.code or 500, error.name, "GitHub has no answer to this request.")


def _problem(status: int, title: str, text: str) -> tuple[str, int]:
    return render_page("problem.html", title=title, text=text), status
