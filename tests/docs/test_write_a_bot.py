"""The page about a bot of one's own: every piece of code on it is run, as it is written there.

Its commands are run in `test_commands.py`.
"""

from __future__ import annotations

from contextlib import closing

import pytest
from contract_world import BOT, examined
from documents import OWN_BOT, texts_of, tokens_in

import botkit
from botkit.lessons import pytest_plugin
from botkit.practice import Clock, World
from botkit.run.new import make_folder

pytest_plugins = ["pytester"]

(TEXT,) = texts_of(OWN_BOT)
BLOCKS = [
    token["raw"]
    for token in tokens_in(TEXT)
    if token["type"] == "block_code" and token["attrs"]["info"] == "python"
]
MYBOT, STAR, PRACTICE, TESTS, GITLAB = BLOCKS
MORE_TESTS = """

def test_star(kit):
    kit.alice.connects("github")
    how = "Say **star OWNER NAME**: it gives a repository a star."
    assert kit.alice.say("star only").text == how
    assert kit.alice.say("star a/b c").text == "Write a space between the owner and the name."
    assert kit.alice.say("star octocat hello").text == "Done."
    github = kit.world.service("github")
    github.answers("PUT /user/starred/octocat/other", None, status=404)
    assert kit.alice.say("star octocat other").text == (
        "GitHub sent no repository with that name (it answered 404)."
    )
    github.answers("PUT /user/starred/octocat/other", None, status=429)
    assert kit.alice.say("star octocat other").text.endswith("Please try again in a moment.")


def test_values_in_practice_may_be_functions_too(kit):
    kit.add(GitLabSkill)
    kit.alice.connects("gitlab")
    assert kit.alice.say("project 7").text == "/projects/7"


def test_the_account_of_a_call(kit):
    kit.alice.connects("github")
    said = kit.alice.say("account").text
    (row,) = kit.storage.find_services()
    assert said == f"{row.account['id']} alice-practice" and said.split()[0].isdigit()


def test_the_built_in_skill_is_not_there_beside_one_with_its_word(kit):
    kit.alice.connects("github")
    assert "I did not understand" in kit.alice.say("profile").text


def test_the_built_in_skill_is_there_beside_one_with_another_word():
    with closing(Kit()) as kit:
        kit.add(GitLabSkill)
        kit.alice.connects("github")
        assert "alice-practice" in kit.alice.say("profile").text


def test_values_may_be_functions(kit):
    kit.alice.connects("github")
    github = kit.world.service("github")
    github.answers("GET /user/repos", lambda asked: [{"name": asked.query["sort"]}])
    assert kit.alice.say("repos").texts == ["created"]
    assert (github.asked[-1].method, github.asked[-1].json) == ("GET", None)


def test_gitlab(kit):
    kit.add(GitLabSkill)
    kit.alice.connects("gitlab")
    assert kit.alice.say("who am I").text == "Alice on GitLab"
    assert kit.alice.say("remember Rome").texts == ["Before: nothing", "Now: Rome"]
    assert kit.alice.say("roll").text != "4"  # nobody has said that
    kit.add(Dice)
    assert kit.alice.say("roll").text == "4"


def test_more_commands_for_github(kit):
    kit.add(More)
    kit.alice.connects("github")
    assert "alice-practice" in kit.alice.say("profile").text
    assert kit.alice.say("hi there").text == "I heard: hi there"
"""
MORE_COMMANDS = """

    @command("account", "shows your account")
    def account(self, call):
        return f"{call.service.account['id']} {call.service.account['name']}"
"""
MORE_SKILLS = '''

class GitLabSkill(Skill):
    """I know GitLab."""

    word, connects_to = "gitlab", gitlab
    title = "My GitLab"
    practice = {"GET /projects/{id}": lambda asked: {"path": asked.path}}

    @command("project NUMBER", "shows a project")
    def project(self, call, number):
        return call.get(f"/projects/{number}")["path"]

    @command("who am I", "says who you are")
    def who(self, call):
        return call.get("/user", having="username")["username"] + " on GitLab"

    @command("remember CITY", "remembers a city")
    def remember(self, call, city):
        yield f"Before: {call.kept.get('city', 'nothing')}"
        call.keep(city=city)
        yield f"Now: {call.kept['city']}"


class Dice(Skill):
    """I roll dice."""

    @command("roll", "rolls a die")
    def roll(self, call):
        return "4"


class More(GitHubSkill):
    """I show more."""

    def on_message(self, call):
        return f"I heard: {call.text}" if call.text.startswith("hi") else None
'''
IMPORTS = "from botkit import CommandError\nfrom botkit.skills import GitHubSkill\n"
CODE = "\n".join([IMPORTS, MYBOT, STAR, PRACTICE, MORE_COMMANDS, GITLAB, MORE_SKILLS])


def test_the_bot_on_the_page_is_the_one_that_new_makes(tmp_path):
    bot, *_ = make_folder("mybot", where=tmp_path)
    assert bot.read_text().endswith(f"\n\n{MYBOT}")


def test_the_code_on_the_page_works(pytester):
    pytester.makepyfile(mybot=CODE)
    names = "from contextlib import closing\nfrom mybot import Dice, GitLabSkill, More\n"
    names += "from botkit.lessons.kit import Kit\n"
    pytester.makepyfile(test_mybot=names + TESTS + MORE_TESTS)
    run = pytester.inline_run(plugins=[pytest_plugin])
    run.assertoutcome(passed=10)


def test_the_description_on_the_page_keeps_the_contract():
    scope: dict = {}
    exec(GITLAB, scope)
    with closing(World(Clock())) as world:
        client_id, secret, server = world.start_any("gitlab")
        provider = world.service("gitlab").play(scope["gitlab"](client_id, secret, server))
        world.register_callbacks({client_id: [f"{BOT}/gitlab/oauth"]})
        report = examined(provider, world)
    assert report.kept and not report.not_tried, report


@pytest.mark.parametrize("name", [one for one in botkit.__all__ if one[0] != "_"])
def test_every_name_that_a_bot_needs_is_there(name):
    assert getattr(botkit, name).__name__ == name


def test_the_page_explains_every_name_of_a_call():
    from botkit.skills import Call

    names = {name for name in vars(Call) if name[0] != "_"} | {"text", "event"}
    assert {name for name in names if f"call.{name}" not in TEXT} == set()
