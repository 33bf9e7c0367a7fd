"""A provider that is brought along: the check of lesson 10, and the bot that it is added to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from botkit.lessons import check
from botkit.lessons.check.teapot import describe_teapot as teapot
from botkit.lessons.kit import Kit
from botkit.oauth import Provider
from botkit.providers import google_drive


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    """One kit for all tests; those of the second part add Teapot to its bot."""
    kit = Kit()
    yield kit
    kit.close()


@pytest.fixture(scope="module")
def registration(kit: Kit) -> tuple[str, str, str]:
    return kit.world.start_service("teapot")


def connect(kit: Kit) -> None:
    kit.alice.say("connect teapot")  # also where she is connected
    kit.alice.browser.visit(kit.alice.link).approve()
    kit.alice.reads()


# ---- the check -----------------------------------------------------------------------------------


def test_the_check_takes_a_function_or_a_provider(kit, registration):
    by_function = check.provider(teapot, kit, *registration)
    assert by_function.solved
    assert repr(by_function).startswith("✔ Teapot keeps the contract.\n✔ description ")
    assert repr(check.provider(teapot(*registration), kit)) == repr(by_function)
    assert repr(check.provider(teapot, kit, registration)) == repr(by_function)


def test_what_could_not_be_tried_stands_in_the_first_line(kit):
    drive = google_drive(*kit.world.start_service("google")[:2], server=kit.world.google.address)
    verdict = check.provider(replace(drive, revocation=None), kit)
    first = "GoogleDrive keeps the contract. Read why there is a – at: revoke."
    assert verdict.solved and verdict.text.split("\n")[0] == first


def test_what_somebody_has_sent_as_a_code_does_not_hide_the_words_of_a_report(kit, registration):
    before = repr(check.provider(teapot, kit, *registration))
    for word in ("made-up", "another service", "no-such-code-0001", "tp-101"):
        kit.labels.label("code", word)
        assert "‹" in repr(kit.show(f"It was {word}."))
    assert repr(check.provider(teapot, kit, *registration)) == before


def test_a_secret_in_a_wrong_field_is_not_shown(kit, registration):
    for changes in ({"client_auth": registration[1]}, {"slug": registration[1].upper()}):
        wrong = replace(teapot(*registration), client_secret=next(iter(changes.values())))
        verdict = check.provider(replace(wrong, **changes), kit)
        assert "is '‹secret·" in verdict.text
        assert registration[1][:8].lower() not in verdict.text.lower()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "github"}, "The slug 'github' belongs to GitHub here."),
        ({"name": "GitHub"}, "The name 'GitHub' belongs to GitHub here."),
        ({"name": "github"}, "The name 'github' belongs to GitHub here."),
        ({"name": "GitHub", "slug": "github"}, "The name 'GitHub' belongs to GitHub here."),
        ({"slug": "profile"}, "The slug 'profile' belongs to GitHub here."),
        ({"slug": "bot"}, "The slug 'bot' is a word of the bot's own."),
        ({"slug": "help"}, "The slug 'help' is a word of the bot's own."),
    ],
)
def test_what_is_taken_is_neither_checked_nor_added(kit, registration, changes, words):
    wrong = replace(teapot(*registration), **changes)
    assert check.provider(wrong, kit).text.startswith(words)
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        kit.add(wrong)
    assert [one.name for one in kit.bot.providers] == ["GitHub"]


def test_the_check_says_line_by_line_what_is_wrong(kit, registration):
    wrong = replace(teapot(*registration), scope_separator=" ", api_url="127.0.0.1:9")
    verdict = check.provider(wrong, kit)
    assert not verdict.solved
    first, *lines = repr(verdict).splitlines()
    assert first == (
        "… not yet: Teapot as it is described breaks the contract: description, scopes."
    )
    assert any(line.startswith("✘ scopes ") for line in lines)


def test_the_check_shows_no_address_and_no_secret(kit, registration):
    kinds = {"issuer": "https://x"}, {"account_url": None, "api_url": registration[2]}
    for changes in ({"client_auth": "body"}, {"slug": "Tea"}, *kinds):
        text = repr(check.provider(replace(teapot(*registration), **changes), kit))
        assert "127.0.0.1" not in text
        assert registration[1] not in text


def unsolved(client_id, client_secret, server):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (unsolved, "the cell above still waits for your lines"),
        (None, "check.provider(your_function, kit, *registration)"),
        (lambda *registration: None, "returns a NoneType; wanted: a Provider"),
        (lambda client_id: None, "TypeError"),
    ],
)
def test_what_is_no_description_is_answered_in_words(kit, registration, described, words):
    verdict = check.provider(described, kit, *registration)
    assert not verdict.solved
    assert words in verdict.text


@pytest.mark.parametrize(
    "changes",
    [{"slug": None}, {"name": None}, {"token_url": None}, {"scopes": None}, {"scopes": "profile"}],
)
def test_a_description_of_the_wrong_kind_raises_nothing(kit, registration, changes):
    verdict = check.provider(replace(teapot(*registration), **changes), kit)
    assert verdict.text.startswith(f"{changes.get('name', 'Teapot')} as it is described breaks")


def test_a_check_without_a_kit_asks_for_it():
    assert "give it `kit`" in check.provider(unsolved_provider).text


def unsolved_provider() -> Provider:
    return teapot("id", "secret", "https://tea.example")


def test_a_provider_that_the_bot_knows_can_be_checked_and_goes_on_working(kit):
    assert check.provider(kit.github, kit).solved
    kit.alice.say("profile")
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.heading == "Connected"


# ---- the bot -------------------------------------------------------------------------------------


def test_the_unchanged_bot_connects(kit, registration):
    kit.add(teapot(*registration))
    asked = kit.alice.say("teapot").text
    assert asked.startswith("You are not connected yet. [Connect your Teapot account](")
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert "Not granted" not in page.text
    said = kit.alice.reads().text
    assert said == (
        "Connected to Teapot as **Alice**. Say **teapot** to see which Teapot account is connected."
    )
    assert kit.alice.say("Teapot!").text == "You are connected to Teapot as **Alice**."
    assert "says which Teapot account is connected" in kit.alice.say("help").text


def test_the_trace_calls_it_by_its_name(kit, registration):
    kit.add(teapot(*registration))
    kit.trace.clear()
    connect(kit)
    calls = [(e.sender, e.path) for e in kit.trace if e.receiver == "Teapot"]
    assert calls[-2:] == [("bot", "/oauth/token"), ("bot", "/teapot/me")]
    assert "127.0.0.1" not in str(kit.trace.list())


def test_it_leaves_other_words_to_others(kit, registration):
    kit.add(teapot(*registration))
    assert "GitHub" in kit.alice.say("profile").text
    assert "Did you mean **teapot**?" in kit.alice.say("teapo").text


def test_a_token_that_has_ended_is_renewed(kit, registration):
    kit.add(teapot(*registration))
    connect(kit)
    kit.clock.advance(hours=2)
    assert kit.alice.say("teapot").text == "You are connected to Teapot as **Alice**."


def test_a_connection_that_was_taken_back_brings_a_new_link(kit, registration):
    kit.add(teapot(*registration))
    connect(kit)
    kit.world.teapot.revoke("alice")
    said = kit.alice.say("teapot").text
    assert said.startswith(
        "Teapot no longer accepts this connection. [Connect your Teapot account]"
    )


def test_disconnect_tells_teapot_too(kit, registration):
    kit.add(teapot(*registration))
    connect(kit)
    said = kit.alice.say("disconnect teapot").text
    assert said == "Disconnected. Teapot has forgotten the connection too."
    assert repr(kit.world.teapot) == "<practice Teapot: 1 apps, 0 connections>"


@pytest.mark.parametrize(
    "answer", ["{}", "<p>tea</p>", '{"guest_id": 1, "nickname": "a [b](c) **"}']
)
def test_strange_answers_become_a_sentence(kit, registration, answer):
    kit.add(teapot(*registration))
    connect(kit)
    kit.world.teapot.trouble.next(path="/teapot/me", status=200, body=answer)
    said = kit.alice.say("teapot").text
    if "guest_id" in answer:
        assert said.startswith("You are connected to Teapot as") and "[b](c)" not in said
    else:
        assert said == ("Teapot did not say whose account it is. Please try again in a moment.")


def test_adding_it_again_takes_the_place_of_the_first(kit, registration):
    kit.add(replace(teapot(*registration), token_url="http://127.0.0.1:9/token"))
    kit.add(teapot(*registration))
    assert [one.name for one in kit.bot.providers] == ["GitHub", "Teapot"]
    assert len(kit.bot.services) == 2
    connect(kit)
    assert kit.alice.say("teapot").text == "You are connected to Teapot as **Alice**."


def test_one_that_shares_only_its_name_or_its_slug_with_the_first_is_refused(kit, registration):
    kit.add(teapot(*registration))
    for changes in ({"slug": "tea"}, {"name": "Tea"}):
        with pytest.raises(ValueError, match="belongs to Teapot here"):
            kit.add(replace(teapot(*registration), **changes))
    assert [one.slug for one in kit.bot.providers] == ["github", "teapot"]


def test_a_service_that_does_not_exist_is_answered_with_those_that_do(kit):
    with pytest.raises(LookupError, match=r"no practice 'coffeepot'\. There are: github,.* teapot"):
        kit.world.start_service("coffeepot")


def test_a_teapot_that_is_not_started_says_how():
    kit = Kit()
    try:
        with pytest.raises(LookupError, match="start_service"):
            _ = kit.world.teapot
    finally:
        kit.close()
