"""Answer as RingCentral's API for webhook subscriptions: make, read, renew, delete.

A subscription is made only when the address answers the handshake.
Sources: RingCentral developer guide, "Creating webhooks" and "Troubleshooting webhooks".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, g, request

from botkit.practice.ringcentral.bot_user import ChatWithBot
from botkit.practice.ringcentral.chat_api import RingCentralApiError, bad, body, missing
from botkit.practice.ringcentral.webhooks import FILTERS, REMINDER, Subscription

PATH = "/restapi/v1.0/subscription"
WEEK, FIFTEEN_YEARS = 604_800, 473_040_000  # seconds: the default, and the longest seen granted
KNOWN_FILTERS = set().union(*FILTERS.values())


def add_subscription_routes(api: Blueprint, world: ChatWithBot) -> None:
    """Put the routes on the bot's API, behind its authentication."""

    @api.get(PATH)
    def subscriptions() -> dict[str, Any]:
        records = [shape(one) for one in world.webhooks.of(g.caller.id)]
        return {"uri": world.address + PATH, "records": records}

    @api.post(PATH)
    def subscribe() -> dict[str, Any]:
        if world.take_not_ready():  # what a bot user hears that is only some seconds old
            message = "Not allowed subscribe for events to extensions of other account"
            raise RingCentralApiError(403, "SUB-406", message)
        wish = body()
        subscription = Subscription(
            owner_id=g.caller.id,
            filters=_filters(wish),
            address=_address(wish),
            expires_in=_lifetime(wish),
            created=world.now(),
            verification_token=_verification_token(wish),
        )
        shake_hands(subscription.address, subscription.verification_token)
        world.webhooks.add(subscription)
        return shape(subscription)

    @api.get(f"{PATH}/<id_>")
    def read_subscription(id_: str) -> dict[str, Any]:
        return shape(find(id_))

    @api.put(f"{PATH}/<id_>")
    def change_subscription(id_: str) -> dict[str, Any]:
        """Change what the body names, and renew; an empty body only renews."""
        subscription, wish = find(id_), body() if request.data else {}
        filters = _filters(wish) if "eventFilters" in wish else subscription.filters
        if "deliveryMode" in wish:
            address, token = _address(wish), _verification_token(wish)
            shake_hands(address, token)
            subscription.address, subscription.verification_token = address, token
        subscription.filters = filters
        subscription.renew(world.now())
        return shape(subscription)

    @api.post(f"{PATH}/<id_>/renew")
    def renew_subscription(id_: str) -> dict[str, Any]:
        subscription = find(id_)
        subscription.renew(world.now())
        return shape(subscription)

    @api.delete(f"{PATH}/<id_>")
    def delete_subscription(id_: str) -> tuple[str, int]:
        world.webhooks.remove(find(id_))
        return "", 204

    def find(id_: str) -> Subscription:
        for one in world.webhooks.of(g.caller.id):
            if one.id == id_:
                return one
        raise missing("subscriptionId")

    def shape(subscription: Subscription) -> dict[str, Any]:
        return subscription.shape(world.address, world.now())

    def shake_hands(address: str, verification_token: str) -> None:
        if not world.webhooks.shake_hands(address, verification_token):
            raise RingCentralApiError(400, "SUB-525", "WebHook server response is invalid")


def _filters(wish: dict[str, Any]) -> list[str]:
    filters = wish.get("eventFilters")
    if not isinstance(filters, list) or not filters:
        raise bad("eventFilters")
    for one in filters:
        if not isinstance(one, str) or not (one in KNOWN_FILTERS or one.startswith(REMINDER)):
            raise RingCentralApiError(400, "SUB-508", f"Event filter [{one}] is not supported")
    return filters


def _delivery(wish: dict[str, Any]) -> dict[str, Any]:
    mode = wish.get("deliveryMode")
    if not isinstance(mode, dict) or mode.get("transportType") != "WebHook":
        raise bad("deliveryMode.transportType")
    return mode


def _address(wish: dict[str, Any]) -> str:
    """Return the address for the deliveries; plain http is allowed outside of production."""
    address = _delivery(wish).get("address")
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad("deliveryMode.address")
    return parts.geturl()


def _verification_token(wish: dict[str, Any]) -> str:
    """Return the secret that every delivery will carry in a header, so it must be fit for one."""
    token = _delivery(wish).get("verificationToken", "")
    if not isinstance(token, str) or not (token.isascii() and token.isprintable()):
        raise bad("deliveryMode.verificationToken")
    return token


def _lifetime(wish: dict[str, Any]) -> int:
    seconds = wish.get("expiresIn", WEEK)
    if type(seconds) is not int or not 1 <= seconds <= FIFTEEN_YEARS:
        raise bad("expiresIn")
    return seconds
