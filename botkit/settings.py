"""What is set from outside: the environment and the file `.env`, read once into one frozen object.

The names are those of the original bots, so that their instructions still fit.  A system is live
when its credentials are there; otherwise its practice stand-in takes its place.
`BOTKIT_PRACTICE=1` keeps everything in practice.

Whatever cannot work is refused here, before anything starts, with a sentence that names the
variable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet

from botkit.errors import SettingsError
from botkit.variables import read_variables

KEY_VARIABLE = "BOTKIT_SECRET_KEY"
MAKE_A_KEY = "python -m botkit new-key >> .env"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Registration:
    """Our app as it is registered at a service: what it is called there, and where that is."""

    client_id: str
    client_secret: str = field(repr=False)
    server: str


@dataclass(frozen=True)
class Settings:
    """Everything that can be set.  A registration of None means: practice."""

    github: Registration | None = None
    google: Registration | None = None
    chatbot: Registration | None = None  # the bot in RingCentral's chat
    ringcentral_app: Registration | None = None  # RingCentral as a service that people connect
    database: str | None = field(default=None, repr=False)  # an SQLAlchemy URL; may hold a password
    secret_keys: tuple[str, ...] = field(default=(), repr=False)  # the newest is the first
    public_address: str | None = None
    public_url: str | None = None  # how a browser reaches a port of this computer: {port} is in it
    port: int = 0
    ngrok_authtoken: str | None = field(default=None, repr=False)
    ngrok_domain: str | None = None
    practice: bool = False
    confirm: bool = (
        True  # a connection counts once a code is said in the chat: botkit/skills/confirm.py
    )
    skills: tuple[str, ...] = ("github",)  # what the bot can do; the names are in SKILLS

    def registration_for(self, skill: str) -> Registration | None:
        """Our app at the service that a skill works with."""
        found: Registration | None = getattr(self, SKILLS[skill][0])
        return found

    @property
    def is_live(self) -> bool:
        """Whether any registration is set, so that the tokens are real ones."""
        live = self.github, self.google, self.chatbot, self.ringcentral_app
        return not self.practice and any(live)


# The skills, in the order of their turns: which registration each needs, how its variables begin.
SKILLS = {
    "github": ("github", "GITHUB_CLIENT"),
    "drive": ("google", "GOOGLE_API_CLIENT"),
    "sheets": ("google", "GOOGLE_API_CLIENT"),
    "ringcentral": ("ringcentral_app", "RINGCENTRAL_APP_CLIENT"),
}


def credentials(skill: str) -> tuple[str, str]:
    """The variables that make a skill's service live."""
    prefix = SKILLS[skill][1]
    return f"{prefix}_ID", f"{prefix}_SECRET"


# Only github.com and Google have one address for everybody; and the original bots' own default.
GITHUB, GOOGLE, RINGCENTRAL = (
    "https://github.com",
    "https://www.googleapis.com",
    "https://platform.ringcentral.com",
)


def load_settings(
    environment: Mapping[str, str] | None = None, *, env_file: Path | None = None
) -> Settings:
    """Read the settings.  A variable of the environment wins over the same one in `env_file`.

    `environment` is the process's own if it is None.  `env_file` is `.env` in the current folder or
    in one above it if it is None.  Raises `SettingsError`.
    """
    values = read_variables(os.environ if environment is None else environment, env_file)
    common = Settings(
        database=_database(values),
        secret_keys=read_keys(values.get(KEY_VARIABLE, "")),
        port=_port(values),
        practice=_yes(values, "BOTKIT_PRACTICE", "0"),
        confirm=_yes(values, "BOTKIT_CONFIRM", "1"),
        skills=read_skills(values.get("BOTKIT_SKILLS", "github")),
        public_url=_public_url(values),
    )
    if common.practice:
        return common
    live = replace(
        common,
        github=_registration(values, "GITHUB_CLIENT", "GITHUB_SERVER", GITHUB),
        google=_registration(values, "GOOGLE_API_CLIENT", "GOOGLE_SERVER", GOOGLE),
        chatbot=_registration(
            values, "RINGCENTRAL_CHATBOT_CLIENT", "RINGCENTRAL_SERVER", RINGCENTRAL
        ),
        ringcentral_app=_registration(
            values, "RINGCENTRAL_APP_CLIENT", "RINGCENTRAL_SERVER", RINGCENTRAL
        ),
        public_address=_address(values, "RINGCENTRAL_CHATBOT_SERVER"),
        ngrok_authtoken=values.get("NGROK_AUTHTOKEN"),
        ngrok_domain=_domain(values),
    )
    if "BOTKIT_SKILLS" in values:
        return live
    there = [name for name in SKILLS if name == "github" or live.registration_for(name)]
    return replace(live, skills=tuple(there))


def practice_settings() -> Settings:
    """Everything is practice, except how a browser gets here.  Raises `SettingsError`."""
    return Settings(practice=True, public_url=_public_url(read_variables(os.environ)))


def _yes(values: Mapping[str, str], name: str, default: str) -> bool:
    value = values.get(name, default)
    if value not in ("0", "1"):
        other = "1" if default == "0" else "0"
        raise SettingsError(
            f"{name} is neither 0 nor 1.", advice=f"Write {other}, or leave it out."
        )
    return value == "1"


def _registration(
    values: Mapping[str, str], prefix: str, server_name: str, server: str
) -> Registration | None:
    names = (f"{prefix}_ID", f"{prefix}_SECRET")
    there = [name for name in names if name in values]
    if not there:
        return None
    if len(there) == 1:
        (missing,) = set(names) - set(there)
        raise SettingsError(
            f"{there[0]} is set, but {missing} is not.",
            advice=f"Set {missing} too, or remove both to practise.",
        )
    address = _address(values, server_name) or server
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
        if parts.hostname and parts.scheme in ("http", "https") and parts.port != 0:
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
    if re.search(r"[\s\\]|/\.", pattern):
        raise no_address
    if parts.query or parts.fragment or parts.username is not None:
        raise SettingsError("BOTKIT_PUBLIC_URL has something after its path.", advice=advice)
    if pattern.count("{port}") != 1:
        raise SettingsError("BOTKIT_PUBLIC_URL does not have {port} in it once.", advice=advice)
    return pattern


def read_skills(text: str) -> tuple[str, ...]:
    """The skills that a text such as "github, drive" names.  Raises `SettingsError`."""
    wanted = text.replace(",", " ").lower().split()
    unknown = sorted(set(wanted) - set(SKILLS))
    if unknown or not wanted:
        names = "names a skill that does not exist" if unknown else "names no skill"
        advice = f"Write one or more of: {', '.join(SKILLS)}."
        raise SettingsError(f"BOTKIT_SKILLS {names}.", advice=advice)
    return tuple(name for name in SKILLS if name in wanted)


def _database(values: Mapping[str, str]) -> str | None:
    url = values.get("RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI")
    if url and "://" not in url:  # the rest is the database's to judge
        raise SettingsError(
            "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI is not an SQLAlchemy URL.",
            advice="Write it like sqlite:///botkit.sqlite or postgresql+psycopg://user@host/name",
        )
    return url


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
    if not text.isdecimal() or int(text) > 65535:
        raise SettingsError(
            "BOTKIT_PORT is not a port.", advice="Write a number from 1024 to 65535, such as 8090."
        )
    return int(text)


def read_keys(text: str) -> tuple[str, ...]:
    """The keys in a text such as "newest, older".  Raises `SettingsError`, which shows none."""
    keys = tuple(text.replace(",", " ").split())
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            which = f", number {number} of {len(keys)}," if len(keys) > 1 else ""
            advice = f"A key has 44 characters, and this makes one: {MAKE_A_KEY}"
            raise SettingsError(
                f"What {KEY_VARIABLE} holds{which} is no key.", advice=advice
            ) from None
    return keys
