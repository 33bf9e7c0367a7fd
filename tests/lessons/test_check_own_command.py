"""The check of lesson 12: a right command is accepted, and each mistake gets its own sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from botkit.errors import CommandError
from botkit.lessons import check
from botkit.lessons.kit import Kit
from botkit.providers import github
from botkit.skills import Skill, command


class Mybot(Skill):
    """I list your GitHub repositories."""

    word, connects_to = "github", github

    @command("repos", "lists your newest repositories")
    def repos(self, call):
        return "none"


def mine(method):
    """The class of the exercise with this method."""
    return type("Mine", (Mybot,), {"stars": command("stars NAME", "counts")(method)})


def right(self, call, name):
    if "/" in name:
        raise CommandError("Write the name of the repository alone.")
    path = f"/repos/{call.service.account['name']}/{name}"
    count = call.get(path, what="repository with that name")["stargazers_count"]
    return f"{name} has {count} star{'' if count == 1 else 's'}."


def unsolved(self, call, name):
    raise NotImplementedError


def unlike(text, other):
    """The right method with one change in what it returns."""

    def stars(self, call, name):
        return right(self, call, name).replace(text, other)

    return stars


def without_guard(self, call, name):
    return right(self, call, name.replace("/", "%2F"))


def without_what(self, call, name):
    if "/" in name:
        raise CommandError("No.")
    count = call.get(f"/repos/bob-practice/{name}")["stargazers_count"]
    return f"{name} has {count} star{'' if count == 1 else 's'}."


def for_alice(self, call, name):
    return str(call.get(f"/repos/alice-practice/{name}"))


def broken(self, call, name):
    return call.get(f"/repos/bob-practice/{name}")["stars"]


def refusing(self, call, name):
    if "/" in name:
        raise ValueError("no")
    return right(self, call, name)


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    kit = Kit()
    yield kit
    kit.close()


def test_a_right_command_is_accepted_twice(kit):
    for _ in range(2):
        verdict = check.own_command(mine(right), kit)
        assert verdict.solved, verdict
    assert not kit.mishaps.raising


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (unsolved, "the cell above still waits for your lines"),
        (unlike("stars.", "star."), "was answered with: tea-shop has 3 star. Wanted: tea-shop has"),
        (unlike("1 star.", "1 stars."), "was answered with: blog has 1 stars. Wanted: blog has 1"),
        (for_alice, "For Bob the path is /repos/bob-practice/tea-shop"),
        (without_what, "Wanted: GitHub sent no repository with that name"),
        (without_guard, "“stars octocat/hello” sent a request to GitHub"),
        (broken, "your code stopped with KeyError: 'stars'"),
        (refusing, "your code stopped with ValueError: no"),
    ],
)
def test_a_mistake_gets_its_own_sentence(kit, method, words):
    verdict = check.own_command(mine(method), kit)
    assert not verdict.solved and words in verdict.text, verdict
    assert not kit.mishaps.raising


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((right,), "the check needs your class"),
        ((mine(right),), "give it `kit`, too"),
        ((None,), "give the check the function itself"),
    ],
)
def test_what_cannot_be_checked_is_said(given, words):
    verdict = check.own_command(*given)
    assert not verdict.solved and words in verdict.text
