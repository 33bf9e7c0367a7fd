"""The practice Teapot: a service that does not exist, to be described from its documentation.

It is like the others in what counts (an authorization server and an API), and small enough to be
read in a few minutes.  Lesson 10 connects the bot to it.

    teapot = Teapot(now=lambda: datetime.now(UTC))
    server = Server(teapot.wsgi)
    teapot.address = server.url
    client_id, client_secret = teapot.register_app("My bot", ["http://127.0.0.1:8000/teapot/oauth"])

Nobody has a password.  Whoever opens the consent page is Alice, unless the browser's cookie
`teapot_account` or a choice on the page says otherwise.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from authlib.oauth2 import OAuth2Error
from flask import Flask, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.oauth.door import Door
from botkit.practice.teapot.oauth import SCOPES, App, Connection, OAuthServer

PEOPLE = {"alice": "Alice", "bob": "Bob", "mallory": "Mallory"}
COOKIE = "teapot_account"
DRINKS = {"tea": 4, "herbal tea": 8}  # minutes
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}

DOCUMENTATION = """\
TEAPOT FOR DEVELOPERS

All addresses begin with the address of your Teapot.

1. Ask for permission
   Open in the person's browser:  /oauth/authorize
   It takes the parameters of the authorization code grant (RFC 6749).
   PKCE is required, with S256 (RFC 7636).
   Scopes:  profile  see whose account it is
            brew     make tea

2. Get a token
   POST /oauth/token  with a form (RFC 6749). Your app must identify itself.
   A good answer is JSON:
       {"access_token": "tpa_...", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "tpr_...", "scope": "profile,brew"}
   An access token lives for one hour. A refresh token lives for 30 days and
   works once: the answer brings the next one.

3. Use the API
   Send the token in the header:  Authorization: Bearer tpa_...
   GET /teapot/me               {"guest_id": "tp-417", "nickname": "Ada"}
   GET /teapot/brew?drink=tea   {"drink": "tea", "minutes": 4}
   401: the token is not accepted.  403: its scope is too small.

4. Give a token back
   POST /oauth/revoke  with the token in the form, as `token` (RFC 7009).
   Your app must identify itself with HTTP Basic. It ends this connection;
   other connections of the same person stay.

Errors of 2 and 4 are JSON: {"error": "...", "error_description": "..."}"""


class Teapot(Door):
    """A Teapot with three accounts, in memory.

    `now` is the clock that decides every life time.  How it is served: see `Door`.
    `documentation` is what its makers tell developers.  Knobs: `trouble`, which spoils answers, and
    `revoke()`.
    """

    documentation = DOCUMENTATION

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self._oauth = OAuthServer(now)
        self._web = self._make_web()

    def _make_web(self) -> Flask:
        web = Flask("botkit.practice")
        route = web.add_url_rule
        route("/", "home", lambda: _page("teapot_home.html", documentation=DOCUMENTATION))
        route("/oauth/authorize", "ask", self._ask_for_consent)
        route("/oauth/authorize", "decide", self._take_decision, methods=["POST"])
        route("/oauth/token", "token", self._oauth.create_token_response, methods=["POST"])
        route("/oauth/revoke", "revoke", self._revoke, methods=["POST"])
        route("/teapot/", "api", self._api, defaults={"path": ""})
        route("/teapot/<path:path>", "api", self._api)
        web.register_error_handler(HTTPException, _problem_of_the_web)
        web.after_request(_protect)
        return web

    # What the owner of an app does at Teapot

    def register_app(self, name: str, redirect_uris: Sequence[str]) -> tuple[str, str]:
        """Register an app; its client id and secret.

        The client id follows from `name` and the number of apps, so that it is the same each time.
        """
        apps = self._oauth.apps
        digest = hashlib.sha256(f"{len(apps)} {name}".encode()).hexdigest()
        app = App(f"teapot-{digest[:12]}", secrets.token_urlsafe(24), name, list(redirect_uris))
        apps[app.client_id] = app
        return app.client_id, app.client_secret

    def change_redirect_uris(self, client_id: str, redirect_uris: Sequence[str]) -> None:
        """Register other redirect URIs.  `KeyError`: there is no such app."""
        self._oauth.apps[client_id].redirect_uris = list(redirect_uris)

    def revoke(self, account: str) -> None:
        """The person takes back every permission.  `KeyError`: nobody has this account."""
        if account not in PEOPLE:
            raise KeyError(account)
        with self._lock:
            kept = [one for one in self._oauth.connections if one.account != account]
            self._oauth.connections[:] = kept

    # What a person sees

    def _ask_for_consent(self) -> Any:
        try:
            grant = self._oauth.get_consent_grant(request.args)
        except OAuth2Error as error:
            return self._refuse(error)
        return _page(
            "teapot_consent.html",
            app=grant.client,
            people=PEOPLE,
            account=request.cookies.get(COOKIE, "alice"),
            scopes={name: SCOPES[name] for name in request.args.get("scope", "").split()},
            redirect_uri=grant.redirect_uri,
        )

    def _take_decision(self) -> Any:
        account, decision = request.form.get("account"), request.form.get("decision")
        if account not in PEOPLE or decision not in ("approve", "deny"):
            abort(400)
        try:
            grant = self._oauth.get_consent_grant(request.args)
        except OAuth2Error as error:
            return self._refuse(error)
        response = self._oauth.create_authorization_response(
            grant.request, grant_user=account if decision == "approve" else None, grant=grant
        )
        response.set_cookie(COOKIE, account, httponly=True, samesite="Lax")
        return response

    def _refuse(self, error: OAuth2Error) -> Any:
        """To the app's callback if that is known to be the app's; to the person if not."""
        if error.redirect_uri:
            return self._oauth.handle_error_response(None, error)
        return _page("teapot_problem.html", text=error.description or error.error), 400

    # What a program sees

    def _revoke(self) -> Any:
        return self._oauth.create_endpoint_response("revocation")

    def _api(self, path: str) -> Any:
        connection = self._connection()
        if connection is None:
            return _no(401, "invalid_token", "This token is not accepted.")
        scopes = connection.scope.split()
        if path == "me":
            if "profile" not in scopes:
                return _no(403, "insufficient_scope", "The scope profile is missing.")
            number = 101 + list(PEOPLE).index(connection.account)
            return jsonify(guest_id=f"tp-{number}", nickname=PEOPLE[connection.account])
        if path == "brew":
            if "brew" not in scopes:
                return _no(403, "insufficient_scope", "The scope brew is missing.")
            return _brew(request.args.get("drink", ""))
        abort(404)

    def _connection(self) -> Connection | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = self._oauth.connection(access_token=token) if scheme.lower() == "bearer" else None
        return found if found and self._oauth.now() < found.access_ends else None

    def __repr__(self) -> str:
        apps, connections = len(self._oauth.apps), len(self._oauth.connections)
        return f"<practice Teapot: {apps} apps, {connections} connections>"


def _brew(drink: str) -> Any:
    if drink == "coffee":  # RFC 2324, section 2.3.2
        return _no(418, "i_am_a_teapot", "I am a teapot. I make no coffee.")
    if drink not in DRINKS:
        return _no(400, "unknown_drink", f"I make: {', '.join(DRINKS)}.")
    return jsonify(drink=drink, minutes=DRINKS[drink])


def _no(status: int, name: str, sentence: str) -> Any:
    response = jsonify(error=name, error_description=sentence)
    response.status_code = status
    if status in (401, 403):  # RFC 6750 section 3
        response.headers["WWW-Authenticate"] = f'Bearer realm="Teapot", error="{name}"'
    return response


def _problem_of_the_web(error: HTTPException) -> Any:
    if request.path.startswith("/teapot/"):
        return _no(error.code or 500, "not_found", "Teapot has no answer to this request.")
    return _page("teapot_problem.html", text="Teapot has no answer to this request."), error.code


def _page(template: str, **values: Any) -> str:
    # Every link is relative to its page, so that the pages also work behind a path prefix.
    return render_template(template, root="../" * (request.path.count("/") - 1), **values)


def _protect(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
