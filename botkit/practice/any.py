"""Serve a practice service that is what a description says.

    gitlab = AnyService("gitlab", now=lambda: datetime.now(UTC))
    server = Server(gitlab.wsgi)
    gitlab.address = server.url
    client_id, client_secret = gitlab.register_app("My bot", [])
    described = gitlab.play(describe(client_id, client_secret))
    gitlab.answers("GET /todos", [{"id": 1, "body": "Tea"}])

Start with `AnyService.play`.  It takes the paths and habits of the description: how an app
identifies itself, what stands between scopes, how a token is revoked, whose account it is.  Before
that, the service can be asked for its addresses, as OpenID Connect Discovery does.

Nobody has a password, as at the practice Teapot.  What no description says is not played: which
scopes there are, ID tokens, webhooks, limits.
"""
# Authlib brings no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from flask import Flask, jsonify, request
from werkzeug.datastructures import MultiDict

from botkit.practice.answers import refuse
from botkit.practice.oauth import (
    App,
    CodeGrant,
    OAuthServer,
    PairLedger,
    S256Always,
    answer_with,
    render_page,
)
from botkit.practice.oauth.pages import Answer
from botkit.practice.pair_service import PEOPLE, PairPages, PairService
from botkit.practice.service import make_web

COOKIE = "practice_account"
EVERY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
METHODS = {"basic": "client_secret_basic", "body": "client_secret_post"}
AUTHORIZE, TOKEN, REVOKE, USERINFO = (
    f"/oauth/{name}" for name in ("authorize", "token", "revoke", "userinfo")
)


class AnyService(PairService):
    """A service that plays a description.  For the parameters and knobs, see `PairService`.

    `expire_everything()` is a knob, too.
    """

    def __init__(self, name: str, *, now: Callable[[], datetime], title: str = "") -> None:
        super().__init__(name, title or name.capitalize(), "pr", now)
        self._oauth = AnyOAuthServer(self._ledger, self._issuer)
        self._described: Any = None
        self._web = self._make_web()

    def play(self, described: Any) -> Any:
        """Be what is described; return the description with every address at this server.

        `described` is a dataclass such as `botkit.oauth.Provider`.  Raises `ValueError` if two
        addresses with different hosts have the same path, because this is one server.
        """
        _check_paths(described)
        move, back = self._moved, described.revocation
        here = replace(
            described,
            authorize_url=move(described.authorize_url),
            token_url=move(described.token_url),
            api_url=move(described.api_url).rstrip("/"),
            account_url=described.account_url and move(described.account_url),
            revocation=back and replace(back, url=move(back.url)),
        )
        with self._lock:
            self._described, self.title = here, here.title or here.name
            self._oauth.play(here)
            self._told.apis = (urlsplit(here.api_url).path.rstrip("/"),)
            self._web = self._make_web()
        return here

    def _moved(self, url: str) -> str:
        parts = urlsplit(url)
        return f"{self.address}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    # Knobs

    def expire_everything(self) -> None:
        """Let every access token and unused code expire now.  Refresh tokens still work."""
        with self._lock:
            self._ledger.expire()

    # What a browser and a program see

    def _make_web(self) -> Flask:
        one, web = self._described, make_web(__name__)
        pages = AnyPages(self, self._oauth, _path(one.authorize_url) if one else AUTHORIZE)
        web.register_blueprint(pages.blueprint)
        self._told.serve(web)
        route = web.add_url_rule
        token = _path(one.token_url) if one else TOKEN
        route(token, "token", self._oauth.create_token_response, methods=["POST"])
        if one is None:
            route(USERINFO, "account", lambda: self._account("sub", "preferred_username"))
        elif one.account_url:
            names = one.account_id_field, one.account_name_field
            asked = [one.account_method]
            route(_path(one.account_url), "account", lambda: self._account(*names), methods=asked)
        if one is None or one.revocation:
            method, path = (one.revocation.method, one.revocation.url) if one else ("POST", REVOKE)
            route(_path(path), "revoke", self._revoke, methods=[method])
        route("/.well-known/openid-configuration", "metadata", self._metadata)
        route("/", "root", self._not_told, methods=EVERY)
        route("/<path:_>", "api", self._not_told, methods=EVERY)
        web.after_request(pages.protect)
        return web

    def _issuer(self) -> str | None:
        issuer = self._described.issuer if self._described else self.address
        return None if issuer is None else str(issuer)

    def _metadata(self) -> Any:
        """OpenID Connect Discovery 1.0, section 3."""
        one, here = self._described, self.address
        account = one.account_url if one else f"{here}{USERINFO}"
        revoke = one.revocation and one.revocation.url if one else f"{here}{REVOKE}"
        return jsonify(
            issuer=here,
            authorization_endpoint=one.authorize_url if one else f"{here}{AUTHORIZE}",
            token_endpoint=one.token_url if one else f"{here}{TOKEN}",
            response_types_supported=["code"],
            code_challenge_methods_supported=["S256"],
            token_endpoint_auth_methods_supported=list(self._oauth.client_auth),
            claims_supported=["sub", "preferred_username"],
            authorization_response_iss_parameter_supported=True,
            **({"userinfo_endpoint": account} if account else {}),
            **({"revocation_endpoint": revoke} if revoke else {}),
        )

    def _account(self, id_field: str, name_field: str) -> Any:
        account = self._told.account()
        if account is None:
            return refuse(401, "invalid_token", "This token is not accepted.")
        number = 101 + list(PEOPLE).index(account)
        return jsonify({name_field: PEOPLE[account], id_field: number})

    def _not_told(self, _: str = "") -> Any:
        account = self._told.account()
        if account is None:
            return refuse(401, "invalid_token", "This token is not accepted.")
        asked = self._told.note(account)
        what = f'"{asked.method} {asked.path}"'  # first, for a trace shows the beginning
        world = f'kit.world.service("{self.name}")'
        how = f"Write it into practice, or say {world}.answers({what}, ...)"
        return refuse(404, "not_told", f"{what} has no answer in practice. {how}")

    def _revoke(self) -> Any:
        """Revoke a token: as RFC 7009 has it, or in the service's own way."""
        how = self._described.revocation if self._described else None
        body = request.get_json(silent=True) if how and how.encoding == "json" else request.form
        sent = body if isinstance(body, dict | MultiDict) else {}
        if how is None or how.client_auth != "none":
            try:
                values = MultiDict({name: str(value) for name, value in sent.items()})
                self._oauth.authenticate_client(
                    self._oauth.create_oauth2_request(values), (), "revocation"
                )
            except InvalidClientError as error:
                return self._oauth.handle_error_response(None, error)
        pair = self._ledger.token_with(str(sent.get(how.field if how else "token", "")))
        if pair and how and how.ends == "everything":
            self._ledger.revoke(pair.owner)
        elif pair:
            self._ledger.end(pair)
        return jsonify({})


class AnyCodeGrant(CodeGrant):
    """The authorization code grant, whose errors name the issuer, too (RFC 9207, section 2)."""

    def denial(self, redirect_uri: str) -> OAuth2Error:
        return super().denial(add_params_to_uri(redirect_uri, self.callback_parameters()))


class AnyOAuthServer(OAuthServer):
    """Authlib's authorization server with the habits of a description."""

    ledger: PairLedger
    code_grant = AnyCodeGrant
    client_auth = tuple(METHODS.values())
    pkce = S256Always(required=True)
    revocation_auth = client_auth
    separator = " "

    def play(self, described: Any) -> None:
        """Take the habits of a description."""
        self.separator = described.scope_separator
        self.client_auth = self.revocation_auth = (METHODS[described.client_auth],)
        if described.revocation:
            self.revocation_auth = (METHODS.get(described.revocation.client_auth, ""),)

    def issue(self, app: App, owner: str, scopes: list[str], *, renewed: bool) -> dict[str, Any]:
        return answer_with(self.ledger.issue(app, owner, scopes), self.separator)

    def auth_methods(self, endpoint: str) -> tuple[str, ...]:
        return self.revocation_auth if endpoint == "revocation" else self.client_auth


class AnyPages(PairPages):
    """The consent page, as a Flask `blueprint`."""

    cookie = COOKIE

    def __init__(self, service: AnyService, oauth: OAuthServer, authorize: str) -> None:
        self.authorize = authorize
        self._service = service
        super().__init__(oauth)

    def show_consent(self, grant: Any) -> Answer:
        return render_page(
            "any_consent.html",
            provider=self._service.title,
            app=grant.client,
            people=PEOPLE,
            account=self.suggested(),
            scopes=request.args.get("scope", "").split(),
            redirect_uri=grant.redirect_uri,
        )

    def show_problem(self, error: OAuth2Error) -> Answer:
        text, provider = error.description or error.error, self._service.title
        return render_page("any_problem.html", text=text, provider=provider), 400


def _path(url: str) -> str:
    return urlsplit(url).path or "/"


def _check_paths(described: Any) -> None:
    back = described.revocation
    urls = [described.authorize_url, described.token_url, described.account_url]
    seen: dict[str, str] = {}
    for url in filter(None, [*urls, back and back.url]):
        other = seen.setdefault(_path(url), url)
        if urlsplit(other).netloc != urlsplit(url).netloc:
            raise ValueError(
                f"{other} and {url} have the same path, and a practice service is one server. "
                "So it cannot play this description."
            )
