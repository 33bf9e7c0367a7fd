"""Show the pages of the practice Google, and answer at the token and revocation endpoints.

On the consent page the person chooses an account and may clear the box of each scope, except those
for signing in.  A client receives what was agreed to, which can be less than it asked for.  Every
error in a link ends on a page here and never at the redirect URI.

Source: Google's page "Using OAuth 2.0 for Web Server Applications".
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from authlib.oauth2 import OAuth2Error
from flask import abort, jsonify, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from botkit.practice.google.files import Drive, File
from botkit.practice.google.ledger import PEOPLE, Consent, GoogleClient, GoogleLedger, account
from botkit.practice.google.oauth import GoogleOAuthServer, token_problem
from botkit.practice.google.ranges import Range, Spreadsheet, letters
from botkit.practice.google.scopes import SCOPES, SIGN_IN, asked_scopes, in_order
from botkit.practice.oauth import ConsentPages, render_page
from botkit.practice.oauth.pages import Answer

_WEB_VIEW = "; wv)"  # what an Android app's embedded browser says of itself


class GooglePages(ConsentPages[str]):
    """What people see, as a Flask `blueprint`."""

    authorize = "/o/oauth2/v2/auth"
    cookie = "google_account"

    def __init__(
        self,
        ledger: GoogleLedger,
        oauth: GoogleOAuthServer,
        drive: Drive,
        spreadsheets: dict[str, Spreadsheet],
    ) -> None:
        super().__init__(oauth)
        self._check_link = oauth.check_link
        self._ledger = ledger
        self._drive = drive
        self._spreadsheets = spreadsheets
        route = self.blueprint.add_url_rule
        route("/", view_func=self._home)
        route("/token", view_func=self._token, methods=["POST"])
        route("/revoke", view_func=self._revoke, methods=["GET", "POST"])
        route("/connections", view_func=self._connections)
        route("/connections", view_func=self._remove_access, methods=["POST"])
        route("/file/d/<file_id>/view", view_func=self._show_file)
        route("/spreadsheets/d/<file_id>/edit", view_func=self._show_spreadsheet)

    def find_account(self, name: str | None) -> str | None:
        return account(name)

    def first_account(self) -> str:
        return next(iter(PEOPLE))

    # ---- consent -------------------------------------------------------------------------------

    def read_link(self) -> Any:
        return self._check_link(request.args)

    def show_consent(self, grant: Any) -> Answer:
        if _WEB_VIEW in request.headers.get("User-Agent", ""):
            return self.refuse(
                OAuth2Error(
                    "Open the link in a real browser.", None, 403, error="disallowed_useragent"
                )
            )
        who, asked = self.suggested(), asked_scopes(request.args["scope"])
        prompts = request.args.get("prompt", "").split()
        ask = self._must_consent(grant.client, who, asked) or who != self.signed_in()
        if not ask and "select_account" not in prompts:
            return self.answer(grant, self._consent(grant, who, asked))
        if "none" in prompts:
            return self.answer_that_asking_is_needed(grant)
        return render_page(
            "consent.html",
            client=grant.client,
            scopes={name: SCOPES[name] for name in asked if name not in SIGN_IN},
            sign_in=[SCOPES[name] for name in asked if name in SIGN_IN],
            people=PEOPLE,
            account=who,
            redirect_uri=grant.redirect_uri,
        )

    def _must_consent(self, client: GoogleClient, who: str, asked: list[str]) -> bool:
        """Return whether Google asks: for scopes that are new to a project, or when told to."""
        told_to = "consent" in request.args.get("prompt", "").split()
        return told_to or not set(asked) <= set(self._ledger.granted(client, who))

    def approve(self, grant: Any, who: str) -> Consent | None:
        chosen = SIGN_IN.union(request.form.getlist("scopes"))
        agreed = [scope for scope in asked_scopes(request.args["scope"]) if scope in chosen]
        return self._consent(grant, who, agreed)

    def _consent(self, grant: Any, who: str, scopes: list[str]) -> Consent | None:
        """Note what the person agreed to, and return it; None if that is nothing."""
        client, asked = grant.client, asked_scopes(request.args["scope"])
        # The refresh token comes with the consent, and not again while that consent still holds.
        new = self._must_consent(client, who, asked)
        agreed = self._ledger.grant(client, who, scopes)
        if agreed and request.args.get("include_granted_scopes") == "true":
            agreed = in_order([*agreed, *self._ledger.granted(client, who)])
        lasting = new and request.args.get("access_type") == "offline"
        return Consent(who, agreed, lasting) if agreed else None

    def refuse(self, error: OAuth2Error) -> Answer:
        """Show every error in a link to the person: none travels to the redirect URI."""
        status = error.status_code or 400
        page = render_page(
            "problem.html",
            title="Access blocked: this app's request is invalid",
            text=error.description or "",
            error=f"Error {status}: {error.error}",
            redirect_uri=request.args.get("redirect_uri"),
        )
        return page, status

    # ---- tokens --------------------------------------------------------------------------------

    def _token(self) -> Response:
        response: Response = self._oauth.create_token_response(request.form.copy())
        return response

    def _revoke(self) -> Response:
        """Revoke all that the person granted.  As in RFC 7009, but no client shows a secret."""
        if request.method == "GET":
            abort(404)
        sent = request.values.get("token", "")
        token = self._ledger.live_access(sent) or self._ledger.live_refresh(sent)
        if token is None:
            return token_problem(400, "invalid_token", "Token expired or revoked")
        self._ledger.revoke(token.app.project, token.owner)
        return jsonify({})

    # ---- what a person looks at ----------------------------------------------------------------

    def _home(self) -> str:
        who = self.suggested()
        files = self._drive.files_of(who)
        clients = self._ledger.apps.values()
        return render_page("home.html", people=PEOPLE, account=who, files=files, clients=clients)

    def _connections(self) -> str:
        who = self.suggested()
        granted = {
            project: {name: SCOPES[name] for name in scopes}
            for (project, account), scopes in self._ledger.grants.items()
            if account == who
        }
        names = {p: [c.name for c in self._ledger.apps.values() if c.project == p] for p in granted}
        return render_page(
            "connections.html", people=PEOPLE, account=who, granted=granted, names=names
        )

    def _remove_access(self) -> Response:
        who = self.suggested()
        self._ledger.revoke(request.form.get("project", ""), who)
        return redirect(f"connections?login_hint={who}", code=303)

    def _show_file(self, file_id: str) -> str:
        return render_page("file.html", people=PEOPLE, file=self._mine(file_id))

    def _show_spreadsheet(self, file_id: str) -> str:
        file, book = self._mine(file_id), self._spreadsheets.get(file_id) or abort(404)
        grids = {
            sheet.title: Range(sheet, 1, 1, sheet.rows, sheet.columns) for sheet in book.sheets
        }
        return render_page("sheet.html", people=PEOPLE, file=file, grids=grids, letters=letters)

    def _mine(self, file_id: str) -> File:
        file = self._drive.file(file_id, self.suggested())
        return file or abort(404)


def http_problem_page(error: HTTPException) -> tuple[str, int]:
    """Return the page for a path, a method or a form that is not understood."""
    text = "There is nothing here that this account can see."
    return render_page("problem.html", title=error.name, text=text, error=""), error.code or 500
