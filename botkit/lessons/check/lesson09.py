"""Check the exercise of lesson 09: reading a list of changes, page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from botkit.lessons.check.verdict import NotYet, verdict, want

_A, _B, _C = ({"fileId": name} for name in "abc")
_LAST = {"newStartPageToken": "end"}
# What each bookmark leads to; every list begins at "start".
_LISTS: Mapping[str, dict[str, dict[str, Any]]] = {
    "there is one page": {"start": {"changes": [_A, _B], **_LAST}},
    "nothing has changed": {"start": {"changes": [], **_LAST}},
    "there are three pages": {
        "start": {"changes": [_A], "nextPageToken": "two"},
        "two": {"changes": [_B], "nextPageToken": "three"},
        "three": {"changes": [_C], **_LAST},
    },
    "a page in the middle is empty": {
        "start": {"changes": [_A], "nextPageToken": "two"},
        "two": {"changes": [], "nextPageToken": "three"},
        "three": {"changes": [_B], **_LAST},
    },
    "a page has no `changes` at all": {
        "start": {"nextPageToken": "two"},
        "two": {"changes": [_C], **_LAST},
    },
}
_MOST = 10  # requests; after that it goes round in circles


@verdict
def read_changes(read_changes: Callable[[Callable[[str], Any], str], Any]) -> str:
    """Check `read_changes(get_page, bookmark)` with lists of one page and more."""
    for when, pages in _LISTS.items():
        found = _run(read_changes, when, pages)
        pair = isinstance(found, tuple | list) and len(found) == 2
        want(pair, f"when {when}, you return {found!r}; wanted: the changes and the new bookmark.")
        changes, bookmark = found
        wanted = [change for page in pages.values() for change in page.get("changes", [])]
        want(
            isinstance(changes, list) and changes == wanted,
            f"when {when}, you return the changes {changes!r}; wanted: {wanted!r}, one list with "
            "all of them. If a change is missing, the chat never hears of it.",
        )
        want(
            bookmark == "end",
            f"when {when}, your new bookmark is {bookmark!r}; wanted: 'end', the newStartPageToken "
            "of the last page. With another one, changes come again or are lost.",
        )
    return "All pages are read, and the bookmark moves only at the end. Nothing is lost."


def _run(
    read_changes: Callable[[Callable[[str], Any], str], Any],
    when: str,
    pages: Mapping[str, dict[str, Any]],
) -> Any:
    asked: list[str] = []

    def get(token: str) -> Any:
        asked.append(token)
        want(
            len(asked) <= _MOST,
            f"when {when}, your loop does not end. Do you ask for the same page again?",
        )
        want(token in pages, f"when {when}, you ask for the page {token!r}, which no page named.")
        return deepcopy(pages[token])

    try:
        return read_changes(get, "start")
    except (NotImplementedError, NotYet):
        raise
    except KeyError as error:
        raise NotYet(
            f"when {when}, your code wants {error} of a page that does not have it. A page has "
            "`nextPageToken` or `newStartPageToken`, and may have no `changes`."
        ) from error
    except Exception as error:
        name = type(error).__name__
        raise NotYet(f"when {when}, your code stops with {name}: {error}") from error
