"""The channels from Google: how they are opened, and how one takes the place of another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from drive_world import CHANGES, FILES, GARBAGE, START, STOP, WATCH

from botkit.run.maintenance import maintain
from botkit.skills.drive.api import open_channel

ALICE = "The Google Drive of **alice@practice.example**"
TELLS = "I tell you here when a file is added, trashed, restored or renamed."
RENEWED = "Renewed the watch of Google Drive in chat {}."


# ---- opened ------------------------------------------------------------------------------------


def test_sync_may_come_before_the_answer(world):
    world.push.sync_first = True
    world.bind()
    assert [(one.state, one.status) for one in world.push.deliveries] == [("sync", 200)]
    file = world.google.add_file("alice", "plan.txt")
    assert world.told() == [f"Alice Rivera added file {world.link(file)}"]


@pytest.mark.parametrize("path", [START, FILES, WATCH])
def test_a_watch_that_fails_is_told_and_tried_again(world, path):
    for trouble in GARBAGE if path == START else GARBAGE[::3]:  # one place reads all answers
        world.google.trouble.next(times=2, path=path, **trouble)
        (text,) = world.bind()
        assert text.startswith(f"{ALICE} is bound, but I cannot watch it yet. Google")
        assert text.endswith(" I try again by myself.")
        assert world.live == [] and not world.row.data.get("channels")
        world.do_later()
        assert world.told() == [f"{ALICE} is being watched now. {TELLS}"]
        assert len(world.live) == 1
        world.say("unbind")


def test_a_watch_that_goes_on_failing_is_left_to_maintain(world):
    world.google.trouble.next(times=5, path=WATCH, status=500)
    world.bind()
    pauses = []
    while world.later:
        pauses += world.later
        world.do_later()
    assert pauses == pytest.approx([5.0, 30.0, 180.0], abs=3) and world.live == []
    assert maintain(world.kit.bot) == [RENEWED.format(world.row.group_id)]
    assert len(world.live) == 1


def error(status, *reasons):
    entries = ", ".join(f'{{"reason": "{reason}"}}' for reason in reasons)
    return {"status": status, "body": f'{{"error": {{"errors": [{entries}]}}}}'}


def test_why_a_watch_fails_is_said_in_plain_words(world):
    for trouble, why in [
        ({"status": 429}, "Google asks us to be slower."),
        (error(403, "userRateLimitExceeded"), "Google asks us to be slower."),
        (error(403, "insufficientPermissions"), "leave the box for Google Drive ticked this time."),
        (error(400, "push.webhookUrlNotHttps"), "a public address that begins with https."),
        (error(403, "accessNotConfigured"), "refused this (it answered 403, accessNotConfigured)."),
        (error(403, "<script>"), "Google Drive refused this (it answered 403)."),
        ({"status": 500}, "Google Drive has a problem of its own (it answered 500)."),
        ({"status": 200}, "Google Drive answered, but did not say what we asked."),
        (
            {"status": 200, "body": '{"id": "another", "resourceId": "r"}'},
            "Google Drive answered, but did not say whether it opened the channel.",
        ),
    ]:
        world.google.trouble.next(path=WATCH, **trouble)
        assert f"{why} I try again by myself." in world.bind()[0]
        world.say("unbind")


@pytest.mark.parametrize("expiration", [None, "soon", "", "9" * 40])
def test_a_channel_of_unknown_end_is_taken_to_last_an_hour(expiration, clock):
    answer = {"id": "a", "resourceId": "r", "expiration": expiration}

    class Api:
        def post(self, *_, **__):
            return type(
                "Answer", (), {"status_code": 200, "headers": {}, "json": lambda _: answer}
            )()

    named = {"id": "a", "token": "t", "address": "https://bot.example/google/webhook"}
    assert open_channel(Api(), "1", **named, now=clock()) == ("r", clock() + timedelta(hours=1))


# ---- replaced ----------------------------------------------------------------------------------


def test_a_channel_is_left_alone_until_two_days_before_its_end(bound):
    before = bound.live
    bound.kit.clock.advance(days=4.9)
    assert RENEWED.format(bound.row.group_id) not in maintain(bound.kit.bot)
    assert bound.live == before
    bound.kit.clock.advance(days=0.2)
    assert RENEWED.format(bound.row.group_id) in maintain(bound.kit.bot)
    assert len(bound.live) == 1 and bound.live != before


def test_the_new_channel_is_open_before_the_old_one_is_closed_and_the_log_is_read_last(bound):
    bound.kit.clock.advance(days=6)
    bound.google.requests_seen.clear()
    bound.push.drop_next_notifications = 9
    file = bound.google.add_file("alice", "between.txt")
    maintain(bound.kit.bot)
    paths = [one.path for one in bound.google.requests_seen if one.path.startswith("/drive")]
    assert paths == [WATCH, STOP, CHANGES]
    assert bound.told() == [f"Alice Rivera added file {bound.link(file)}"]


def test_while_both_are_open_both_are_believed(bound):
    old = bound.row.data["channels"][0]
    bound.kit.clock.advance(days=6)
    answers = []
    push = bound.push.open

    def meanwhile(channel):
        push(channel)
        named = {"X-Goog-Channel-ID": old["id"], "X-Goog-Channel-Token": old["token"]}
        new = {"X-Goog-Channel-ID": channel.id, "X-Goog-Channel-Token": channel.token}
        client = bound.kit.app.test_client()
        answers.extend(
            client.post("/google/webhook", headers=one).status_code for one in (named, new)
        )

    bound.push.open = meanwhile
    maintain(bound.kit.bot)
    assert answers == [200, 200]


def test_an_old_channel_that_does_not_close_holds_nothing_up(bound):
    for trouble in [*GARBAGE, {"status": 401}]:
        bound.kit.clock.advance(days=6)
        bound.google.trouble.next(times=2, path=STOP, **trouble)
        assert RENEWED.format(bound.row.group_id) in maintain(bound.kit.bot)
        assert len(bound.row.data["channels"]) == 1
        bound.google.trouble.clear()


@pytest.mark.parametrize("hours", [1, 24])
def test_a_shorter_life_is_believed_and_renewed_in_time(world, hours):
    world.push.longest_life = timedelta(hours=hours)
    world.bind()
    first = world.live
    (seconds,) = world.later
    assert seconds == pytest.approx(hours * 1800, abs=60)
    world.kit.clock.advance(hours=hours / 2 - 0.1)
    world.notify()
    assert world.live == first
    world.kit.clock.advance(hours=0.2)
    world.notify()  # near its end, a notification is reason enough
    assert len(world.live) == 1 and world.live != first
    second = world.live
    assert RENEWED.format(world.row.group_id) in maintain(world.kit.bot)  # tomorrow is too late
    assert len(world.live) == 1 and world.live != second


def test_at_another_address_the_watch_is_renewed(bound):
    tunnel = bound.kit.open_tunnel()
    bound.kit.bot.address = tunnel.public_url
    assert RENEWED.format(bound.row.group_id) in maintain(bound.kit.bot)
    assert bound.row.data["channels"][0]["address"] == f"{tunnel.public_url}/google/webhook"


def test_a_process_without_an_address_keeps_the_one_that_is_known(bound):
    webhook, bound.kit.bot.address = f"{bound.kit.address}/google/webhook", ""
    assert maintain(bound.kit.bot) == []
    bound.kit.clock.advance(days=6)
    assert RENEWED.format(bound.row.group_id) in maintain(bound.kit.bot)
    assert bound.row.data["channels"][0]["address"] == webhook
    bound.storage.update_service(bound.row.id, {"channels": None})
    assert any("no public address" in one for one in maintain(bound.kit.bot))
