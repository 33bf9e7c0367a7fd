"""Make a folder with a bot of your own: `python -m botkit new mybot`.

Start with `make_folder`.  The folder has the bot, its test, a page on how to run it, and its
settings.  The test passes at once.

Not here: what a skill is (`botkit/skills/skill.py`).
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from botkit.errors import SettingsError
from botkit.run.discover import describe_issuer, word_of

BOT = '''\
"""A bot of my own."""

from botkit import Skill, command, plain
from botkit.providers import github


class CLASS(Skill):
    """I list your GitHub repositories."""

    word, connects_to = "github", github
    practice = {"GET /user/repos": [{"name": "hello-world"}]}

    @command("repos", "lists your newest repositories")
    def repos(self, call):
        repos = call.get("/user/repos", params={"sort": "created"}, what="repositories")
        return "\\n".join(plain(repo["name"]) for repo in repos) or "You have none."
'''
TEST = '''\
import pytest
from MODULE import CLASS


@pytest.fixture
def kit(kit):
    """The bot and the practice world, with this skill."""
    kit.add(CLASS)
    return kit


def test_repos(kit):
    kit.alice.connects("github")
    assert kit.alice.say("repos").text == "hello-world"


def test_a_person_without_a_connection_gets_a_link(kit):
    assert "Connect your GitHub account" in kit.alice.say("repos").text
'''
OTHER_BOT = '''\
"""A bot of my own."""

DESCRIPTION


class CLASS(Skill):
    """I know your TITLE account."""

    word, connects_to = "WORD", WORD
    practice = {"GET /things": [{"name": "hello-world"}]}

    @command("things", "lists your things")
    def things(self, call):
        things = call.get("/things", what="things")
        return "\\n".join(plain(thing["name"]) for thing in things) or "You have none."
'''
README = """\
# MODULE

Run these lines in this folder:

    pytest                    # test it with a practice TITLE on this computer
    python -m botkit demo     # see it in this terminal
    python -m botkit serve    # run it until Ctrl-C
    python -m botkit doctor   # see what is missing to run it live

They need botkit and pytest. In the folder of botkit, this installs both: pip install -e ".[test]"

`FILE` is the bot. To run it with the real TITLE, register an OAuth app there. Then write its
client id and client secret into `.env`. Git ignores that file, because it holds secrets.
"""
ENV = """\
# What the bot can do, and what is live. Keep the file .env secret: Git ignores it.
BOTKIT_SKILLS=MODULE:CLASS
# UPPER_CLIENT_ID=
# UPPER_CLIENT_SECRET=
# RINGCENTRAL_CHATBOT_CLIENT_ID=
# RINGCENTRAL_CHATBOT_CLIENT_SECRET=
# This makes the key, once: python -m botkit new-key --write
# BOTKIT_SECRET_KEY=
"""
IGNORE = ".env\n*.sqlite*\n__pycache__/\n.pytest_cache/\n"


def make_folder(name: str, issuer: str = "", *, where: Path | None = None) -> list[Path]:
    """Write the files of a bot into a new folder; return them.

    With `issuer` the bot is for that service, which is asked for its addresses.  Raises
    `SettingsError` if the folder cannot be made, and what `describe_issuer` raises.
    """
    folder = (where or Path()) / name
    _check(name, folder)
    words = {"MODULE": name, "FILE": f"{name}.py", "CLASS": _class_of(name)}
    if issuer:
        word = word_of(issuer)
        words |= {"WORD": word, "TITLE": word.capitalize(), "UPPER": word.upper()}
        imports, code = describe_issuer(issuer).split("\n", 1)
        words["DESCRIPTION"] = f"{imports}, Skill, command, plain\n{code}"
        test = TEST.replace('"github"', f'"{word}"').replace("GitHub", word.capitalize())
        test = test.replace("repos", "things")
    else:
        words |= {"TITLE": "GitHub", "UPPER": "GITHUB"}
        test = TEST
    texts = {
        f"{name}.py": _filled(OTHER_BOT if issuer else BOT, words),
        f"test_{name}.py": _filled(test, words),
        "README.md": _filled(README, words),
        ".env.example": _filled(ENV, words),
        ".env": _filled(ENV, words),
        ".gitignore": IGNORE,
    }
    try:
        folder.mkdir()
        for file, text in texts.items():
            mode = 0o600 if file == ".env" else 0o666
            handle = os.open(folder / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(handle, "w", encoding="utf-8") as written:
                written.write(text)
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} cannot be written ({error.strerror}).",
            advice="Go to a folder that you may write into.",
        ) from None
    return [folder / file for file in texts]


def _filled(text: str, words: dict[str, str]) -> str:
    """Put each word in its place, all at once: what is put in is not looked through again."""
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def _check(name: str, folder: Path) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or iskeyword(name):
        raise SettingsError(
            f"{name!r} cannot be the name of a Python module.",
            advice="Write it like mybot: small letters, digits and _.",
        )
    if folder.exists():
        raise SettingsError(f"{folder} is here already.", advice="Choose another name.")
    if find_spec(name) is not None:  # the bot would hide it, or be hidden by it
        raise SettingsError(f"Python has a module {name} already.", advice="Choose another name.")


def _class_of(name: str) -> str:
    found = "".join(part.capitalize() for part in name.split("_"))
    return f"{found}Bot" if found in ("Skill", "Provider", "Revocation") else found
