"""Show the practice chat as a web page, where a person types as Alice, Bob or Mallory.

The page needs no token: it is the practice world, on loopback, and nothing in it is real.  But any
other page in the same browser could send a POST here, and the bot would take it for Alice's word.
So a POST that comes from another origin is refused.

Beside a service that is the real one, what is said here counts.  Then the page has a key, which is
the first part of its path: other users of this computer do not know it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from botkit.practice.fetch_site import from_elsewhere
from botkit.practice.ringcentral.bot_user import ChatWithBot
from botkit.practice.ringcentral.chat import PEOPLE
from botkit.practice.ringcentral.records import Chat, Person, Post, timestamp
from botkit.practice.server import WSGIApp

HAS_KEY = "practice.has_key"  # in the WSGI environment: the path began with the key
POLL_SECONDS = 20.0  # below what proxies allow for an answer


def with_key(world: ChatWithBot, app: WSGIApp) -> WSGIApp:
    """Take the page's key out of the path, and note that it was there."""

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        first, slash, rest = environ.get("PATH_INFO", "").removeprefix("/").partition("/")
        given, key = first.encode("utf-8", "replace"), world.page_key.encode()
        if key and slash and hmac.compare_digest(given, key):
            script = f"{environ.get('SCRIPT_NAME', '')}/{first}"
            moved = {"PATH_INFO": f"/{rest}", "SCRIPT_NAME": script, HAS_KEY: True}
            environ = {**environ, **moved}
        return app(environ, start_response)

    return wsgi


def chat_page(world: ChatWithBot) -> Blueprint:
    """Return the page at `/` and the data that it asks for, with page-relative addresses."""
    page = Blueprint("chat_page", __name__)

    @page.before_request
    def ask_for_key() -> None:
        if world.page_key and not request.environ.get(HAS_KEY):
            abort(404)

    @page.after_request
    def harden(response: Response) -> Response:
        # Should a message ever become markup after all, it still could not run a script.
        policy = "default-src 'self'; img-src data:; base-uri 'none'"
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    @page.get("/")
    def index() -> str:
        return render_template("chat.html", people=PEOPLE)

    @page.get("/people/<name>/news")
    def news(name: str) -> dict[str, Any]:
        """Return what happened after the number `since`; waits when nothing has (long polling).

        A page that knows another `world` was open before this one began, and is told everything.
        """
        person, since = somebody(name), request.args.get("since", 0, type=int)
        if request.args.get("world") != world.name:
            since = 0
        world.tell_of(*_shown_chats(world, person))
        newest = world.wait_for_change(since, POLL_SECONDS)
        return _news(world, person, since) | {"newest": newest, "world": world.name}

    @page.post("/people/<name>/chats/<chat_id>/posts")
    def write(name: str, chat_id: str) -> tuple[dict[str, Any], int]:
        if from_elsewhere(request):
            abort(403)
        somebody(name)
        content = request.get_json()  # also refuses a form, which another origin could send unasked
        text = content.get("text") if isinstance(content, dict) else None
        try:
            return _shown(world, world.say(name, str(text or ""), chat_id)), 201
        except ValueError as error:
            return {"message": str(error)}, 400

    def somebody(name: str) -> Person:
        try:
            return world.person(name)
        except ValueError:
            abort(404)

    return page


def _news(world: ChatWithBot, person: Person, since: int) -> dict[str, Any]:
    chats = _shown_chats(world, person)
    posts = [post for chat in chats for post in world.posts_in(chat) if int(post.id) > since]
    return {
        "bot": world.bot.name if world.bot else None,
        "chats": [_listed(world, chat) for chat in chats],
        "posts": [_shown(world, post) for post in sorted(posts, key=lambda post: int(post.id))],
    }


def _shown_chats(world: ChatWithBot, person: Person) -> list[Chat]:
    chats = [chat for chat in world.chats_of(person) if chat.type in ("Direct", "Team")]
    return sorted(chats, key=lambda chat: chat.type)  # the direct chat first


def _listed(world: ChatWithBot, chat: Chat) -> dict[str, Any]:
    names = [person.name for person in PEOPLE if person.id in chat.members]
    has_bot = world.bot is not None and world.bot.id in chat.members
    return {
        "id": chat.id,
        "direct": chat.type == "Direct",
        "title": chat.name or (world.bot.name if world.bot else ""),
        "members": names + ([world.bot.name] if world.bot and has_bot else []),
        "hasBot": has_bot,
    }


def _shown(world: ChatWithBot, post: Post) -> dict[str, Any]:
    people = {person.id for person in PEOPLE}
    return {
        "id": int(post.id),
        "chat": post.chat_id,
        "creator": post.creator,
        "bot": post.creator_id not in people,
        "text": post.text,
        "mentions": {one.id: one.name for one in post.mentions},
        "time": timestamp(post.created),
    }
