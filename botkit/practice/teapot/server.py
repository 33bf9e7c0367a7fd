"""Serve the practice Teapot, which does not exist: you describe it from its documentation.

It has what the other services have, an authorization server and an API, and is small enough to
read in a few minutes.  Lesson 10 connects the bot to it.

    teapot = Teapot(now=lambda: datetime.now(UTC))
    server = Server(teapot.wsgi)
    teapot.address = server.url
    client_id, client_secret = teapot.register_app("My bot", ["http://127.0.0.1:8000/teapot/oauth"])

Nobody has a password.  The person at the consent page is Alice, unless the browser's cookie
`teapot_account` or a choice on the page says otherwise.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from authlib.oauth2 import OAuth2Error
from flask import Flask, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from botkit.practice.oauth import TokenPair, render_page
from botkit.practice.oauth.pages import Answer
from botkit.practice.pair_service import PEOPLE, PairPages, PairService
from botkit.practice.service import make_web
from botkit.practice.teapot.oauth import SCOPES, TeapotOAuthServer

DRINKS = {"tea": 4, "herbal tea": 8}  # minutes

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


class Teapot(PairService):
    """A Teapot.  For its clock and its knobs, see `PairService`.

    `documentation` is what its makers tell developers.
    """

    documentation = DOCUMENTATION

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__("teapot", "Teapot", "tp", now)
        self._oauth = TeapotOAuthServer(self._ledger)
        self._web = self._make_web()

    def _make_web(self) -> Flask:
        web = make_web(__name__)
        pages = TeapotPages(self._oauth)
        web.register_blueprint(pages.blueprint)
        route = web.add_url_rule
        route("/", "home", lambda: render_page("home.html", documentation=DOCUMENTATION))
        route("/oauth/token", "token", self._oauth.create_token_response, methods=["POST"])
        route("/oauth/revoke", "revoke", self._revoke, methods=["POST"])
        route("/teapot/", "api", self._api, defaults={"path": ""})
        route("/teapot/<path:path>", "api", self._api)
        web.register_error_handler(HTTPException, _problem_of_the_web)
        web.after_request(pages.protect)
        self._told.apis = ("/teapot",)
        self._told.serve(web)
        return web

    # What a program sees

    def _revoke(self) -> Any:
        return self._oauth.create_endpoint_response("revocation")

    def _api(self, path: str) -> Any:
        pair = self._pair()
        if pair is None:
            return _no(401, "invalid_token", "This token is not accepted.")
        scopes = pair.scopes
        if path == "me":
            if "profile" not in scopes:
                return _no(403, "insufficient_scope", "The scope profile is missing.")
            number = 101 + list(PEOPLE).index(pair.owner)
            return jsonify(guest_id=f"tp-{number}", nickname=PEOPLE[pair.owner])
        if path == "brew":
            if "brew" not in scopes:
                return _no(403, "insufficient_scope", "The scope brew is missing.")
            return _brew(request.args.get("drink", ""))
        abort(404)

    def _pair(self) -> TokenPair | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._ledger.live_access(token) if scheme.lower() == "bearer" else None


class TeapotPages(PairPages):
    """The consent page, as a Flask `blueprint`."""

    authorize = "/oauth/authorize"
    cookie = "teapot_account"
    hint = ""

    def show_consent(self, grant: Any) -> Answer:
        return render_page(
            "consent.html",
            app=grant.client,
            people=PEOPLE,
            account=self.signed_in(),
            scopes={name: SCOPES[name] for name in request.args.get("scope", "").split()},
            redirect_uri=grant.redirect_uri,
        )

    def show_problem(self, error: OAuth2Error) -> Answer:
        return render_page("problem.html", text=error.description or error.error), 400


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
    return render_page("problem.html", text="Teapot has no answer to this request."), error.code
