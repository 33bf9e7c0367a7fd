"""Show, below a test that failed, what was said in the chat and what was sent.

A kit is found among the fixtures and the variables of the test, and in their attributes.  Secrets
are labels, as in a notebook.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from botkit.lessons.kit import Kit


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.failed and call.excinfo:
        places = [getattr(item, "funcargs", {})]
        places += [entry.frame.f_locals for entry in call.excinfo.traceback]
        for kit in dict.fromkeys(kit for place in places for kit in kits_in(place)):
            report.sections += [("What was said", said(kit)), ("What was sent", sent(kit))]
    return report


def kits_in(place: dict[str, Any]) -> Iterator[Kit]:
    for thing in place.values():
        for one in (thing, getattr(thing, "__dict__", {}).get("kit")):
            if isinstance(one, Kit):
                yield one


def said(kit: Kit) -> str:
    """Return what was said in each chat of the practice chat, oldest first."""
    lines = []
    if kit.world.has("chat"):
        chat = kit.world.ringcentral
        for place in list(chat._chats.values()):
            names = [chat._people[one].name for one in place.members if one in chat._people]
            posts = chat.posts_in(place)
            lines += [f"{place.name or ' and '.join(names)}:"] if posts else []
            lines += [f"  {post.creator}: {post.text}".replace("\n", "\n    ") for post in posts]
    return kit.labels.redact("\n".join(lines)) or "(nothing)"


def sent(kit: Kit) -> str:
    return str(kit.trace.list()) or "(nothing)"
