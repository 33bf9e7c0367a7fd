"""Note and serve the requests of one practice service: what all of them have in common.

`PracticeService` is the base of the practice GitHub, Google and Teapot.  `make_web` makes the Flask
app of a service, with the pages and styles that are in its folder.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, send_from_directory
from jinja2 import FileSystemLoader
from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule

from botkit.practice.answers import Answers, Asked
from botkit.practice.server import Trouble

COMMON = Path(__file__).parent  # where the templates and styles are that several services use


@dataclass(frozen=True)
class SeenRequest:
    """A request that reached a service.  `url` is its path with the query, secrets and all."""

    method: str
    path: str
    url: str = field(repr=False)
    user_agent: str
    time: datetime

    @classmethod
    def of(cls, environ: Mapping[str, Any], time: datetime) -> SeenRequest:
        """Return what is kept of the WSGI request `environ`."""
        path, query = environ.get("PATH_INFO", "/"), environ.get("QUERY_STRING", "")
        url = f"{path}?{query}" if query else path
        agent = environ.get("HTTP_USER_AGENT", "")
        return cls(environ["REQUEST_METHOD"], path, url, agent, time)


class PracticeService:
    """Serve `wsgi`, then set `address` to the URL at which it is served.

    `browser_address` is where a person's browser finds it, if that is elsewhere.  `now` is the
    clock; it returns an aware UTC datetime.  `requests_seen` lists every request, also those whose
    answers `trouble` spoils, and `asked` the requests to the API that it was told how to answer.  A
    subclass sets `_web`.
    """

    _web: Flask

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.address = ""
        self.browser_address = ""
        self.requests_seen: list[SeenRequest] = []
        self.trouble = Trouble(self._one_at_a_time)
        self._now = now
        self._told = Answers(self.owner_of)
        self._lock = threading.RLock()

    def answers(self, what: str, value: Any, *, status: int = 200) -> None:
        """From now on answer `value`, as JSON, to a request with a good token.

        `what` is a method and a path, such as "GET /user/repos": below the API's address, as a
        skill writes it, or the whole path.  `{id}` in it is any text without a slash.  `value` may
        be a function, which is called with the request (`Asked`).  None is an empty answer, with
        the status 204 if `status` is 200.  Raises `ValueError` if `what` is no request.
        """
        self._told.tell(what, value, status)

    @property
    def asked(self) -> list[Asked]:
        return self._told.asked

    def owner_of(self, token: str) -> str | None:
        """Return the account of an access token that works now, or None."""
        raise NotImplementedError

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Note the request, and answer it as `trouble` or the service does."""
        self.requests_seen.append(SeenRequest.of(environ, self._now()))
        return self.trouble(environ, start_response)

    def _one_at_a_time(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        # A code is looked up, checked and deleted in three steps.  With the lock, of 32 requests
        # that bring the same code only one succeeds.
        with self._lock:
            return self._web.wsgi_app(environ, start_response)


class _Rule(Rule):
    """Prepare the building of an address only when one is built.

    Nothing in the practice world asks Flask for the address of a page, and preparing for it takes a
    third of the time in which a practice world starts.  A werkzeug without this method would not
    use it, and only be slower.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        prepare = super()._compile_builder

        def build(rule: Rule, *args: Any, **kwargs: Any) -> tuple[str, str]:
            address: tuple[str, str] = prepare(append_unknown).__get__(rule)(*args, **kwargs)
            return address

        return build


class _Web(Flask):
    url_rule_class = _Rule


def make_web(module: str) -> Flask:
    """Return a Flask app for the service whose main module is `module`.

    Templates and static files are looked for in the folder of the module, then in `COMMON`.
    """
    web = _Web(module.rpartition(".")[0], static_folder=None)
    folders = (Path(web.root_path), COMMON)
    web.jinja_loader = FileSystemLoader([folder / "templates" for folder in folders])

    @web.get("/static/<path:name>")
    def static(name: str) -> Response:
        for folder in folders:
            with suppress(NotFound):
                return send_from_directory(folder / "static", name)
        abort(404)

    return web
