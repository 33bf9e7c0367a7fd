"""What is set from outside: read once, checked before anything starts, and never shown."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from botkit.bot import Bot
from botkit.errors import BotkitError, SettingsError
from botkit.run.address import BrowserAddress, PublicAddress, choose_address, find_browser_address
from botkit.settings import (
    PLACES,
    Registration,
    Settings,
    known_variables,
    load_settings,
    practice_settings,
)
from botkit.storage.seal import new_key

ROOT = Path(__file__).parent.parent
GITHUB = {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "planted-secret"}
PLACES_LIVE = {name: "x" for place in PLACES.values() for name in place.credentials}
ALL_LIVE = PLACES_LIVE | {
    "RINGCENTRAL_CHATBOT_SERVER": "https://bot.example.com",
    "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": "sqlite://",
    "BOTKIT_SECRET_KEY": new_key(),
    "BOTKIT_SKILLS": "github, drive, sheets, ringcentral",
}


@pytest.fixture
def load(tmp_path):
    def load(written: str = "", **environment: str) -> Settings:
        file = tmp_path / ".env"
        file.write_text(written, encoding="utf-8")
        return load_settings(environment, env_file=file)

    return load


def test_with_nothing_set_everything_is_practice(load):
    assert load() == Settings()


def test_credentials_make_a_system_live_and_only_that_one(load):
    settings = load(**GITHUB)
    assert settings.registrations["github"] == Registration(
        "id", "planted-secret", "https://github.com"
    )
    assert list(settings.registrations) == ["github"] and settings.chatbot is None


def test_all_names_of_the_original_are_understood(load):
    settings = load(
        **GITHUB,
        RINGCENTRAL_SERVER="https://platform.devtest.ringcentral.com/",
        RINGCENTRAL_CHATBOT_CLIENT_ID="bot",
        RINGCENTRAL_CHATBOT_CLIENT_SECRET="s",
        RINGCENTRAL_CHATBOT_SERVER="https://bot.example.com",
        RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI="sqlite:///x.sqlite",
        RINGCENTRAL_APP_CLIENT_ID="app",
        RINGCENTRAL_APP_CLIENT_SECRET="s",
        GOOGLE_API_CLIENT_ID="google",
        GOOGLE_API_CLIENT_SECRET="s",
    )
    sandbox = "https://platform.devtest.ringcentral.com"
    assert settings.chatbot == Registration("bot", "s", sandbox)
    assert settings.registrations["ringcentral_app"] == Registration("app", "s", sandbox)
    assert settings.registrations["google"] == Registration(
        "google", "s", "https://www.googleapis.com"
    )
    assert settings.public_address == "https://bot.example.com"
    assert settings.database == "sqlite:///x.sqlite"


def test_the_environment_wins_over_the_file(load):
    written = "GITHUB_CLIENT_ID=file\nGITHUB_CLIENT_SECRET=file\nBOTKIT_PORT=8090\n"
    settings = load(written, GITHUB_CLIENT_ID="environment")
    assert settings.registrations["github"] == Registration(
        "environment", "file", "https://github.com"
    )
    assert settings.port == 8090
    assert load(written, GITHUB_CLIENT_ID="", GITHUB_CLIENT_SECRET="").registrations == {}


def test_the_file_is_found_in_a_folder_above(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("BOTKIT_PORT=8091\n")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert load_settings({}).port == 8091


def test_practice_can_be_forced_whatever_else_is_set(load):
    settings = load(
        BOTKIT_PRACTICE="1",
        **GITHUB,
        NGROK_AUTHTOKEN="t",
        GITHUB_SERVER="nonsense",
        BOTKIT_PORT="9",
    )
    assert settings == Settings(practice=True, port=9)


WRONG = {
    "half of GitHub": ({"GITHUB_CLIENT_ID": "id"}, "GITHUB_CLIENT_SECRET is not"),
    "the other half": ({"GITHUB_CLIENT_SECRET": "planted-secret"}, "GITHUB_CLIENT_ID is not"),
    "a path": ({"RINGCENTRAL_CHATBOT_SERVER": "https://b.example/x"}, "RINGCENTRAL_CHATBOT_SERVER"),
    "a query": ({"RINGCENTRAL_CHATBOT_SERVER": "https://b.example/?a"}, "before or after the host"),
    "a user": ({"RINGCENTRAL_CHATBOT_SERVER": "https://u:p@b.example"}, "before or after the host"),
    "http": ({"RINGCENTRAL_CHATBOT_SERVER": "http://b.example"}, "begins with http"),
    "no address": ({"RINGCENTRAL_CHATBOT_SERVER": "b.example"}, "is not a web address"),
    "a port of words": ({"RINGCENTRAL_CHATBOT_SERVER": "https://b:x"}, "is not a web address"),
    "another scheme": ({**GITHUB, "GITHUB_SERVER": "ftp://g.example"}, "GITHUB_SERVER is not"),
    "a port": ({"BOTKIT_PORT": "eighty"}, "BOTKIT_PORT is not a port"),
    "a port too high": ({"BOTKIT_PORT": "65536"}, "BOTKIT_PORT is not a port"),
    "yes": ({"BOTKIT_PRACTICE": "yes"}, "BOTKIT_PRACTICE is neither 0 nor 1"),
    "a domain": ({"NGROK_DOMAIN": "name/path"}, "NGROK_DOMAIN is not a domain"),
    "a database": (
        {"RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": "mydb:planted-secret"},
        "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_work_is_refused_by_name_and_without_its_value(load, what):
    environment, sentence = WRONG[what]
    with pytest.raises(SettingsError) as caught:
        load(**environment)
    assert sentence in str(caught.value) and caught.value.advice
    assert "planted-secret" not in str(caught.value) + caught.value.advice


NONSENSE = [
    "two",
    "-1",
    "²",
    "9" * 5000,
    "\udcff",
    "\0",
    "a\nb",
    "https://a b",
    "https://a\nb",
    "https://[::1",
    "https://a:b",
    "postgresql+psycopg://u:p@h:port/n",
    "postgresql+psycopg://h/n?nonsense=1",
    "sqlite:///x?timeout=abc",
    "..:X",
    "os:getcwd",
    "{port}",
]


@pytest.mark.parametrize("value", NONSENSE, ids=ascii)
@pytest.mark.parametrize("name", [variable.name for variable in known_variables()])
def test_nonsense_in_a_variable_is_refused_by_its_name_or_can_be_used(load, name, value):
    """A bot that was made from it has links, forms and headers that can be sent."""
    try:
        settings = load(**{**ALL_LIVE, name: value})
        with closing(Bot(settings)) as bot:
            facts = [fact for one in bot.added for fact in vars(one.provider).items()]
    except BotkitError as error:
        says = "The database" if name.endswith("_URI") else name.removesuffix("_SERVER")
        assert says in str(error) or name in str(error)
        return
    texts = [(field, text) for field, text in facts if isinstance(text, str)]
    texts += [("url", settings.public_address or "")]
    assert "".join(text for _, text in texts).isprintable()
    assert not [text for field, text in texts if field.endswith("url") and " " in text]


def test_settings_show_no_secret(load):
    shown = repr(load(**GITHUB, NGROK_AUTHTOKEN="planted-secret"))
    assert "planted-secret" not in shown and "client_id='id'" in shown


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8090/", "http://localhost:8090", "https://b"]
)
def test_loopback_may_do_without_https(load, address):
    settings = load(RINGCENTRAL_CHATBOT_SERVER=address)
    assert settings.public_address == address.rstrip("/")


GOOD = [
    "https://hub.example.org/hub/user-redirect/proxy/{port}",
    "https://hub.example.org/hub/user-redirect/proxy/{port}/",
    "HTTPS://fluffy-owl-{port}.app.github.dev",
    "http://192.0.2.7:8000/user/ann/proxy/{port}",
]
BAD = {
    "hub.example.org/{port}": "is not a web address",
    "ftp://hub.example.org/{port}": "is not a web address",
    "https://{port}/x y": "is not a web address",
    "https://hub example.org/{port}": "is not a web address",
    "https://hub.example.org/a/../{port}": "is not a web address",
    "https://[hub/{port}": "is not a web address",
    "https:///{port}": "is not a web address",
    "https://hub.example.org/?port={port}": "has something after its path",
    "https://hub.example.org/#{port}": "has something after its path",
    "https://ann:planted-secret@hub.example.org/{port}": "has something after its path",
    "https://hub.example.org/proxy/8090": "does not have {port} in it once",
    "https://hub-{port}.example.org/{port}": "does not have {port} in it once",
}


@pytest.mark.parametrize("pattern", GOOD)
def test_how_a_browser_gets_here_can_be_set(load, monkeypatch, pattern):
    assert load(BOTKIT_PUBLIC_URL=pattern).public_url == pattern.rstrip("/")
    assert load(BOTKIT_PUBLIC_URL=pattern, BOTKIT_PRACTICE="1").public_url == pattern.rstrip("/")
    monkeypatch.setenv("BOTKIT_PUBLIC_URL", pattern)
    assert practice_settings() == Settings(practice=True, public_url=pattern.rstrip("/"))


@pytest.mark.parametrize("pattern", BAD)
def test_a_way_for_browsers_that_leads_nowhere_is_refused(load, pattern):
    with pytest.raises(SettingsError) as caught:
        load(BOTKIT_PUBLIC_URL=pattern)
    assert str(caught.value) == f"BOTKIT_PUBLIC_URL {BAD[pattern]}."
    assert "hub.example.org/hub/user-redirect/proxy/{port}" in caught.value.advice


def test_the_settings_are_read_without_a_database(tmp_path):
    """In a fresh interpreter: nothing that only a running bot needs is loaded."""
    program = (
        "import sys, botkit.settings\n"
        "botkit.settings.load_settings({'BOTKIT_SECRET_KEY': sys.argv[1]})\n"
        "print([name for name in ('sqlalchemy', 'flask', 'requests') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, new_key()]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")


# ---- where the bot is found

CODESPACE = {
    "CODESPACE_NAME": "fluffy-owl",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}
HUB = {"JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/ann/"}
NGROK = Settings(ngrok_authtoken="t")
PRACTICE = Settings(practice=True)


@pytest.mark.parametrize(
    "settings, environment, expected",
    [
        (Settings(), {}, PublicAddress("loopback", "http://127.0.0.1:8090")),
        (NGROK, {}, PublicAddress("ngrok", None)),
        (
            Settings(ngrok_authtoken="t", ngrok_domain="n.ngrok-free.dev"),
            {},
            PublicAddress("ngrok", "https://n.ngrok-free.dev"),
        ),
        (NGROK, HUB | CODESPACE, PublicAddress("ngrok", None)),
        (Settings(), HUB, PublicAddress("JupyterHub", "https://hub.example/user/ann/proxy/8090")),
        (PRACTICE, HUB, PublicAddress("JupyterHub", "https://hub.example/user/ann/proxy/8090")),
        (
            Settings(),
            HUB | CODESPACE,
            PublicAddress("Codespaces", "https://fluffy-owl-8090.app.github.dev"),
        ),
        (
            Settings(public_url="https://hub.example/hub/user-redirect/proxy/{port}"),
            HUB | CODESPACE,
            PublicAddress("proxy", "https://hub.example/hub/user-redirect/proxy/8090"),
        ),
        (
            Settings(ngrok_authtoken="t", public_address="https://b.example"),
            HUB | CODESPACE,
            PublicAddress("configured", "https://b.example"),
        ),
        (
            Settings(),
            {"CODESPACE_NAME": "alone"},
            PublicAddress("loopback", "http://127.0.0.1:8090"),
        ),
    ],
)
def test_the_first_address_that_is_there_decides(settings, environment, expected):
    reach = find_browser_address(settings, environment)
    assert choose_address(settings, reach, 8090) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "https://hub.example/user/ann/proxy/{port}",
        "https://fluffy-owl-{port}.app.github.dev",
        "http://127.0.0.1:9000/at/{port}",
        "http://127.0.0.1:{port}",
    ],
)
def test_an_address_for_browsers_and_the_one_on_loopback_are_the_same_place(pattern):
    reach = BrowserAddress(pattern)
    here = "http://127.0.0.1:4711/login?next=http://127.0.0.1:4712/"
    there = pattern.replace("{port}", "4711") + "/login?next=http://127.0.0.1:4712/"
    assert reach.for_browsers(here) == there and reach.on_loopback(there) == here
    assert reach.for_browsers(there) == there and reach.on_loopback(here) == here
    assert reach.for_browsers("https://github.com/login") == "https://github.com/login"
    for more in ("0.evil.example/login", "@evil.example/", "٤", "0000/"):
        there, here = pattern.replace("{port}", "4711") + more, f"http://127.0.0.1:4711{more}"
        assert reach.on_loopback(there) == there and reach.for_browsers(here) == here


# ---- what is written about it


def test_the_example_file_names_every_variable_and_sets_none(load):
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for variable in known_variables():
        assert f"# {variable.meaning}\n# {variable.name}={variable.example}\n" in text
    assert text.count("=") == len(known_variables())
    assert load(text) == Settings()


def test_the_table_in_the_readme_names_every_variable():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    told = [row for row in rows if row.split("`")[1].isupper()]
    assert told == [f"| `{variable.name}` | {variable.meaning} |" for variable in known_variables()]


# ---- which skills ------------------------------------------------------------------------------


def test_a_service_with_credentials_brings_its_skills(load):
    google = {"GOOGLE_API_CLIENT_ID": "id", "GOOGLE_API_CLIENT_SECRET": "s"}
    assert load(**google).skills == ("github", "drive", "sheets")
    app = {"RINGCENTRAL_APP_CLIENT_ID": "id", "RINGCENTRAL_APP_CLIENT_SECRET": "s"}
    assert load(**app).skills == ("github", "ringcentral")


@pytest.mark.parametrize("written", ["sheets, github", "GITHUB sheets", " github,sheets,github "])
def test_each_skill_can_be_switched_on_and_off(load, written):
    assert load(**GITHUB, BOTKIT_SKILLS=written).skills == ("github", "sheets")
    assert load(BOTKIT_PRACTICE="1", BOTKIT_SKILLS=written).skills == ("github", "sheets")


@pytest.mark.parametrize(("written", "what"), [("git", "a skill that does not"), (",", "no skill")])
def test_a_skill_that_does_not_exist_is_refused_with_the_names_of_all(load, written, what):
    with pytest.raises(SettingsError, match=f"BOTKIT_SKILLS names {what}") as caught:
        load(BOTKIT_SKILLS=written)
    assert "github, drive, sheets, ringcentral" in caught.value.advice
