"""The pages of the practice Google, and the token and revocation endpoints beside them.

On the consent page the person chooses an account and may untick single scopes, except those for
signing in: a client receives what was agreed to, which can be less than it asked for.  Every error
in a link ends on a page here and never at the redirect URI.  A browser keeps nothing but a cookie
with the name of an account.

Sources: Google's page "Using OAuth 2.0 for Web Server Applications"; for a form that is answered
with 303, RFC 9110 section 15.4.4.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, abort, jsonify, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.google.files import Drive, File
from botkit.practice.google.ledger import PEOPLE, Client, Consent, Ledger, account
from botkit.practice.google.oauth import OAuthServer, token_problem
from botkit.practice.google.ranges import Range, Spreadsheet, letters
from botkit.practice.google.scopes import SCOPES, SIGN_IN, asked_scopes, in_order

COOKIE = "google_account"
_WEB_VIEW = "; wv)"  # what an Android app's embedded browser says of itself
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


class Pages:
    """What people see, as a Flask `blueprint`."""

    def __init__(
        self,
        ledger: Ledger,
        oauth: OAuthServer,
        drive: Drive,
        spreadsheets: dict[str, Spreadsheet],
    ) -> None:
        self._ledger = ledger
        self._oauth = oauth
        self._drive = drive
        self._spreadsheets = spreadsheets
        self.blueprint = Blueprint("google_pages", __name__)
        self.blueprint.after_request(_protect)
        route = self.blueprint.add_url_rule
        route("/", view_func=self._home)
        route("/o/oauth2/v2/auth", view_func=self._ask_for_consent)
        route("/o/oauth2/v2/auth", view_func=self._take_decision, methods=["POST"])
        route("/token", view_func=self._token, methods=["POST"])
        route("/revoke", view_func=self._revoke, methods=["GET", "POST"])
        route("/connections", view_func=self._connections)
        route("/connections", view_func=self._remove_access, methods=["POST"])
        route("/file/d/<file_id>/view", view_func=self._show_file)
        route("/spreadsheets/d/<file_id>/edit", view_func=self._show_spreadsheet)

    # ---- consent -------------------------------------------------------------------------------

    def _ask_for_consent(self) -> Response | str | tuple[str, int]:
        try:
            grant = self._oauth.check_link(request.args)
        except OAuth2Error as error:
            return _blocked(error)
        if _WEB_VIEW in request.headers.get("User-Agent", ""):
            return _blocked(
                OAuth2Error(
                    "Open the link in a real browser.", None, 403, error="disallowed_useragent"
                )
            )
        who, asked = _hinted_account(), asked_scopes(request.args["scope"])
        prompts = request.args.get("prompt", "").split()
        # A link suggests an account; it must not approve in the name of another than is signed in.
        ask = self._must_consent(grant.client, who, asked) or who != _signed_in()
        if not ask and "select_account" not in prompts:
            return self._answer(grant, who, asked)
        if "none" in prompts:
            return self._oauth.handle_error_response(
                None,
                OAuth2Error(
                    error="interaction_required",
                    redirect_uri=grant.redirect_uri,
                    state=request.args.get("state"),
                ),
            )
        return _page(
            "google_consent.html",
            client=grant.client,
            scopes={name: SCOPES[name] for name in asked if name not in SIGN_IN},
            sign_in=[SCOPES[name] for name in asked if name in SIGN_IN],
            people=PEOPLE,
            account=who,
            redirect_uri=grant.redirect_uri,
        )

    def _must_consent(self, client: Client, who: str, asked: list[str]) -> bool:
        """Whether Google asks: the first time that a project wants something, or when told to."""
        told_to = "consent" in request.args.get("prompt", "").split()
        return told_to or not set(asked) <= set(self._ledger.granted(client, who))

    def _take_decision(self) -> Response | tuple[str, int]:
        who, decision = account(request.form.get("account")), request.form.get("decision")
        if who is None or decision not in ("approve", "deny"):
            abort(400)
        try:
            grant = self._oauth.check_link(request.args)
        except OAuth2Error as error:
            return _blocked(error)
        chosen = SIGN_IN.union(request.form.getlist("scopes")) if decision == "approve" else ()
        agreed = [scope for scope in asked_scopes(request.args["scope"]) if scope in chosen]
        response = self._answer(grant, who, agreed)
        response.set_cookie(COOKIE, who, httponly=True, samesite="Lax")
        return response

    def _answer(self, grant: Any, who: str, scopes: list[str]) -> Response:
        """Send the person back, with a code for what they agreed to; denied if that is nothing."""
        client, asked = grant.client, asked_scopes(request.args["scope"])
        # The refresh token comes with the consent, and not again while that consent still holds.
        new = self._must_consent(client, who, asked)
        agreed = self._ledger.grant(client, who, scopes)
        if agreed and request.args.get("include_granted_scopes") == "true":
            agreed = in_order([*agreed, *self._ledger.granted(client, who)])
        lasting = new and request.args.get("access_type") == "offline"
        response: Response = self._oauth.create_authorization_response(
            grant.request, grant_user=Consent(who, agreed, lasting), grant=grant
        )
        return response

    # ---- tokens --------------------------------------------------------------------------------

    def _token(self) -> Response:
        response: Response = self._oauth.create_token_response(request.form.copy())
        return response

    def _revoke(self) -> Response:
        """RFC 7009 without client authentication; it ends all that the person granted."""
        if request.method == "GET":
            abort(404)
        sent = request.values.get("token", "")
        token = self._ledger.live_access(sent) or self._ledger.live_refresh(sent)
        if token is None:
            return token_problem(400, "invalid_token", "Token expired or revoked")
        self._ledger.revoke(token.client.project, token.account)
        return jsonify({})

    # ---- what a person looks at ----------------------------------------------------------------

    def _home(self) -> str:
        who = _hinted_account()
        files = self._drive.files_of(who)
        clients = self._ledger.clients.values()
        return _page("google_home.html", people=PEOPLE, account=who, files=files, clients=clients)

    def _connections(self) -> str:
        who = _hinted_account()
        granted = {
            project: {name: SCOPES[name] for name in scopes}
            for (project, account), scopes in self._ledger.grants.items()
            if account == who
        }
        names = {
            p: [c.name for c in self._ledger.clients.values() if c.project == p] for p in granted
        }
        return _page(
            "google_connections.html", people=PEOPLE, account=who, granted=granted, names=names
        )

    def _remove_access(self) -> Response:
        who = _hinted_account()
        self._ledger.revoke(request.form.get("project", ""), who)
        return redirect(f"connections?login_hint={who}", code=303)

    def _show_file(self, file_id: str) -> str:
        return _page("google_file.html", people=PEOPLE, file=self._mine(file_id))

    def _show_spreadsheet(self, file_id: str) -> str:
        file, book = self._mine(file_id), self._spreadsheets.get(file_id) or abort(404)
        grids = {
            sheet.title: Range(sheet, 1, 1, sheet.rows, sheet.columns) for sheet in book.sheets
        }
        return _page("google_sheet.html", people=PEOPLE, file=file, grids=grids, letters=letters)

    def _mine(self, file_id: str) -> File:
        file = self._drive.file(file_id, _hinted_account())
        return file or abort(404)


def http_problem_page(error: HTTPException) -> tuple[str, int]:
    """The page for a path, a method or a form that is not understood."""
    text = "There is nothing here that this account can see."
    return _page("google_problem.html", title=error.name, text=text, error=""), error.code or 500


def _blocked(error: OAuth2Error) -> tuple[str, int]:
    status = error.status_code or 400
    page = _page(
        "google_problem.html",
        title="Access blocked: this app's request is invalid",
        text=error.description or "",
        error=f"Error {status}: {error.error}",
        redirect_uri=request.args.get("redirect_uri"),
    )
    return page, status


def _signed_in() -> str:
    return account(request.cookies.get(COOKIE)) or next(iter(PEOPLE))


def _hinted_account() -> str:
    return account(request.args.get("login_hint")) or _signed_in()


def _page(template: str, **values: Any) -> str:
    # Every link is relative to its page, so that the pages also work behind a path prefix.
    return render_template(template, root="../" * (request.path.count("/") - 1), **values)


def _protect(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
