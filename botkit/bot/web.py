"""Answer the web requests that reach the bot, and make its pages.

    GET  /github/oauth   the provider sends the browser back here (step 2), one path per provider
    ...                  the routes of skills, such as /google/webhook of Drive
    GET  /bot/oauth      RingCentral sends an administrator's browser here with a public bot's code
    POST /bot/oauth      RingCentral sends a private bot's token
    POST /bot/webhook    RingCentral delivers what happened in a chat
    GET  /health         whether the bot can work

Start with `create_app`, then `_callback_view`.  Every page says what happened and what to do next,
and escapes what other people wrote.

Not here: what is done with a delivery (`webhook.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs

from flask import Blueprint, Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, RequestEntityTooLarge

from botkit.bot.health import Health
from botkit.bot.places import NoPlace, WebPlaces
from botkit.bot.turns import OWN_TROUBLE
from botkit.bot.webhook import read_json_object, webhook_view
from botkit.bot.worker import Worker
from botkit.chat import Chat, Installation
from botkit.errors import AuthorizationDenied, AuthorizationError, BotkitError, StateUsed
from botkit.oauth import expect_callback, handle_callback, missing_scopes
from botkit.skills import Confirmation, ServiceSkill, connected_job, hold_callback
from botkit.storage import Service, Storage

log = logging.getLogger("botkit")

LONGEST_BODY = 1024 * 1024  # bytes; the longest webhook is far shorter
LONGEST_TOKEN = 16 * 1024  # bytes of a POST that brings one; many fields take long to read

SAFE_HEADERS = {
    "Referrer-Policy": "no-referrer",  # the callback's address holds a code
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    storage: Storage,
    chat: Chat,
    installation: Installation,
    services: Sequence[ServiceSkill],
    *,
    worker: Worker,
    confirmation: Confirmation | None = None,
    places: WebPlaces | None = None,
) -> Flask:
    """Make the WSGI app from the parts of a bot.

    `services` are the skills that connect accounts.  One that is added to the list later has a
    callback too, but no routes of its own.  With a `confirmation`, each new connection has to be
    confirmed in the chat.  `places` are those of the requests that wait for other servers.
    """
    places = places or WebPlaces()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY
    app.url_map.merge_slashes = False  # this app redirects nobody, so nobody can misuse that
    app.before_request(_read_body)
    app.after_request(_with_safe_headers)
    app.add_url_rule("/bot/webhook", view_func=webhook_view(worker), methods=["POST"])
    callback = _callback_view(storage, chat, services, confirmation, places)
    app.add_url_rule("/<slug>/oauth", view_func=callback)
    for skill in services:
        if skill.routes is not None:
            _share(skill.routes, places)
            app.register_blueprint(skill.routes)

    @app.get("/bot/oauth")
    def bot_code() -> Any:
        if _is_prefetch():
            return "", 204
        with places.installs.one():
            installation.install_with_code(_query())
        happened, advice = "The bot is installed.", "Go to your chats and say hello to it."
        return _page("Installed", happened, advice=advice, tone="good")

    @app.post("/bot/oauth")
    def bot_token() -> Any:
        if len(request.get_data()) > LONGEST_TOKEN:
            raise RequestEntityTooLarge
        fields = read_json_object() if request.is_json else request.form.to_dict()
        with places.installs.one():
            installation.install_with_token(fields or {})
        return jsonify(ok=True)

    health = Health(storage, worker.how)

    @app.get("/health")
    def health_view() -> Any:
        return jsonify(health.check())

    @app.get("/")
    def home() -> Any:
        return _page("This is a bot", "It works. Talk to it in the chat.")

    _add_error_pages(app)
    return app


def _share(routes: Blueprint, places: WebPlaces) -> None:
    """Let each request to the routes of a skill have a place, because it asks the database."""

    @routes.before_request
    def take() -> None:
        g.place = ExitStack()
        g.place.enter_context(places.question())

    @routes.teardown_request
    def leave(_: BaseException | None) -> None:
        g.pop("place", ExitStack()).close()  # a body that was refused came to no place


# ---- the callback ------------------------------------------------------------------------------


def _callback_view(
    storage: Storage,
    chat: Chat,
    services: Sequence[ServiceSkill],
    confirmation: Confirmation | None,
    places: WebPlaces,
) -> Callable[[str], Any]:
    def callback(slug: str) -> Any:
        skill = next((one for one in services if one.provider.slug == slug), None)
        if skill is None:
            raise NotFound
        if _is_prefetch():
            return "", 204
        query = _query()
        with places.question():
            link = expect_callback(storage, skill.provider, query)  # else it gets no other place
        with places.callbacks.one():
            if sentence := skill.objection(link):
                raise AuthorizationError(sentence, advice="Nothing was connected.")
            return answer(skill, query)

    def answer(skill: ServiceSkill, query: dict[str, list[str]]) -> Any:
        if confirmation:
            shared = skill.shared
            code, data, too_many = hold_callback(storage, skill.provider, query, shared=shared)
            confirmation.revoke(too_many)
            return _code_page(skill, code, data)
        service = handle_callback(storage, skill.provider, query, shared=skill.shared)
        try:
            return _connected_page(chat, skill, service)
        finally:  # the account is connected, whatever becomes of the page
            storage.messages.add(connected_job(service))

    return callback


def _code_page(skill: ServiceSkill, code: str, data: dict[str, Any]) -> Any:
    """Make the page that shows the code; `botkit.skills.confirm` makes the code."""
    return _page(
        "One more step",
        "Say this code to the bot, in your direct chat with it:",
        code=code,
        details={f"{skill.title} account": (data["account"] or {}).get("name", "unknown")},
        advice="It works for ten minutes. If it was not you who asked the bot for the link, close "
        "this page and tell nobody the code: somebody may want to use your account.",
    )


def _query() -> dict[str, list[str]]:
    """Return the query string; Flask would fail where its bytes are not UTF-8."""
    return parse_qs(request.query_string.decode("utf-8", "replace"), keep_blank_values=True)


def _read_body() -> None:
    """Read the whole body first, so that one that cannot be read is the sender's mistake.

    gunicorn notices a broken chunk only when the app reads it, and raises exceptions of its own.
    """
    try:
        request.get_data()
    except HTTPException:
        raise
    except Exception as error:
        raise BadRequest from error


def _is_prefetch() -> bool:
    """Return whether a browser only prefetches: that must not use up a link or a code.

    Browsers said so in headers of their own before there was `Sec-Purpose`, and some still do.
    Source: MDN, "Sec-Purpose".
    """
    said = [request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")]
    return request.method == "HEAD" or "prefetch" in " ".join(said)


def _connected_page(chat: Chat, skill: ServiceSkill, service: Service) -> Any:
    details = {
        f"{skill.title} account": service.account.get("name", "unknown"),
        "For": _chat_name(chat, service),
    }
    advice = "Please close this page and go on in the chat."
    happened = f"The bot can now use your {skill.title} account."
    missing = missing_scopes(skill.provider, service)
    if missing:
        details["Not granted"] = ", ".join(scope.rpartition("/")[2] for scope in missing)
        happened = f"Your {skill.title} account is connected, but not everything was granted."
        advice += " What you did not allow may not work."
    return _page("Connected", happened, advice=advice, tone="good", details=details)


def _chat_name(chat: Chat, service: Service) -> str:
    try:
        group = chat.group(service.bot_id or "", service.group_id or "")
    except BotkitError:
        return "the chat where you asked"
    return "your chat with the bot" if group.is_direct else group.name


# ---- pages -------------------------------------------------------------------------------------


def _page(
    title: str,
    happened: str,
    *,
    advice: str = "",
    tone: str = "plain",
    details: dict[str, str] | None = None,
    code: str = "",
    status: int = 200,
) -> tuple[str, int]:
    up = "../" * (request.path.count("/") - 1)  # relative, so that a path before ours does no harm
    html = render_template(
        "page.html",
        title=title,
        happened=happened,
        advice=advice,
        tone=tone,
        details=details or {},
        code=code,
        up=up,
    )
    return html, status


def _with_safe_headers(answer: Response) -> Response:
    """Add the headers to every answer, JSON and errors too."""
    for name, value in SAFE_HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _wants_json() -> bool:
    by_ringcentral = request.path.startswith("/bot/") and request.method == "POST"
    return by_ringcentral or request.path == "/health"


def _failure_title() -> str:
    return "Not installed" if request.path == "/bot/oauth" else "Not connected"


def _add_error_pages(app: Flask) -> None:
    @app.errorhandler(NoPlace)
    def no_place(error: NoPlace) -> Any:
        if _wants_json():
            return jsonify(error=str(error)), error.status, {"Retry-After": "1"}
        page, status = _page("One moment", str(error), advice=error.advice, status=error.status)
        return page, status, {"Refresh": "1", "Retry-After": "1"}

    @app.errorhandler(BotkitError)
    def known_error(error: BotkitError) -> Any:
        if _wants_json():
            return jsonify(error=str(error), advice=error.advice), error.status
        title = "Already used" if isinstance(error, StateUsed) else _failure_title()
        tone = "plain" if isinstance(error, AuthorizationDenied | StateUsed) else "bad"
        return _page(title, str(error), advice=error.advice, tone=tone, status=error.status)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        status = error.code or 500
        sentence = "There is no such page here." if status == 404 else f"{error.name}."
        if _wants_json():
            return jsonify(error=sentence), status
        advice = "Go back to the chat and follow the bot's link again."
        return _page("Nothing here", sentence, advice=advice, tone="plain", status=status)

    @app.errorhandler(Exception)
    def unknown_error(error: Exception) -> Any:
        log.error("A request ended in an error of our own", exc_info=error)
        advice = "Please try again in a moment."
        if _wants_json():
            return jsonify(error=OWN_TROUBLE, advice=advice), 500
        return _page(_failure_title(), OWN_TROUBLE, advice=advice, tone="bad", status=500)
