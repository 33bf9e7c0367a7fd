"""The four skills in one chat, as one bot: who answers, what help says, and what may be off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from botkit.bot import Bot
from botkit.errors import SettingsError
from botkit.lessons.kit import PRACTICE, Kit
from botkit.settings import PLACE_OF, Registration, Settings

SLUGS = dict(zip(PLACE_OF, ("github", "google", "google-sheets", "ringcentral"), strict=True))
FIRST = {"github": "profile", "drive": "bind", "sheets": "sheet read", "ringcentral": "presence"}


@pytest.fixture
def whole() -> Iterator[Kit]:
    kit = Kit(replace(PRACTICE, skills=tuple(PLACE_OF)))
    yield kit
    kit.close()


def connect(kit, command):
    kit.alice.say(command)
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.heading == "Connected"
    return kit.alice.reads().text


def test_each_service_is_connected_in_the_same_chat_and_answers_there(whole):
    for command in FIRST.values():
        connect(whole, command)
    rows = whole.storage.find_services(bot_id=whole.bot_id)
    assert [row.name for row in rows] == ["GitHub", "GoogleDrive", "GoogleSheets", "RingCentral"]
    assert [row.user_id == "" for row in rows] == [False, True, False, False]
    assert "Here is your GitHub profile" in whole.alice.say("profile").text
    assert "Your presence:" in whole.alice.say("presence").text


def test_one_message_has_one_answer_also_where_nobody_understands(whole):
    for text in (*FIRST.values(), "help", "xyzzy", "disconnect", "connect sheets"):
        assert len(whole.alice.say(text).messages) == 2, text


def test_help_lists_all_and_the_bot_greets_once(whole):
    greeting, *more = whole.alice.reads().messages
    assert more == [] and greeting[1].endswith("Say **help** to begin.")
    text = whole.alice.say("help").text
    for phrase in ("**profile**", "**bind**", "**sheet use LINK**", "**help ringcentral**"):
        assert phrase in text
    for word in PLACE_OF:
        assert whole.alice.say(f"help {word}").text != text


@pytest.mark.parametrize("off", PLACE_OF)
def test_each_can_be_switched_off(off):
    left = tuple(name for name in PLACE_OF if name != off)
    kit = Kit(replace(PRACTICE, skills=left))
    try:
        help_text = kit.alice.say("help").text
        assert f"**{FIRST[off]}" not in help_text
        assert all(f"**{FIRST[one]}" in help_text or one == "ringcentral" for one in left)
        assert kit.alice.say(FIRST[off]).text.startswith("I did not understand that.")
        assert kit.app.test_client().get(f"/{SLUGS[off]}/oauth").status_code == 404
    finally:
        kit.close()


def test_the_routes_of_a_skill_are_there_with_it_and_gone_without_it(whole, kit):
    assert whole.app.test_client().post("/google/webhook").status_code == 404  # an unknown channel
    rules = {rule.rule for rule in whole.app.url_map.iter_rules()}
    assert rules - {rule.rule for rule in kit.app.url_map.iter_rules()} == {"/google/webhook"}


def test_disconnect_asks_which_one_and_ends_that_one_alone(whole):
    assert whole.alice.say("disconnect").text == "You are not connected yet."
    connect(whole, "profile")
    connect(whole, "presence")
    which = "Which one? Say **disconnect github** or **disconnect ringcentral**."
    assert whole.alice.say("disconnect").text == which
    assert "Disconnected" in whole.alice.say("disconnect github").text
    (row,) = whole.storage.find_services(bot_id=whole.bot_id)
    assert row.name == "RingCentral"
    assert "Disconnected" in whole.alice.say("disconnect").text  # now there is only one


def test_google_ends_both_connections_at_once_so_the_first_spares_the_grant(whole):
    connect(whole, "bind")
    connect(whole, "sheet read")
    assert (
        "Another skill still uses your account, so nothing was revoked"
        in whole.alice.say("disconnect sheets").text
    )
    assert repr(whole.world.google).endswith("1 grants>")
    assert "has forgotten the connection too" in whole.alice.say("unbind").text
    assert repr(whole.world.google).endswith("0 grants>")


def test_an_account_that_another_bot_uses_is_not_revoked(whole):
    connect(whole, "profile")
    (row,) = whole.storage.find_services(bot_id=whole.bot_id)
    elsewhere = {"bot_id": "another", "group_id": "g", "user_id": "u"}
    other = whole.storage.save_service("GitHub", **elsewhere, data=row.data)
    said = whole.alice.say("disconnect github").text
    assert said == "Disconnected here. Your account stays connected in another chat."
    assert [one.id for one in whole.storage.find_services()] == [other.id]


def test_a_callback_of_one_service_is_not_taken_by_another(whole):
    whole.alice.say("presence")
    page = whole.alice.browser.visit(whole.alice.link)
    state = whole.alice.link.partition("&state=")[2].partition("&")[0]
    answer = whole.app.test_client().get(f"/github/oauth?code=x&state={state}")
    assert answer.status_code == 400 and "Not connected" in answer.text
    assert whole.storage.find_services() == []
    assert page.status == 200


def test_a_skill_that_is_wanted_and_has_no_registration_is_named():
    chat = Registration("id", "secret", "http://127.0.0.1:1")
    settings = Settings({"chat": chat}, database="sqlite://", skills=("drive",))
    with pytest.raises(SettingsError, match="The skill drive needs a registration") as caught:
        Bot(settings)
    assert "GOOGLE_API_CLIENT_ID" in caught.value.advice


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("connect drive", "[Connect your Google Drive account]"),
        ("connect google sheets", "[Connect your Google Sheets account]"),
        ("bind", "[Connect your Google Drive account]"),
        (
            "connect",
            "Which one? Say **connect github** or **bind** or **connect sheets** or **conn",
        ),
        ("disconnect google drive", "No Google Drive is bound to this chat."),
        ("disconnect sheets", "You are not connected to Google Sheets. There is nothing to end."),
    ],
)
def test_connect_and_disconnect_understand_the_usual_names(whole, said, link):
    assert link in whole.alice.say(said).text


@pytest.mark.parametrize("typed", ["x" * 10_000, "sheet " + "x" * 9_000])
def test_of_a_long_message_only_the_beginning_is_compared_with_commands(whole, typed, monkeypatch):
    """It takes milliseconds for each phrase otherwise."""
    compared: list[str] = []

    def note(word, *_, **__):
        compared.append(word)
        return []

    for module in ("help", "sheets.skill"):
        monkeypatch.setattr(f"botkit.skills.{module}.get_close_matches", note)
    whole.alice.say(typed)
    assert compared and max(map(len, compared)) <= 100
