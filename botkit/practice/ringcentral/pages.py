"""Show RingCentral's consent page, and answer at the token and revocation endpoints.

The page takes the place of RingCentral's login form: nobody has a password here, so a person only
chooses an account, and approves or denies.  It is shown each time, as the login form is, unless the
link says `prompt=none`; `display`, `ui_locales` and `brand_id` change nothing.  A link with a wrong
redirect URI ends on a page here.

Sources: RingCentral developer guide, "Authorization code flow"; `AuthorizeRequest` in its SDK; for
`prompt=none`, OpenID Connect Core 1.0 section 3.1.2.1.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.oauth2 import OAuth2Error
from flask import abort, make_response, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.fetch_site import from_elsewhere
from botkit.practice.oauth import ConsentPages, render_page
from botkit.practice.oauth.pages import HEADERS, Answer
from botkit.practice.ringcentral.answers import problem
from botkit.practice.ringcentral.bot_user import ChatWithBot
from botkit.practice.ringcentral.chat import PEOPLE
from botkit.practice.ringcentral.oauth import RingCentralOAuthServer
from botkit.practice.ringcentral.records import Person
from botkit.practice.service import SeenRequest

PERMISSIONS = {
    "ReadAccounts": "See your company's and your own account, numbers, hours and settings",
    "EditExtensions": "Change your settings, such as notifications",
    "ReadPresence": "See whether you are available",
    "EditPresence": "Change whether you are available, and do-not-disturb",
}


class RingCentralPages(ConsentPages[Person]):
    """The routes below `/restapi/oauth`, as a Flask `blueprint`."""

    authorize = "/restapi/oauth/authorize"
    cookie = "ringcentral_account"
    # With no-referrer a browser hides where a form comes from.
    headers = HEADERS | {"Referrer-Policy": "same-origin"}

    def __init__(self, world: ChatWithBot) -> None:
        oauth = RingCentralOAuthServer(world.ledger, world.new_bot_token)
        super().__init__(oauth)
        self._ledger = world.ledger
        self._settings = world.settings

        @self.blueprint.before_request
        def note() -> None:
            world.requests_seen.append(SeenRequest.of(request.environ, world.now()))

        self.blueprint.register_error_handler(HTTPException, _http_problem)
        self.blueprint.app_errorhandler(404)(self._nothing_here)
        route = self.blueprint.add_url_rule
        route("/restapi/oauth/token", view_func=self._token, methods=["POST"])
        route("/restapi/oauth/revoke", view_func=self._revoke, methods=["POST"])

    def find_account(self, name: str | None) -> Person | None:
        return account(name)

    def first_account(self) -> Person:
        return PEOPLE[0]

    def account_name(self, account: Person) -> str:
        return account.name

    # ---- consent -------------------------------------------------------------------------------

    def show_consent(self, grant: Any) -> Answer:
        person = self.suggested()
        if "none" in request.args.get("prompt", "").split():
            return self._answer_unasked(grant, person)
        return render_page(
            "consent.html",
            app=grant.client,
            people=[(one, self._settings[one.id].extension) for one in PEOPLE],
            account=person,
            permissions=[PERMISSIONS[name] for name in grant.request.scope.split()],
            redirect_uri=grant.redirect_uri,
        )

    def _answer_unasked(self, grant: Any, person: Person) -> Response:
        """Answer a link with `prompt=none`: a code for a person who agreed before, never a page."""
        if (
            person == self.signed_in()
            and (grant.client.client_id, person.id) in self._ledger.consents
        ):
            return self.answer(grant, self.approve(grant, person))
        return self.answer_that_asking_is_needed(grant)

    def take_decision(self) -> Answer:
        if from_elsewhere(request):
            abort(403)
        return super().take_decision()

    def approve(self, grant: Any, account: Person) -> Person:
        with self._ledger.lock:
            self._ledger.consents.add((grant.client.client_id, account.id))
        return account

    def show_problem(self, error: OAuth2Error) -> Answer:
        return _problem(400, "This link is not right", error.description or error.error or "")

    # ---- tokens --------------------------------------------------------------------------------

    def _token(self) -> Response:
        return self._one_at_a_time(self._oauth.create_token_response)

    def _revoke(self) -> Response:
        return self._one_at_a_time(lambda: self._oauth.create_endpoint_response("revocation"))

    def _one_at_a_time(self, answer: Callable[[], Response]) -> Response:
        if any(len(values) > 1 for _, values in request.form.lists()):
            message = "Request parameter duplication detected"
            return problem(400, "invalid_request", "OAU-111", message)
        # A code is looked up, checked and deleted in three steps.  With the lock, of 32 requests
        # that bring the same code only one succeeds.
        with self._ledger.lock:
            return answer()

    def _nothing_here(self, error: HTTPException) -> Any:
        """Answer also at a path of which no part of RingCentral knows.

        At the API that is JSON.  Source: RingCentral developer guide, "Error codes".
        """
        if request.path.startswith(("/restapi/", "/team-messaging/")):
            reason = {"errorCode": "CMN-120", "message": "Invalid URI"}
            return reason | {"errors": [reason]}, 404
        return self.protect(make_response(_http_problem(error)))


def account(name: str | None) -> Person | None:
    """Return the person of this name, id or email address (`alice@practice.example`), or None."""
    known = (name or "").casefold().removesuffix("@practice.example")
    return next((one for one in PEOPLE if known in (one.id, one.name.casefold())), None)


def _http_problem(error: HTTPException) -> tuple[str, int]:
    return _problem(error.code or 500, error.name, "RingCentral has no answer to this request.")


def _problem(status: int, title: str, text: str) -> tuple[str, int]:
    return render_page("problem.html", title=title, text=text), status
