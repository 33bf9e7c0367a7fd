"""Confirm in chat: a link that was forwarded attaches nobody's account to another's chat."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from botkit.lessons.kit import PRACTICE, Kit
from botkit.storage import authorizations, columns_of


@pytest.fixture
def strict(sqlite_url):
    """A bot that asks for a code; `core/` has the same rows on both kinds of database."""
    kit = Kit(replace(PRACTICE, confirm=True, database=sqlite_url, skills=("github", "drive")))
    yield kit
    kit.close()


def approve(kit, person, browser=None, text="profile", chat="direct"):
    person.say(f"@bot {text}" if chat == "Team" else text, chat=chat)
    return (browser or person.browser).visit(person.link).approve()


def digits(page) -> str:
    return re.search(r"\b(\d{3}) (\d{3})\b", page.text).expand(r"\1\2")


def wrong(page, n=1) -> str:
    return f"{(int(digits(page)) + n) % 1_000_000:06d}"


def services(kit):
    return kit.storage.find_services(bot_id=kit.bot_id)


def grants(kit) -> str:
    return repr(kit.world.github).rpartition(", ")[2]


# ---- the honest person --------------------------------------------------------------------------


def test_the_connection_counts_once_the_code_is_said(strict):
    page = approve(strict, strict.alice)
    assert page.heading == "One more step" and page.status == 200
    assert "alice-practice" in page.text and "ten minutes" in page.text
    assert services(strict) == [] and strict.alice.reads().messages == []
    assert "not connected yet" in strict.alice.say("profile").text
    talk = strict.alice.confirm(page)
    assert talk.text.startswith("Connected to GitHub as **alice-practice**.")
    assert len(talk.messages) == 2 and digits(page) not in repr(talk)
    assert "Here is your GitHub profile" in strict.alice.say("profile").text


def test_spaces_and_dashes_in_the_code_do_not_matter(strict):
    between = "{0}{1}", "{0} {1}", "{0}-{1}", " {0}  {1} "
    for form in (*between, "{0} {1}.", "\u200b{0}{1}\u200b", "“{0}–{1}”"):
        code = digits(approve(strict, strict.alice, text="connect github"))
        said = strict.alice.say(form.format(code[:3], code[3:]))
        assert said.text.startswith("Connected to GitHub"), form


def test_a_code_works_once_and_is_a_number_afterwards(strict):
    page = approve(strict, strict.alice)
    strict.alice.confirm(page)
    assert strict.alice.say(digits(page)).text.startswith("I did not understand that.")


def test_a_shared_connection_belongs_to_the_chat_also_when_it_is_confirmed(strict):
    page = approve(strict, strict.alice, text="bind", chat="Team")
    assert "is bound to this chat" in strict.alice.confirm(page, chat="Team").text
    (row,) = services(strict)
    assert (row.name, row.user_id) == ("GoogleDrive", "")


def test_two_services_that_wait_are_told_apart_by_their_codes(strict):
    github, drive = approve(strict, strict.alice), approve(strict, strict.alice, text="bind")
    assert "is bound to this chat" in strict.alice.confirm(drive).text
    assert "Connected to GitHub" in strict.alice.confirm(github).text


def test_the_code_is_neither_in_the_trace_nor_on_the_page_as_it_is_shown(strict):
    page = approve(strict, strict.alice)
    strict.alice.confirm(page)
    for shown in (repr(page), repr(strict.trace.list()), strict.trace.diagram().text):
        assert digits(page) not in shown.replace(" ", "")


# ---- the forwarded link --------------------------------------------------------------------------


def test_mallory_cannot_use_what_alice_has_approved(strict):
    page = approve(strict, strict.mallory, browser=strict.alice.browser, chat="Team")
    assert "tell nobody the code" in page.text
    assert "not connected yet" in strict.mallory.say("@bot profile", chat="Team").text
    for number in (1, 2, 3, 4):
        left = "one more try" if number == 4 else f"{5 - number} more tries"
        said = strict.mallory.say(f"@bot {wrong(page, number)}", chat="Team").text
        assert said == f"This is not the code that the page shows. You have {left}."
    last = strict.mallory.say(f"@bot {wrong(page, 5)}", chat="Team").text
    assert last == "That was the last wrong code. Nothing is connected. Begin again."
    assert "did not understand" not in strict.mallory.say("@bot help", chat="Team").text
    strict.mallory.confirm(page, chat="Team")  # the right one, too late
    assert services(strict) == [] and grants(strict) == "0 grants>"


SAYINGS = ("@bot {}", "{}", "@bot The page says {}. What now?", "{}!", "\u200b{}")


@pytest.mark.parametrize("saying", SAYINGS)
def test_a_code_said_by_anybody_but_its_asker_is_used_up_and_its_token_given_back(strict, saying):
    page = approve(strict, strict.mallory, browser=strict.alice.browser, chat="Team")
    said = strict.alice.say(saying.format(digits(page)), chat="Team")
    assert "only that person may say it" in said.text and "use your account" in said.text
    assert services(strict) == [] and grants(strict) == "0 grants>"
    assert strict.mallory.confirm(page, chat="Team").text.startswith("I did not understand that.")
    assert services(strict) == []


def test_the_one_who_had_asked_is_told_that_the_code_was_said_elsewhere(strict):
    page = approve(strict, strict.mallory, browser=strict.alice.browser, chat="Team")
    strict.mallory.reads(chat="Team")
    assert "only that person may say it" in strict.alice.say(digits(page)).text
    assert "Somebody else said the code" in strict.mallory.reads(chat="Team").text
    assert services(strict) == [] and grants(strict) == "0 grants>"


def test_the_code_of_a_link_that_was_asked_for_in_a_team_is_said_where_the_person_likes(strict):
    page = approve(strict, strict.bob, chat="Team")
    strict.bob.say(f"I have {digits(page)} here.", chat="Team")  # without a mention
    (row,) = services(strict)
    team = strict.world.ringcentral.find_chat("Team", strict.world.ringcentral.person("Bob"))
    assert (row.user_id, row.group_id) == ("2101002", team.id)
    page = approve(strict, strict.alice, chat="Team")
    strict.alice.confirm(page)  # in her direct chat
    assert "Connected to GitHub as **alice-practice**" in strict.alice.reads(chat="Team").text


def test_a_number_that_is_no_code_of_anybody_is_left_alone(strict):
    page = approve(strict, strict.alice, chat="Team")
    assert len(strict.bob.say("Order 123456, 654321 and 999-999.", chat="Team").messages) == 1
    assert "did not understand" in strict.bob.say("@bot 123456", chat="Team").text
    assert strict.alice.confirm(page).messages


def test_of_one_person_the_oldest_answer_goes_when_a_fourth_comes(strict):
    pages = [approve(strict, strict.mallory, strict.alice.browser, chat="Team")]
    for someone in (strict.bob, strict.bob, strict.bob):
        pages.append(approve(strict, strict.mallory, someone.browser, chat="Team"))
    assert grants(strict) == "1 grants>"  # Alice's is gone
    assert "This is not the code" in strict.mallory.confirm(pages[0]).text
    assert "bob-practice" in strict.mallory.confirm(pages[1], chat="Team").text


# ---- where the link goes -------------------------------------------------------------------------


def test_in_a_team_the_link_goes_to_the_askers_direct_chat(strict):
    said = strict.mallory.say("@bot profile", chat="Team").text
    assert said == "You are not connected yet. I have sent you a link in our direct chat."
    link = strict.mallory.reads().text
    assert link.startswith("You asked for this link in **Team**. [Connect your GitHub account](")
    assert not any("http" in post.text for post in strict.world.ringcentral.posts("Team", "Alice"))


def test_where_the_direct_chat_cannot_be_opened_nobody_reads_a_link(strict):
    path = "/team-messaging/v1/conversations"
    strict.world.ringcentral.trouble.next(path=path, status=403)
    said = strict.mallory.say("@bot profile", chat="Team").text
    assert "could not open a direct chat" in said and "http" not in said


@pytest.mark.parametrize("members", [["2109001", "2101003", "2101001"], []])
def test_a_chat_with_other_members_gets_no_link(strict, members):
    listed = ", ".join(f'{{"id": "{one}"}}' for one in members)
    body = f'{{"id": "6300001", "type": "Group", "members": [{listed}]}}'
    path = "/team-messaging/v1/conversations"
    strict.world.ringcentral.trouble.next(path=path, status=200, body=body)
    said = strict.mallory.say("@bot profile", chat="Team").text
    assert ("could not open" in said) == bool(members)


def test_mallory_does_not_spoil_the_code_of_somebody_else(strict):
    page = approve(strict, strict.alice, chat="Team")
    for number in range(1, 8):
        strict.mallory.say(f"@bot {wrong(page, number)}", chat="Team")
    assert "Connected to GitHub" in strict.alice.confirm(page, chat="Team").text


@pytest.mark.parametrize("saying", ["I think it is {}.", "@bot Is it {}?", "{}"])
def test_who_has_asked_has_five_guesses_however_they_are_said(strict, saying):
    page = approve(strict, strict.mallory, browser=strict.alice.browser, chat="Team")
    guesses = [saying.format(wrong(page, number)) for number in range(1, 6)]
    said = [strict.mallory.say(guess, chat="Team").text for guess in guesses]
    assert "That was the last wrong code" in said[-1]
    assert not [one for one in said[:-1] if "code" in one]
    assert grants(strict) == "0 grants>"
    strict.mallory.say(saying.format(digits(page)), chat="Team")
    assert services(strict) == []


@pytest.mark.parametrize("saying", ["{} {}", "@bot {}, {}", "@bot sheet append {}, {}"])
def test_many_guesses_in_one_message_confirm_nothing(strict, saying):
    page = approve(strict, strict.mallory, browser=strict.alice.browser, chat="Team")
    strict.mallory.say(saying.format(wrong(page, 1), digits(page)), chat="Team")
    assert services(strict) == []


def test_of_many_guesses_at_once_no_more_than_five_count(strict):
    page = approve(strict, strict.alice)
    where = strict.storage
    with where._reading() as connection:  # the ids of the one who asked
        waiting = authorizations.c.answer.is_not(None)
        link = connection.execute(sa.select(*columns_of(authorizations)).where(waiting)).one()
    guesses = [wrong(page, number) for number in range(1, 33)]

    def guess(code):
        return where.try_code(link.bot_id, link.user_id, [code])

    with ThreadPoolExecutor(16) as pool:
        attempts = list(pool.map(guess, guesses))
    assert sum(attempt is not None for attempt in attempts) == 5
    assert guess(digits(page)) is None


# ---- what nobody confirms ------------------------------------------------------------------------


def by_hand(kit):
    """The job that deletes answers does nothing: the test does it."""
    kit.worker.jobs["expired"] = lambda job: None


def test_after_ten_minutes_the_code_is_worth_nothing_and_the_grant_is_given_back(strict):
    by_hand(strict)
    page = approve(strict, strict.alice)
    assert grants(strict) == "1 grants>" and strict.bot.confirmation.delete_expired() == 0
    strict.clock.advance(minutes=10.1)
    assert "Connected" not in strict.alice.confirm(page).text
    assert strict.bot.confirmation.delete_expired() == 1
    assert grants(strict) == "0 grants>" and services(strict) == []
    assert strict.bot.confirmation.delete_expired() == 0


def test_what_vanishes_ends_no_connection_that_counts(strict):
    by_hand(strict)
    strict.alice.confirm(approve(strict, strict.alice))
    approve(strict, strict.alice, chat="Team", text="connect github")
    strict.clock.advance(minutes=11)
    assert strict.bot.confirmation.delete_expired() == 1
    assert "Here is your GitHub profile" in strict.alice.say("profile").text


def test_where_the_bot_leaves_the_answers_that_wait_there_are_given_back(strict):
    approve(strict, strict.alice, chat="Team")
    strict.world.ringcentral.remove_bot_from_team()
    strict.settle()
    assert grants(strict) == "0 grants>"


def test_a_provider_that_is_down_does_not_keep_what_must_vanish(strict, caplog):
    by_hand(strict)
    approve(strict, strict.alice)
    strict.clock.advance(minutes=11)
    strict.world.github.trouble.next(path="/api/v3/applications", status=500)
    assert strict.bot.confirmation.delete_expired() == 1
    assert "nobody uses any more may still be alive: GitHub did not confirm" in caplog.text
    assert strict.bot.confirmation.delete_expired() == 0


def test_an_old_sweep_does_not_lose_what_waits(strict):
    by_hand(strict)
    approve(strict, strict.alice)
    strict.clock.advance(hours=2)
    strict.storage.sweep_links()
    assert strict.bot.confirmation.delete_expired() == 1 and grants(strict) == "0 grants>"


def test_what_nobody_confirms_vanishes_by_itself_in_its_own_time(strict):
    approve(strict, strict.alice)
    strict.clock.advance(minutes=5)
    approve(strict, strict.bob)
    strict.clock.advance(minutes=5.2)  # ten since the first, five since the second
    strict.settle()
    assert grants(strict) == "1 grants>"
    strict.clock.advance(minutes=5)
    strict.settle()
    assert grants(strict) == "0 grants>"


def test_a_denial_asks_for_no_code(strict):
    strict.alice.say("profile")
    page = strict.alice.browser.visit(strict.alice.link).deny()
    assert page.heading == "Not connected"
