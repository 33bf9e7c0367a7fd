"""A skill of one's own: how its commands are read, what it says, and what becomes of its errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from botkit.errors import CommandError
from botkit.lessons.check.teapot import describe_teapot
from botkit.lessons.kit import Kit
from botkit.skills import GitHubSkill, Skill, command
from botkit.skills.skill import Command

WRONG = "Something went wrong inside the bot. Please try again in a moment."


class TeaSkill(Skill):
    """I make tea.
    And nothing else.

    This is for who reads the code.
    """

    word = "teapot"

    @command("tea", "makes tea")
    def tea(self, call):
        return f"{call.get('/brew', params={'drink': 'tea'}, what='tea')['minutes']} minutes"

    @command("tea DRINK", "makes another tea")
    @command("brew DRINK", "makes what you want")
    def brew(self, call, drink):
        return str(call.get("/brew", params={"drink": drink}, what=drink)["minutes"])

    @command("give NAME WORDS", "gives")
    def give(self, call, name, words):
        return f"{name} gets: {words}"

    @command("give everyone WORDS", "gives to all")
    def give_all(self, call, words):
        return f"All get: {words}"

    @command("no", "refuses")
    def no(self, call):
        raise CommandError("I do not do that.")

    @command("two", "says two things")
    def two(self, call):
        yield "One."
        yield "Two."

    @command("guarded COUNT", "says one thing at its end, or on its way")
    def guarded(self, call, count):
        if count == "none":
            return "COUNT is a number."
        yield "One."
        return None if count == "one" else 2 if count == "wrong" else "Two."

    @command("half", "says one thing and fails")
    def half(self, call):
        yield "One."
        raise CommandError("There is no second.")

    @command("broken", "says one thing and has a mistake")
    def broken(self, call):
        yield "One."
        yield str(1 / 0)

    @command("silent", "says nothing")
    def silent(self, call):
        return ""

    @command("forgot", "returns nothing")
    def forgot(self, call):
        call.get("/me")

    @command("raw", "returns what came")
    def raw(self, call):
        return call.get("/me")

    @command("mixed", "returns a text and a number")
    def mixed(self, call):
        return ["One.", 2]

    @command("strict", "wants a member")
    def strict(self, call):
        return call.get("/me", what="colour", having="colour")

    @command("keep VALUE", "keeps something")
    def keep(self, call, value):
        call.keep(value=value, other=len(call.kept))
        return str(dict(call.kept))

    @command("forget", "forgets it")
    def forget(self, call):
        call.keep(value=None)
        return str(dict(call.kept))

    def on_message(self, call):
        return "Moo." if call.text.startswith("Moo") else None


@pytest.fixture(scope="module")
def tea_kit() -> Iterator[Kit]:
    """The bot knows Teapot, and Alice is connected."""
    kit = Kit()
    provider = describe_teapot(*kit.world.start_service("teapot"))
    kit.bot.add(TeaSkill, provider)
    kit.register_callback()
    kit.alice.connects("teapot")
    yield kit
    kit.close()


@pytest.fixture
def say(tea_kit):
    """`say(text)` returns the bot's replies to Alice."""
    return lambda text: [what for who, what in tea_kit.alice.say(text).messages if who != "Alice"]


# ---- how a message is read ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "read"),
    [
        ("todos", "Todos!", []),
        ("todos", "todos now", None),
        ("my todos", "my   TODOS ", []),
        ("done NUMBER", "done 7", ["7"]),
        ("done NUMBER", "done", []),
        ("done NUMBER", "done?", []),
        ("done NUMBER", "undone 7", None),
        ("give NAME WORDS", "GIVE Bob two  Apples.\nNow", ["Bob", "two  Apples.\nNow"]),
        ("give NAME WORDS", "give Bob", ["Bob"]),
        ("ask X", "ask x", []),  # one letter is no place
    ],
)
def test_a_command_is_read(pattern, text, read):
    assert Command(pattern, "", "").read(text.lower().strip(" .!?"), text) == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tea", ["4 minutes"]),
        ("tea herbal tea", ["8"]),
        ("BREW tea", ["4"]),
        ("give Bob two  apples.", ["Bob gets: two  apples."]),
        ("give everyone tea", ["All get: tea"]),
        ("give Bob", ["Say **give NAME WORDS**: it gives."]),
        ("Moo", ["Moo."]),
        ("profil", ["I did not understand that. Did you mean **profile**?"]),
        ("gives Bob", ["I did not understand that. Did you mean **give**?"]),
    ],
)
def test_the_command_with_the_most_words_answers(say, text, said):
    assert say(text) == said


def test_help_and_greeting_are_made_of_the_class(tea_kit, say):
    skill = tea_kit.bot.services[-1]
    assert skill.introduction == "I make tea. And nothing else."
    assert "**give NAME WORDS** gives" in say("help teapot")[0]
    assert "in your Teapot settings" in skill.remove_at


# ---- what is said ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("two", ["One.", "Two."]),
        ("guarded two", ["One.", "Two."]),
        ("guarded none", ["COUNT is a number."]),
        ("guarded one", ["One."]),
        ("guarded wrong", ["One.", WRONG]),
        ("silent", []),
        ("no", ["I do not do that."]),
        ("half", ["One.", "There is no second."]),
        ("broken", ["One.", WRONG]),
        ("brew coffee", ["Teapot sent no coffee (it answered 418)."]),
        ("strict", ["Teapot sent no colour (it answered 200). Please try again in a moment."]),
    ],
)
def test_what_a_method_returns_is_said_in_order(say, text, said):
    assert say(text) == said


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_passing_trouble_says_to_try_again(tea_kit, say, status):
    tea_kit.world.teapot.trouble.next(path="/teapot", status=status)
    again = "Please try again in a moment."
    assert say("tea") == [f"Teapot sent no tea (it answered {status}). {again}"]


def test_who_is_not_connected_gets_a_link(tea_kit):
    said = tea_kit.bob.say("tea").text
    assert said.startswith("You are not connected yet. [Connect your Teapot account](")
    assert tea_kit.bob.say("two").text == "Two."  # this command needs no connection


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("forgot", "TeaSkill.forgot returned nothing. Return what to say"),
        ("raw", "TeaSkill.raw returned a dict. Return the text to say."),
        ("mixed", "TeaSkill.mixed returned an int among its texts."),
        ("broken", "division by zero"),
    ],
)
def test_a_mistake_names_the_method_in_the_log_and_one_sentence_in_the_chat(
    say, caplog, text, words
):
    with caplog.at_level(logging.ERROR, logger="botkit"):
        assert say(text)[-1] == WRONG
    assert words in caplog.text
    assert f"It was TeaSkill.{text} that failed (test_own_skill.py, line" in caplog.text


# ---- what it keeps -----------------------------------------------------------------------------


def test_a_skill_keeps_something_with_the_connection(tea_kit, say):
    assert say("keep Rome") == ["{'value': 'Rome', 'other': 0}"]
    assert say("keep Oslo") == ["{'value': 'Oslo', 'other': 2}"]
    (row,) = tea_kit.storage.find_services()
    assert (row.data["teapot.value"], row.account["name"]) == ("Oslo", "Alice")
    assert say("forget") == ["{'other': 2}"]


# ---- the class ---------------------------------------------------------------------------------


def make(**members):
    return type("Odd", (Skill,), members)


@command("done NUMBER", "does")
def done_without_its_place(self, call): ...


@command("ask X", "does")
def one_letter(self, call, x): ...


@command("x", "does")
def says_x(self, call): ...


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"done": done_without_its_place}, r"Write it as def done\(self, call, number\)\."),
        ({"ask": one_letter}, "One letter is no place, so X is a word to say. Write a longer one"),
        ({"one": says_x, "two": says_x}, "Odd.one and Odd.two both answer “x”"),
        ({"connects_to": describe_teapot}, "Odd does not say its word"),
        ({"word": "Git Lab"}, "Odd has the word 'Git Lab'"),
    ],
)
def test_a_class_that_cannot_work_is_refused_when_it_is_made(members, words):
    with pytest.raises(TypeError, match=words):
        make(**members)


def test_commands_are_inherited_and_a_method_can_be_replaced():
    class More(GitHubSkill):
        @command("repos", "lists")
        def repos(self, call):
            return "none"

        def profile(self, call):
            return "secret"

    assert [one.pattern for one in More._methods] == ["profile", "repos"]
    assert getattr(More, More._methods[0].method) is More.profile
