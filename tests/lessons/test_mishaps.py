"""A mistake in a skill, as the person who writes the skill sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from botkit.lessons.check.teapot import describe_teapot
from botkit.lessons.kit import Kit
from botkit.skills import NotAText, Skill, command

WRONG = "Something went wrong inside the bot. Please try again in a moment."


class TeaSkill(Skill):
    """I make tea."""

    word = "teapot"

    @command("fail", "has a mistake")
    def fail(self, call):
        return _deeper(call)

    @command("leak", "has a mistake with a secret in its message")
    def leak(self, call):
        raise ValueError(f"Bearer {call.service.access_token}")

    @command("twice", "is asked again")
    def twice(self, call):
        return "Fine."

    @command("forget", "returns nothing")
    def forget(self, call):
        call.get("/me")


def _deeper(call):
    return call.get("/me")["no such member"]


@pytest.fixture(scope="module")
def tea_kit() -> Iterator[Kit]:
    kit = Kit()
    kit.bot.add(TeaSkill, describe_teapot(*kit.world.start_service("teapot")))
    kit.register_callback()
    kit.alice.connects("teapot")
    yield kit
    kit.close()


def test_a_notebook_shows_the_traceback_below_the_talk_and_the_chat_does_not(tea_kit):
    talk = tea_kit.alice.say("fail")
    assert talk.texts == [WRONG]
    for shown in (repr(talk), talk._repr_html_()):
        assert "Inside the bot, and not in the chat:" in shown
        assert "test_mishaps.py" in shown and "in _deeper" in shown and "no such member" in shown
        assert "It was TeaSkill.fail that failed (test_mishaps.py, line" in shown
        assert "turns.py" not in shown and "worker.py" not in shown
    assert tea_kit.alice.say("twice").mishap == ""  # it is shown once


def test_it_holds_no_secret(tea_kit):
    (row,) = tea_kit.storage.find_services()
    talk = tea_kit.alice.say("leak")
    assert "ValueError: Bearer ‹token·" in talk.mishap
    assert row.access_token not in repr(talk) + talk._repr_html_()


def test_in_a_test_the_error_is_raised_with_the_skills_own_lines(tea_kit, caplog, monkeypatch):
    monkeypatch.setattr(tea_kit.mishaps, "raising", True)
    with pytest.raises(KeyError, match="no such member") as caught:
        tea_kit.alice.say("fail")
    names = [entry.name for entry in caught.traceback]
    assert names[-2:] == ["fail", "_deeper"] and "_answer" not in names
    assert caplog.text == ""  # pytest would show the same traceback a second time
    assert tea_kit.alice.say("twice").text == "Fine."


def test_what_cannot_be_said_is_told_without_a_line_of_botkit(tea_kit, monkeypatch):
    mishap = tea_kit.alice.say("forget").mishap
    assert "TeaSkill.forget returned nothing." in mishap and "File" not in mishap
    monkeypatch.setattr(tea_kit.mishaps, "raising", True)
    with pytest.raises(NotAText, match="returned nothing") as caught:
        tea_kit.alice.say("forget")
    assert {Path(str(one.path)).name for one in caught.traceback} == {
        "test_mishaps.py",
        "people.py",  # which hides itself
        "mishaps.py",
    }


def test_a_mistake_of_botkit_itself_keeps_all_its_lines(tea_kit, monkeypatch):
    monkeypatch.setattr(tea_kit.bot.skills[-1], "_answer", None)
    assert "turns.py" in tea_kit.alice.say("whatever").mishap
