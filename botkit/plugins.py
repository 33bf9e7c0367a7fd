"""Find the class of a skill by the name that the settings have for it.

A name is `module:Class`, such as `mybot:Mybot`, or one that an installed package offers as an entry
point of the group `botkit.skills`.  A package that is only installed does nothing: its skill is
loaded when the settings name it.  Start with `find_class`.

Not here: botkit's own skills, whose names are in `botkit.settings.PLACE_OF`.
"""

from __future__ import annotations

import inspect
import traceback
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from botkit.errors import SettingsError

GROUP = "botkit.skills"

_known: dict[str, type[Any]] = {}  # classes that were loaded, or handed over, by their names


def offered() -> dict[str, str]:
    """Return the skills that installed packages offer: the name and `module:Class` of each."""
    return {one.name.lower(): one.value for one in entry_points(group=GROUP)}


def register(skill: type[Any]) -> str:
    """Make a class known, such as one from a cell of a notebook; return its name."""
    name = f"{skill.__module__}:{skill.__qualname__}"
    _known[name] = skill
    return name


def find_class(name: str) -> type[Any]:
    """Return the class with this name.

    It is loaded once in a process.  Raises `SettingsError`, which says what to write.
    """
    if name not in _known:
        found = load(offered().get(name, name), f"BOTKIT_SKILLS names {name}")
        if not inspect.isclass(found) or not hasattr(found, "handle"):
            raise SettingsError(
                f"BOTKIT_SKILLS names {name}, but that is no skill.",
                advice="Write the name of the class after the colon.",
            )
        _known[name] = found
    return _known[name]


def load(name: str, who: str) -> Any:
    """Return what `module:name` names.

    `who` begins the sentences of errors: who has named it.  Raises `SettingsError`.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise SettingsError(
            f"{who}, but that is no name of something in a module.",
            advice="Write the module and the name with a colon between, like mybot:Mybot.",
        )
    try:
        found = getattr(import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is not None and module.startswith(error.name):
            raise SettingsError(
                f"{who}, but there is no module {error.name} here.",
                advice=f"Start in the folder in which {error.name}.py is.",
            ) from None
        raise _broken(module, who, error) from error
    except Exception as error:
        raise _broken(module, who, error) from error
    if found is None:
        raise SettingsError(
            f"{who}, but {module} has no {attribute}.",
            advice="Check what you wrote after the colon.",
        )
    return found


def _broken(module: str, who: str, error: Exception) -> SettingsError:
    """Return what to say about a mistake in a module: what it is, and in which line."""
    file, line = getattr(error, "filename", None), getattr(error, "lineno", None)
    if not isinstance(error, SyntaxError):
        frames = traceback.extract_tb(error.__traceback__)
        own = [one for one in frames if Path(one.filename).stem == module.rpartition(".")[2]]
        file, line = (own or frames)[-1].filename, (own or frames)[-1].lineno
    where = f" ({Path(str(file)).name}, line {line})" if file else ""
    text = (error.msg if isinstance(error, SyntaxError) else str(error)).rstrip(" .")
    happened = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return SettingsError(
        f"{who}, but {module} cannot be imported{where}: {happened}.",
        advice=f'Correct it. This shows more: python -c "import {module}"',
    )


@cache
def default_server(connects_to: Any) -> str:
    """Return the address that a description uses by itself; "" if it takes no other."""
    parameter = inspect.signature(connects_to).parameters.get("server")
    if parameter is None or parameter.default is parameter.empty:
        return ""
    return str(parameter.default)


def name_of(skill: type[Any]) -> str:
    """Return the name of the service of a skill in sentences, before the service is described.

    That is `title` if the class has one, else the word.  It gets the capitals of the class's name
    if that is the same word, as in `GitLabSkill`.
    """
    title = getattr(skill, "title", None)
    if isinstance(title, str):
        return title
    name = skill.__name__.removesuffix("Skill")
    word = str(getattr(skill, "word", name))
    return name if name.lower() == word.lower().replace("-", "") else word.capitalize()
