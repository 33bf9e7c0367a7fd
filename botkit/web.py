"""The web app: the few addresses at which others reach the bot.

    GET  /github/oauth   the provider sends the browser back here (step 2), one path per provider
    POST /bot/oauth      RingCentral brings a private bot's token
    POST /bot/webhook    RingCentral tells what happened in a chat
    GET  /health         is the bot able to work?

Every page says what happened and what to do next, and nothing that a stranger wrote is repeated
without being escaped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from botkit.chat import Chat, Event, read_event
from botkit.errors import AuthorizationDenied, BotkitError, ChatError, StateUsed
from botkit.oauth import handle_callback, missing_scopes
from botkit.providers import Provider, callback_path
from botkit.skills import Skill, run_skills
from botkit.storage import Storage
from botkit.tables import Service
from botkit.work import Work

log = logging.getLogger("botkit")

LONGEST_BODY = 1024 * 1024  # bytes; the longest webhook is far shorter
OWN_TROUBLE = "Something went wrong inside the bot."

SAFE_HEADERS = {
    "Referrer-Policy": "no-referrer",  # the callback's address holds a code
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    storage: Storage,
    chat: Chat,
    skills: Sequence[Skill],
    address: Callable[[], str],
    *,
    work: Work,
) -> Flask:
    """The app, from the parts it hands to.  `address` returns the bot's public address."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY
    for skill in skills:
        path = callback_path(skill.provider)
        view = _callback_view(storage, chat, skill, work)
        app.add_url_rule(path, endpoint=path, view_func=view, methods=["GET"])

    @app.post("/bot/oauth")
    def bot_oauth() -> Any:
        fields: Any = request.get_json(silent=True) if request.is_json else request.form.to_dict()
        chat.install(fields if isinstance(fields, dict) else {}, f"{address()}/bot/webhook")
        return jsonify(ok=True)

    @app.post("/bot/webhook")
    def bot_webhook() -> Any:
        if not request.get_data():
            return _handshake()
        return _delivery(storage, chat, skills, work)

    @app.get("/health")
    def health() -> Any:
        storage.check()
        return jsonify(status="ok")

    @app.get("/")
    def home() -> Any:
        return _page("This is a bot", "It works. Talk to it in the chat.")

    _add_error_pages(app)
    return app


# ---- the callback ------------------------------------------------------------------------------


def _callback_view(storage: Storage, chat: Chat, skill: Skill, work: Work) -> Callable[[], Any]:
    def callback() -> Any:
        if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
            return "", 204  # a look ahead by the browser must not use up the link
        service = handle_callback(storage, skill.provider, request.args.to_dict(flat=False))
        page = _connected_page(chat, skill.provider, service)
        work.submit(skill.connected, service)
        return page

    return callback


def _connected_page(chat: Chat, provider: Provider, service: Service) -> Any:
    details = {
        f"{provider.name} account": service.account.get("name", "unknown"),
        "For": _chat_name(chat, service),
    }
    advice = "Please close this page and go on in the chat."
    missing = missing_scopes(provider, service)
    if missing:
        details["Not granted"] = ", ".join(missing)
        advice += " Some things will not work without what was not granted."
    happened = f"The bot can now use your {provider.name} account."
    return _page("Connected", happened, advice=advice, tone="good", details=details)


def _chat_name(chat: Chat, service: Service) -> str:
    try:
        group = chat.group(service.bot_id or "", service.group_id or "")
    except BotkitError:
        return "the chat where you asked"
    return "your chat with the bot" if group.is_direct else group.name


# ---- the webhook -------------------------------------------------------------------------------


def _handshake() -> Response:
    """RingCentral asks whether this address is ours; the answer is its own token, sent back."""
    response = Response("", mimetype="application/json")
    token = request.headers.get("Validation-Token", "")
    if token and len(token) <= 256:
        response.headers["Validation-Token"] = token
    return response


def _delivery(storage: Storage, chat: Chat, skills: Sequence[Skill], work: Work) -> Any:
    envelope = request.get_json(silent=True, force=True)
    if not isinstance(envelope, dict):
        return jsonify(error="This is not a delivery: the body is not a JSON object."), 400
    bot = storage.find_bot(str(envelope.get("ownerId") or ""))
    if bot is None:
        return jsonify(error="This bot is not installed here. Install it again."), 404
    if not chat.is_from_ringcentral(bot, request.headers.get("Verification-Token", "")):
        return jsonify(error="The Verification-Token is wrong or missing."), 401
    event = read_event(envelope)
    if event is None:
        request.environ["botkit.quiet"] = True  # not worth a place in the trace
    else:
        work.submit(_handle, chat, skills, event)
    return _handshake()  # some deliveries carry a Validation-Token too


def _handle(chat: Chat, skills: Sequence[Skill], event: Event) -> None:
    try:
        if chat.is_for_bot(event):
            run_skills(skills, event)
    except ChatError:
        raise  # then there is no way to say it in the chat
    except BotkitError as error:
        log.warning("A message was answered with an apology: %s", error)
        chat.send(event.bot_id, event.group_id, f"{error} {error.advice}")
    except Exception:
        chat.send(event.bot_id, event.group_id, f"{OWN_TROUBLE} Please try again in a moment.")
        raise


# ---- pages -------------------------------------------------------------------------------------


def _page(
    title: str,
    happened: str,
    *,
    advice: str = "",
    tone: str = "plain",
    details: dict[str, str] | None = None,
    status: int = 200,
) -> tuple[str, int, dict[str, str]]:
    up = "../" * (request.path.count("/") - 1)  # relative, so that a path before ours does no harm
    html = render_template(
        "page.html",
        title=title,
        happened=happened,
        advice=advice,
        tone=tone,
        details=details or {},
        up=up,
    )
    return html, status, SAFE_HEADERS


def _wants_json() -> bool:
    return request.path.startswith("/bot/") or request.path == "/health"


def _add_error_pages(app: Flask) -> None:
    @app.errorhandler(BotkitError)
    def known_trouble(error: BotkitError) -> Any:
        if _wants_json():
            return jsonify(error=str(error), advice=error.advice), error.status
        title = "Already used" if isinstance(error, StateUsed) else "Not connected"
        tone = "plain" if isinstance(error, AuthorizationDenied | StateUsed) else "bad"
        return _page(title, str(error), advice=error.advice, tone=tone, status=error.status)

    @app.errorhandler(HTTPException)
    def web_trouble(error: HTTPException) -> Any:
        status = error.code or 500
        sentence = "There is no such page here." if status == 404 else f"{error.name}."
        if _wants_json():
            return jsonify(error=sentence), status
        advice = "Go back to the chat and follow the bot's link again."
        return _page("Nothing here", sentence, advice=advice, tone="plain", status=status)

    @app.errorhandler(Exception)
    def unknown_trouble(error: Exception) -> Any:
        log.error("A request ended in an error of our own", exc_info=error)
        advice = "Please try again in a moment."
        if _wants_json():
            return jsonify(error=OWN_TROUBLE, advice=advice), 500
        return _page("Not connected", OWN_TROUBLE, advice=advice, tone="bad", status=500)
