"""The variables of the environment that botkit reads; botkit/settings.py says what they mean to it.

The README's table and `.env.example` are made of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Variable:
    """A variable of the environment."""

    name: str
    meaning: str
    example: str


VARIABLES = (
    Variable("GITHUB_CLIENT_ID", "GitHub OAuth app: client id", "Ov23li..."),
    Variable("GITHUB_CLIENT_SECRET", "GitHub OAuth app: client secret", ""),
    Variable(
        "GITHUB_SERVER", "a GitHub Enterprise Server instead of github.com", "https://github.com"
    ),
    Variable("RINGCENTRAL_CHATBOT_CLIENT_ID", "RingCentral bot app: client id", ""),
    Variable("RINGCENTRAL_CHATBOT_CLIENT_SECRET", "RingCentral bot app: client secret", ""),
    Variable("RINGCENTRAL_SERVER", "RingCentral's address", "https://platform.ringcentral.com"),
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
        "BOTKIT_SECRET_KEY",
        "seals the tokens in the database; several: the newest first, then a comma",
        "",
    ),
    Variable("RINGCENTRAL_APP_CLIENT_ID", "RingCentral app that people connect: client id", ""),
    Variable("RINGCENTRAL_APP_CLIENT_SECRET", "RingCentral app that people connect: secret", ""),
    Variable("GOOGLE_API_CLIENT_ID", "Google OAuth client: client id", ""),
    Variable("GOOGLE_API_CLIENT_SECRET", "Google OAuth client: client secret", ""),
    Variable("GOOGLE_SERVER", "another address instead of Google's", "https://www.googleapis.com"),
    Variable("NGROK_AUTHTOKEN", "ngrok account: opens a tunnel when the bot has no address", ""),
    Variable("NGROK_DOMAIN", "ngrok: your permanent domain", "name.ngrok-free.dev"),
    Variable(
        "BOTKIT_SKILLS",
        "what the bot can do; by default github, and what has its credentials here",
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


def read_variables(environment: Mapping[str, str], env_file: Path | None = None) -> dict[str, str]:
    """Those that are set and not empty.  One of the `environment` wins over one in `env_file`.

    `env_file` is `.env` in the current folder or in one above it if it is None.
    """
    from dotenv import dotenv_values, find_dotenv

    file = str(env_file) if env_file else find_dotenv(usecwd=True)
    names = [variable.name for variable in VARIABLES]
    written = dotenv_values(file) if file else {}
    values = {name: written.get(name) or "" for name in names}
    values |= {name: environment[name] for name in names if name in environment}
    return {name: value.strip() for name, value in values.items() if value.strip()}
