"""The pages of the practice GitHub, and the token endpoint beside them.

The consent page is where the story turns: the bot has sent somebody here, and only the person at
this page can let it in.  A browser keeps nothing but a cookie with the name of an account.

Sources: GitHub's page "Authorizing OAuth apps"; for a form that is answered with 303, RFC 9110
section 15.4.4.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.github.api import PEOPLE
from botkit.practice.github.ledger import SCOPES, Ledger, covers, split_scopes
from botkit.practice.github.oauth import OAuthServer

COOKIE = "github_account"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def account(name: str | None) -> str | None:
    """The login that `name` stands for: `bob` is short for `bob-practice`.  None: nobody's."""
    return next((login for login in PEOPLE if name in (login, login.split("-")[0])), None)


class Pages:
    """The routes below `/login` and `/settings`, and the home page, as a Flask `blueprint`."""

    def __init__(self, ledger: Ledger, oauth: OAuthServer) -> None:
        self._ledger = ledger
        self._oauth = oauth
        self.blueprint = Blueprint("github_pages", __name__)
        self.blueprint.after_request(_protect)
        route = self.blueprint.add_url_rule
        grant = "/settings/connections/applications/<client_id>"
        route("/", view_func=self._home)
        route("/login/oauth/authorize", view_func=self._ask_for_consent)
        route("/login/oauth/authorize", view_func=self._take_decision, methods=["POST"])
        route("/login/oauth/access_token", view_func=self._access_token, methods=["POST"])
        route(grant, view_func=self._show_grant)
        route(grant, view_func=self._revoke_grant, methods=["POST"])

    def _home(self) -> str:
        return _page("github_home.html", apps=self._ledger.apps.values(), people=PEOPLE)

    def _ask_for_consent(self) -> Response | str | tuple[str, int]:
        try:
            grant = self._oauth.get_consent_grant(request.args)
        except OAuth2Error as error:
            return self._refuse(error)
        login = _chosen_account()
        asked = split_scopes(request.args.get("scope"))
        if self._has_consented(grant.client.client_id, login, asked):
            return self._answer(grant, login)
        return _page(
            "github_consent.html",
            app=grant.client,
            scopes={name: SCOPES[name] for name in asked},
            people=PEOPLE,
            login=login,
            redirect_uri=grant.redirect_uri,
        )

    def _has_consented(self, client_id: str, login: str, asked: list[str]) -> bool:
        """Whether GitHub would not ask this person again.

        The parameter `login` of a link suggests an account; it must not approve in its name.
        """
        granted = self._ledger.grants.get((client_id, login))
        if granted is None or login != _signed_in():
            return False
        ask_anyway = request.args.get("prompt") in ("select_account", "consent")
        return covers(granted, asked) and not ask_anyway

    def _take_decision(self) -> Response | tuple[str, int]:
        login, decision = account(request.form.get("account")), request.form.get("decision")
        if login is None or decision not in ("approve", "deny"):
            abort(400)
        try:
            grant = self._oauth.get_consent_grant(request.args)
        except OAuth2Error as error:
            return self._refuse(error)
        response = self._answer(grant, login if decision == "approve" else None)
        response.set_cookie(COOKIE, login, httponly=True, samesite="Lax")
        return response

    def _answer(self, grant: Any, login: str | None) -> Response:
        response: Response = self._oauth.create_authorization_response(
            grant.request, grant_user=login, grant=grant
        )
        return response

    def _refuse(self, error: OAuth2Error) -> Response | tuple[str, int]:
        """To the app's callback if that is known to be the app's; to the person if not."""
        if error.redirect_uri:
            return self._oauth.handle_error_response(None, error)
        if isinstance(error, InvalidClientError):
            return _problem(404, "There is no such app", "The client_id belongs to no app here.")
        return _problem(400, "This link is not right", error.description)

    def _access_token(self) -> Response:
        values: MultiDict[str, str] = request.form.copy()
        if request.is_json:  # documented nowhere, but accepted
            body = request.get_json(silent=True)
            fields = body.items() if isinstance(body, dict) else ()
            values = MultiDict((key, value) for key, value in fields if isinstance(value, str))
        response: Response = self._oauth.create_token_response(values)
        return response

    def _show_grant(self, client_id: str) -> str:
        app, login = self._ledger.apps.get(client_id) or abort(404), _chosen_account()
        granted = self._ledger.grants.get((client_id, login))
        return _page(
            "github_grant.html",
            app=app,
            login=login,
            people=PEOPLE,
            connected=granted is not None,
            scopes={name: SCOPES[name] for name in granted or ()},
        )

    def _revoke_grant(self, client_id: str) -> Response:
        login = _chosen_account()
        self._ledger.revoke(client_id, login)
        return redirect(f"{client_id}?login={login}", code=303)


def http_problem_page(error: HTTPException) -> tuple[str, int]:
    """The page for a path, a method or a form that is not understood."""
    return _problem(error.code or 500, error.name, "GitHub has no answer to this request.")


def _signed_in() -> str:
    return account(request.cookies.get(COOKIE)) or next(iter(PEOPLE))


def _chosen_account() -> str:
    return account(request.args.get("login")) or _signed_in()


def _problem(status: int, title: str, text: str) -> tuple[str, int]:
    return _page("github_problem.html", title=title, text=text), status


def _page(template: str, **values: Any) -> str:
    # Every link is relative to its page, so that the pages also work behind a path prefix.
    return render_template(template, root="../" * (request.path.count("/") - 1), **values)


def _protect(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
