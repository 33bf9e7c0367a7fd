"""A service that botkit does not know: one class in a package, and every part knows the service.

The class and the description are in this file, and nothing in botkit/ is changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from serve_world import KEY, free_port

from botkit import plugins
from botkit.errors import SettingsError
from botkit.lessons.check.teapot import describe_teapot
from botkit.lessons.kit import Kit
from botkit.oauth import Provider
from botkit.practice.world import Clock, World
from botkit.run import doctor, serve
from botkit.run.doctor import computer as environment
from botkit.run.status import status
from botkit.settings import Registration, Settings, known_variables, load_settings, places_of
from botkit.skills import AccountSkill

BOTH = "TEAPOT_CLIENT_ID and TEAPOT_CLIENT_SECRET"


def teapot(client_id, client_secret, server="https://teapot.example.com"):
    return describe_teapot(client_id, client_secret, server)


class TeaSkill(AccountSkill):
    """I say whose Teapot account is connected."""

    word, connects_to = "teapot", teapot
    title = "Teapot House"


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """A package offers the skill by the name "tea", as an entry point."""
    monkeypatch.setattr(plugins, "offered", lambda: {"tea": f"{__name__}:TeaSkill"})
    monkeypatch.delitem(plugins._known, "tea", raising=False)


@pytest.fixture
def house() -> Iterator[World]:
    """A Teapot that the bot knows by its address alone: it is live."""
    with closing(World(Clock())) as world:
        yield world


@pytest.fixture
def live(house) -> dict[str, str]:
    """The variables that make it live."""
    client_id, secret, server = house.start_service("teapot")
    return {
        "TEAPOT_CLIENT_ID": client_id,
        "TEAPOT_CLIENT_SECRET": secret,
        "TEAPOT_SERVER": server,
        "BOTKIT_SECRET_KEY": KEY,
        "BOTKIT_SKILLS": "tea, github",
    }


@pytest.fixture
def no_file(tmp_path, monkeypatch) -> Path:
    """An empty `.env`, in the current folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".env"
    file.touch()
    return file


@pytest.fixture
def root_log() -> Iterator[None]:
    """The handlers of the log are afterwards as they were."""
    root, own = logging.getLogger(), logging.getLogger("botkit")
    handlers, level = list(root.handlers), own.level
    yield
    root.handlers[:] = handlers
    own.setLevel(level)


def connect(kit: Kit, house: World) -> str:
    """Alice takes the whole trip; what the bot says in the end."""
    provider = kit.bot.provider("Teapot")
    house.register_callbacks({provider.client_id: [kit.bot.callback_url(provider)]})
    kit.alice.say("teapot")
    page = kit.alice.browser.visit(kit.alice.link).approve()
    assert page.status == 200
    return kit.alice.say("teapot").text


# ---- settings ----------------------------------------------------------------------------------


def test_its_variables_are_read(live, no_file):
    settings = load_settings(live, env_file=no_file)
    there = live["TEAPOT_CLIENT_ID"], live["TEAPOT_CLIENT_SECRET"], live["TEAPOT_SERVER"]
    assert settings.registrations == {"teapot": Registration(*there)}
    assert settings.skills == ("github", "tea") and settings.is_live
    assert settings.registration_for("tea") == Registration(*there)
    del live["TEAPOT_SERVER"]
    without = load_settings(live, env_file=no_file)
    assert without.registrations["teapot"].server == "https://teapot.example.com"


def test_one_of_its_variables_alone_is_refused_by_name(no_file):
    with pytest.raises(SettingsError, match="TEAPOT_CLIENT_ID is set, but TEAPOT_CLIENT_SECRET"):
        load_settings({"BOTKIT_SKILLS": "tea", "TEAPOT_CLIENT_ID": "id"}, env_file=no_file)


def test_what_is_only_installed_does_nothing(live, no_file):
    del live["BOTKIT_SKILLS"]
    settings = load_settings(live, env_file=no_file)
    assert settings.skills == ("github",) and settings.registrations == {}
    assert "tea" not in plugins._known


def test_its_variables_are_described():
    variables = known_variables(places_of(["tea"]))
    described = {one.name: (one.meaning, one.example) for one in variables}
    assert described["TEAPOT_CLIENT_SECRET"] == ("Teapot House app: client secret", "")
    assert described["TEAPOT_SERVER"] == ("Teapot House's address", "https://teapot.example.com")


# ---- serve -------------------------------------------------------------------------------------


def test_serve_prints_its_lines(live, no_file, monkeypatch, capsys, root_log):
    port = free_port()
    monkeypatch.setattr(serve, "stop_signal", lambda: lambda seconds: True)
    serve.serve(load_settings(live | {"BOTKIT_PORT": str(port)}, env_file=no_file))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("GitHub:        practice, at http://127.0.0.1:")
    assert lines[1] == f"Teapot House:  live, at {live['TEAPOT_SERVER']}"
    assert lines[2].startswith("The chat:      practice, at ")
    assert lines[4] == f"The bot:       http://127.0.0.1:{port}"
    callback = "At Teapot House, register this callback URL:"
    assert lines[5] == f"{callback:<50} http://127.0.0.1:{port}/teapot/oauth"


def test_its_secret_gets_a_label_in_the_log(live, no_file, capsys, root_log):
    serve.write_log(load_settings(live, env_file=no_file))
    logging.getLogger("botkit").warning("It was %s.", live["TEAPOT_CLIENT_SECRET"])
    assert capsys.readouterr().err.endswith(" WARNING It was ‹secret·1›.\n")


def test_gunicorn_wants_it_live(live, no_file, monkeypatch):
    settings = load_settings({"BOTKIT_SKILLS": "tea"}, env_file=no_file)
    monkeypatch.setattr(serve, "load_settings", lambda: settings)
    with pytest.raises(SettingsError) as caught:
        serve.app()
    assert caught.value.advice.startswith("Set TEAPOT_CLIENT_ID. ")


# ---- kit, trace, status ------------------------------------------------------------------------


def test_the_kit_the_trace_and_the_status_name_it(live, no_file, house):
    settings = load_settings(live | {"BOTKIT_CONFIRM": "0"}, env_file=no_file)
    with closing(Kit(settings)) as kit:
        assert repr(kit) == "Live: Teapot House.  Practice: GitHub and the chat."
        assert connect(kit, house).startswith("You are connected to Teapot House as **")
        sent = {(each.sender, each.receiver) for each in kit.trace}
        assert ("bot", "Teapot House") in sent
        assert live["TEAPOT_SERVER"] not in repr(kit.trace.list())
        assert "‹Teapot House›/oauth/authorize" in repr(kit.show(kit.alice.link))
        told = status(kit.bot)
    assert [service["service"] for one in told for service in one["services"]] == ["Teapot"]
    assert "    Teapot, account Alice: person " in repr(told)


def test_the_kit_plays_it_where_it_is_practice():
    with closing(Kit(Settings(practice=True, confirm=False, skills=("github", "tea")))) as kit:
        assert repr(kit).startswith("Practice world: the chat, GitHub, Teapot House and the bot")
        assert connect(kit, kit.world).startswith("You are connected to Teapot House as **")


# ---- doctor ------------------------------------------------------------------------------------


def examined(monkeypatch, env_file: Path, **variables: str) -> dict[str, list[str]]:
    """What the doctor says of the fourth place, by the names of the checks."""
    computer = SimpleNamespace(found=[("well", ())] * len(doctor.COMPUTER))
    monkeypatch.setattr(environment, "environment", lambda: computer)  # it takes its time
    report = doctor.examine(environment=variables, env_file=env_file)
    told: dict[str, list[str]] = {}
    for check in report.checks:
        line = f"{check.state}: {check.text} {check.advice}"
        told.setdefault(check.check, []).append(line.strip())
    return told


def test_the_doctor_reports_on_it(live, no_file, monkeypatch):
    told = examined(monkeypatch, no_file, **live, BOTKIT_PORT=str(free_port()))
    assert told["teapot"] == [
        f"ok: Teapot House is live, at {live['TEAPOT_SERVER']}: {BOTH} are set."
    ]
    (callback,) = told["teapot_callback"]
    assert callback.startswith(
        "note: At Teapot House, register this callback URL: http://127.0.0.1"
    )
    assert callback.endswith("/teapot/oauth")
    assert told["teapot_answers"] == ["ok: Teapot House answers."]
    assert told["teapot_credentials"] == ["ok: Teapot House accepts the client id and secret."]
    assert told["clock"] == ["ok: This computer's clock agrees with that of Teapot House."]


def test_the_doctor_says_that_its_secret_is_wrong(live, no_file, monkeypatch):
    told = examined(monkeypatch, no_file, **live | {"TEAPOT_CLIENT_SECRET": "planted-3141"})
    (check,) = told["teapot_credentials"]
    assert check.startswith("wrong: Teapot House does not accept the client id and secret.")
    assert check.endswith(f"into {BOTH}.") and "planted-3141" not in str(told)


def test_a_description_that_asks_its_service_in_vain_is_told(live, no_file, monkeypatch):
    def asks(client_id, client_secret, server):
        keys = {"client_id": client_id, "client_secret": client_secret}
        return Provider.discover(server, name="Teapot", **keys, api_url=server, scopes=())

    monkeypatch.setattr(TeaSkill, "connects_to", asks)
    told = examined(monkeypatch, no_file, **live, BOTKIT_PORT=str(free_port()))
    assert told["teapot_answers"][0].startswith("wrong: Teapot does not publish its addresses at ")
    assert told["teapot_callback"][0].endswith("/teapot/oauth")


def test_the_doctor_says_why_it_is_practice_or_left_out(live, no_file, monkeypatch):
    practice = examined(monkeypatch, no_file, BOTKIT_SKILLS="tea")
    assert practice["teapot"] == [f"note: Teapot House is practice: {BOTH} are not set."]
    assert practice["teapot_callback"] == [
        "note: Nothing has to be registered at Teapot House: it is not live."
    ]
    wrong_server = live | {"TEAPOT_SERVER": "nonsense"}
    left_out = examined(monkeypatch, no_file, **wrong_server)
    assert left_out["teapot"] == ["note: Teapot House is left out: see above."]
    assert "teapot_answers" not in left_out  # nobody else is asked, or told the secret
