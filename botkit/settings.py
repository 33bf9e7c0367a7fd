"""Read everything that is set from outside into one frozen object, and refuse what cannot work.

Start at `PLACES`: the one table of the places where an app of ours can be registered.  A skill that
is not botkit's own adds its place (`Settings.places`).  The settings, the doctor, the log and the
traces ask there which services there are.  Then read `load_settings`, which reads the environment
and the file `.env`.

The names of the variables are those of the original bots, so their instructions still fit.  A
system is live when its credentials are there.  Otherwise its practice stand-in is used.
`BOTKIT_PRACTICE=1` keeps everything in practice.  A value that cannot work is refused before
anything starts, with a sentence that names the variable and never shows the value.

How a service is described is in botkit/oauth/provider.py, which class each skill is in
botkit/bot/bot.py, and how a skill of your own is found in botkit/plugins.py.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet

from botkit import plugins
from botkit.errors import SettingsError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECRET_KEY = "BOTKIT_SECRET_KEY"
LISTS = (SECRET_KEY, "BOTKIT_SKILLS", "BOTKIT_ACCOUNTS")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MAKE_A_KEY = "python -m botkit new-key --write"


# ---- the places, and the skills that need them -------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A place where an app of ours can be registered, and the variables that say so.

    `server` is its address if `server_variable` is not set.  `app` is what our app is called there,
    for people who read about the variables.
    """

    title: str  # in a sentence
    prefix: str  # of the variables PREFIX_CLIENT_ID and PREFIX_CLIENT_SECRET
    server_variable: str
    server: str
    app: str
    full_title: str = ""  # where the title alone does not say which place it is
    server_meaning: str = ""
    client_id_example: str = ""

    @property
    def heading(self) -> str:
        """The title at the beginning of a line."""
        return self.title[0].upper() + self.title[1:]

    @property
    def credentials(self) -> tuple[str, str]:
        """The two variables that make this place live."""
        return f"{self.prefix}_CLIENT_ID", f"{self.prefix}_CLIENT_SECRET"

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All its variables, described."""
        client_id, client_secret = self.credentials
        meaning = self.server_meaning or f"{self.title}'s address"
        return (
            Variable(client_id, f"{self.app}: client id", self.client_id_example),
            Variable(client_secret, f"{self.app}: client secret", ""),
            Variable(self.server_variable, meaning, self.server),
        )


@dataclass(frozen=True)
class Variable:
    """A variable of the environment."""

    name: str
    meaning: str
    example: str


CHAT = "chat"  # the place of the bot itself; every other one is a service that people connect

PLACES = {
    "github": Place(
        title="GitHub",
        prefix="GITHUB",
        server_variable="GITHUB_SERVER",
        server="https://github.com",
        app="GitHub OAuth app",
        server_meaning="a GitHub Enterprise Server instead of github.com",
        client_id_example="Ov23li...",
    ),
    "google": Place(
        title="Google",
        prefix="GOOGLE_API",
        server_variable="GOOGLE_SERVER",
        server="https://www.googleapis.com",
        app="Google OAuth client",
        server_meaning="another address instead of Google's",
    ),
    CHAT: Place(
        title="the chat",
        full_title="RingCentral",
        prefix="RINGCENTRAL_CHATBOT",
        server_variable="RINGCENTRAL_SERVER",
        server="https://platform.ringcentral.com",
        app="RingCentral bot app",
        server_meaning="RingCentral's address",
    ),
    "ringcentral_app": Place(
        title="RingCentral",
        full_title="RingCentral (the app)",
        prefix="RINGCENTRAL_APP",
        server_variable="RINGCENTRAL_SERVER",
        server="https://platform.ringcentral.com",
        app="RingCentral app that people connect",
    ),
}

# The skills, in the order of their turns, and the place that each needs.
PLACE_OF = {
    "github": "github",
    "drive": "google",
    "sheets": "google",
    "ringcentral": "ringcentral_app",
}


def place_of(skill: type[Any]) -> str | None:
    """Return the place that a skill's class needs; None if it works with no service."""
    if not hasattr(skill, "connects_to"):
        return None
    word = str(skill.word)
    return PLACE_OF.get(word, word)


def _place_named(skill: str) -> str | None:
    return PLACE_OF[skill] if skill in PLACE_OF else place_of(plugins.find_class(skill))


def places_of(skills: Iterable[str]) -> dict[str, Place]:
    """Return the places that skills need, each once, in their order.  Raises `SettingsError`."""
    names = {skill: _place_named(skill) for skill in skills}
    return {
        place: PLACES.get(place) or _own_place(plugins.find_class(skill))
        for skill, place in names.items()
        if place
    }


def _own_place(skill: type[Any]) -> Place:
    """Return the place of a service that botkit does not know; its word is in its variables."""
    title, prefix = plugins.name_of(skill), skill.word.upper().replace("-", "_")
    return Place(
        title=title,
        prefix=prefix,
        server_variable=f"{prefix}_SERVER",
        server=plugins.default_server(skill.connects_to),
        app=f"{title} app",
    )


# ---- the settings ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registration:
    """Our app as it is registered at a service: what it is called there, and where that is."""

    client_id: str
    client_secret: str = field(repr=False)
    server: str


@dataclass(frozen=True)
class Settings:
    """Everything that can be set.  A place without a registration is practice."""

    registrations: Mapping[str, Registration] = field(default_factory=dict)  # by place
    database: str | None = field(default=None, repr=False)  # an SQLAlchemy URL; may hold a password
    secret_keys: tuple[str, ...] = field(default=(), repr=False)  # the newest is the first
    public_address: str | None = None
    public_url: str | None = None  # how a browser reaches a port of this computer: {port} is in it
    port: int = 0
    ngrok_authtoken: str | None = field(default=None, repr=False)
    ngrok_domain: str | None = None
    accounts: tuple[str, ...] = ()  # of RingCentral, whose bots may be installed
    practice: bool = False
    confirm: bool = (
        True  # a connection counts once a code is said in the chat: botkit/skills/confirm.py
    )
    skills: tuple[str, ...] = ("github",)  # what the bot can do: see `read_skills`

    @property
    def chatbot(self) -> Registration | None:
        """The bot's own app in RingCentral's chat."""
        return self.registrations.get(CHAT)

    def registration_for(self, skill: str) -> Registration | None:
        """Return our app at the service that a skill works with."""
        return self.registrations.get(_place_named(skill) or "")

    @property
    def services(self) -> dict[str, Place]:
        """The places that the skills need, each once, in the order of the skills."""
        return places_of(self.skills)

    @property
    def places(self) -> dict[str, Place]:
        """All places that are known here."""
        return {**PLACES, **self.services}

    @property
    def is_live(self) -> bool:
        """Whether any registration is set, so that the tokens are real ones."""
        return not self.practice and bool(self.registrations)

    def with_registration(self, place: str, registration: Registration) -> Settings:
        """Return the same settings with this registration at a place."""
        return replace(self, registrations={**self.registrations, place: registration})


# ---- the variables -----------------------------------------------------------------------------

OTHER_VARIABLES = (
    Variable(
        "RINGCENTRAL_CHATBOT_SERVER",
        "the bot's public address, if it has one of its own",
        "https://bot.example.com",
    ),
    Variable(
        "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI",
        "the database, as an SQLAlchemy URL",
        "sqlite:///botkit.sqlite",
    ),
    Variable(
        SECRET_KEY,
        "seals the tokens in the database; several: the newest first, then a comma",
        "",
    ),
    Variable(
        "BOTKIT_ACCOUNTS",
        "the RingCentral accounts whose bots may be installed; by default that of the first bot",
        "37439510",
    ),
    Variable("NGROK_AUTHTOKEN", "ngrok account: opens a tunnel when the bot has no address", ""),
    Variable("NGROK_DOMAIN", "ngrok: your permanent domain", "name.ngrok-free.dev"),
    Variable(
        "BOTKIT_SKILLS",
        "what the bot can do, also your own skills; by default github, and what has its "
        "credentials here",
        "github, drive, sheets, ringcentral",
    ),
    Variable("BOTKIT_CONFIRM", "0 connects at once, without a code that is said in the chat", "1"),
    Variable(
        "BOTKIT_PUBLIC_URL",
        "on a hub: how a browser reaches a port of this computer, with `{port}` in it",
        "https://hub.example.org/hub/user-redirect/proxy/{port}",
    ),
    Variable("BOTKIT_PORT", "the port on which the bot listens", "8090"),
    Variable("BOTKIT_PRACTICE", "1 keeps everything in practice, whatever else is set", "1"),
)


def known_variables(places: Mapping[str, Place] = PLACES) -> tuple[Variable, ...]:
    """Return all variables that botkit reads.  The README's table and `.env.example` show these."""
    of_places = (variable for place in places.values() for variable in place.variables)
    return tuple(dict.fromkeys([*of_places, *OTHER_VARIABLES]))  # two places may share a server


def read_variables(
    environment: Mapping[str, str],
    env_file: Path | None = None,
    places: Mapping[str, Place] = PLACES,
) -> dict[str, str]:
    """Return the variables that are set and not empty, those of `places` among them.

    One of the `environment` wins over one in `env_file`, which is `.env` in the current folder or
    in one above it if it is None.  Raises `EnvFileUnreadable`.
    """
    from dotenv import dotenv_values

    file = env_file or find_env_file()
    names = [variable.name for variable in known_variables(places)]
    written = dotenv_values(stream=StringIO(read_env_file(file))) if file else {}
    values = {name: written.get(name) or "" for name in names}
    values |= {name: environment[name] for name in names if name in environment}
    return {name: value.strip() for name, value in values.items() if value.strip()}


class EnvFileUnreadable(SettingsError):
    """Raised when the file `.env` cannot be read; the message names it."""


def find_env_file() -> Path | None:
    """Return the file `.env` in the current folder, or in the nearest one above it."""
    from dotenv import find_dotenv

    found = find_dotenv(usecwd=True)
    return Path(found) if found else None


def read_env_file(file: Path) -> str:
    """Return the text of a file `.env`; "" if it is missing.

    Editors and shells on Windows write it in other encodings, and say so in its first bytes.
    Raises `EnvFileUnreadable`.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError:
        raise EnvFileUnreadable(
            f"The file {file} cannot be read.", advice="Make sure that you may read it."
        ) from None
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeError:
        text = "\0"
    if "\0" in text:
        raise EnvFileUnreadable(
            f"The file {file} is not written in UTF-8.",
            advice="Open it in an editor, and save it in the encoding UTF-8.",
        )
    return text


# ---- reading them, and refusing what cannot work -----------------------------------------------


def load_settings(
    environment: Mapping[str, str] | None = None, *, env_file: Path | None = None
) -> Settings:
    """Read the settings.  A variable of the environment wins over the same one in `env_file`.

    `environment` is the process's own if it is None.  `env_file` is `.env` in the current folder or
    in one above it if it is None.  Raises `SettingsError`.
    """
    given = os.environ if environment is None else environment
    skills = wanted_skills(given, env_file)
    places = {**PLACES, **places_of(skills)}
    values = read_variables(given, env_file, places)
    _check_characters(values)
    common = Settings(
        database=_database(values),
        secret_keys=read_keys(values.get(SECRET_KEY, "")),
        port=_port(values),
        practice=_yes(values, "BOTKIT_PRACTICE", "0"),
        confirm=_yes(values, "BOTKIT_CONFIRM", "1"),
        skills=skills,
        public_url=_public_url(values),
    )
    if common.practice:
        return common
    live = replace(
        common,
        registrations=dict(_registrations(values, places)),
        accounts=_accounts(values),
        public_address=_address(values, "RINGCENTRAL_CHATBOT_SERVER"),
        ngrok_authtoken=values.get("NGROK_AUTHTOKEN"),
        ngrok_domain=_domain(values),
    )
    if "BOTKIT_SKILLS" in values:
        return live
    used = [name for name in PLACE_OF if name == "github" or live.registration_for(name)]
    return replace(live, skills=tuple(used))


def practice_settings() -> Settings:
    """Everything is practice, except how a browser gets here.

    A file `.env` that cannot be read is for what is live, so it does no harm here.  Raises
    `SettingsError`.
    """
    try:
        values = read_variables(os.environ)
    except EnvFileUnreadable:
        values = read_variables(os.environ, Path(os.devnull))
    return Settings(practice=True, public_url=_public_url(values))


def database_setting() -> str | None:
    """Return the database that is set; None if none is.  Raises `SettingsError`.

    For a command that must work while other settings are still missing.
    """
    return _database(read_variables(os.environ))


def _check_characters(values: Mapping[str, str]) -> None:
    """Raise `SettingsError` for a character that no link, form or header can hold as it is."""
    for name, value in values.items():
        if name in LISTS:  # their parts may be in lines of their own
            value = " ".join(value.split())
        if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
            raise SettingsError(
                f"{name} holds a character that cannot be sent, such as a line break.",
                advice="Copy the value again, and write it in one line.",
            )


def _yes(values: Mapping[str, str], name: str, default: str) -> bool:
    value = values.get(name, default)
    if value not in ("0", "1"):
        other = "1" if default == "0" else "0"
        raise SettingsError(
            f"{name} is neither 0 nor 1.", advice=f"Write {other}, or leave it out."
        )
    return value == "1"


def _registrations(
    values: Mapping[str, str], places: Mapping[str, Place]
) -> Iterator[tuple[str, Registration]]:
    for name, place in places.items():
        if registration := _registration(values, place):
            yield name, registration


def _registration(values: Mapping[str, str], place: Place) -> Registration | None:
    names = place.credentials
    there = [name for name in names if name in values]
    if not there:
        return None
    if len(there) == 1:
        (missing,) = set(names) - set(there)
        raise SettingsError(
            f"{there[0]} is set, but {missing} is not.",
            advice=f"Set {missing} too, or remove both to practise.",
        )
    if re.search(r"\s", values[names[0]]):
        raise SettingsError(f"{names[0]} has a space in it.", advice="Copy the client id again.")
    address = _address(values, place.server_variable) or place.server
    return Registration(values[names[0]], values[names[1]], address)


def _address(values: Mapping[str, str], name: str) -> str | None:
    """An address without a path: others append theirs to it."""
    if name not in values:
        return None
    address = values[name].rstrip("/")
    advice = "Write it like https://bot.example.com"
    parts = _split(address, SettingsError(f"{name} is not a web address.", advice=advice))
    host = parts.hostname
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise SettingsError(
            f"{name} has something before or after the host.",
            advice=f"Leave that out: {parts.scheme}://{host} with its port, if it needs one.",
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        raise SettingsError(
            f"{name} begins with http, so everybody on the way could read the codes and tokens.",
            advice="Use https. Only 127.0.0.1 may do without.",
        )
    return address


def _split(address: str, no_address: SettingsError) -> SplitResult:
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and not re.search(r"[\s\\]", address)
        if known and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # of the host, or of the port
        pass
    raise no_address


def _public_url(values: Mapping[str, str]) -> str | None:
    pattern = values.get("BOTKIT_PUBLIC_URL", "").rstrip("/")
    if not pattern:
        return None
    example = "https://hub.example.org/hub/user-redirect/proxy/{port}"
    advice = f"Write it like {example}, with {{port}} as it stands."
    no_address = SettingsError("BOTKIT_PUBLIC_URL is not a web address.", advice=advice)
    parts = _split(pattern.replace("{port}", "4711"), no_address)
    if re.search(r"[\s\\\ud800-\udfff]|/\.", pattern):
        raise no_address
    if parts.query or parts.fragment or parts.username is not None:
        raise SettingsError("BOTKIT_PUBLIC_URL has something after its path.", advice=advice)
    if pattern.count("{port}") != 1:
        raise SettingsError("BOTKIT_PUBLIC_URL does not have {port} in it once.", advice=advice)
    return pattern


def wanted_skills(environment: Mapping[str, str], env_file: Path | None = None) -> tuple[str, ...]:
    """Return the skills that BOTKIT_SKILLS names; the parameters are those of `read_variables`.

    Code is named in the environment or in the `.env` of the current folder, and not in one above
    it: what is loaded must not depend on a folder that somebody else may write to.  Raises
    `SettingsError`.
    """
    text = read_variables(environment, env_file).get("BOTKIT_SKILLS", "github")
    file = None if env_file or "BOTKIT_SKILLS" in environment else find_env_file()
    if ":" in text and file and file.parent != Path.cwd():
        raise SettingsError(
            f"BOTKIT_SKILLS names code of your own in {file}, which is above this folder.",
            advice="Start in that folder, or write a file .env here.",
        )
    return read_skills(text)


def read_skills(text: str) -> tuple[str, ...]:
    """Return the skills that a text such as "github, mybot:Mybot" names.

    botkit's own come first, in the order of their turns.  Raises `SettingsError`, also for a skill
    of your own that cannot be loaded.
    """
    names = text.replace(",", " ").split()
    wanted = list(dict.fromkeys(name if ":" in name else name.lower() for name in names))
    own = [name for name in wanted if name not in PLACE_OF]
    unknown = [name for name in own if ":" not in name and name not in plugins.offered()]
    if unknown or not wanted:
        what = "a skill that does not exist" if unknown else "no skill"
        known = ", ".join([*PLACE_OF, *plugins.offered()])
        advice = f"Write one or more of: {known}. Or name your own, like mybot:Mybot."
        raise SettingsError(f"BOTKIT_SKILLS names {what}.", advice=advice)
    for name in own:
        plugins.find_class(name)
    return (*(name for name in PLACE_OF if name in wanted), *own)


def read_keys(text: str) -> tuple[str, ...]:
    """Return the keys in a text such as "newest, older".

    Raises `SettingsError`, which shows none of them.
    """

    keys = tuple(text.replace(",", " ").split())
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            which = f", number {number} of {len(keys)}," if len(keys) > 1 else ""
            advice = f"A key has 44 characters, and this makes one: {MAKE_A_KEY}"
            happened = f"What {SECRET_KEY} holds{which} is no key."
            raise SettingsError(happened, advice=advice) from None
    return keys


def _database(values: Mapping[str, str]) -> str | None:
    url = values.get("RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI")
    if url and "://" not in url:  # the rest is the database's to judge
        raise SettingsError(
            "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI is not an SQLAlchemy URL.",
            advice="Write it like sqlite:///botkit.sqlite or postgresql+psycopg://user@host/name",
        )
    return url


def _accounts(values: Mapping[str, str]) -> tuple[str, ...]:
    accounts = tuple(values.get("BOTKIT_ACCOUNTS", "").replace(",", " ").split())
    if not all(one.isascii() and one.isdecimal() for one in accounts):
        raise SettingsError(
            "BOTKIT_ACCOUNTS holds something that is no account id.",
            advice="Write ids of RingCentral accounts with a comma between, such as 37439510. "
            "`python -m botkit status --json` shows the account of each bot.",
        )
    return accounts


def _domain(values: Mapping[str, str]) -> str | None:
    domain = values.get("NGROK_DOMAIN", "").removeprefix("https://").rstrip("/")
    if domain and not _is_host(domain):
        raise SettingsError(
            "NGROK_DOMAIN is not a domain.", advice="Write it like name.ngrok-free.dev"
        )
    return domain or None


def _is_host(text: str) -> bool:
    return "." in text and all(part.replace("-", "").isalnum() for part in text.split("."))


def _port(values: Mapping[str, str]) -> int:
    text = values.get("BOTKIT_PORT", "0")
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise SettingsError(
            "BOTKIT_PORT is not a port.", advice="Write a number from 1024 to 65535, such as 8090."
        )
    return int(text)
