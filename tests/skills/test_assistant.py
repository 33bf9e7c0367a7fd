"""The RingCentral assistant: what it answers to each question, and to whom."""

from __future__ import annotations

import pytest
from assistant_world import assistant_kit, connect, last

from botkit.chat import Event
from botkit.skills.ringcentral.commands import normalize
from botkit.skills.ringcentral.facts import FACT_OF, FACTS, TOPICS

APART = "I tell contact details only in a chat with you alone."


@pytest.fixture
def kit(connected):
    """One for all: the questions here change nothing."""
    return connected


def week(title, hours):
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    lines = [f"{day} {hours if day[0] != 'S' else 'closed'}" for day in days]
    return "\n* ".join([title, *lines])


ANSWERS = {
    "company info": "Your company:\n* Brand: RingCentral\n* Main number: +16505550100\n"
    "* Operator extension: 102\n* Home country: United States",
    "service plan": "Your company's service plan: Practice Plan for Teams, edition Premium.",
    "billing plan": "Your company's billing plan:\n* Name: Monthly, 10 lines\n* Type: Regular\n"
    "* Period: 1 month\n* Phone lines included: 10",
    "company time zone": "Your company's time zone: US/Pacific, Pacific Time (US & Canada), "
    "UTC-08:00.",
    "company greeting language": "Your company's greeting language: English (United States).",
    "personal info": "Your personal info:\n* Name: Alice Rivera\n* Extension: 101\n"
    "* Company: Practice Company\n* Job title: Head of Support\n"
    "* E-mail: alice@practice.example\n* Phone: +16505550101",
    "time zone": "Your time zone: US/Pacific, Pacific Time (US & Canada), UTC-08:00.",
    "greeting language": "Your greeting language: English (United States).",
    "my business hours": week("Your business hours:", "09:00–17:30"),
    "company business hours": week("Your company's business hours:", "08:00–18:00"),
    "available services": "Services available to you (13): Call forwarding, Caller ID control, "
    "Conferencing, Do not disturb, Fax, On demand call recording, Presence, RingOut, SMS, "
    "Video conferencing, Voicemail, Voicemail to text, Web phone.",
    "unavailable services": "Services unavailable to you (1):\n"
    "* International calling: service plan limitation",
    "caller id": "Your caller ID:\n* Alice's desk phone: +16505550101\n* RingOut: +16505550101\n"
    "* Mobile app: +16505550101\n* Fax number: hidden\n* Your name goes out with calls: yes\n"
    "* Colleagues see your extension number: yes",
    "presence": "Your presence:\n* Others see: Available\n* You have set: Available\n"
    "* Do not disturb: off (all calls ring)\n* On the phone: no\n"
    "* Rings when a line that you monitor rings: no\n"
    "* You can pick up such a call when it is on hold: no",
    "notification settings": "Your notifications:\n* Voicemail: e-mail on, SMS off\n"
    "* Missed calls: e-mail on, SMS off\n* Received faxes: e-mail on, SMS off\n"
    "* Sent faxes: e-mail on, SMS off\n* Texts: e-mail on, SMS off\n"
    "* E-mail goes to: alice@practice.example",
}


def test_every_question_is_tested_here():
    assert set(ANSWERS) == {fact.command for fact in FACTS}


@pytest.mark.parametrize("command", ANSWERS)
def test_a_question_is_answered_in_words(kit, command):
    assert last(kit.alice.say(command)) == ANSWERS[command]


@pytest.mark.parametrize(
    "text, meaning",
    [
        ("What is my timezone?", "time zone"),
        ("show me the COMPANY INFO, please", "company info"),
        ("what are our business hours", "my business hours"),
        ("Show my presence!", "presence"),
        ("what's my caller-id?", "caller id"),
        ("which services are available to me?", "available services"),
        ("Services unavailable to me", "unavailable services"),
        ("  notifications  ", "notification settings"),
    ],
)
def test_a_question_may_be_put_in_other_words(text, meaning):
    assert FACT_OF[normalize(text)].command == meaning


@pytest.mark.parametrize(
    "text",
    [
        "presence of Bob",
        "presence; drop table services",
        "company info 2",
        "time",
        "zone",
        "",
        "?!",
        "my",
        "what is this",
        "💥",
        "presence " * 1000,
        "[presence](http://a.b)",
        "account/~/extension/2101002",
        "../business-hours",
        "personal info %s {0} ~",
    ],
)
def test_more_or_less_than_a_question_is_none(text):
    assert normalize(text) not in FACT_OF


def test_what_it_does_not_know_is_answered_with_help_and_a_guess(kit):
    hint = "I did not understand that. Did you mean **presence**?"
    assert last(kit.alice.say("presense")) == hint
    assert "Did you mean **set presence busy**?" in last(kit.alice.say("set presense busy"))
    assert "Did you mean **company business hours**?" in last(kit.alice.say("company busines hour"))
    said = last(kit.alice.say("sing me a song about whales"))
    assert said.startswith("I did not understand that.\nI understand:\n* **help ringcentral**")


# ---- help


def test_help_is_short_and_leads_on(kit):
    assert last(kit.alice.say("help")) == (
        "I understand:\n"
        "* **help ringcentral** lists what you can ask about your RingCentral account\n"
        "* **personal info** shows your name, extension and contact details there\n"
        "* **set presence busy** sets your status; **presence** shows it\n"
        "* **disconnect** removes your connection, here and at RingCentral\n"
        "* **help** shows this list"
    )


def test_help_ringcentral_lists_the_topics_with_their_commands(kit):
    text = last(kit.alice.say("Help RingCentral"))
    topics = "company, personal, hours, services, caller id, presence, notifications"
    assert ", ".join(TOPICS) == topics
    for topic in TOPICS:
        assert f"* **help {topic}**: " in text
    for command in [*ANSWERS, "set presence busy", "do not disturb on", "email voicemail on"]:
        assert command in text


@pytest.mark.parametrize("topic", TOPICS)
def test_help_on_a_topic_lists_its_commands(kit, topic):
    text = last(kit.alice.say(f"help {topic}"))
    own = [fact for fact in FACTS if fact.topic == topic]
    assert own and all(f"* **{fact.command}** {fact.what}" in text for fact in own)
    assert not any(f"**{fact.command}**" in text for fact in FACTS if fact.topic != topic)


def test_help_on_a_command_is_the_help_on_its_topic(kit):
    assert "**personal info**" in last(kit.alice.say("help my time-zone"))
    assert last(kit.alice.say("help yourself")).startswith("I did not understand that.")
    assert "**do not disturb on**" in last(kit.alice.say("help presence"))
    assert "**email voicemail on**" in last(kit.alice.say("help notification settings"))


# ---- whose answer it is, and who reads it


def test_on_authorization_it_says_for_whom_it_acts():
    kit = assistant_kit()
    kit.bob.reads()
    connect(kit.bob)
    assert last(kit.bob.reads()) == (
        "Connected to RingCentral: I now act for **Bob O'Hara**, extension 102. "
        "Say **help ringcentral** to see what you can ask."
    )
    connect(kit.alice)  # who approves as somebody else is told so
    kit.alice.say("connect ringcentral")
    kit.mallory.browser.visit(kit.alice.link).approve()
    assert "I now act for **Mallory Marsh**, extension 103." in last(kit.alice.reads())
    kit.close()


def test_without_a_connection_a_question_brings_the_link_and_a_wrong_one_a_hint(kit):
    assert last(kit.bob.say("billing plan")).startswith(
        "You are not connected yet. [Connect your RingCentral account](http"
    )
    assert last(kit.bob.say("set presence sleeping")).startswith("Your status can be")


def test_two_people_in_one_chat_have_their_own_answers_and_keep_contact_details_apart(kit):
    connect(kit.alice, chat="Team")
    assert "not connected yet" in last(kit.bob.say("@bot personal info", chat="Team"))
    connect(kit.bob, chat="Team")
    assert last(kit.alice.say("@bot time zone", chat="Team")).startswith("Your time zone: US/Pac")
    assert last(kit.bob.say("@bot time zone", chat="Team")).startswith("Your time zone: Europe/Lon")
    assert last(kit.bob.say("@bot business hours", chat="Team")) == (
        "Your business hours: always (24 hours, 7 days a week)."
    )
    assert last(kit.alice.say("@bot personal info", chat="Team")) == (
        "Your personal info:\n* Name: Alice Rivera\n* Extension: 101\n"
        f"* Company: Practice Company\n* Job title: Head of Support\n* {APART}"
    )
    told = last(kit.bob.say("@bot notification settings", chat="Team"))
    assert told.endswith(f"* Texts: e-mail on, SMS off\n* {APART}")
    assert "@practice" not in told


def test_it_leaves_what_belongs_to_other_skills_alone(kit):
    direct = kit.world.ringcentral.posts("direct", "Alice")[0].chat_id
    alice = kit.world.ringcentral.person("Alice").id
    (skill,) = kit.bot.services
    for text in (
        "profile",
        "bind",
        "unbind",
        "about",
        "help",
        "sheet read A1:C5",
        "sheet set B2 busy",
        "email me the report",
        "text Bob",
        "set the table",
        "turn on",
        "off",
        "is on",
        "",
    ):
        event = Event("Message4Bot", kit.bot_id, direct, alice, text)
        assert skill.handle(event, handled=False) is False
