"""Check what RingCentral delivers, answer immediately, and give the event to the skills.

RingCentral waits three seconds for an answer.  After a late or a bad one it never calls again.  So
`botkit.bot.worker` does the work after the answer.  Start with `webhook_view`.

Not here: what a delivery means (`botkit.chat.events`).

Source: RingCentral developer guide, "Receiving webhooks".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, jsonify, request

from botkit.bot.worker import Work
from botkit.chat import Chat, Event, Installation, SeenDeliveries, read_event
from botkit.errors import BotkitError, ChatError, StorageError
from botkit.skills import Skill, run_skills
from botkit.storage import Storage

log = logging.getLogger("botkit")

OWN_TROUBLE = "Something went wrong inside the bot."


def webhook_view(
    storage: Storage, chat: Chat, installation: Installation, skills: Sequence[Skill], work: Work
) -> Callable[[], Any]:
    """Make the view for POST /bot/webhook."""
    seen = SeenDeliveries()

    def webhook() -> Any:
        if not request.get_data():
            return _accepted()
        envelope = read_json_object()
        if envelope is None:
            return jsonify(error="This is not a delivery: the body is not a JSON object."), 400
        try:
            bot = storage.find_bot(str(envelope.get("ownerId") or ""))
        except StorageError as error:  # after a refusal RingCentral would never call again
            log.warning("A message was passed over: %s", error)
            return _accepted()
        if bot is None:
            return jsonify(error="This bot is not installed here. Install it again."), 404
        if not chat.is_from_ringcentral(bot, request.headers.get("Verification-Token", "")):
            return jsonify(error="The Verification-Token is wrong or missing."), 401
        event = read_event(envelope)
        if event is None or seen.seen_before(envelope):
            request.environ["botkit.quiet"] = True  # not worth a place in the trace
        else:
            work.submit(_handle, chat, installation, skills, event)
        return _accepted()

    return webhook


def read_json_object() -> dict[str, Any] | None:
    """Return the request's body, if it is a JSON object without lone surrogates."""
    try:
        body = json.loads(request.get_data().decode("utf-8"))
        json.dumps(body, ensure_ascii=False).encode("utf-8")  # no lone surrogates in it
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _accepted() -> Response:
    """Answer with the token that RingCentral sends to check that this address is ours."""
    response = Response("", mimetype="application/json")
    token = request.headers.get("Validation-Token", "")
    if token and len(token) <= 256:
        response.headers["Validation-Token"] = token
    return response


def _handle(chat: Chat, installation: Installation, skills: Sequence[Skill], event: Event) -> None:
    if event.kind == "SubscriptionEnds":
        installation.subscribe(event.bot_id)
    elif event.kind in ("BotLeftGroup", "BotRemoved"):
        try:
            run_skills(skills, event)  # while the connections are still there
        finally:
            if event.kind == "BotRemoved":
                installation.remove(event.bot_id)
            else:
                installation.leave_group(event.bot_id, event.group_id)
    else:
        _answer(chat, skills, event)


def _answer(chat: Chat, skills: Sequence[Skill], event: Event) -> None:
    try:
        if chat.is_for_bot(event):
            run_skills(skills, chat.with_group_type(event))
    except ChatError:
        raise  # then there is no way to say it in the chat
    except BotkitError as error:
        log.warning("A message was answered with an apology: %s", error)
        chat.send(event.bot_id, event.group_id, f"{error} {error.advice}")
    except Exception:
        chat.send(event.bot_id, event.group_id, f"{OWN_TROUBLE} Please try again in a moment.")
        raise
