"""Connections that the original framework wrote for a team: told of, handed over, or ended."""

from __future__ import annotations

from contextlib import closing

import pytest
from connections import connect, services
from described import gitlab

from botkit.__main__ import main
from botkit.errors import ChatError, StorageError
from botkit.plugins import register
from botkit.run.administration import end_connection, hand_over
from botkit.run.status import status
from botkit.skills import Skill
from botkit.storage import Storage

ALICE, BOB = "2101001", "2101002"


@pytest.fixture
def old(kit):
    """Alice's connection in the team, as the original left it: nobody's, and no account."""
    connect(kit.alice, chat="Team")
    (row,) = services(kit)
    with kit.storage._writing() as connection:
        connection.exec_driver_sql("DELETE FROM services")
    place = {"bot_id": row.bot_id, "group_id": row.group_id}
    kit.storage.save_service("GitHub", **place, data={"accessToken": row.access_token})
    kit.row = services(kit)[0]
    return kit


def test_status_names_it_and_the_commands_for_it(old):
    assert "not connected yet" in old.alice.say("@bot profile", chat="Team").text
    (one,) = status(old.bot)
    assert one["without_person"] == 1 and one["services"][0]["trouble"] == "it has no person"
    text = str(status(old.bot))
    assert "    GitHub, account unknown: everybody there in chat" in text
    assert f", connection {old.row.id}, since " in text
    assert "One connection has no person" in text
    assert "botkit hand-over CONNECTION PERSON" in text and "end-connection CONNECTION" in text


def test_it_is_handed_over_to_its_person_who_can_use_and_end_it(old):
    (said,) = hand_over(old.bot, old.row.id, ALICE)
    assert said.startswith("GitHub, account alice-practice, in chat ")
    assert said.endswith(f" belongs to person {ALICE} now.")
    assert "Here is your GitHub profile" in old.alice.say("@bot profile", chat="Team").text
    assert "not connected yet" in old.bob.say("@bot profile", chat="Team").text
    assert old.alice.say("@bot disconnect", chat="Team").text.startswith("Disconnected. GitHub")
    assert repr(old.world.github).endswith("0 grants>")


def test_it_is_ended_here_and_at_its_service(old):
    assert end_connection(old.bot, old.row.id) == [f"Ended GitHub in chat {old.row.group_id}."]
    assert services(old) == [] and repr(old.world.github).endswith("0 grants>")
    assert status(old.bot)[0]["without_person"] == 0


def test_connections_of_a_skill_that_is_not_botkits_count_too(old, monkeypatch, sqlite_url, capsys):
    class Lab(Skill):
        """I know GitLab."""

        word, connects_to = "gitlab", gitlab

    old.add(Lab)
    place = {"bot_id": old.row.bot_id, "group_id": old.row.group_id}
    old.storage.save_service("GitLab", **place, data={"access_token": "t"})
    (one,) = status(old.bot)
    assert one["without_person"] == 2

    monkeypatch.setenv("BOTKIT_SKILLS", register(Lab))
    with closing(Storage(sqlite_url)) as storage:
        storage.set_up()
        storage.save_service("GitLab", **place, data={"access_token": "t"})
    assert main(["setup-database", sqlite_url]) == 0
    assert "One connection has no person" in capsys.readouterr().out


def test_nobody_gets_what_belongs_to_a_person(old):
    connect(old.bob, chat="Team")
    with pytest.raises(StorageError, match="has a connection to GitHub in that chat already"):
        hand_over(old.bot, old.row.id, BOB)
    hand_over(old.bot, old.row.id, ALICE)
    with pytest.raises(StorageError, match="belongs to a person already"):
        hand_over(old.bot, old.row.id, "2101003")
    assert {row.user_id for row in services(old)} == {ALICE, BOB}


def test_a_stranger_to_the_chat_gets_nothing(old):
    with pytest.raises(ChatError, match="Person 7 is not in chat"):
        hand_over(old.bot, old.row.id, "7")
    assert services(old)[0].user_id == ""


ACTS = [lambda bot: hand_over(bot, 99, ALICE), lambda bot: end_connection(bot, 99)]


@pytest.mark.parametrize("act", ACTS)
def test_a_number_that_no_connection_has_is_explained(kit, act):
    with pytest.raises(StorageError, match="There is no connection 99") as missing:
        act(kit.bot)
    assert "status --all" in missing.value.advice


def test_a_connection_whose_skill_is_not_here_can_still_be_ended(kit):
    place = {"bot_id": kit.bot_id, "group_id": "8"}
    row = kit.storage.save_service("GoogleSheets", **place, data={"accessToken": "t"})
    assert status(kit.bot)[0]["services"][0]["trouble"] == "its skill is not in BOTKIT_SKILLS"
    (said,) = end_connection(kit.bot, row.id)
    assert "Its service was not told" in said and services(kit) == []


def test_a_token_that_its_service_refuses_is_told_as_such(kit):
    place = {"bot_id": kit.bot_id, "group_id": "8", "user_id": "9"}
    kit.storage.save_service("GitHub", **place, data={"needsReconnect": True})
    assert "Trouble: its service refuses it" in str(status(kit.bot))


def test_setting_up_tells_of_them_with_a_command_for_each_act(sqlite_url, capsys):
    from botkit.storage import Storage, setup_database

    setup_database(sqlite_url)
    storage = Storage(sqlite_url)
    for number, name in enumerate(("GitHub", "GoogleSheets", "GoogleDrive")):
        storage.save_service(name, bot_id="1", group_id=str(number), data={"accessToken": "t"})
    storage.save_service("GitHub", bot_id="1", group_id="9", user_id="8", data={})
    storage.close()
    assert main(["setup-database", sqlite_url]) == 0
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("2 connections have no person") and "hand-over" in said


def test_status_says_what_to_do_about_a_bot_that_gets_no_messages(kit):
    kit.world.ringcentral.blacklist()
    assert "To renew it, run: python -m botkit maintain" in str(status(kit.bot))


def test_status_says_what_to_do_about_messages_that_nobody_answers(kit):
    from botkit.storage import Job

    kit.bot.worker.stop()
    kit.storage.messages.put([Job("turn", f"in:{kit.bot_id}:8", kit.bot_id, {}, "")])
    kit.clock.advance(minutes=2)
    assert "Does the bot run? python -m botkit serve" in str(status(kit.bot))
