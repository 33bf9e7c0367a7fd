"""`python -m botkit check-provider` tests the description of a service, in practice and live."""

from __future__ import annotations

import sys
from contextlib import closing
from types import SimpleNamespace

import pytest
from described import gitlab, spotify

from botkit import __main__ as command_line
from botkit.errors import SettingsError
from botkit.lessons import check_provider
from botkit.lessons.check.provider import PracticeOwner
from botkit.oauth import Provider
from botkit.practice import Browser, Clock, World
from botkit.providers.describe import CORRECT
from botkit.skills import Skill

REDIRECT_URI = "http://127.0.0.1:8090/gitlab/oauth"


class GitLabSkill(Skill):
    """I know GitLab."""

    word, connects_to = "gitlab", gitlab


def discovered(client_id: str, client_secret: str, server: str = "https://lab.example") -> Provider:
    keys = {"client_id": client_id, "client_secret": client_secret}
    return Provider.discover(server, name="Lab", **keys, api_url=server, scopes=("openid",))


@pytest.fixture(autouse=True)
def mybot(monkeypatch):
    """The module of a bot of one's own."""
    module = SimpleNamespace(
        gitlab=gitlab, spotify=spotify, GitLabSkill=GitLabSkill, lab=discovered, number=7
    )
    monkeypatch.setitem(sys.modules, "mybot", module)


@pytest.mark.parametrize("name", ["gitlab", "spotify", "GitLabSkill", "lab"])
def test_a_description_is_played_and_tested(name, capsys):
    assert command_line.main(["check-provider", f"mybot:{name}"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("A practice service plays what is described.")
    assert "✔ exchange" in shown and "✘" not in shown and "127.0.0.1" not in shown


def test_what_is_wrong_is_a_line_and_an_exit_status(monkeypatch, capsys):
    def wrong(client_id, client_secret):
        facts = vars(spotify(client_id, client_secret))
        return Provider(**{**facts, "account_url": None})

    monkeypatch.setattr(sys.modules["mybot"], "spotify", wrong)
    assert command_line.main(["check-provider", "mybot:spotify"]) == 1
    assert "✘ account      There is no account_url" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_auth": "header"}, "client_auth is 'header'; wanted: 'body' or 'basic'."),
        ({"client_auths": "basic"}, "spotify failed with TypeError: Provider.__init__() got an"),
        ({"scopes": ["read"]}, "scopes is ['read']; wanted: a tuple of names"),
    ],
)
def test_a_wrong_field_gets_a_sentence(monkeypatch, capsys, changes, words):
    def wrong(client_id, client_secret):
        facts = vars(spotify(client_id, client_secret))
        return Provider(**{**facts, **changes})

    wrong.__name__ = "spotify"
    monkeypatch.setattr(sys.modules["mybot"], "spotify", wrong)
    assert command_line.main(["check-provider", "mybot:spotify"]) == 1
    said = capsys.readouterr().err
    assert words in said and said.endswith(f" {CORRECT}\n")


def test_what_only_the_real_service_can_show_is_named(capsys):
    command_line.main(["check-provider", "mybot:spotify"])
    unseen = " ".join(capsys.readouterr().out.rpartition("not seen")[2].split())
    assert "client_auth" in unseen and "--live" in unseen and "api_url" in unseen


@pytest.mark.parametrize("command", ["discover", "check-provider"])
def test_a_service_out_of_reach_gets_advice_for_a_terminal(capsys, command):
    assert command_line.main([command, "http://127.0.0.1:9"]) == 1
    said = capsys.readouterr().err
    assert said.endswith(" Check the network and the address. Then run the command again.\n")


def test_an_issuer_is_asked_and_played():
    with closing(World(Clock())) as world:
        *_, issuer = world.start_any("lab")
        report = check_provider.in_practice(issuer)
    assert report.kept, report


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("mybot:nothing", "You named mybot:nothing, but mybot has no nothing."),
        ("mybot:number", "You named mybot:number, but that is no function."),
        ("mybot", "You named mybot, but that is no name of something in a module."),
    ],
)
def test_what_is_no_description_gets_a_sentence(description, words):
    with pytest.raises(SettingsError) as caught:
        check_provider.in_practice(description)
    assert str(caught.value) == words


def test_two_hosts_with_one_path_are_tried_live(monkeypatch):
    def odd(client_id, client_secret):
        facts = vars(spotify(client_id, client_secret))
        return Provider(**{**facts, "token_url": "https://api.spotify.com/authorize"})

    monkeypatch.setattr(sys.modules["mybot"], "spotify", odd)
    with pytest.raises(SettingsError, match="have the same path") as caught:
        check_provider.in_practice("mybot:spotify")
    assert caught.value.advice == "Try it live: add --live."


# ---- live --------------------------------------------------------------------------------------


class Person:
    """Somebody at a terminal with a browser, who pastes the address at which it ended."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.owner = PracticeOwner(Browser(), REDIRECT_URI)

    def paste(self, question: str) -> str:
        if "Client secret" in question:
            return self.secret
        asked, link = self.told[-1].rsplit("\n", 1)
        query = self.owner.decide(link, approve="press Approve" in asked)
        return f"{REDIRECT_URI}?{query}#_=_"


def test_a_person_at_a_browser_tests_the_real_service(monkeypatch):
    monkeypatch.delenv("GITLAB_CLIENT_ID", raising=False)
    person = Person()
    with closing(World(Clock())) as world:
        client_id, person.secret, server = world.start_any("gitlab")
        world.service("gitlab").play(gitlab(client_id, person.secret, server))
        world.register_callbacks({client_id: [REDIRECT_URI]})
        monkeypatch.setattr(sys.modules["mybot"], "gitlab", lambda i, s: gitlab(i, s, server))
        report = check_provider.with_person(
            "mybot:gitlab",
            ask=lambda _: client_id,
            ask_secretly=person.paste,
            say=person.told.append,
        )
    assert report.kept, report
    assert "--live" not in str(report)
    assert person.told[0] == f"This callback URL must be registered at GitLab: {REDIRECT_URI}"
    assert person.secret not in str(report) + "".join(person.told)


def test_the_settings_have_the_credentials(monkeypatch):
    monkeypatch.setenv("GITLAB_CLIENT_ID", "id")
    monkeypatch.setenv("GITLAB_CLIENT_SECRET", "planted")
    told: list[str] = []
    report = check_provider.with_person(
        "mybot:gitlab",
        "https://bot.example/x",
        ask_secretly=lambda _: "https://bot.example/x",
        say=told.append,
    )
    assert told[0].endswith("https://bot.example/x") and "client_id=id&" in told[1]
    assert "The address that was pasted has no query." in report["deny"].text
