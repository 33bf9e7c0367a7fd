"""What people say to the Drive bot, and what it says to them."""

from __future__ import annotations

import re

import pytest
from drive_world import STOP, WATCH

ALICE = "The Google Drive of **alice@practice.example**"
BOB = "The Google Drive of **bob@practice.example**"
TELLS = "I tell you here when a file is added, trashed, restored or renamed."
LINK = r"\[Connect your Google Drive account\]\(http\S+\)\. The link works once, for ten minutes\."


# ---- commands ----------------------------------------------------------------------------------


def test_help_names_every_command(world):
    text = world.say("help")
    assert all(f"* **{one}** " in text for one in ("bind", "unbind", "about", "help"))
    assert all(f"**{one}**" in world.say("help drive") for one in ("bind", "unbind", "about"))


def test_about_says_in_two_sentences_what_it_is_and_does(world):
    text = world.say("About?")
    assert text.startswith("I watch a Google Drive for this chat") and "unbind" in text
    assert len(re.findall(r"[.](?: |$)", text)) == 2


def test_bind_brings_a_link(world):
    assert re.fullmatch(r"No Google Drive is bound to this chat\. " + LINK, world.say("Bind!"))


def test_bind_says_whose_drive_is_bound_and_offers_its_owner_to_bind_another(world):
    world.bind(chat="Team")
    said = f"{ALICE} is bound to this chat. Say **unbind** to end that. To bind your own in its"
    assert world.say("@bot bind", "alice", "Team").startswith(said)
    assert re.search(LINK, world.kit.alice.reads().text)


def test_unbind_without_a_drive_says_what_to_do(world):
    assert (
        world.say("unbind")
        == "No Google Drive is bound to this chat. Say **bind** if you want that."
    )


def test_a_command_with_more_behind_it_is_explained(world):
    world.bind()
    more = "my files", "[x](http://evil.example)", "x" * 9000, "{0}", "'; drop table"
    for command in ("bind", "unbind", "about"):
        for arguments in more:
            said = world.say(f"{command} {arguments}")
            assert said == f"Say **{command}** alone, without anything after it.", arguments
    assert world.row and len(world.live) == 1


def test_the_name_of_the_service_may_follow(world):
    assert re.search(LINK, world.say("bind Google Drive"))
    assert "No Google Drive is bound" in world.say("unbind drive")


def test_other_words_are_left_to_others(world):
    world.bind()
    assert "Did you mean **unbind**?" in world.say("unbnd")
    assert "I did not understand" in world.say("binder")


# ---- bound -------------------------------------------------------------------------------------


def test_once_bound_it_says_so_and_watches(world):
    assert world.bind() == [f"{ALICE} is bound to this chat. {TELLS} Say **unbind** to end that."]
    row = world.row
    assert row.user_id == "" and world.live == [row.data["channels"][0]["id"]]


def test_without_the_permission_for_drive_it_says_so_and_tries_no_watch(world):
    world.google.grant_only = []
    (text,) = world.bind()
    assert text.startswith(f"{ALICE} is bound, but I cannot watch it. Google did not give me")
    assert text.endswith("Say **bind** and leave the box for Google Drive ticked this time.")
    assert world.asked(WATCH) == 0 and world.skill.maintain(world.row) == []
    assert world.say("bind").startswith(
        f"{ALICE} is bound to this chat, but I was not allowed to look into it."
    )
    world.google.grant_only = None
    assert world.bind()[0].startswith(f"{ALICE} is bound to this chat.") and len(world.live) == 1


NOT_YOURS = "Only the person who has bound it can unbind or replace it."


def test_whoever_has_bound_a_drive_decides_about_it(world):
    world.bind(chat="Team")
    (row,) = world.storage.find_services()
    assert row.data["boundBy"] == "2101001"
    assert world.say("@bot bind", "bob", "Team") == f"{ALICE} is bound to this chat. {NOT_YOURS}"
    said = world.say("@bot unbind", "bob", "Team")
    assert said == f"{NOT_YOURS} Nothing was changed." and len(world.live) == 1
    assert world.say("@bot unbind", "alice", "Team").startswith("Disconnected.")


def test_a_link_from_before_somebody_else_bound_a_drive_replaces_nothing(world):
    world.say("@bot bind", "bob", "Team")
    world.bind(chat="Team")
    page = world.kit.bob.browser.visit(world.kit.bob.link).approve()
    assert page.heading == "Not connected" and NOT_YOURS in page.text
    (row,) = world.storage.find_services()
    assert row.account["name"] == "alice@practice.example"


def leave_team(world, name: str) -> None:
    """Somebody leaves the team, and what the bot knew of its members is ten minutes old."""
    world.kit.world.ringcentral.leave_team(name)
    world.kit.clock.advance(minutes=11)


def test_a_drive_whose_person_has_left_the_chat_is_not_told_of_and_anybody_may_replace_it(world):
    world.bind(chat="Team")
    leave_team(world, "Alice")
    world.kit.bob.reads(chat="Team")
    world.google.add_file("alice", "private.txt")
    (said,) = world.told("bob", "Team")
    assert said.startswith(f"{ALICE} is not watched here any more: the person who bound it has")
    world.google.add_file("alice", "more.txt")
    assert world.told("bob", "Team") == []
    (text,) = world.bind("bob", chat="Team")
    assert text.startswith(f"{BOB} is bound to this chat.")
    world.google.add_file("bob", "his.txt")
    assert "added file" in world.told("bob", "Team")[-1]


def test_another_drive_in_its_place_is_told_of_and_the_first_is_not(world):
    world.bind(chat="Team")
    (text,) = world.bind(chat="Team", account="bob")
    assert text.startswith(f"{BOB} is bound to this chat.")
    world.google.add_file("alice", "hers.txt")
    file = world.google.add_file("bob", "his.txt")
    (said,) = world.told(chat="Team")
    assert said.startswith("Bob ") and said.endswith(f" added file {world.link(file)}")
    assert len(world.row.data["files"]) == 1


def test_the_same_drive_bound_again_misses_nothing_between(world):
    world.bind()
    world.push.drop_next_notifications = 1
    file = world.google.add_file("alice", "plan.txt")
    said = world.bind()
    assert said[1:] == [f"Alice Rivera added file {world.link(file)}"]
    assert len(world.live) == 1


# ---- unbound -----------------------------------------------------------------------------------


def test_unbind_ends_it_at_google_and_here(world):
    world.bind()
    said = world.say("unbind")
    assert said == "Disconnected. Google Drive has forgotten the connection too."
    assert world.live == [] and world.storage.find_services() == []
    assert not world.google._ledger.grants
    world.google.add_file("alice", "plan.txt")
    assert world.told() == []


def test_unbind_in_one_chat_leaves_the_same_drive_in_another(world):
    world.bind()
    world.bind(chat="Team")
    said = world.say("unbind")
    assert said == "Disconnected here. Your account stays connected in another chat."
    assert len(world.live) == 1
    file = world.google.add_file("alice", "plan.txt")
    assert world.told() == []
    assert world.told(chat="Team")[-1] == f"Alice Rivera added file {world.link(file)}"


def test_unbind_works_whatever_google_says(world):
    for path in (STOP, "/revoke", "/"):
        world.bind()
        world.google.trouble.next(times=9, path=path, status=500)
        assert world.say("unbind").startswith("Disconnected"), path
        assert world.storage.find_services() == []
        world.google.trouble.clear()


@pytest.mark.parametrize("event", ["BotLeftGroup", "BotRemoved"])
def test_the_channels_of_a_chat_are_closed_before_its_rows_go(world, event):
    world.bind(chat="Team")
    if event == "BotLeftGroup":
        world.kit.world.ringcentral.remove_bot_from_team()
    else:
        world.kit.world.ringcentral.delete_bot()
    world.kit.settle()
    assert world.asked(STOP) == 1 and world.live == []
    assert world.storage.find_services() == []


def test_leaving_a_chat_closes_no_channel_of_another(world):
    world.bind()
    world.bind("bob", chat="Team")
    world.kit.world.ringcentral.remove_bot_from_team()
    world.kit.settle()
    assert world.live == [world.row.data["channels"][0]["id"]]
    file = world.google.add_file("alice", "plan.txt")
    assert world.told() == [f"Alice Rivera added file {world.link(file)}"]
