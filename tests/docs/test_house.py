"""The plan of the house: the two walls, and no import that leads upwards."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "botkit"
FILES = sorted(PACKAGE.rglob("*.py"))

# What a room may import, besides the standard library and its dependencies.  Practice is a house
# of its own.
MAY_IMPORT = {
    "errors": set(),
    "variables": set(),
    "settings": {"errors", "seal", "variables"},
    "keys": {"database", "errors", "seal", "settings"},
    "address": {"settings", "tunnel"},
    "tables": set(),
    "providers": set(),
    "comparison": {"providers"},
    "work": {"errors"},
    "http": {"errors"},
    "setup_tables": {"tables"},
    "seal": {"errors"},
    "sealing": {"seal", "tables"},
    "database_errors": {"errors"},
    "database": {"database_errors", "errors", "seal", "sealing", "setup_tables", "tables"},
    "links": {"database", "errors", "tables"},
    "storage": {"database", "errors", "links", "seal", "tables"},
    "tokens": {"errors", "http", "providers"},
    "refresh": {"errors", "providers", "storage", "tables", "tokens"},
    "account": {"errors", "http", "providers", "storage", "tables", "tokens"},
    "oauth": {
        *("account", "errors", "http", "providers", "refresh", "storage", "tables", "tokens"),
    },
    "contract": {
        *("account", "database", "errors", "http", "oauth", "providers", "storage", "tables"),
        "tokens",
    },
    "confirm": {
        *("account", "chat", "errors", "events", "links", "oauth", "providers", "storage"),
        *("tables", "tokens"),
    },
    "events": set(),
    "chat": {"errors", "events", "http", "settings", "storage", "tables"},
    "subscription": {"chat", "errors", "storage", "tables"},
    "installation": {
        *("account", "chat", "errors", "http", "oauth", "providers", "settings", "storage"),
        *("subscription", "tables", "tokens"),
    },
    "skills": {
        *("account", "chat", "errors", "events", "http", "oauth", "providers", "storage"),
        *("tables", "tokens", "work"),
    },
    "webhook": {"chat", "errors", "events", "installation", "skills", "storage", "work"},
    "web": {
        *("account", "chat", "confirm", "errors", "installation", "oauth", "providers"),
        *("skills", "storage", "tables", "webhook", "work"),
    },
    "tunnel": {"errors", "tunnel_trouble"},
    "tunnel_trouble": {"errors"},
    "bot": {
        *("chat", "confirm", "database", "errors", "installation", "keys", "providers", "seal"),
        *("settings", "skills", "storage", "tables", "web", "work"),
    },
    "production": {"errors", "web"},
    "maintenance": {"bot", "chat", "errors", "subscription", "tables"},
    "wrapping": set(),
    "labels": {"wrapping"},
    "exchange": {"labels"},
    "arrows": {"exchange"},
    "picture": {"arrows", "exchange"},
    "diagram": {"arrows", "exchange", "picture"},
    "overhear": {"exchange"},
    "trace": {"diagram", "exchange", "labels", "overhear", "wrapping"},
    "people": {"labels", "wrapping"},
    "parties": {"address", "bot", "labels", "settings"},
    "lab": {"kit", "people"},
    "check": {"contract", "environment", "lab", "labels", "people", "providers", "wrapping"},
    "environment": {"http", "kit"},
    "doctor": {
        *("address", "bot", "database", "database_errors", "environment", "errors", "http"),
        *("kit", "parties"),
        "providers",
        *("keys", "seal", "sealing", "serve", "settings", "tables", "tokens", "variables"),
    },
    "running": {"address", "kit", "settings"},
    "__init__": {"kit", "running", "settings"},
    "serve": {
        *("address", "bot", "confirm", "errors", "kit", "labels", "maintenance", "parties"),
        "settings",
    },
    "presenter": {
        *("address", "arrows", "errors", "exchange", "kit", "parties", "practice", "production"),
        *("running", "settings"),
    },
    "__main__": {
        *("address", "bot", "doctor", "errors", "keys", "kit", "maintenance", "presenter"),
        *("running", "seal", "serve", "settings", "storage"),
    },
}


def room_of(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def rooms_imported_by(file: Path) -> set[str]:
    """The rooms that a file imports, also inside its functions; `botkit` itself is `__init__`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level < 2, f"{file} imports from above itself"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
            if node.level == 1:
                module = ".".join(["botkit", *file.relative_to(PACKAGE).parts[:-1], module])
                names = [module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "botkit":
                there = len(parts) > 1 and (
                    (PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").exists()
                )
                found.add(parts[1] if there else "__init__")
    return found - {room_of(file)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_below_it(file):
    room, imported = room_of(file), rooms_imported_by(file)
    if room == "practice":
        assert imported == set(), "the practice world imports nothing of the client"
    elif room == "kit":
        assert "practice" in imported, "the kit alone puts the two together"
    else:
        assert imported <= MAY_IMPORT[room]


def test_the_rule_sees_what_it_forbids(tmp_path, monkeypatch):
    monkeypatch.setattr("test_house.PACKAGE", tmp_path)
    (tmp_path / "practice").mkdir()
    (tmp_path / "oauth.py").touch()
    file = tmp_path / "practice" / "bad.py"
    file.write_text("def f():\n    from botkit.oauth import auth_link\n    import botkit.oauth\n")
    assert rooms_imported_by(file) == {"oauth"}
    file = tmp_path / "chat.py"
    file.write_text("import botkit\nfrom botkit import practice\n")
    assert rooms_imported_by(file) == {"__init__", "practice"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_opens_by_saying_what_it_is_for(file):
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
