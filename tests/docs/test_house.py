"""The plan of the package: which room may import which, and that others use a room's face."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "botkit"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room imports only rooms that stand before it here.
ROOMS = (
    "hiding",
    "version",
    "errors",
    "plugins",
    "settings",
    "storage",
    "oauth",
    "trace",
    "providers",
    "chat",
    "skills",
    "bot",
    "run",
    "lessons",
    "__init__",
    "__main__",
)
CORE = {"version", "errors", "storage", "oauth"}  # it stands alone: no setting, no chat, no Flask
MAY_USE_PRACTICE = ("run/running.py", "lessons/")
# Rooms of which nothing is loaded before it is asked for: what says that a package is missing, or
# that Python is too old, stands in them.  There others import the module itself.
WITHOUT_A_FACE = {"run", "lessons"}


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """The modules that a file imports, with the room of each; also those inside its functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = file.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level]
            module = ".".join([*above, node.module or ""]) if node.level else node.module or ""
            names = [f"{module}.{one.name}" for one in node.names]
            modules = [module] if module != "botkit" else names
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            parts = module.strip(".").split(".")
            if parts[0] == "botkit":
                inside = len(parts) > 1 and (
                    (PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").exists()
                )
                yield (parts[1] if inside else "__init__"), module


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def through_a_wall(file: Path) -> list[str]:
    """The modules that a file must not import."""
    room, name = room_of(file), file.relative_to(PACKAGE).as_posix()
    found = []
    for there, module in imports(file):
        if there == room:
            continue
        if room == "practice":
            wall = True  # it shares no code with the rest
        elif there == "practice":
            wall = not name.startswith(MAY_USE_PRACTICE)
        elif room in CORE:
            wall = there not in CORE or ROOMS.index(there) > ROOMS.index(room)
        else:
            wall = ROOMS.index(there) > ROOMS.index(room)
        if wall:
            found.append(module)
    return found


def past_a_face(file: Path) -> list[str]:
    """The modules of other rooms that a file imports without going through their faces."""
    return [
        module
        for there, module in imports(file)
        if there not in (room_of(file), *WITHOUT_A_FACE, "__init__")
        and (PACKAGE / there).is_dir()
        and module.count(".") > 1
        and not (PACKAGE.parent / module.replace(".", "/")).is_dir()
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_imports_only_what_stands_before_it(file):
    assert through_a_wall(file) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_is_used_through_its_face(file):
    assert past_a_face(file) == []


@pytest.mark.parametrize(
    ("file", "code", "found"),
    [
        ("practice/bad.py", "def f():\n    from botkit.oauth import auth_link\n", ["botkit.oauth"]),
        ("practice/bad.py", "from .server import Server\n", []),
        ("chat/bad.py", "import botkit\n", ["botkit"]),
        ("chat/bad.py", "from botkit import practice\n", ["botkit.practice"]),
        ("oauth/bad.py", "from botkit.settings import Settings\n", ["botkit.settings"]),
        ("storage/bad.py", "from botkit.oauth import Provider\n", ["botkit.oauth"]),
        ("run/bad.py", "from botkit.lessons.kit import Kit\n", ["botkit.lessons.kit"]),
        ("run/serve.py", "from botkit.practice import World\n", ["botkit.practice"]),
        ("run/running.py", "from botkit.practice import World\n", []),
    ],
)
def test_a_hole_in_a_wall_is_seen(tmp_path, monkeypatch, file, code, found):
    monkeypatch.setattr("test_house.PACKAGE", tmp_path / "botkit")
    for room in ("practice", "oauth", "storage", "chat", "run", "lessons"):
        (tmp_path / "botkit" / room).mkdir(parents=True)
    (tmp_path / "botkit" / "settings.py").touch()
    (tmp_path / "botkit" / file).write_text(code)
    assert through_a_wall(tmp_path / "botkit" / file) == found


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def circle_of_imports(files: list[Path]) -> list[str]:
    """Modules that import each other, each the one after it; empty if there are none.

    Imports inside functions and those for types alone count as well.  The version, which stands in
    `botkit` itself, may be read anywhere.
    """
    modules = {name: file for file in files if (name := module_of(file)) != "botkit"}
    graph = {
        name: {_module_that_is(found, modules) for found in _imported_names(file)} - {name, ""}
        for name, file in modules.items()
    }
    while graph:
        free = [name for name, needed in graph.items() if not needed & graph.keys()]
        if not free:
            return _walk(graph)
        for name in free:
            del graph[name]
    return []


def _imported_names(file: Path) -> Iterator[str]:
    """The modules that a file imports, each with the name that it takes out of it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_that_is(name: str, modules: dict[str, Path]) -> str:
    """The module behind `package.module` or `package.module.name`, or an empty string."""
    return name if name in modules else next(iter({name.rpartition(".")[0]} & modules.keys()), "")


def _walk(graph: dict[str, set[str]]) -> list[str]:
    """Follow the imports until a module comes a second time."""
    way = [min(graph)]
    while way[-1] not in way[:-1]:
        way.append(min(graph[way[-1]] & graph.keys()))
    return way[way.index(way[-1]) : -1]


def test_no_modules_import_each_other_in_a_circle():
    assert circle_of_imports(FILES) == []


def test_a_circle_of_imports_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("test_house.PACKAGE", tmp_path / "botkit")
    (tmp_path / "botkit" / "chat").mkdir(parents=True)
    first, second, third = (tmp_path / "botkit" / "chat" / f"{name}.py" for name in "abc")
    first.write_text("import json\nfrom botkit.chat import b\n")
    second.write_text("def f():\n    from botkit.chat.a import name\n")
    third.write_text("from botkit.chat.a import name\n")
    assert circle_of_imports([first, second, third]) == ["botkit.chat.a", "botkit.chat.b"]
    second.write_text("")
    assert circle_of_imports([first, second, third]) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_opens_by_saying_what_it_is_for(file):
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_that_is_named_in_another_one_is_there(file):
    """A module that moves takes with it what docstrings and comments call it."""
    names = {one.name for one in FILES}
    text = file.read_text(encoding="utf-8")
    found = {Path(name).name for name in re.findall(r"[\w/]*\w\.py\b", text)}
    assert found <= names
