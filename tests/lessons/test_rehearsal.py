"""A whole class uses one bot at the same time, and nobody notices the others."""

from __future__ import annotations

import pytest
from python_process import start
from sizes import Size

from botkit.lessons import rehearsal
from botkit.lessons.rehearsal import Outcome, rehearse

PEOPLE = Size(8, nightly=30)
MINUTE, LONGEST_WAIT = 60.0, 2.0
HICCUP = 2.0  # seconds that a machine which others use may stand still


@pytest.fixture(autouse=True)
def forked(monkeypatch):
    monkeypatch.setattr(rehearsal, "start_python", start)


def test_a_class_connects_asks_and_disconnects_and_nobody_waits_or_meets_the_data_of_others():
    outcome = rehearse(PEOPLE)
    assert outcome.troubles == ()
    assert outcome.longest_wait < LONGEST_WAIT + HICCUP
    assert outcome.seconds < MINUTE + HICCUP
    assert repr(outcome).startswith(f"{PEOPLE} people connected, asked and disconnected in ")


def test_who_gets_the_account_of_another_person_is_told(monkeypatch):
    """Both sign in at GitHub as the same person."""

    class Mistaken(rehearsal.Browser):
        def __init__(self, cookies):
            super().__init__({"github_account": "learner-0001"})

    monkeypatch.setattr(rehearsal, "Browser", Mistaken)
    outcome = rehearse(2)
    assert "Learner 2 has seen something of Learner 1." in outcome.troubles
    assert any(one.startswith("Learner 2: The bot replied to ") for one in outcome.troubles)


def test_a_bot_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(rehearsal, "new_key", lambda: "no key at all")
    with pytest.raises(RuntimeError, match=r"The bot did not start\. What BOTKIT_SECRET_KEY holds"):
        rehearse(1)


def test_troubles_are_shown_one_in_a_line():
    outcome = Outcome(2, 9.0, 0.5, ("Learner 1: The bot did not reply.", "2026 ERROR x"))
    assert repr(outcome) == "Troubles: 2\nLearner 1: The bot did not reply.\n2026 ERROR x"
