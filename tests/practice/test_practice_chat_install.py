"""The practice chat's public bots: a code in the administrator's browser, exchanged for a token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from chat_world import FILTERS, World

from botkit.practice.ringcentral.bot_user import InstallRefused

ME = "/restapi/v1.0/account/~/extension/~"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def exchange(world: World, **changes: Any) -> requests.Response:
    """POST the newest code to the token endpoint; `changes` spoil the request."""
    form = {
        "grant_type": "authorization_code",
        "code": world.app.queries[-1]["code"],
        "redirect_uri": world.app.server.url + "/bot/oauth",
    }
    auth = changes.pop("auth", world.chat.registration)
    form = {name: value for name, value in (form | changes).items() if value is not None}
    return requests.post(world.server.url + "/restapi/oauth/token", data=form, auth=auth)


def install(world: World) -> dict[str, Any]:
    """Install the bot with an app that exchanges the code; return the answer to the exchange."""
    answers: list[requests.Response] = []
    world.app.on_install = lambda: answers.append(exchange(world))
    world.chat.install_public_bot(world.app.server.url + "/bot/oauth")
    (answer,) = answers
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def whose(world: World, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(world.server.url + ME, headers=headers)


def test_the_code_comes_in_the_administrators_browser_and_becomes_a_permanent_token(
    world: World,
) -> None:
    answer = install(world)
    assert set(world.app.queries[0]) == {"code", "creator_extension_id"}
    assert set(answer) == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "owner_id",
        "endpoint_id",
    }
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 2147483647)
    assert answer["scope"] == "EditExtensions SubscriptionWebhook Glip Accounts"
    me = whose(world, answer["access_token"]).json()
    assert (str(me["id"]), me["type"]) == (answer["owner_id"], "Bot")
    assert world.chat.say("Alice", "hi", chat="direct").text == "hi"


def test_the_url_that_the_browser_was_sent_to_is_returned(world: World) -> None:
    url = world.chat.install_public_bot(world.app.server.url + "/bot/oauth")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert [query] == world.app.queries


REFUSED = {
    "a made-up code": ({"code": "made up"}, 400, "invalid_grant", "OAU-106"),
    "no code": ({"code": None}, 400, "invalid_request", "OAU-106"),
    "another redirect URI": ({"redirect_uri": "http://x/"}, 400, "invalid_grant", "OAU-109"),
    "no redirect URI": ({"redirect_uri": None}, 400, "invalid_grant", "OAU-109"),
    "a wrong secret": ({"auth": ("practice-bot-app", "x")}, 401, "invalid_client", "OAU-146"),
    "another app": ({"auth": ("other", "x")}, 401, "invalid_client", "OAU-146"),
    "no Basic header": ({"auth": None}, 401, "invalid_client", "OAU-146"),
    "another grant": ({"grant_type": "password"}, 400, "unsupported_grant_type", "OAU-112"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_exchange_is_refused_in_ringcentrals_words_and_the_code_stays_good(
    world: World, what: str
) -> None:
    world.chat.install_public_bot(world.app.server.url + "/bot/oauth")
    changes, status, error, code = REFUSED[what]
    answer = exchange(world, **changes)
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error)
    assert body["errors"] == [{"errorCode": code, "message": body["error_description"]}]
    assert exchange(world).status_code == 200


def test_the_apps_secret_is_not_accepted_in_the_body(world: World) -> None:
    world.chat.install_public_bot(world.app.server.url + "/bot/oauth")
    id_, secret = world.chat.registration
    answer = exchange(world, auth=None, client_id=id_, client_secret=secret)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_code_works_once_and_for_a_minute(world: World) -> None:
    install(world)
    assert exchange(world).json()["errors"][0]["errorCode"] == "OAU-106"
    world.app.on_install = lambda: None
    world.chat.install_public_bot(world.app.server.url + "/bot/oauth")
    world.time += timedelta(seconds=60)
    assert exchange(world).json()["errors"][0]["errorCode"] == "OAU-108"


def test_an_app_that_refuses_the_code_gets_no_bot(world: World) -> None:
    world.app.install_status = 400
    with pytest.raises(InstallRefused, match="its app answered GET /bot/oauth with 400"):
        install(world)
    assert world.chat.bot is None
    world.app.server.stop()
    with pytest.raises(InstallRefused, match="nobody answered GET /bot/oauth"):
        install(world)


def test_installing_again_gives_the_same_bot_a_new_token(world: World) -> None:
    first, second = install(world), install(world)
    assert first["owner_id"] == second["owner_id"]
    assert whose(world, first["access_token"]).json()["errorCode"] == "OAU-213"
    assert whose(world, second["access_token"]).status_code == 200


def test_an_install_that_fails_leaves_the_bot_that_was_there_its_token(world: World) -> None:
    token = install(world)["access_token"]
    handed: list[str] = []
    world.app.on_install = lambda: handed.append(exchange(world).json()["access_token"])
    world.app.install_status = 500
    with pytest.raises(InstallRefused):
        world.chat.install_public_bot(world.app.server.url + "/bot/oauth")
    assert whose(world, token).status_code == 200
    assert whose(world, handed[0]).json()["errorCode"] == "OAU-213"


def test_a_reminder_is_sent_to_who_asked_for_it(world: World) -> None:
    world.install()
    before = len(world.app.deliveries)
    world.chat.remind()
    world.chat.settle()
    assert len(world.app.deliveries) == before
    reminder = "/restapi/v1.0/subscription/~?threshold=60&interval=15"
    made = world.subscribe(eventFilters=[*FILTERS, reminder]).json()
    world.time += timedelta(days=6)
    world.chat.remind()
    world.chat.settle()
    (envelope,) = [one for one in world.app.deliveries if one["event"] == reminder]
    assert (envelope["subscriptionId"], envelope["body"]) == (made["id"], {"expiresIn": 86400})
    assert envelope["ownerId"] == "2109001"
