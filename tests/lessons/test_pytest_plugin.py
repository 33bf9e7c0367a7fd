"""botkit's plug-in for pytest, as the tests of a bot of one's own use it."""

from __future__ import annotations

import tomllib
from contextlib import closing
from dataclasses import replace

from documents import ROOT

from botkit.lessons import pytest_plugin
from botkit.lessons.kit import PRACTICE, Kit

pytest_plugins = ["pytester"]

MYBOT = '''
from botkit.providers import github
from botkit.skills import Skill, command


class Mybot(Skill):
    """I list your GitHub repositories."""

    word, connects_to = "github", github
    practice = {"GET /user/repos": [{"name": "hello-world"}]}

    @command("repos", "lists your newest repositories")
    def repos(self, call):
        return "\\\\n".join(repo["name"] for repo in call.get("/user/repos", what="repositories"))
'''
TESTS = """
import pytest
from mybot import Mybot


@pytest.fixture
def kit(kit):
    kit.add(Mybot)
    return kit


def test_repos(kit):
    kit.alice.connects("github")
    assert kit.alice.say("repos").text == "hello-world"
    kit.world.service("github").answers("GET /user/repos", {}, status=503)
    assert "sent no repositories" in kit.alice.say("repos").text
    assert kit.world.service("github").asked[-1].path == "/user/repos"


def test_a_mistake(kit):
    kit.alice.connects("github")
    kit.world.service("github").answers("GET /user/repos", [{}])
    kit.alice.say("repos")


def test_a_trip_that_leads_nowhere(kit):
    kit.alice.connects("github")
    with pytest.raises(LookupError, match="The bot sent no link for 'gitlab'. It said: I did not"):
        kit.alice.connects("gitlab")
    kit.alice.browser.visit = lambda link: Denied()
    with pytest.raises(LookupError, match="The trip ended on this page:"):
        kit.alice.connects("github")


class Denied:
    heading = text = "Not connected"

    def approve(self):
        return self
"""


def test_a_bot_of_ones_own_is_tested_like_this(pytester):
    pytester.makepyfile(mybot=MYBOT, test_mybot=TESTS)
    run = pytester.inline_run(plugins=[pytest_plugin])
    passed, _, failed = run.listoutcomes()
    assert [one.nodeid.rpartition("::")[2] for one in passed] == [
        "test_repos",
        "test_a_trip_that_leads_nowhere",
    ]
    (report,) = failed
    text = report.longreprtext
    assert "KeyError: 'name'" in text and "mybot.py" in text
    assert "It was Mybot.repos that failed (mybot.py, line" in text
    assert "turns.py" not in text and "people.py" not in text
    sections = dict(report.sections)
    assert "Alice: repos" in sections["What was said"]
    assert "GET /api/v3/user/repos [200]" in sections["What was sent"]
    assert "Captured log call" not in sections


def test_a_description_that_cannot_be_right_is_told_without_a_line_of_botkit(pytester):
    wrong = MYBOT.replace('word, connects_to = "github", github', 'word = "tea"').replace(
        "from botkit.skills", "from botkit import Provider\nfrom botkit.skills"
    )
    wrong += """
    def connects_to(client_id, client_secret):
        return Provider("Tea", client_id, client_secret, "https://tea", "tea", "https://tea", ())
"""
    pytester.makepyfile(mybot=wrong, test_mybot=TESTS)
    _, _, failed = pytester.inline_run("-k", "repos", plugins=[pytest_plugin]).listoutcomes()
    (text,) = [report.longreprtext for report in failed]
    assert "token_url is 'tea'; wanted: a whole address" in text and "kit.add(Mybot)" in text
    assert "kit.py" not in text and "describe.py" not in text


def test_in_a_chat_with_confirmation_the_code_is_said():
    with closing(Kit(replace(PRACTICE, confirm=True))) as strict:
        assert strict.alice.connects("github").text.startswith("Connected to GitHub as **alice-pr")


def test_the_project_says_where_pytest_finds_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = pytest_plugin.__name__  # on both sides: pytest refuses a module that has two names
    assert project["entry-points"]["pytest11"] == {name: name}
    (wanted,) = project["optional-dependencies"]["test"]
    assert wanted.startswith("pytest>=")
