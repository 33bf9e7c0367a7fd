"""Let the API of a practice service answer what it is told.

    github.answers("GET /user/repos", [{"name": "hello-world"}])
    github.answers("POST /gists", {}, status=503)
    github.answers("PUT /user/starred/{owner}/{name}", None)

Start with `Answers.answer`.  It comes before the service's own routes, so it can also replace one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, jsonify, request


@dataclass(frozen=True)
class Asked:
    """A request to the API that had a good token.  `path` is below the API's address."""

    method: str
    path: str
    account: str
    query: dict[str, str] = field(default_factory=dict)
    json: Any = None


class Answers:
    """The answers that one service was told.  `asked` are the requests to its API, in order.

    `owner_of(token)` returns the account of a token that works, or None.  `apis` are the paths at
    which its API begins.
    """

    def __init__(self, owner_of: Callable[[str], str | None], *apis: str) -> None:
        self.asked: list[Asked] = []
        self.apis = apis
        self._owner_of = owner_of
        self._told: dict[tuple[str, str], tuple[Any, int]] = {}

    def tell(self, what: str, value: Any, status: int = 200) -> None:
        """See `PracticeService.answers`."""
        method, _, path = what.partition(" ")
        if not method.isalpha() or not path.startswith("/"):
            raise ValueError(f"{what!r} is not a request. Write it like “GET /todos”.")
        key = method.upper(), path.rstrip("/") or "/"
        self._told.pop(key, None)  # so that it is the newest
        self._told[key] = value, status

    def serve(self, web: Flask) -> None:
        """Let `web` give these answers, and say how to get one where it has none."""
        web.before_request(self.answer)
        web.after_request(self._hint)

    def answer(self) -> Response | None:
        """Answer the request of Flask if this service was told how; else return None."""
        told = self._find()
        if told is None:
            return None
        value, status = told
        account = self.account()
        if account is None:
            return refuse(401, "invalid_token", "This token is not accepted.")
        asked = self.note(account)
        answer = value(asked) if callable(value) else value
        if answer is None:  # an empty body, and no JSON
            return Response(status=204 if status == 200 else status)
        response = jsonify(answer)
        response.status_code = status
        return response

    def _hint(self, response: Response) -> Response:
        """Name what would be answered, in a header that no real service sends."""
        if response.status_code == 404 and self._find() is None and self.account() is not None:
            path, *_ = self._paths()
            what = f"{request.method} {quote(path, safe='/@:~$')}"
            response.headers["X-Practice-Hint"] = f'answers("{what}", ...) plays this'
        return response

    def _find(self) -> tuple[Any, int] | None:
        """Return the answer to the request of Flask.

        A path without places counts first, and of those with places the newest.
        """
        keys = [(request.method, path.rstrip("/") or "/") for path in self._paths()]
        for key in keys:
            if key in self._told:
                return self._told[key]
        for (method, pattern), told in reversed(self._told.items()):
            if any(method == asked and _fits(pattern, path) for asked, path in keys):
                return told
        return None

    def account(self) -> str | None:
        """Return whose token the request of Flask has; None if it has none that works."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._owner_of(token.strip()) if scheme.lower() in ("bearer", "token") else None

    def note(self, account: str) -> Asked:
        """Keep the request of Flask in `asked`, and return it."""
        path, *_ = self._paths()
        body = request.get_json(silent=True)
        self.asked.append(Asked(request.method, path, account, request.args.to_dict(), body))
        return self.asked[-1]

    def _paths(self) -> list[str]:
        """Return the path as a skill writes it, and then the whole path."""
        path = request.path
        below = [path[len(api) :] or "/" for api in self.apis if path.startswith(f"{api}/")]
        return [*below, path]


def _fits(pattern: str, path: str) -> bool:
    """Return whether a path is that of a pattern, whose places `{name}` are any text without /."""
    parts = re.split(r"\{[^/{}]*\}", pattern)
    return len(parts) > 1 and re.fullmatch("[^/]+".join(map(re.escape, parts)), path) is not None


def refuse(status: int, name: str, sentence: str) -> Response:
    """Return an error as JSON.  Source for the header: RFC 6750, section 3."""
    response = jsonify(error=name, error_description=sentence)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = f'Bearer error="{name}"'
    return response
