"""Watching a Drive through the practice Google: every change is told, once, whatever goes wrong."""

from __future__ import annotations

import pytest
from drive_world import CHANGES, FILES, GARBAGE, START, WATCH

from botkit.errors import ChatBusy, ReconnectNeeded
from botkit.run.maintenance import maintain
from botkit.skills.drive import api as drive_api
from botkit.skills.drive.lease import lease_of

ALICE = "The Google Drive of **alice@practice.example**"
ENDED = (
    f"{ALICE} cannot be watched any more: Google does not accept the connection. Somebody may have "
    "removed it there. Say **bind** to bind a Drive again."
)


@pytest.fixture
def world(world):
    """Bound, with a file that was there before."""
    world.google.add_file("alice", "before.txt")
    world.bind()
    return world


def added(world, file, who="Alice Rivera"):
    return f"{who} added file {world.link(file)}"


# ---- told --------------------------------------------------------------------------------------


def test_added_trashed_restored_and_renamed_files_are_told(world):
    file = world.google.add_file("alice", "plan.txt")
    assert world.told() == [added(world, file)]
    world.google.trash(file)
    assert world.told() == [f"Alice Rivera trashed file {world.link(file)}"]
    world.google.restore(file)
    assert world.told() == [f"Alice Rivera restored file {world.link(file)}"]
    world.google.rename(file, "map.txt")
    assert world.told() == [f"Alice Rivera renamed file plan.txt to {world.link(file)}"]
    world.google.remove(file)
    assert world.told() == [] and file.id not in world.row.data["files"]


def test_a_file_that_was_there_before_is_known(world):
    (file,) = world.google._drive.files_of("alice@practice.example")
    world.google.rename(file, "after.txt")
    assert world.told() == [f"Alice Rivera renamed file before.txt to {world.link(file)}"]


def test_an_edited_file_is_not_told(world):
    (file,) = world.google._drive.files_of("alice@practice.example")
    world.google._drive.update(file, content=True)
    assert world.told() == []


def test_what_is_delivered_twice_is_told_once(world):
    world.push.deliver_twice = True
    files = [world.google.add_file("alice", f"{n}.txt") for n in range(5)]
    text = "\n".join(world.told())
    assert all(text.count(added(world, file)) == 1 for file in files)
    assert text.count("added") == 5


def test_what_no_notification_told_is_told_with_the_next_or_by_maintain(world):
    world.push.drop_next_notifications = 1
    first = world.google.add_file("alice", "1.txt")
    assert world.told() == []
    second = world.google.add_file("alice", "2.txt")
    assert world.told() == [f"* {added(world, first)}\n* {added(world, second)}"]
    world.push.drop_next_notifications = 1
    third = world.google.add_file("alice", "3.txt")
    assert maintain(world.kit.bot) == [] and world.told() == [added(world, third)]


def test_all_pages_are_read_before_the_place_is_stored(world):
    world.push.drop_next_notifications = 1_200
    files = [world.google.add_file("alice", f"{n}.txt") for n in range(1_200)]
    place, before = world.row.data["pageToken"], world.asked(CHANGES)
    world.google.trouble.next(path=CHANGES, status=None)
    world.google.trouble.next(path=CHANGES, status=500)  # the second page
    assert "has to wait" in maintain(world.kit.bot)[0]
    assert world.row.data["pageToken"] == place and world.told() == []
    assert maintain(world.kit.bot) == []
    assert world.asked(CHANGES) == before + 4
    lines = "\n".join(world.told()).split("\n")
    assert lines == [f"* {added(world, file)}" for file in files]


def test_a_page_that_comes_again_and_again_is_not_read_for_ever(world):
    page = f'{{"changes": [], "nextPageToken": "{world.row.data["pageToken"]}"}}'
    world.google.trouble.next(times=50, path=CHANGES, status=200, body=page)
    assert "the same page of changes again" in maintain(world.kit.bot)[0]


def test_a_file_that_changes_while_it_is_read_is_told_once(world, monkeypatch):
    world.push.drop_next_notifications = 1
    file = world.google.add_file("alice", "plan.txt")
    shape = file.shape(world.google.address)
    entry = {"fileId": file.id, "removed": False, "file": shape}
    pages = [([entry], "2", False), ([entry], "3", True)]
    monkeypatch.setattr(drive_api, "fetch_changes", lambda api, place: pages.pop(0))
    maintain(world.kit.bot)
    assert world.told() == [added(world, file)]


# ---- trouble -----------------------------------------------------------------------------------


def test_trouble_while_reading_loses_nothing(world):
    for trouble in GARBAGE:
        world.google.trouble.next(path=CHANGES, **trouble)
        file = world.google.add_file("alice", "plan.txt")
        assert world.told() == []
        assert world.later == pytest.approx([5.0], abs=3)
        world.do_later()
        assert world.told() == [added(world, file)]


def test_trouble_that_stays_waits_for_maintain_which_names_it(world):
    world.google.trouble.next(times=5, path=CHANGES, status=500)
    file = world.google.add_file("alice", "plan.txt")
    while world.told() == [] and world.later:
        world.do_later()
    (sentence,) = maintain(world.kit.bot)
    chat = world.row.group_id
    why = "Google Drive has a problem of its own (it answered 500)."
    assert sentence == f"Google Drive in chat {chat} has to wait. {why}"
    assert maintain(world.kit.bot) == [] and world.told() == [added(world, file)]


def test_a_token_that_has_run_out_is_refreshed_on_the_way(world):
    world.google.expire_everything()
    file = world.google.add_file("alice", "plan.txt")
    assert world.told() == [added(world, file)]


def test_when_the_chat_fails_the_rest_is_told_later_and_nothing_twice(world):
    world.push.drop_next_notifications = 300
    files = [world.google.add_file("alice", f"{n}.txt") for n in range(300)]
    send, count = world.kit.chat.send, [0]

    def fails_once(*args):
        count[0] += 1
        if count[0] == 2:
            raise ChatBusy("The chat does not answer.")
        send(*args)

    world.kit.chat.send = fails_once
    assert maintain(world.kit.bot)[0].endswith("has to wait. The chat does not answer.")
    assert maintain(world.kit.bot) == []
    lines = "\n".join(world.told()).split("\n")
    assert lines == [f"* {added(world, file)}" for file in files]


def test_a_place_that_google_has_lost_is_said_and_begun_anew(world):
    world.storage.update_service(world.row.id, {"pageToken": "0"})
    world.google.add_file("alice", "lost.txt")
    assert world.told() == [
        "Google does not know any more which changes I have seen. I begin again. I do not tell "
        "what came before."
    ]
    file = world.google.add_file("alice", "plan.txt")
    assert world.told() == [added(world, file)]


# ---- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("noticed_by", ["a notification", "maintain"])
def test_a_grant_that_was_revoked_is_noticed_said_and_removed(world, noticed_by):
    chat = world.row.group_id
    world.google.revoke("alice")
    if noticed_by == "maintain":
        done = maintain(world.kit.bot)
        why = "Google Drive no longer accepts this connection."
        assert done == [f"Removed the connection of Google Drive in chat {chat}. {why}"]
    else:
        world.google.add_file("alice", "plan.txt")
    assert world.told() == [ENDED]
    assert world.storage.find_services() == [] and world.told() == []
    assert "No Google Drive is bound" in world.say("bind")


@pytest.mark.parametrize("path", [START, FILES, WATCH, CHANGES])
def test_a_token_that_google_refuses_though_it_is_new_is_the_end(world, path):
    if path != CHANGES:
        world.say("unbind")
    world.google.trouble.next(times=2, path=path, status=401)
    if path != CHANGES:
        assert world.bind() == [ENDED]
    else:
        world.google.add_file("alice", "plan.txt")
        assert world.told() == [ENDED]
    assert world.storage.find_services() == [] and world.told() == []


def test_revoked_in_the_middle_of_the_day_and_bound_again_at_once_is_not_removed(world):
    old = world.row
    world.google.revoke("alice")
    world.bind()
    assert world.skill.watch._remove_connection(old, ReconnectNeeded("gone")) == []
    assert world.row.data["channels"] and world.told() == []


def test_a_reader_that_finds_the_connection_gone_says_nothing(world):
    row = world.row
    world.storage.delete_service(row)
    assert world.skill.watch.check(row.id) == [] and world.told() == []


def test_unbind_waits_for_the_reader_and_the_next_reader_finds_nothing(world):
    world.push.drop_next_notifications = 1
    with lease_of(world.storage, world.row.id):
        world.kit.world.ringcentral.say("Alice", "unbind", "direct")
        world.kit.world.ringcentral.settle()
        assert len(world.live) == 1
        world.skill.watch.check_soon(world.row.id)
    assert world.told() == [
        "unbind",
        "Disconnected. Google Drive has forgotten the connection too.",
    ]
    assert world.storage.find_services() == []
