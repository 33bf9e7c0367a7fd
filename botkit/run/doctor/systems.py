"""Check the settings: can they be read, what is live, do the packages fit."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from botkit.errors import SettingsError
from botkit.run.doctor.computer import PROJECT
from botkit.run.doctor.report import Check, note, ok, wrong
from botkit.settings import (
    CHAT,
    MAKE_A_KEY,
    PLACES,
    SECRET_KEY,
    EnvFileUnreadable,
    Settings,
    find_env_file,
    known_variables,
    load_settings,
    places_of,
    wanted_skills,
)

# ---- packages ----------------------------------------------------------------------------------


def versions() -> Check:
    """Compare what is installed with what `pyproject.toml` asks for."""
    misfits = [misfit for wanted in _requirements() if (misfit := _misfit(wanted))]
    if not misfits:
        return ok("versions", "Every package has a version that fits.")
    return wrong(
        "versions",
        "; ".join(misfits) + ".",
        f'In a terminal: cd "{PROJECT}"\n"{sys.executable}" -m pip install -r requirements.txt',
    )


def _requirements() -> list[str]:
    """Return requirements such as `flask>=3.0,<4`.

    There are none if botkit was installed without its project's folder.
    """
    file = PROJECT / "pyproject.toml"
    if not file.exists():
        return []
    found: list[str] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    return found


def _misfit(wanted: str) -> str:
    name, limits = re.findall(r"^([\w.-]+)(.*)$", wanted)[0]
    try:
        installed = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    for comparison, limit in re.findall(r"(>=|<)([\d.]+)", limits):
        if (_numbers(installed) >= _numbers(limit)) != (comparison == ">="):
            return f"{name} {installed} does not fit, {limits} is needed"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first three numbers: `2.1.0rc1` is (2, 1, 0)."""
    numbers = [int(number) for number in re.findall(r"\d+", version)[:3]]
    return (*numbers, 0, 0)[:3]


# ---- settings ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """The settings as far as they can be used.

    `left_out` has the names of the variables that cannot be.
    """

    settings: Settings
    left_out: frozenset[str]
    checks: tuple[Check, ...]


def read(environment: Mapping[str, str], env_file: Path | None) -> Reading:
    """Read the settings.

    What cannot work becomes a check and is left out, and the rest is read.
    """
    values, left_out, troubles = dict(environment), set[str](), list[Check]()
    while True:
        try:
            settings = load_settings(values, env_file=env_file)
            break
        except EnvFileUnreadable as error:
            troubles.append(wrong("settings", str(error), error.advice))
            env_file = Path(os.devnull)
        except SettingsError as error:
            troubles.append(wrong("settings", str(error), error.advice))
            named = _named_in(str(error), values, env_file) - left_out
            if not named:  # nothing more can be left out
                settings = Settings(practice=True)
                break
            left_out |= named
            values |= dict.fromkeys(named, "")  # an empty one also hides that of the file
            if "BOTKIT_PRACTICE" in named:
                values["BOTKIT_PRACTICE"] = "1"  # perhaps "yes" was written there
    if not troubles:
        troubles.append(ok("settings", f"The settings can be read: {_sources(env_file)}."))
    return Reading(settings, frozenset(left_out), tuple(troubles))


def _named_in(sentence: str, values: Mapping[str, str], env_file: Path | None) -> set[str]:
    """Return the variables in a sentence, and those to leave out with them."""
    places = dict(PLACES)
    with suppress(SettingsError):  # then the sentence is about BOTKIT_SKILLS itself
        places |= places_of(wanted_skills(values, env_file))
    named = {each.name for each in known_variables(places) if each.name in sentence}
    served = [place for place in places.values() if place.server_variable in named]
    return named.union(*(place.credentials for place in served))


def _sources(env_file: Path | None) -> str:
    file = env_file or find_env_file()
    there = file is not None and file.is_file()
    return "the environment and the file .env" if there else "the environment, and no .env"


# ---- live or practice --------------------------------------------------------------------------


def systems(reading: Reading) -> Iterator[Check]:
    """Of each system: live or practice, and why."""
    settings = reading.settings
    used = (*settings.services, CHAT)
    for name in used:
        yield _system(name, reading)
        if name == "google" and name in settings.registrations:
            text = "Google ends what a person has granted after 7 days while the app is in "
            yield note(name, f"{text}“Testing”.")
    for name, place in settings.places.items():
        if name not in used and name in settings.registrations:
            text = f"{place.title} is not used, though {place.credentials[0]} is set: "
            yield note(name, f"{text}BOTKIT_SKILLS leaves it out.")


def key(reading: Reading) -> Check:
    """The key that seals what is in the database: is there one?"""
    settings = reading.settings
    count = len(settings.secret_keys)
    if SECRET_KEY in reading.left_out:
        return note("key", f"{SECRET_KEY} is left out: see above.")
    if count:
        them = "a key" if count == 1 else f"{count} keys, the newest first"
        return ok("key", f"{SECRET_KEY} holds {them}.")
    if settings.is_live:
        text = f"{SECRET_KEY} is not set, so the tokens could not be sealed, and nothing starts."
        return wrong("key", text, f"Make a key, once: {MAKE_A_KEY}")
    return note("key", f"{SECRET_KEY} is not set: practice makes a key of its own.")


def _system(name: str, reading: Reading) -> Check:
    place = reading.settings.places[name]
    registration = reading.settings.registrations.get(name)
    title, both = place.heading, " and ".join(place.credentials)
    if registration:
        at = f", at {registration.server}" if registration.server else ""
        return ok(name, f"{title} is live{at}: {both} are set.")
    if reading.left_out.intersection((*place.credentials, "BOTKIT_PRACTICE")):
        return note(name, f"{title} is left out: see above.")
    if reading.settings.practice:
        return note(name, f"{title} is practice: BOTKIT_PRACTICE is 1.")
    return note(name, f"{title} is practice: {both} are not set.")
