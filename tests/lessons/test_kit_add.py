"""Skills of one's own in a kit: `kit.add`, and what becomes of the skills that were there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from described import linear

from botkit.errors import SettingsError
from botkit.lessons.kit import PRACTICE, Kit
from botkit.oauth import Provider
from botkit.plugins import register
from botkit.providers import github
from botkit.settings import Registration
from botkit.skills import GitHubSkill, Skill, command


def lab(client_id: str, client_secret: str) -> Provider:
    """A service with two hosts, so its description takes no server."""
    return Provider(
        name="Lab",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url="https://accounts.lab.example/ask",
        token_url="https://accounts.lab.example/token",
        api_url="https://api.lab.example/v2",
        scopes=("read",),
        account_url="https://api.lab.example/v2/me",
        account_name_field="nick",
    )


class LabSkill(Skill):
    """I know your lab."""

    word, connects_to = "lab", lab
    practice = {"GET /things": [{"name": "one"}, {"name": "two"}]}

    @command("things", "lists your things")
    def things(self, call):
        return "\n".join(one["name"] for one in call.get("/things", what="things"))


class Dice(Skill):
    """I roll dice."""

    @command("roll", "rolls a die")
    def roll(self, call):
        return "4"

    @command("ask", "asks a service")
    def ask(self, call):
        return call.get("/x")


class More(GitHubSkill):
    """I show profiles and repositories."""

    practice = {"GET /user/repos": [{"name": "hello"}]}

    @command("repos", "lists")
    def repos(self, call):
        return str(call.get("/user/repos")[0]["name"])


def connect(kit: Kit, word: str) -> None:
    kit.alice.say(f"connect {word}")
    kit.alice.browser.visit(kit.alice.link).approve()
    kit.alice.reads()


@pytest.fixture(scope="module")
def full() -> Iterator[Kit]:
    """A kit with all of them, and Alice is connected."""
    kit = Kit()
    for skill in (LabSkill, Dice, More):
        kit.add(skill)
    connect(kit, "lab")
    connect(kit, "github")
    yield kit
    kit.close()


def test_the_whole_trip_stays_on_this_computer(full):
    assert full.alice.say("things").text == "one\ntwo"
    provider = full.bot.provider("Lab")
    urls = [provider.authorize_url, provider.token_url, provider.api_url, provider.account_url]
    assert {url.split("/")[2].split(":")[0] for url in urls} == {"127.0.0.1"}
    assert full.world.service("lab").asked[-1].account == "alice"
    assert "Lab" in {one.receiver for one in full.trace}
    assert repr(full).startswith("Practice world: the chat, GitHub, Lab and the bot run")


def test_one_that_extends_a_skill_takes_its_place_and_its_connections(full):
    assert full.alice.say("repos").text == "hello"
    assert "alice-practice" in full.alice.say("profile").text
    assert [type(skill) for skill in full.bot.services] == [LabSkill, More]


def test_one_without_a_service_has_no_connection(full):
    assert full.alice.say("roll").text == "4"
    assert "connect dice" not in full.alice.say("help").text
    talk = full.alice.say("ask")
    assert "LookupError: Dice works with no service. Write word and connects_to" in talk.mishap
    assert full.alice.say("connect dice").text.startswith("I did not understand that.")


def test_a_bot_may_have_one_skill_alone_that_needs_no_service():
    with closing(Kit(replace(PRACTICE, skills=(register(Dice),)))) as kit:
        assert kit.bot.services == [] and kit.settings.services == {}
        assert kit.alice.say("connect").text == "You are not connected yet."
        said = kit.alice.say("what?").text
        assert said.splitlines() == [
            "I did not understand that.",
            "I understand:",
            "* **roll** rolls a die",
            "* **ask** asks a service",
            "* **help** shows this list",
        ]
        assert "Hello! I roll dice. Mention me and say **roll** to begin." in kit.transcript()
        assert "](" not in kit.transcript()


def test_a_class_from_a_cell_that_runs_again_replaces_the_former_one(full):
    for answer in ("5", "6"):
        again = type("Dice", (Dice,), {"__module__": __name__, "__qualname__": "Dice"})
        again.roll = lambda self, call, answer=answer: answer
        full.add(again)
        assert full.alice.say("roll").text == answer
    assert [type(one).__name__ for one in full.bot.added].count("Dice") == 1
    full.add(LabSkill)
    assert full.alice.say("things").text == "one\ntwo"


def test_a_built_in_service_stays_protected_after_it_was_extended(full):
    other = lab("id", "s")
    for changes in ({"name": "GitHub", "slug": "github"}, {"name": "GitHub"}, {"slug": "github"}):
        facts = {**vars(other), "slug": "other", **changes}
        with pytest.raises(ValueError, match="belongs to GitHub here"):
            full.bot.add(LabSkill, Provider(**facts))


def test_a_skill_with_the_same_description_replaces_a_built_in_one():
    class Hi(Skill):
        """I say hi."""

        word, connects_to = "github", github

        @command("hi", "says hi")
        def hi(self, call):
            return f"Hi, {call.service.account['name']}."

    with closing(Kit()) as kit:
        kit.bot.add(Hi, kit.github)
        connect(kit, "github")
        assert kit.alice.say("hi").text == "Hi, alice-practice."
        assert "profile" not in kit.alice.say("help").text


def test_a_service_that_does_not_say_whose_account_it_is_is_connected_without_a_name():
    class Linbot(Skill):
        """I know Linear."""

        word, connects_to = "linear", linear

        @command("hi", "says hi")
        def hi(self, call):
            return f"Hi. {dict(call.service.account)}"

    with closing(Kit()) as kit:
        kit.add(Linbot)
        said = kit.alice.connects("linear").text
        assert said == "Connected to Linear. **hi** says hi."
        assert kit.alice.say("hi").text == "Hi. {}"


def test_a_live_service_is_not_practised():
    live = Registration("id", "s", "")
    with closing(Kit(PRACTICE.with_registration("lab", live))) as kit:
        kit.add(LabSkill)
        assert kit.bot.provider("Lab").token_url == "https://accounts.lab.example/token"
        assert not kit.world.has("lab")
        assert repr(kit).startswith("Live: Lab.")


def test_what_cannot_be_practised_is_said(full):
    class Wrong(LabSkill):
        word = "wrong"
        practice = {"things": []}

    with pytest.raises(SettingsError, match="Wrong cannot be practised: 'things' is not a request"):
        full.add(Wrong)
    assert full.alice.say("roll").text  # nothing has changed
