"""Answer as RingCentral's account API, which third-party apps use for a person.

The routes are behind the authentication of `chat_api.py`, beside those of the bot.  `~` is the
person's own account and extension; the token says who that is.

Sources: RingCentral's SDK, `paths/Restapi/Account`, which also names the rate limit groups.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from flask import Blueprint, g

from botkit.practice.ringcentral.chat_api import RingCentralApiError, body
from botkit.practice.ringcentral.people import OPERATOR_ID, OPERATOR_NUMBER
from botkit.practice.ringcentral.platform import Platform
from botkit.practice.ringcentral.settings import ACCOUNT, PersonSettings, WrongValue

COMPANY = "/restapi/v1.0/account/~"
ME = f"{COMPANY}/extension/~"


def add_account_routes(api: Blueprint, world: Platform) -> None:
    """Put the routes on the API, behind its authentication."""

    @api.get(COMPANY)
    def account() -> dict[str, Any]:
        company, uri = deepcopy(world.company), world.address + ACCOUNT
        company["serviceInfo"]["uri"] = f"{uri}/service-info"
        operator = {
            "uri": f"{uri}/extension/{OPERATOR_ID}",
            "id": int(OPERATOR_ID),
            "extensionNumber": OPERATOR_NUMBER,
        }
        return {"uri": uri, "id": int(uri.rpartition("/")[2]), "operator": operator} | company

    @api.get(f"{COMPANY}/business-hours")
    def company_hours() -> dict[str, Any]:
        return {"uri": f"{world.address}{ACCOUNT}/business-hours"} | world.company_hours

    @api.get(f"{ME}/business-hours")
    def own_hours() -> dict[str, Any]:
        return {"uri": mine().uri(world.address, "/business-hours")} | mine().business_hours

    @api.get(f"{ME}/caller-id")
    def caller_id() -> dict[str, Any]:
        return {"uri": mine().uri(world.address, "/caller-id")} | mine().caller_id

    @api.get(f"{ME}/presence")
    def presence() -> dict[str, Any]:
        return mine().presence_info(world.address)

    @api.put(f"{ME}/presence")
    def change_presence() -> dict[str, Any]:
        _change(mine().change_presence)
        return mine().presence_info(world.address)

    @api.get(f"{ME}/notification-settings")
    def notifications() -> dict[str, Any]:
        return mine().notification_settings(world.address)

    @api.put(f"{ME}/notification-settings")
    def change_notifications() -> dict[str, Any]:
        _change(mine().change_notifications)
        return mine().notification_settings(world.address)

    def mine() -> PersonSettings:
        return world.settings[g.caller.id]


def _change(take: Callable[[dict[str, Any]], None]) -> None:
    try:
        take(body())
    except WrongValue as wrong:
        raise RingCentralApiError(400, "CMN-101", str(wrong), wrong.parameter) from None
