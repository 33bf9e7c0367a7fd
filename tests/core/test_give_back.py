"""Tokens that became no connection, or are one no longer: the provider is told to forget them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from checklist_world import World

from botkit.errors import StorageError


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def take_over(world: World) -> None:
    """Mallory's account takes the place of the one that is connected in Alice's chat."""
    world.link(world.alice, "connect github")
    page = world.mallory.browser.visit(world.alice.link).approve()
    assert page.heading == "Connected"
    assert [row.account["name"] for row in world.rows] == ["mallory-practice"]


def test_a_token_that_has_run_out_is_renewed_to_be_given_back(world):
    world.kit.world.github.apps[world.kit.github.client_id].expire_tokens = True
    world.connect(world.alice)
    world.kit.clock.advance(hours=9)
    take_over(world)
    assert world.grants == {"mallory-practice"}


def test_a_token_of_an_unknown_account_is_left_alone(world):
    """It may be the same account as the new one, and GitHub would forget that one too."""
    world.connect(world.alice)
    world.storage.update_service(world.rows[0].id, {"account": None})
    world.connect(world.alice, "connect github")
    assert world.grants == {"alice-practice"}
    assert "alice-practice" in world.say(world.alice, "profile")


def test_the_same_account_once_more_gives_nothing_back(world):
    world.connect(world.alice)
    world.connect(world.alice, "connect github")
    assert world.grants == {"alice-practice"}
    assert not [one for one in world.seen if one.method == "DELETE"]


def test_a_provider_that_does_not_confirm_is_named_in_the_log(world, caplog):
    world.connect(world.alice)
    world.kit.world.github.trouble.next(path="/api/v3/applications", status=500)
    take_over(world)
    assert "may still be alive: GitHub did not confirm" in caplog.text


def test_an_answer_that_cannot_be_kept_until_it_is_confirmed_is_given_back(monkeypatch):
    world = World(confirm=True)

    def full(*_: object, **__: object) -> None:
        raise StorageError("The database is full.")

    try:
        answer = world.answer(world.alice)
        monkeypatch.setattr(world.storage, "hold_answer", full)
        page = world.open(answer)
        assert page.status_code == 503 and "Ask the bot in the chat for a new link" in page.text
        assert world.grants == set()
    finally:
        world.close()


def test_a_confirmed_answer_that_cannot_be_stored_is_given_back(monkeypatch):
    world = World(confirm=True)

    def full(*_: object, **__: object) -> None:
        raise StorageError("The database is full.")

    try:
        page = world.connect(world.alice)
        monkeypatch.setattr(world.storage, "save_service", full)
        assert "The database is full. Nothing was connected." in world.alice.confirm(page).text
        assert world.grants == set() and world.rows == []
    finally:
        world.close()
