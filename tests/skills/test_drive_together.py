"""Many at once: people who bind, notifications, readers, replacements; on both databases."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from drive_world import DriveWorld
from serve_world import wait_until
from sizes import Size

from botkit.bot import Bot
from botkit.errors import TryLater
from botkit.oauth import handle_callback
from botkit.practice.browser.browser import Browser
from botkit.storage import Storage, services

TENTH = Size(20, nightly=100)  # of the changes


@pytest.fixture
def world(database_url):
    world = DriveWorld(database_url)
    yield world
    world.close()


def sentences(world, chat="direct"):
    return [line.removeprefix("* ") for text in world.told(chat=chat) for line in text.split("\n")]


def come_again(do, *args):
    """Do it again while another one has the lease, as a worker does."""
    while True:
        try:
            return do(*args)
        except TryLater:
            threading.Event().wait(0.01)


def test_two_people_who_bind_at_once_leave_one_watch_that_works(world):
    kit, barrier, queries = world.kit, threading.Barrier(2), []
    for person in (kit.alice, kit.bob):
        person.say("@bot bind", chat="Team")
        browser = Browser(cookies={"google_account": person.name.lower()})
        browser.stop_before = kit.address
        queries.append(parse_qs(urlsplit(browser.visit(person.link).approve().url).query))

    def finish(query):
        barrier.wait()
        service = handle_callback(world.storage, world.skill.provider, query, shared=True)
        come_again(world.skill.on_connected, service)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(finish, queries))
    assert len(sentences(world, "Team")[2:]) == 2
    row = world.row  # there is one
    assert row.data["watchedAccount"] == row.account["id"] and len(row.data["channels"]) == 1
    for name in ("alice", "bob"):
        world.google.add_file(name, f"of-{name}.txt")
    (news,) = sentences(world, "Team")
    assert f"[of-{row.account['name'].partition('@')[0]}.txt]" in news


def test_who_is_overtaken_while_binding_is_told_so(world):
    world.bind(chat="Team")
    first = world.row
    world.bind(chat="Team", account="bob")
    world.skill.on_connected(first)
    assert sentences(world, "Team")[-1] == (
        "The Google Drive of **alice@practice.example** was bound, but somebody else took its "
        "place in the same moment."
    )
    assert (
        world.row.account["name"] == "bob@practice.example" and len(world.row.data["channels"]) == 1
    )


def test_a_drive_is_not_read_from_the_place_in_another_ones_log(world):
    world.google.add_file("bob", "of another time.txt")
    world.bind()
    world.skill.on_connected = lambda service: None
    world.kit.alice.browser = Browser(cookies={"google_account": "bob"})
    world.bind()  # and what comes after the callback is late
    before = len(world.google.requests_seen)
    world.notify()
    assert len(world.google.requests_seen) == before and sentences(world) == []
    world.skill.maintain(world.row)  # or it never comes, and this is the next to look
    file = world.google.add_file("bob", "plan.txt")
    begun, told = sentences(world)
    assert begun.startswith("The Google Drive of **bob@practice.example** is being watched now.")
    assert told.endswith(f"added file {world.link(file)}")


def test_a_session_that_may_be_for_another_drive_is_not_used(world):
    world.bind()
    api, before = world.skill.api, len(world.google.requests_seen)

    def bound_anew(service):
        world.storage.update_service(service.id, {"account": {"id": "2", "name": "other"}})
        return api(service)

    world.skill.api = bound_anew
    assert world.skill.watch.check(world.row.id) == []
    assert len(world.google.requests_seen) == before


def test_many_notifications_at_once_in_two_processes_tell_a_change_once(world):
    world.bind()
    other = Bot(world.kit.settings, now=world.kit.clock)  # another worker on the same database
    other.address = world.kit.address
    try:
        world.push.drop_next_notifications = 40
        files = [world.google.add_file("alice", f"{n}.txt") for n in range(40)]
        row, skills = world.row, [world.skill, other.services[0]]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: come_again(skills[n % 2].watch.check, row.id), range(8)))
        world.kit.settle()
        assert sorted(sentences(world)) == sorted(
            f"Alice Rivera added file {world.link(file)}" for file in files
        )
    finally:
        other.close()


def test_a_notification_that_comes_while_somebody_reads_is_not_lost(world):
    world.bind()
    read, late = world.skill.watch._read, []

    def slow(api, lease, row):
        found = read(api, lease, row)
        if not late:  # the reading is over, the lease is not
            late.append(world.google.add_file("alice", "late.txt"))
            world.google.settle()
        return found

    world.skill.watch._read = slow
    world.google.add_file("alice", "first.txt")
    assert [re.search(r"\[(.+?)\]", one)[1] for one in sentences(world)] == [
        "first.txt",
        "late.txt",
    ]


def test_a_burst_of_notifications_does_not_fill_the_pool(world):
    world.bind()
    started, held = [], threading.Event()
    world.skill.watch.check = lambda service_id: started.append(service_id) or held.wait(10)
    one, another = world.row.id, world.row.id + 1
    for _ in range(50):
        world.skill.watch.check_soon(one)
        world.skill.watch.check_soon(another)
    wait_until(lambda: len(started) == 2)
    held.set()
    world.kit.settle()
    assert len(started) <= 4 and set(started) == {one, another}  # each runs, and one more waits


def test_many_changes_while_channels_are_replaced_are_told_once_each(world):
    """Four in ten files are added, three renamed, three trashed; meanwhile the channel is
    replaced again and again, and every notification comes twice, or not at all.
    """
    google = world.google
    there = [google.add_file("alice", f"there-{n}") for n in range(6 * TENTH)]
    world.bind()
    changed = threading.Event()

    def change():
        for n in range(10 * TENTH):
            if n < 4 * TENTH:
                google.add_file("alice", f"new-{n}")
            elif n < 7 * TENTH:
                google.rename(there[n - 4 * TENTH], f"renamed-{n}")
            else:
                google.trash(there[n - 4 * TENTH])
            if n % 100 == 50:
                world.push.drop_next_notifications = 5
                world.push.deliver_twice = not world.push.deliver_twice
            if n % 25 == 0:
                world.push.is_idle(0.05)  # let some notifications arrive
        changed.set()

    worker, replacements = threading.Thread(target=change), 0
    worker.start()
    while not changed.wait(0.05) or replacements < 10:
        world.kit.clock.advance(days=6)
        replacements += len(come_again(world.skill.maintain, world.row))
    worker.join()
    come_again(world.skill.maintain, world.row)
    told = sentences(world)
    wanted = [rf"added file \[new-{n}\]" for n in range(4 * TENTH)]
    wanted += [rf"renamed file there-{n} to \[renamed-{n + 4 * TENTH}\]" for n in range(3 * TENTH)]
    wanted += [rf"trashed file \[there-{n}\]" for n in range(3 * TENTH, 6 * TENTH)]
    assert len(told) == 10 * TENTH
    text = "\n".join(told)
    assert [len(re.findall(one, text)) for one in wanted] == [1] * 10 * TENTH
    assert replacements >= 10 and len(world.row.data["channels"]) == 1 == len(world.live)


# ---- rows of the original framework ------------------------------------------------------------


@pytest.fixture
def old(world):
    """The Team's row, as the original left it, and an older one beside it."""
    world.bind(chat="Team")
    row = world.row
    channel, place = row.data["channels"][0], row.data["pageToken"]
    tokens = {"access_token": row.access_token, "refresh_token": row.refresh_token}
    world.push.channels[channel["id"]].stopped = True
    world.storage.delete_service(row)
    storage = Storage(world.kit.settings.database, now=world.kit.clock, seal=world.storage.seal)
    data = {"tokens": tokens, "pageToken": place}
    where = {"bot_id": row.bot_id, "group_id": row.group_id, "user_id": None}
    with storage._writing() as connection:
        for minutes in (9, 1):
            then = world.kit.clock() - timedelta(minutes=minutes)
            when = {"created_at": then, "updated_at": then}
            old = {"name": "GoogleDrive", **where, "data": json.dumps(data), **when}
            connection.execute(sa.insert(services).values(old))
        connection.execute(sa.text("DELETE FROM seals"))  # as before the first start
    storage.close()
    world.storage._all_bound = False
    return world


def test_an_old_row_is_found_watched_and_its_place_in_the_log_honoured(old):
    file = old.google.add_file("alice", "while nobody watched.txt")
    old.google.expire_everything()  # the token of the row, too
    first, newer = old.storage.find_services()
    done = [sentence for row in (first, newer) for sentence in old.skill.maintain(row)]
    assert done == [f"Renewed the watch of Google Drive in chat {newer.group_id}."]
    assert old.row.id == newer.id and old.row.user_id == ""
    assert sentences(old, "Team") == [
        "A Google Drive is being watched now. I tell you here when a file is added, trashed, "
        "restored or renamed.",
        f"Alice Rivera added file {old.link(file)}",
    ]


def test_an_old_row_can_be_unbound(old):
    said = old.say("@bot bind", chat="Team")
    assert said.startswith("A Google Drive is bound to this chat. Say **unbind** to end that.")
    assert "Disconnected." in old.say("@bot unbind", chat="Team")
    assert old.storage.find_services() == []


def test_an_old_row_beside_one_of_ours_is_removed_without_a_word(old):
    old.bind(chat="Team")  # into the newest of the two; the other one goes
    ours = old.row
    then = old.kit.clock() - timedelta(days=900)
    where = {"bot_id": ours.bot_id, "group_id": ours.group_id, "user_id": None}
    when = {"created_at": then, "updated_at": then}
    with old.storage._writing() as connection:
        row = {"name": "GoogleDrive", **where, "data": '{"tokens": {}}', **when}
        connection.execute(sa.insert(services).values(row))
    for row in old.storage.find_services():
        assert old.skill.maintain(row) == []
    assert old.row.id == ours.id and old.row.data == ours.data
    assert sentences(old, "Team") == []
