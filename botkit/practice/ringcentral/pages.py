"""The practice RingCentral's consent page, and the token and revocation endpoints beside it.

The page stands for RingCentral's login form: nobody has a password here, so a person only says who
they are and whether they agree.  It is shown each time, as the login form is, unless the link says
`prompt=none`; `display`, `ui_locales` and `brand_id` change nothing.  A wrong redirect URI ends on
a page here and never leads anywhere.

Sources: RingCentral developer guide, "Authorization code flow"; `AuthorizeRequest` in its SDK; for
`prompt=none`, OpenID Connect Core 1.0 section 3.1.2.1.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.ringcentral.answers import problem
from botkit.practice.ringcentral.chat_api import noted
from botkit.practice.ringcentral.chat_page import from_elsewhere
from botkit.practice.ringcentral.chat_records import Person
from botkit.practice.ringcentral.chat_room import PEOPLE
from botkit.practice.ringcentral.oauth import OAuthServer

if TYPE_CHECKING:
    from botkit.practice.ringcentral.server import RingCentral

COOKIE = "ringcentral_account"
AUTHORIZE = "/restapi/oauth/authorize"
PERMISSIONS = {
    "ReadAccounts": "See your company's and your own account, numbers, hours and settings",
    "EditExtensions": "Change your settings, such as notifications",
    "ReadPresence": "See whether you are available",
    "EditPresence": "Change whether you are available, and do-not-disturb",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser hides where a form comes from
    "X-Frame-Options": "DENY",
}


class Pages:
    """The routes below `/restapi/oauth`, as a Flask `blueprint`."""

    def __init__(self, world: RingCentral, new_bot_token: Callable[[str], str]) -> None:
        self._ledger = world.ledger
        self._oauth = OAuthServer(world.ledger, new_bot_token)
        self._settings = world.settings
        self.blueprint = Blueprint("rc_pages", __name__)
        self.blueprint.before_request(lambda: world.requests_seen.append(noted()))
        self.blueprint.after_request(_protect)
        self.blueprint.register_error_handler(HTTPException, _http_problem)
        self.blueprint.app_errorhandler(404)(_nothing_here)
        route = self.blueprint.add_url_rule
        route(AUTHORIZE, view_func=self._ask_for_consent)
        route(AUTHORIZE, view_func=self._take_decision, methods=["POST"])
        route("/restapi/oauth/token", view_func=self._token, methods=["POST"])
        route("/restapi/oauth/revoke", view_func=self._revoke, methods=["POST"])

    # ---- consent -------------------------------------------------------------------------------

    def _ask_for_consent(self) -> Response:
        try:
            grant = self._oauth.get_consent_grant(request.args)
        except OAuth2Error as error:
            return self._refuse(error)
        person = account(request.args.get("login_hint")) or _signed_in()
        if "none" in request.args.get("prompt", "").split():
            return self._answer_unasked(grant, person)
        return _page(
            "ringcentral_consent.html",
            app=grant.client,
            people=[(one, self._settings[one.id].extension) for one in PEOPLE],
            account=person,
            permissions=[PERMISSIONS[name] for name in grant.request.scope.split()],
            redirect_uri=grant.redirect_uri,
        )

    def _answer_unasked(self, grant: Any, person: Person) -> Response:
        """A link with `prompt=none`: a code for who has agreed before, and no page for others."""
        # A link suggests an account; it must not approve in the name of another than is signed in.
        if person == _signed_in() and (grant.client.client_id, person.id) in self._ledger.consents:
            return self._answer(grant, person)
        error = OAuth2Error(
            error="interaction_required",
            redirect_uri=grant.redirect_uri,
            state=request.args.get("state"),
        )
        return self._oauth.handle_error_response(None, error)

    def _take_decision(self) -> Response:
        if from_elsewhere(request):
            abort(403)
        person, decision = account(request.form.get("account")), request.form.get("decision")
        if person is None or decision not in ("approve", "deny"):
            abort(400)
        try:
            grant = self._oauth.get_consent_grant(request.args)
        except OAuth2Error as error:
            return self._refuse(error)
        response = self._answer(grant, person if decision == "approve" else None)
        response.set_cookie(COOKIE, person.name, httponly=True, samesite="Lax")
        return response

    def _answer(self, grant: Any, person: Person | None) -> Response:
        if person is not None:
            with self._ledger.lock:
                self._ledger.consents.add((grant.client.client_id, person.id))
        response: Response = self._oauth.create_authorization_response(
            grant.request, grant_user=person, grant=grant
        )
        return response

    def _refuse(self, error: OAuth2Error) -> Response:
        """To the app's callback if that is known to be the app's; to the person if not."""
        if error.redirect_uri:
            return self._oauth.handle_error_response(None, error)
        text = error.description or error.error or ""
        return _problem(400, "This link is not right", text)

    # ---- tokens --------------------------------------------------------------------------------

    def _token(self) -> Response:
        return self._judge(self._oauth.create_token_response)

    def _revoke(self) -> Response:
        return self._judge(lambda: self._oauth.create_endpoint_response("revocation"))

    def _judge(self, answer: Callable[[], Response]) -> Response:
        if any(len(values) > 1 for _, values in request.form.lists()):
            message = "Request parameter duplication detected"
            return problem(400, "invalid_request", "OAU-111", message)
        # A code is looked up, judged and struck out in three steps.  With the lock, of 32 requests
        # that bring the same code one alone wins.
        with self._ledger.lock:
            return answer()


def account(name: str | None) -> Person | None:
    """The person of this name, id or e-mail address (`alice@practice.example`), or None."""
    known = (name or "").casefold().removesuffix("@practice.example")
    return next((one for one in PEOPLE if known in (one.id, one.name.casefold())), None)


def _signed_in() -> Person:
    return account(request.cookies.get(COOKIE)) or PEOPLE[0]


def _http_problem(error: HTTPException) -> Response:
    return _problem(error.code or 500, error.name, "RingCentral has no answer to this request.")


def _nothing_here(error: HTTPException) -> flask.Response:
    """Also for a path of which no part of RingCentral knows."""
    return _protect(make_response(_http_problem(error)))


def _problem(status: int, title: str, text: str) -> Response:
    page = _page("ringcentral_problem.html", title=title, text=text)
    page.status_code = status
    return page


def _page(template: str, **values: Any) -> Response:
    # Every link is relative to its page, so that the pages also work behind a path prefix.
    root = "../" * (request.path.count("/") - 1)
    return make_response(render_template(template, root=root, **values))


def _protect(response: flask.Response) -> flask.Response:
    response.headers.update(_HEADERS)
    return response
