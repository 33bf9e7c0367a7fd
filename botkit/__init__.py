"""botkit: how a chat bot connects to other services over OAuth, to be run, read and taken apart.

Where to begin reading: `oauth/steps.py` (the three steps), then `storage/store.py` (where a
connection is stored), then `skills/github.py` (a skill that uses both).

A bot of your own needs these names: `Skill`, `command`, `plain`, `CommandError`, `Provider` and
`Revocation`.  WRITE_A_BOT.md says how.
"""

from __future__ import annotations

try:
    import logging
    from dataclasses import replace
    from importlib import import_module
    from typing import TYPE_CHECKING, Any

    from botkit.version import __version__
except (ImportError, AttributeError):  # a file of the learner's may hide a module
    from botkit.hiding import refuse_hiding_file

    refuse_hiding_file()
    raise

if TYPE_CHECKING:
    from botkit.chat import plain
    from botkit.errors import CommandError
    from botkit.lessons.kit import Kit
    from botkit.oauth import Provider, Revocation
    from botkit.skills import Skill, command

__all__ = [
    "CommandError",
    "Provider",
    "Revocation",
    "Skill",
    "__version__",
    "command",
    "plain",
    "start",
]

# Where the names are.  A module is loaded when somebody asks for a name of it, so that `import
# botkit` is quick.
_HOMES = {
    "CommandError": "errors",
    "Provider": "oauth",
    "Revocation": "oauth",
    "Skill": "skills",
    "command": "skills",
    "plain": "chat",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'botkit' has no attribute {name!r}")
    return getattr(import_module(f"botkit.{_HOMES[name]}"), name)


# What goes wrong in the background is logged.  The operator decides where that is written; in
# a notebook it would land in the middle of a cell.
logging.getLogger("botkit").addHandler(logging.NullHandler())


def start(
    *,
    live: bool = False,
    database: str | None = None,
    port: int = 0,
    skills: str = "",
    confirm: bool = True,
) -> Kit:
    """Start the bot and the practice world around it; what runs already is replaced.

    `database` is an SQLAlchemy URL, by default a file that goes when the kit is closed.  `port` is
    the bot's, 0 for a free one.  With `live`, the settings in the environment and in `.env` count:
    a system whose credentials are there is the real one.  `skills` says what the bot can do, such
    as "github, drive"; see `botkit.settings.read_skills`.  With `confirm`, a connection
    counts once the person has said a code in the chat: lesson 08 shows why.  Returns a
    `botkit.lessons.kit.Kit`.
    """
    try:
        from botkit.lessons import kit  # here, so that `import botkit` is quick
        from botkit.settings import load_settings, practice_settings, read_skills

        settings = load_settings() if live else practice_settings()
        return kit.start(
            replace(
                settings,
                database=database or settings.database,
                port=port or settings.port,
                confirm=confirm and settings.confirm,
                skills=read_skills(skills) if skills else settings.skills,
            )
        )
    except (ImportError, AttributeError):
        from botkit.hiding import refuse_hiding_file

        refuse_hiding_file()
        raise
