"""Check what RingCentral delivers, write it into the inbox, and answer immediately.

RingCentral waits three seconds for an answer.  After a late or a bad one it never calls again.  So
the answer does not wait for the skills, and not even for a database that is away: `Worker.accept`
waits two seconds at most.  Start with `webhook_view`.

Not here: what a delivery means (`botkit.chat.events`), and what is done with it (`turns.py`).

Source: RingCentral developer guide, "Receiving webhooks".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, request

from botkit.bot.turns import job_for
from botkit.bot.worker import Delivery, Worker
from botkit.chat import read_event, read_id

MOST_BRACKETS = 20_000  # a message has at most 10,000 characters
LONGEST_ID, LONGEST_KEY = 128, 600  # characters
VISIBLE = re.compile(r"[\x21-\x7e]*")  # an id of RingCentral has no space in it


def webhook_view(worker: Worker) -> Callable[[], Any]:
    """Make the view for POST /bot/webhook."""

    def webhook() -> Any:
        if not request.get_data():
            return _accepted()
        envelope = read_json_object()
        if envelope is None:
            return jsonify(error="This is not a delivery: the body is not a JSON object."), 400
        event = read_event(envelope)
        bot_id = read_id(envelope.get("ownerId"))
        key = delivery_key(bot_id, envelope)
        ids = (bot_id, event.group_id, event.user_id) if event else (bot_id,)
        if not all(_is_id(one) for one in ids) or not _is_id(key, LONGEST_KEY):
            return jsonify(error="This is not a delivery: an id in it cannot be one."), 400
        token = request.headers.get("Verification-Token", "")
        size = request.content_length or 0
        job = job_for(event, key) if event else None
        worker.start()
        outcome = worker.accept(Delivery(bot_id, token, job, size))
        if outcome == "unknown bot":
            return jsonify(error="This bot is not installed here. Install it again."), 404
        if outcome == "wrong token":
            return jsonify(error="The Verification-Token is wrong or missing."), 401
        if outcome == "no room":
            return jsonify(error="Too many messages wait here. Please try again later."), 503
        if event is None or outcome == "again":
            request.environ["botkit.quiet"] = True  # not worth a place in the trace
        return _accepted()

    return webhook


def _is_id(text: str, longest: int = LONGEST_ID) -> bool:
    return len(text) <= longest and VISIBLE.fullmatch(text) is not None


def delivery_key(bot_id: str, envelope: Mapping[str, Any]) -> str:
    """Return the name under which a delivery is accepted once; "" if it has none.

    A message keeps its name however often it is delivered.  Its moment belongs to the name, because
    a practice chat counts its messages from 1 each time it starts.
    """
    body = envelope.get("body")
    if isinstance(body, Mapping) and body.get("eventType") == "PostAdded" and body.get("id"):
        return f"{bot_id}:message:{body['id']}:{body.get('creationTime') or ''}"
    return f"{bot_id}:delivery:{envelope['uuid']}" if envelope.get("uuid") else ""


def read_json_object() -> dict[str, Any] | None:
    """Return the request's body, if it is a JSON object without lone surrogates.

    Anyone can send a body, and nobody knows whose it is before it is read.  A million lists take
    half a second in which no other thread can work, so one with very many brackets is not read.
    """
    data = request.get_data()
    if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        return None
    try:
        body = json.loads(data.decode("utf-8"))
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
