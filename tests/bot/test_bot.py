"""The GitHub bot in the practice chat: what it says, to whom, and when something is wrong."""

from __future__ import annotations

import pytest

from botkit.chat import Event
from botkit.errors import StorageError
from botkit.oauth import http


def connect(person, chat="direct"):
    person.say("@bot profile" if chat == "Team" else "profile", chat=chat)
    return person.browser.visit(person.link).approve()


def last(talk):
    return talk.messages[-1][1]


def test_the_bot_greets_with_a_link_where_it_knows_whose_link_it_is(kit):
    direct = kit.alice.reads()
    assert "Hello!" in last(direct) and "[Connect your GitHub account](http" in last(direct)
    team = kit.alice.reads(chat="Team")
    assert "Mention me" in last(team) and "](http" not in last(team)


def test_nobody_is_greeted_where_everybody_is(kit):
    assert kit.world.ringcentral.posts("All Employees", "Alice") == []


def test_without_a_connection_any_message_brings_the_link(kit):
    for text in ("profile", "hello?", "disconnect", "<script>", "x" * 10_000):
        answer = last(kit.alice.say(text))
        assert answer.startswith("You are not connected yet. [Connect your GitHub account](http")


def test_profile_brings_the_profile_and_no_private_address(kit):
    connect(kit.alice)
    assert "Connected to GitHub as **alice-practice**" in last(kit.alice.reads())
    answer = last(kit.alice.say("profile"))
    assert answer.startswith("Here is your GitHub profile:\n**alice-practice**: ")
    assert '[code]{\n  "login": "alice-practice"' in answer
    assert "@" not in answer


def test_what_somebody_has_not_filled_in_is_not_shown(kit):
    connect(kit.alice)
    body = '{"login": "alice-practice", "name": null, "public_repos": 0, "email": "a@b"}'
    kit.world.github.trouble.next(path="/api/v3/user", status=200, body=body)
    assert last(kit.alice.say("profile")) == (
        "Here is your GitHub profile:\n**alice-practice**: 0 public repositories, 0 followers\n"
        '[code]{\n  "login": "alice-practice",\n  "public_repos": 0\n}[/code]'
    )


def test_a_name_full_of_quotes_and_emoji_is_shown_as_it_is(kit):
    connect(kit.bob)
    assert "O'Hara 🐙" in last(kit.bob.say("profile"))


def test_what_it_does_not_understand_it_says_with_what_it_does(kit):
    connect(kit.alice)
    for text in ("what?", "do not disconnect", "💥", "x" * 10_000):
        answer = last(kit.alice.say(text))
        assert answer.startswith("I did not understand that.") and "**disconnect**" in answer


def test_what_is_nearly_right_is_asked_back(kit):
    connect(kit.alice)
    for text, meant in [("profiles", "profile"), ("disconect", "disconnect"), ("hlep", "help")]:
        assert last(kit.alice.say(text)) == f"I did not understand that. Did you mean **{meant}**?"


def test_help_is_given_also_without_a_connection(kit):
    for text in ("help", "Help!", " HELP "):
        assert "**profile** shows your GitHub profile" in last(kit.alice.say(text))


def test_in_a_team_it_answers_only_who_mentions_it(kit):
    kit.alice.reads(chat="Team")
    assert len(kit.alice.say("profile", chat="Team").messages) == 1
    assert "not connected yet" in last(kit.alice.say("@bot profile", chat="Team"))


def test_one_persons_connection_is_not_used_for_another(kit):
    connect(kit.alice, chat="Team")
    assert "alice-practice" in last(kit.alice.say("@bot profile", chat="Team"))
    assert "not connected yet" in last(kit.bob.say("@bot profile", chat="Team"))


def test_disconnect_removes_the_row_and_the_grant(kit):
    connect(kit.alice)
    assert last(kit.alice.say("disconnect")).startswith("Disconnected. GitHub has forgotten")
    assert kit.storage.find_services(bot_id=kit.bot_id) == []
    assert repr(kit.world.github).endswith("0 grants>")
    assert "not connected yet" in last(kit.alice.say("profile"))


def test_disconnect_removes_the_row_also_when_github_does_not_confirm(kit):
    connect(kit.alice)
    kit.world.github.trouble.next(path="/api/v3/applications", status=500)
    answer = last(kit.alice.say("disconnect"))
    assert answer.startswith("Disconnected here, but: GitHub did not confirm")
    assert "GitHub settings" in answer
    assert kit.storage.find_services(bot_id=kit.bot_id) == []


def test_disconnect_removes_the_row_also_when_github_does_not_answer(kit, monkeypatch):
    connect(kit.alice)
    monkeypatch.setattr(http, "TOTAL_SECONDS", 2.0)
    kit.world.github.trouble.next(path="/api/v3/applications", delay=30)
    answer = last(kit.alice.say("disconnect"))
    kit.world.github.trouble.clear()
    assert answer.startswith("Disconnected here, but: GitHub did not answer in time.")
    assert kit.storage.find_services(bot_id=kit.bot_id) == []


def test_disconnect_removes_the_row_also_when_the_chat_cannot_be_told(kit):
    connect(kit.alice)
    kit.alice.reads()
    kit.world.ringcentral.trouble.next(path="/team-messaging", status=400)
    assert [who for who, _ in kit.alice.say("disconnect").messages] == ["Alice"]
    assert kit.storage.find_services(bot_id=kit.bot_id) == []


def test_a_revoked_grant_brings_a_new_link(kit):
    connect(kit.alice)
    kit.world.github.revoke("alice")
    answer = last(kit.alice.say("profile"))
    assert answer.startswith("GitHub no longer accepts this connection. [Connect your GitHub")
    kit.alice.browser.visit(kit.alice.link).approve()
    assert "Here is your GitHub profile" in last(kit.alice.say("profile"))


@pytest.mark.parametrize(
    "status, body, sentence",
    [
        (500, "oops", "GitHub sent no profile (it answered 500)."),
        (404, '{"login": "alice-practice"}', "GitHub sent no profile (it answered 404)."),
        (200, "<html>", "GitHub sent no profile (it answered 200)."),
        (200, '{"login": "al', "GitHub sent no profile (it answered 200)."),
        (200, "", "GitHub sent no profile (it answered 200)."),
    ],
)
def test_trouble_at_github_is_told_in_a_sentence(kit, status, body, sentence):
    connect(kit.alice)
    kit.world.github.trouble.next(path="/api/v3/user", status=status, body=body)
    again = "" if status == 404 else " Please try again in a moment."
    assert last(kit.alice.say("profile")) == f"{sentence}{again}"
    assert "Here is your GitHub profile" in last(kit.alice.say("profile"))


def test_a_rate_limit_is_told_with_its_wait(kit):
    connect(kit.alice)
    kit.world.github.trouble.next(path="/api", status=429, headers={"Retry-After": "60"})
    assert last(kit.alice.say("profile")) == (
        "GitHub asks us to wait 60 seconds. Nothing is wrong with your connection. "
        "Try again after that."
    )


def test_trouble_with_the_database_is_told_in_a_sentence(kit, monkeypatch):
    def fail(*_args, **_kwargs):
        raise StorageError("The database did not do what was asked.")

    monkeypatch.setattr(kit.storage, "find_service", fail)
    answer = last(kit.alice.say("profile"))
    assert answer == "The database did not do what was asked. Nothing was lost. " + (
        "Please try again in a moment."
    )


def test_an_error_of_our_own_is_told_without_a_traceback(kit, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(kit.storage, "find_service", fail)
    answer = last(kit.alice.say("profile"))
    assert answer == "Something went wrong inside the bot. Please try again in a moment."


def without_owner(kit, row):
    """Leave the row as `set_up` leaves one of the original framework."""
    kit.storage.delete_service(row)
    place = {"bot_id": row.bot_id, "group_id": row.group_id}
    kit.storage.save_service(row.name, **place, data=row.data)


def test_a_connection_of_the_original_bot_is_taken_over_in_a_chat_of_two(kit):
    direct = kit.world.ringcentral.posts("direct", "Alice")[0].chat_id
    connect(kit.alice)
    (row,) = kit.storage.find_services(bot_id=kit.bot_id)
    without_owner(kit, row)
    assert "Here is your GitHub profile" in last(kit.alice.say("profile"))
    (row,) = kit.storage.find_services(bot_id=kit.bot_id)
    assert (row.group_id, row.user_id) == (direct, kit.world.ringcentral.person("Alice").id)


def test_a_connection_of_the_original_bot_is_nobodys_in_a_team(kit):
    connect(kit.alice, chat="Team")
    (row,) = kit.storage.find_services(bot_id=kit.bot_id)
    without_owner(kit, row)
    assert "not connected yet" in last(kit.bob.say("@bot profile", chat="Team"))


def test_a_message_longer_than_the_chat_takes_is_cut(kit):
    direct = kit.world.ringcentral.posts("direct", "Alice")[0].chat_id
    kit.chat.send(kit.bot_id, direct, "y" * 10_001)
    text = last(kit.alice.reads())
    assert len(text) == 10_000 and text.endswith("y…")


# ---- beside other skills, and in chats of all kinds


def skill_says(kit, event, handled=False):
    """What the last skill returns for an event, and what it says about it in Alice's chat."""
    kit.alice.reads()
    return kit.bot.skills[-1].handle(event, handled), kit.alice.reads().messages


def direct_of(kit):
    return kit.world.ringcentral.posts("direct", "Alice")[0].chat_id


@pytest.mark.parametrize("kind", ["Message4Bot", "BotJoinGroup"])
def test_what_an_earlier_skill_has_handled_is_left_alone(kit, kind):
    event = Event(kind, kit.bot_id, direct_of(kit), "1", "help", group_type="PrivateChat")
    assert skill_says(kit, event, handled=True) == (False, [])
    handled, said = skill_says(kit, event)
    assert handled is True and len(said) == 1


def test_an_event_that_is_not_its_own_is_left_for_the_next_skill(kit):
    assert skill_says(kit, Event("BotLeftGroup", kit.bot_id, direct_of(kit))) == (False, [])


@pytest.mark.parametrize("group_type", ["Everyone", "PersonalChat"])
def test_where_nobody_asked_for_it_a_bot_is_silent(kit, group_type):
    event = Event("BotJoinGroup", kit.bot_id, direct_of(kit), group_type=group_type)
    assert skill_says(kit, event)[1] == []


def test_where_the_members_are_not_said_the_greeting_has_no_link(kit):
    kit.chat._groups.clear()
    body, kind = '{"id": "1", "type": "Direct"}', {"Content-Type": "application/json"}
    kit.world.ringcentral.trouble.next(
        path="/team-messaging/v1/chats", status=200, body=body, headers=kind
    )
    event = Event("BotJoinGroup", kit.bot_id, direct_of(kit), group_type="PrivateChat")
    (_, said), *_ = skill_says(kit, event)[1]
    assert said == "Hello! I show GitHub profiles. Mention me and say **profile** to begin."
