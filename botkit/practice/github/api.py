"""Answer as GitHub's API does: the profile, and what an app asks about its tokens.

`GET /user` answers with the profile of the person who approved.  Three more routes let an app check
a token, revoke one, or revoke a person's whole grant.  All paths begin with `/api/v3`, as on a
GitHub Enterprise Server; github.com has its own host for its API.

Sources: GitHub's pages "Troubleshooting the REST API", "Rate limits for the REST API", "Scopes for
OAuth apps" and "REST API endpoints for OAuth authorizations".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from botkit.practice.github.ledger import GitHubLedger, GitHubToken
from botkit.practice.oauth import basic_header

#: The accounts that are there at first, with the profile that everyone sees.  Some names and texts
#: contain characters that a careless page or chat message does not escape.
PEOPLE: dict[str, dict[str, Any]] = {
    "alice-practice": {
        "id": 1001,
        "name": "Alice Rivera",
        "company": "Practice Ltd",
        "location": "Lisbon",
        "bio": "Learns by doing.",
        "public_repos": 8,
        "followers": 21,
    },
    "bob-practice": {
        "id": 1002,
        "name": 'Bob "Bobby" O\'Hara 🐙',
        "company": "Ham & Eggs <Catering>",
        "location": "Cork",
        "bio": None,
        "public_repos": 3,
        "followers": 5,
    },
    "mallory-practice": {
        "id": 1003,
        "name": "Mallory Marsh",
        "company": None,
        "location": None,
        "bio": "<script>alert('It is only a bio.')</script>",
        "public_repos": 0,
        "followers": 1,
    },
}

HOURLY_LIMIT = 5000
API_VERSIONS = ("2022-11-28", "2026-03-10")
_DOCS = "https://docs.github.com/rest"


class RateLimit:
    """So many requests in an hour.  GitHub counts for each person; here all share one count."""

    def __init__(self, ledger: GitHubLedger) -> None:
        self._now = ledger.now
        self.status = 403  # GitHub sends 403 or 429
        self.leave(HOURLY_LIMIT)

    def leave(self, remaining: int) -> None:
        """Begin a new hour with this many requests left in it."""
        self.remaining = remaining
        self.ends_at: datetime = self._now() + timedelta(hours=1)

    def take(self) -> bool:
        """Count one request, and return whether it is still within the limit."""
        if self._now() >= self.ends_at:
            self.leave(HOURLY_LIMIT)
        allowed = self.remaining > 0
        self.remaining = max(0, self.remaining - 1)
        return allowed

    def headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(HOURLY_LIMIT),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(HOURLY_LIMIT - self.remaining),
            "x-ratelimit-reset": str(int(self.ends_at.timestamp())),
            "x-ratelimit-resource": "core",
        }


class GitHubApi:
    """The routes below `/api/v3`, as a Flask `blueprint`."""

    def __init__(self, ledger: GitHubLedger, limit: RateLimit) -> None:
        self._ledger = ledger
        self._limit = limit
        self.blueprint = Blueprint("github_api", __name__, url_prefix="/api/v3")
        self.blueprint.before_request(self._check_manners)
        self.blueprint.after_request(self._add_headers)
        route = self.blueprint.add_url_rule
        application = "/applications/<client_id>"
        route("/user", view_func=self._user)
        route(f"{application}/token", view_func=self._check_token, methods=["POST"])
        route(f"{application}/token", view_func=self._delete_token, methods=["DELETE"])
        route(f"{application}/grant", view_func=self._delete_grant, methods=["DELETE"])

    def _check_manners(self) -> Response | None:
        """Refuse a request that is wrong on every route, such as one without a User-Agent."""
        if not self._limit.take():
            return problem(self._limit.status, "API rate limit exceeded.", "using-the-rest-api")
        if not request.headers.get("User-Agent"):
            # https://developer.github.com/changes/2013-01-31-user-agent-will-soon-be-mandatory
            return problem(403, "Request forbidden: it must carry a User-Agent header.")
        if "access_token" in request.args:
            return problem(
                400,
                "Must specify access token via Authorization header. "
                "https://developer.github.com/changes/2020-02-10-deprecating-auth-through-query-param",
                "https://docs.github.com/v3/#oauth2-token-sent-in-a-header",
            )
        version = request.headers.get("X-GitHub-Api-Version")
        if version and version not in API_VERSIONS:
            return problem(400, f"Unknown X-GitHub-Api-Version. Known: {', '.join(API_VERSIONS)}.")
        return None

    def _add_headers(self, response: Response) -> Response:
        response.headers.update(self._limit.headers())
        response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
        return response

    def _user(self) -> Response:
        """Answer `GET /user`; the scope `read:user` or `user` adds the private part."""
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return problem(401, "Requires authentication", "users/users#get-the-authenticated-user")
        token = self._ledger.live_token(credential.strip())
        if token is None or scheme.lower() not in ("bearer", "token"):
            return problem(401, "Bad credentials")
        private = bool({"read:user", "user"} & set(token.scopes))
        response = jsonify(profile(token.owner, self._ledger.people[token.owner], private=private))
        response.headers["X-OAuth-Scopes"] = ", ".join(token.scopes)
        response.headers["X-Accepted-OAuth-Scopes"] = "read:user, user"
        return response

    def _check_token(self, client_id: str) -> Response:
        token = self._token_of_app(client_id)
        if isinstance(token, Response):
            return token
        app = self._ledger.apps[client_id]
        return jsonify(
            app={"client_id": client_id, "name": app.name},
            created_at=_stamp(token.created_at),
            expires_at=_stamp(token.expires_at),
            scopes=token.scopes,
            token=token.access_token,
            user={"id": self._ledger.people[token.owner]["id"], "login": token.owner},
        )

    def _delete_token(self, client_id: str) -> Response:
        token = self._token_of_app(client_id)
        if isinstance(token, Response):
            return token
        self._ledger.end(token)
        return Response(status=204)

    def _delete_grant(self, client_id: str) -> Response:
        token = self._token_of_app(client_id)
        if isinstance(token, Response):
            return token
        self._ledger.revoke(client_id, token.owner)
        return Response(status=204)

    def _token_of_app(self, client_id: str) -> GitHubToken | Response:
        """Return the token in the JSON body, if the app shows its secret and owns the token."""
        app, login = self._ledger.apps.get(client_id), basic_header()
        if app is None or login is None or login.type != "basic" or login.username != client_id:
            return problem(401, "Requires authentication", "apps/oauth-applications")
        if not app.check_client_secret(login.password or ""):
            return problem(401, "Bad credentials")
        body = request.get_json(silent=True, force=True)
        sent = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(sent, str) or not sent:
            return problem(422, "Validation Failed", "apps/oauth-applications")
        token = self._ledger.live_token(sent)
        if token is None or token.app.client_id != client_id:
            return problem(404, "Not Found", "apps/oauth-applications")
        return token


def profile(login: str, person: Mapping[str, Any], *, private: bool) -> dict[str, Any]:
    """Return the body of `GET /user`.  `.example` is a name that leads nowhere (RFC 2606)."""
    fields: dict[str, Any] = {
        "login": login,
        "type": "User",
        "html_url": f"https://github.example/{login}",
    }
    fields |= {**person, "created_at": "2020-02-20T20:20:20Z", "email": None}
    if private:
        fields |= {"email": f"{login}@mail.example", "two_factor_authentication": True}
        fields |= {"private_gists": 2, "total_private_repos": 4, "plan": {"name": "free"}}
    return fields


def problem(status: int, message: str, page: str = "") -> Response:
    """Return an error as the API words it: JSON, with a link into GitHub's documentation."""
    url = page if page.startswith("https:") else f"{_DOCS}/{page}".rstrip("/")
    response = jsonify(message=message, documentation_url=url, status=str(status))
    response.status_code = status
    return response


def http_problem(error: HTTPException) -> Response:
    """Return the answer to a path or method that the API does not know.

    A trailing slash makes such a path.
    """
    if error.code == 404:
        return problem(404, "Not Found")
    return problem(error.code or 500, error.name)


def _stamp(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
