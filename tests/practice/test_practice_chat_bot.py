"""The life of the practice chat's bot: installed, added, removed, deleted; through real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chat_world import World, error_code

from botkit.practice.ringcentral.bot_user import InstallRefused

PATH = "/restapi/v1.0/subscription"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_an_install_hands_the_token_over_as_a_form_and_the_bot_joins_its_chats(
    world: World,
) -> None:
    world.install()
    (fields,) = world.app.tokens
    assert world.app.token_type == "application/x-www-form-urlencoded"
    assert set(fields) == {
        "access_token",
        "creator_extension_id",
        "creator_account_id",
        "client_id",
    }
    assert world.api("GET", "/restapi/v1.0/account/~/extension/~").status_code == 200
    joined = world.bodies("GroupJoined")
    types = [body["type"] for body in joined]
    assert types == ["PersonalChat", "Everyone", "PrivateChat", "PrivateChat"]
    assert [body["members"] for body in joined[2:]] == [
        ["2101001", "2109001"],
        ["2101002", "2109001"],
    ]


def test_an_app_that_does_not_take_the_token_gets_no_bot(world: World) -> None:
    world.app.install_status = 500
    with pytest.raises(InstallRefused, match="its app answered POST /bot/oauth with 500"):
        world.install()
    assert world.chat.bot is None
    assert error_code(world.api("GET", PATH)) == (401, "OAU-213")
    with pytest.raises(ValueError, match="no direct chat"):
        world.chat.say("Alice", "hi", chat="direct")
    world.app.install_status = 200
    world.install()
    assert world.chat.say("Alice", "hi", chat="direct").text == "hi"


def test_an_app_that_is_not_there_is_named_as_the_reason(world: World) -> None:
    world.app.server.stop()
    with pytest.raises(InstallRefused, match="nobody answered POST /bot/oauth"):
        world.install()


def test_installing_again_replaces_the_token_and_keeps_the_bot(world: World) -> None:
    world.install()
    old = world.token
    world.app.on_install = lambda: None
    world.chat.install_bot(world.app.server.url + "/bot/oauth")
    assert world.token != old
    me = "/restapi/v1.0/account/~/extension/~"
    assert world.api("GET", me).json()["id"] == 2109001
    stale = world.api("GET", me, headers={"Authorization": f"Bearer {old}"})
    assert error_code(stale) == (401, "OAU-213")
    assert len(world.bodies("GroupJoined")) == 4


def test_the_bot_hears_when_it_is_added_to_the_team_and_when_it_is_removed(world: World) -> None:
    world.install()
    world.chat.add_bot_to_team()
    joined = world.bodies("GroupJoined")[-1]
    assert (joined["type"], joined["name"]) == ("Team", "Team")
    assert joined["members"] == ["2101001", "2101002", "2101003", "2109001"]
    world.chat.remove_bot_from_team()
    (left,) = world.bodies("GroupLeft")
    assert (left["id"], left["members"]) == (joined["id"], joined["members"][:3])
    world.chat.add_bot_to_team()
    assert len(world.bodies("GroupJoined")) == 6


def test_a_deleted_bot_hears_of_it_its_token_is_dead_and_a_new_one_is_somebody_else(
    world: World,
) -> None:
    world.install()
    world.chat.add_bot_to_team()
    world.chat.delete_bot()
    assert world.bodies("Delete") == [{"extensionId": "2109001", "eventType": "Delete"}]
    assert world.app.deliveries[-1]["event"] == "/restapi/v1.0/account/~/extension/2109001"
    assert error_code(world.api("GET", PATH)) == (401, "OAU-232")
    with pytest.raises(ValueError, match="No bot is installed"):
        world.chat.add_bot_to_team()
    world.install()
    assert world.api("GET", "/restapi/v1.0/account/~/extension/~").json()["id"] == 2109002


def test_a_proxy_that_the_machine_is_set_up_with_is_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.install()
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    world.chat.say("Alice", "hi", chat="direct")
    assert len(world.bodies("PostAdded")) == 1
    world.app.on_install = lambda: None
    world.chat.install_bot(world.app.server.url + "/bot/oauth")
    assert len(world.app.tokens) == 2
