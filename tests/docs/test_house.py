"""The plan of the package: which room may import which, and that others use a room's face."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "botkit"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room imports only rooms that stand before it here.
ROOMS = (
    *("version", "errors", "settings", "storage", "oauth", "trace"),
    *("providers", "chat", "skills", "bot", "run", "lessons", "__init__", "__main__"),
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


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_opens_by_saying_what_it_is_for(file):
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
