"""What `disconnect` says is what was done, here and at the service."""

from __future__ import annotations

from dataclasses import replace

import pytest
from connections import connect

from botkit.errors import ProviderNonsense
from botkit.oauth import revoke


def offered(kit, **changes):
    """GitHub, described otherwise."""
    skill = kit.bot.services[0]
    skill._provider = replace(skill.provider, **changes)


def test_an_app_that_the_person_has_removed_there_is_a_connection_that_has_ended(kit):
    connect(kit.alice)
    kit.world.github.revoke("alice")
    said = kit.alice.say("disconnect").text
    assert said == "Disconnected. GitHub has forgotten the connection too."


@pytest.mark.parametrize("status", [404, 422])
def test_an_answer_that_may_mean_already_is_not_believed_while_the_token_works(kit, status):
    connect(kit.alice)
    (row,) = kit.storage.find_services()
    kit.world.github.trouble.next(path="/api/v3/applications", status=status)
    with pytest.raises(ProviderNonsense, match=f"it answered {status}"):
        revoke(kit.storage, kit.github, row)


def test_where_nothing_can_be_revoked_the_person_is_told_what_to_do(kit):
    connect(kit.alice)
    offered(kit, revocation=None)
    assert kit.alice.say("disconnect").text == (
        "Disconnected here. GitHub offers no way to revoke what you allowed. "
        "You can remove the app yourself in your GitHub settings, under “Applications”."
    )
    assert repr(kit.world.github).endswith("1 grants>") and kit.storage.find_services() == []


def test_an_end_that_the_service_does_not_confirm_is_told_as_such(kit):
    connect(kit.alice)
    kit.world.github.trouble.next(path="/api/v3/applications", status=500)
    said = kit.alice.say("disconnect").text
    assert said.startswith("Disconnected here, but: GitHub did not confirm")
    assert "You can remove the app yourself in your GitHub settings" in said
