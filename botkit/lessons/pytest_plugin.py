"""Test a bot with pytest: the fixture `kit`, and a report of what was said and sent.

    from mybot import Mybot

    def test_repos(kit):
        kit.add(Mybot)
        kit.alice.connects("github")
        assert kit.alice.say("repos").text == "hello-world"

pytest finds this by itself where botkit is installed.  A mistake in a skill ends the test with its
own traceback, like a mistake in any function that a test calls.  Below a test that failed, pytest
shows what was said in the chat of its kit, and what was sent, with labels instead of secrets.

Nothing of botkit is imported before a test asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from botkit.lessons.kit import Kit


@pytest.fixture
def kit() -> Iterator[Kit]:
    """The bot, the practice world and its people, fresh for each test.

    A connection counts at once, without a code that is said in the chat, as in
    `botkit.start(confirm=False)`.
    """
    from botkit.lessons.kit import Kit

    kit = Kit()
    kit.mishaps.raising = True
    yield kit
    kit.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Add what was said and sent to the report of a test that failed.

    A kit is found among the fixtures and the variables of the test, and in their attributes.
    """
    report = yield
    there = {title for title, _ in report.sections}
    if report.failed and call.excinfo and SAID not in there:  # a project may have both hooks
        places = [getattr(item, "funcargs", {})]
        places += [entry.frame.f_locals for entry in call.excinfo.traceback]
        for kit in dict.fromkeys(kit for place in places for kit in _kits_in(place)):
            report.sections += [(SAID, kit.transcript()), (SENT, str(kit.trace.list()) or NOTHING)]
    return report


SAID, SENT, NOTHING = "What was said", "What was sent", "(nothing)"


def _kits_in(place: dict[str, Any]) -> Iterator[Any]:
    module: Any = sys.modules.get("botkit.lessons.kit")
    if module is None:
        return
    for thing in place.values():
        for one in (thing, getattr(thing, "__dict__", {}).get("kit")):
            if isinstance(one, module.Kit):
                yield one
