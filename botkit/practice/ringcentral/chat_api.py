"""Answer as RingCentral's API for a chat bot: who am I, chats and posts.

Every request has a token in the `Authorization` header, which belongs to the bot or, through a
third-party app, to a person (`account_api.py`).  Subscriptions are in `subscriptions.py`.  Errors
have RingCentral's body,
`{"errorCode", "message", "errors": [...]}`.
Sources: RingCentral API reference and developer guide (team messaging, webhooks, errors).
"""

from __future__ import annotations

import base64
from typing import Any

from flask import Blueprint, Response, g, request

from botkit.practice.ringcentral.bot_user import ChatWithBot
from botkit.practice.ringcentral.records import ACCOUNT_ID, Chat, Person, Post
from botkit.practice.service import SeenRequest

LIMITS = {"Light": 50, "Medium": 40}  # requests a minute
#: What a third-party app may do for a person, and the permission that it takes.
FOR_PEOPLE = {
    "account": "ReadAccounts",
    "company_hours": "ReadAccounts",
    "own_hours": "ReadAccounts",
    "caller_id": "ReadAccounts",
    "notifications": "ReadAccounts",
    "change_notifications": "EditExtensions",
    "presence": "ReadPresence",
    "change_presence": "EditPresence",
}
LIGHT = {
    "extension",
    "chat",
    "group",
    "subscriptions",
    "read_subscription",
    *(name for name in FOR_PEOPLE if not name.startswith("change_")),
}
DEFAULT_COUNT, MAX_COUNT = 30, 250  # records on a page


class RingCentralApiError(Exception):
    """Raised to answer with an error and RingCentral's own code."""

    def __init__(self, status: int, code: str, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.parameter = parameter  # the one that is wrong, where the answer names it


def chat_api(world: ChatWithBot) -> Blueprint:
    """Return the routes for the bot."""
    api = Blueprint("chat_api", __name__)

    @api.before_request
    def authenticate() -> None:
        world.requests_seen.append(SeenRequest.of(request.environ, world.now()))
        g.caller = _authenticated(world, request.headers.get("Authorization"))
        _check_permission(_endpoint(), is_bot=g.caller == world.bot)

    @api.after_request
    def rate_limit(response: Response) -> Response:
        # Practice never runs out of requests; `trouble` can answer 429 in its place.
        group = "Light" if _endpoint() in LIGHT else "Medium"
        response.headers["X-Rate-Limit-Group"] = group
        response.headers["X-Rate-Limit-Limit"] = str(LIMITS[group])
        response.headers["X-Rate-Limit-Remaining"] = str(LIMITS[group] - 1)
        response.headers["X-Rate-Limit-Window"] = "60"
        return response

    @api.errorhandler(RingCentralApiError)
    def error(problem: RingCentralApiError) -> tuple[dict[str, Any], int]:
        reason = {"errorCode": problem.code, "message": problem.message}
        named = {"parameterName": problem.parameter} if problem.parameter else {}
        return reason | {"errors": [reason | named]}, problem.status

    @api.get("/restapi/v1.0/account/~/extension/~")
    def extension() -> dict[str, Any]:
        settings = world.settings.get(g.caller.id)
        if settings is not None:
            return settings.extension_info(world.address)
        return _extension(g.caller, world.address)

    # ---- chats and posts, under their new and their old address ---------------------------------

    @api.get("/team-messaging/v1/chats/<chat_id>")
    def chat(chat_id: str) -> dict[str, Any]:
        return _chat(world, chat_id).in_new_shape()

    @api.post("/team-messaging/v1/conversations")
    def open_conversation() -> dict[str, Any]:
        listed = body().get("members")
        members = listed if isinstance(listed, list) else []
        ids = [one.get("id") if isinstance(one, dict) else None for one in members]
        try:
            chat = world.open_conversation(g.caller, [str(one) for one in ids])
        except ValueError:
            raise bad("members") from None
        return chat.in_new_shape()

    @api.get("/restapi/v1.0/glip/groups/<chat_id>")
    def group(chat_id: str) -> dict[str, Any]:
        return _chat(world, chat_id).in_old_shape()

    @api.get("/team-messaging/v1/chats/<chat_id>/posts")
    @api.get("/restapi/v1.0/glip/groups/<chat_id>/posts")
    def posts(chat_id: str) -> dict[str, Any]:
        return _page_of(world.posts_in(_chat(world, chat_id)))

    @api.post("/team-messaging/v1/chats/<chat_id>/posts")
    @api.post("/restapi/v1.0/glip/groups/<chat_id>/posts")
    def create_post(chat_id: str) -> dict[str, Any]:
        place, text = _chat(world, chat_id), body().get("text")
        try:
            return world.write(place, g.caller, text if isinstance(text, str) else "").shape()
        except ValueError:
            raise bad("text") from None

    return api


def bad(parameter: str) -> RingCentralApiError:
    """Return the error for a parameter that makes no sense."""
    return RingCentralApiError(400, "CMN-101", f"Parameter [{parameter}] value is invalid")


def missing(parameter: str) -> RingCentralApiError:
    """Return the error for an id that names nothing, or nothing that the bot may see."""
    return RingCentralApiError(404, "CMN-102", f"Resource for parameter [{parameter}] is not found")


def body() -> dict[str, Any]:
    """Return the request's body, which must be a JSON object."""
    try:
        content = request.get_json(silent=True)
    except RecursionError:  # brackets within brackets, some thousand deep
        content = None
    if not isinstance(content, dict):
        raise bad("body")
    return content


def _authenticated(world: ChatWithBot, header: str | None) -> Person:
    if header is None:
        raise RingCentralApiError(401, "AGW-401", "Authorization header is not specified")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RingCentralApiError(401, "AGW-402", "Invalid Authorization header")
    if session := world.ledger.use(token):
        if world.now() >= session.pair.access_ends:
            raise RingCentralApiError(401, "OAU-128", "Access token expired")
        return session.owner
    owner, bot = world.owner_of(token), world.bot
    if owner is None:
        raise RingCentralApiError(401, "OAU-213", "Token not found")
    if bot is None or bot.id != owner:
        raise RingCentralApiError(401, "OAU-232", "Extension is deleted")
    return bot


def _endpoint() -> str:
    """Return the name of the function that answers."""
    return str(request.endpoint).rpartition(".")[2]


def _check_permission(endpoint: str, *, is_bot: bool) -> None:
    """Raise the error if this kind of app may not call the endpoint; all may ask who they are."""
    if endpoint != "extension" and is_bot == (endpoint in FOR_PEOPLE):
        needed = FOR_PEOPLE.get(endpoint, "TeamMessaging")
        message = f"In order to call this API endpoint, application needs to have [{needed}]"
        raise RingCentralApiError(403, "CMN-401", f"{message} permission")


def _chat(world: ChatWithBot, chat_id: str) -> Chat:
    for chat in world.chats_of(g.caller):
        if chat.id == chat_id:
            return chat
    raise missing("chatId")


def _extension(bot: Person, server: str) -> dict[str, Any]:
    """Return what `GET .../extension/~` says of the bot: only here, the id is a number."""
    account = f"{server}/restapi/v1.0/account/{ACCOUNT_ID}"
    return {
        "uri": f"{account}/extension/{bot.id}",
        "id": int(bot.id),
        "extensionNumber": bot.id[-3:],
        "name": bot.name,
        "type": "Bot",
        "status": "Enabled",
        "contact": {"firstName": bot.name},
        "account": {"id": ACCOUNT_ID, "uri": account},
        "permissions": {"admin": {"enabled": False}},
    }


def _page_of(posts: list[Post]) -> dict[str, Any]:
    """Return one page of posts, newest first.

    A page token remembers where it ends and how long its pages are; the query needs nothing else.
    Source: RingCentral developer guide, "REST API pagination in Team Messaging".
    """
    end, count = len(posts), _record_count()
    if token := request.args.get("pageToken"):
        end, count = _opened(token)
    start, end = max(0, end - count), min(end, len(posts))
    tokens = {}
    if start > 0:
        tokens["nextPageToken"] = _sealed(start, count)
    if end < len(posts):
        tokens["prevPageToken"] = _sealed(end + count, count)
    return {"records": [post.shape() for post in reversed(posts[start:end])], "navigation": tokens}


def _record_count() -> int:
    count = request.args.get("recordCount", DEFAULT_COUNT, type=int)
    if not 1 <= count <= MAX_COUNT:
        raise bad("recordCount")
    return count


def _sealed(end: int, count: int) -> str:
    return base64.urlsafe_b64encode(f"{end}.{count}".encode()).decode()


def _opened(token: str) -> tuple[int, int]:
    try:
        end, count = base64.urlsafe_b64decode(token).decode().split(".")
        numbers = int(end), int(count)
    except ValueError:
        raise bad("pageToken") from None
    if numbers[0] < 0 or not 1 <= numbers[1] <= MAX_COUNT:
        raise bad("pageToken")
    return numbers
