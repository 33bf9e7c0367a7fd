"""Show the consent page, and take the person's decision.

Nobody has a password in the practice world.  A browser keeps nothing but a cookie with the name of
an account, and the consent page offers all accounts.

Source: for a form that is answered with a redirect, RFC 9110 section 15.4.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any, Generic, TypeVar

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, abort, render_template, request
from werkzeug.wrappers import Response

from botkit.practice.oauth.server import OAuthServer

Account = TypeVar("Account")
Answer = Response | str | tuple[str, int]

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


class ConsentPages(Generic[Account]):
    """The consent page at `authorize`, as a Flask `blueprint`.

    `cookie` is the cookie with the account that was last chosen.  `hint` is the parameter with
    which a link suggests an account, if the service has one.  An account is whatever the service
    has for people.
    """

    authorize: str
    cookie: str
    hint = "login_hint"
    headers = HEADERS

    def __init__(self, oauth: OAuthServer) -> None:
        self._oauth = oauth
        self.blueprint = Blueprint("pages", __name__)
        self.blueprint.after_request(self.protect)
        route = self.blueprint.add_url_rule
        route(self.authorize, view_func=self.ask_for_consent)
        route(self.authorize, view_func=self.take_decision, methods=["POST"])

    # ---- what a service says of itself ---------------------------------------------------------

    def find_account(self, name: str | None) -> Account | None:
        """Return the account with this name or short name, or None."""
        raise NotImplementedError

    def first_account(self) -> Account:
        """Return the account of a browser that has chosen none."""
        raise NotImplementedError

    def account_name(self, account: Account) -> str:
        """Return the name that the cookie keeps."""
        return str(account)

    def show_consent(self, grant: Any) -> Answer:
        """Return the consent page for a link that is right, or an answer without asking."""
        raise NotImplementedError

    def approve(self, grant: Any, account: Account) -> Any:
        """Note the consent, and return what the code will belong to.  None: it is denied."""
        return account

    def show_problem(self, error: OAuth2Error) -> Answer:
        """Return the page about a link that is wrong."""
        raise NotImplementedError

    # ---- consent -------------------------------------------------------------------------------

    def read_link(self) -> Any:
        """Return the grant that the link asks for.  Raises `OAuth2Error`."""
        return self._oauth.get_consent_grant(request.args)

    def ask_for_consent(self) -> Answer:
        try:
            grant = self.read_link()
        except OAuth2Error as error:
            return self.refuse(error)
        return self.show_consent(grant)

    def take_decision(self) -> Answer:
        account = self.find_account(request.form.get("account"))
        decision = request.form.get("decision")
        if account is None or decision not in ("approve", "deny"):
            abort(400)
        try:
            grant = self.read_link()
        except OAuth2Error as error:
            return self.refuse(error)
        approved = self.approve(grant, account) if decision == "approve" else None
        response = self.answer(grant, approved)
        name = self.account_name(account)
        response.set_cookie(self.cookie, name, httponly=True, samesite="Lax")
        return response

    def answer(self, grant: Any, approved: Any) -> Response:
        """Send the person back to the app: with a code, or denied if `approved` is None."""
        response: Response = self._oauth.create_authorization_response(
            grant.request, grant_user=approved, grant=grant
        )
        return response

    def answer_that_asking_is_needed(self, grant: Any) -> Response:
        """Send the person back without a code: the link wanted no page, but one is needed."""
        error = OAuth2Error(
            error="interaction_required",
            redirect_uri=grant.redirect_uri,
            state=request.args.get("state"),
        )
        return self._oauth.handle_error_response(None, error)

    def refuse(self, error: OAuth2Error) -> Answer:
        """Tell the app's callback if that is known to be the app's, and the person if not."""
        if error.redirect_uri:
            return self._oauth.handle_error_response(None, error)
        return self.show_problem(error)

    # ---- who looks -----------------------------------------------------------------------------

    def signed_in(self) -> Account:
        """Return the account that this browser chose last."""
        return self.find_account(request.cookies.get(self.cookie)) or self.first_account()

    def suggested(self) -> Account:
        """Return the account that the link suggests, or else the one that is signed in.

        A link must not approve in the name of another account than the one that is signed in.
        """
        return self.find_account(request.args.get(self.hint)) or self.signed_in()

    def protect(self, response: Any) -> Any:
        """Add the headers that keep other sites and caches away from a page."""
        response.headers.update(self.headers)
        return response


def render_page(template: str, **values: Any) -> str:
    """Render a page whose links are relative, so that it also works behind a path prefix."""
    return render_template(template, root="../" * (request.path.count("/") - 1), **values)
