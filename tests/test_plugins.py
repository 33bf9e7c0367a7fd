"""A skill of one's own by its name: where it is found, and what is said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from botkit import plugins
from botkit.bot import SKILLS, describe
from botkit.errors import SettingsError
from botkit.oauth import Provider
from botkit.settings import (
    PLACE_OF,
    Registration,
    load_settings,
    place_of,
    places_of,
    practice_settings,
    read_skills,
)
from botkit.skills import GitHubSkill, Skill

GITLAB = """
from botkit.oauth import Provider
from botkit.skills import GitHubSkill, Skill, command


def gitlab(client_id, client_secret, server="https://gitlab.com"):
    return Provider(
        name="GitLab",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=server + "/oauth/authorize",
        token_url=server + "/oauth/token",
        api_url=server + "/api/v4",
        scopes=(),
    )


class GitLabSkill(Skill):
    word, connects_to = "gitlab", gitlab


class More(GitHubSkill):
    pass


class Dice(Skill):
    pass


number = 1
"""


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch):
    monkeypatch.setattr(plugins, "_known", {})
    monkeypatch.setattr(plugins, "offered", dict)


@pytest.fixture
def module(tmp_path, monkeypatch) -> str:
    """The name of a module of one's own, in the current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    name = f"own_{abs(hash(str(tmp_path)))}"
    (folder / f"{name}.py").write_text(GITLAB)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return name


# ---- names -------------------------------------------------------------------------------------


def test_names_are_read_in_the_order_of_their_turns(module):
    own = f"{module}:GitLabSkill"
    assert read_skills(f"{own}, Sheets github {own}") == ("github", "sheets", own)


def test_an_entry_point_has_a_short_name(module, monkeypatch):
    monkeypatch.setattr(plugins, "offered", lambda: {"lab": f"{module}:GitLabSkill"})
    assert read_skills("LAB") == ("lab",)
    assert plugins.find_class("lab").word == "gitlab"


@pytest.mark.parametrize(
    ("name", "happened", "advice"),
    [
        ("nope", "names a skill that does not exist.", "Write one or more of: github, drive, sh"),
        ("no_such.part:X", "there is no module no_such here.", "Start in the folder in which no_"),
        ("json:Nothing", "but json has no Nothing.", "Check what you wrote after the colon."),
        ("json:dumps", "but that is no skill.", "Write the name of the class after the colon."),
        ("json:JSONDecoder", "but that is no skill.", "Write the name of the class after the"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_to_write(name, happened, advice):
    with pytest.raises(SettingsError) as caught:
        read_skills(name)
    assert str(caught.value).endswith(happened) and caught.value.advice.startswith(advice)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import json\njson.loads('{')\n", ", line 2): JSONDecodeError: "),
        ("x = 1\ny = 1 / 0\n", ", line 2): ZeroDivisionError: division by zero."),
        ("x = 1\nclass X(\n", ", line 2): SyntaxError: "),
        ("import no_such_package\n", ", line 1): ModuleNotFoundError: No module named "),
    ],
)
def test_a_mistake_in_the_module_is_told_with_its_line(module, text, words):
    broken = f"{module}_broken"
    Path(f"{broken}.py").write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_skills(f"{broken}:X")
    assert f"but {broken} cannot be imported ({broken}.py{words}" in str(caught.value)
    assert caught.value.advice.endswith(f'python -c "import {broken}"')


# ---- what they need ----------------------------------------------------------------------------


def test_the_table_of_names_agrees_with_the_classes():
    assert {name: place_of(skill) for name, skill in SKILLS.items()} == PLACE_OF
    assert [skill.word for skill in SKILLS.values()] == list(PLACE_OF)


def test_its_place_is_made_of_its_word(module):
    (name, place) = next(iter(places_of([f"{module}:GitLabSkill"]).items()))
    assert (name, place.title, place.server) == ("gitlab", "GitLab", "https://gitlab.com")
    assert place.credentials == ("GITLAB_CLIENT_ID", "GITLAB_CLIENT_SECRET")
    assert place.server_variable == "GITLAB_SERVER"
    assert places_of([f"{module}:Dice"]) == {}
    assert list(places_of([f"{module}:More", "github"])) == ["github"]


def test_its_credentials_make_it_live(module):
    variables = {"GITLAB_CLIENT_ID": "id", "GITLAB_CLIENT_SECRET": "s", "GITHUB_CLIENT_ID": "g"}
    variables |= {"GITHUB_CLIENT_SECRET": "s", "BOTKIT_SKILLS": f"{module}:GitLabSkill"}
    settings = load_settings(variables)
    assert settings.registration_for(f"{module}:GitLabSkill") == Registration(
        "id", "s", "https://gitlab.com"
    )
    assert settings.skills == (f"{module}:GitLabSkill",)
    (described,) = (describe(plugins.find_class(one), Registration("i", "s", "https://x.example"))
                    for one in settings.skills)  # fmt: skip
    assert (described.slug, described.token_url) == ("gitlab", "https://x.example/oauth/token")


def test_code_is_named_in_the_environment_or_in_this_folder_only(module, tmp_path, monkeypatch):
    here = f"BOTKIT_SKILLS={module}:GitLabSkill\n"
    Path(".env").write_text(here)
    assert load_settings({}).skills == (f"{module}:GitLabSkill",)
    below = Path("below")
    below.mkdir()
    monkeypatch.chdir(below)
    with pytest.raises(
        SettingsError, match=r"names code of your own in .*which is above this fold"
    ):
        load_settings({})
    assert load_settings({"BOTKIT_SKILLS": "github"}).skills == ("github",)
    assert practice_settings().skills == ("github",)  # a lesson starts also here
    assert load_settings({"BOTKIT_SKILLS": f"{module}:Dice"}).skills == (f"{module}:Dice",)


class Odd(Skill):
    """I am odd."""

    word = "odd"


def no_provider(client_id, client_secret):
    return None


def without_secret(client_id):
    return None


def another_slug(client_id, client_secret):
    here = "https://odd.example"
    return Provider("Odd", client_id, client_secret, here, here, here, (), slug="other")


@pytest.mark.parametrize(
    ("connects_to", "words"),
    [
        (no_provider, "no_provider returned a NoneType."),
        (
            without_secret,
            "without_secret takes other arguments than a client id and",
        ),
        (another_slug, "Odd has the word 'odd', and its provider the slug 'other'."),
    ],
)
def test_a_description_that_does_not_fit_is_refused(monkeypatch, connects_to, words):
    monkeypatch.setattr(Odd, "connects_to", connects_to, raising=False)
    with pytest.raises(SettingsError) as caught:
        describe(Odd, Registration("id", "s", ""))
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("skill", "name"),
    [
        (type("GitLabSkill", (Skill,), {"word": "gitlab"}), "GitLab"),
        (type("Mine", (Skill,), {"word": "git-lab"}), "Git-lab"),
        (type("Mine", (Skill,), {"word": "gitlab", "title": "My GitLab"}), "My GitLab"),
        (type("DiceSkill", (Skill,), {}), "Dice"),
        (GitHubSkill, "GitHub"),
    ],
)
def test_a_service_has_a_name_before_it_is_described(skill, name):
    assert plugins.name_of(skill) == name


@pytest.mark.parametrize(
    ("line", "happened"),
    [
        ('raise TypeError("Write it as def x(self).")', "TypeError: Write it as def x(self)."),
        ("raise TypeError", "TypeError."),
    ],
)
def test_a_mistake_in_a_module_ends_with_one_full_stop(module, line, happened):
    Path(f"{module}.py").write_text(line)
    with pytest.raises(SettingsError) as caught:
        plugins.find_class(f"{module}:Odd")
    assert str(caught.value).endswith(f"{module}.py, line 1): {happened}")
