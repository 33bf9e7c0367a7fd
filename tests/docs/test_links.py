"""Every link in the README, the lessons, the instructors' guide and the docstrings.

It is well-formed, and what it names in this repository is there.  No link is followed into the
network, so the tests do not depend on anybody else's server.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from posixpath import normpath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from documents import DOCUMENTS, LESSONS, README, ROOT, texts_of, tokens_in, words_of

MODULES = sorted(ROOT.glob("botkit/**/*.py"))
NOBODYS = ("example", "test", "invalid", "local", "localhost", "internal")  # RFC 6761 and its like
RFC = re.compile(r"https://www\.rfc-editor\.org/rfc/rfc(\d+)(?:#section-(\d+(?:\.\d+)*))?")
BARE = re.compile(r"(?<![\w\"'`])https?://[^\s\"'<>`]+")  # in a docstring, and no example in code


@dataclass(frozen=True)
class Link:
    """A link as it is written: its target, and the words that lead there."""

    target: str
    words: str = ""


# ---- finding links -----------------------------------------------------------------------------


def links_in(text: str) -> list[Link]:
    """All links of a Markdown text: its own, those written in HTML, images, and bare addresses."""
    return [link for token in tokens_in(text) for link in links_of(token)]


def links_of_document(file: Path) -> list[Link]:
    return [link for text in texts_of(file) for link in links_in(text)]


def links_of(token: dict[str, Any]) -> Iterator[Link]:
    if token["type"] in ("link", "image"):
        yield Link(token["attrs"]["url"], words_of(token))
    elif token["type"] in ("block_html", "inline_html"):
        html = HtmlLinks()
        html.feed(token["raw"])
        yield from html.found


class HtmlLinks(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Link] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = {"a": "href", "img": "src"}.get(tag)
        self.found += [Link(value or "") for key, value in attrs if key == name]


def links_in_docstrings(file: Path) -> list[Link]:
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for address in BARE.findall(ast.get_docstring(node) or ""):
                # A sentence may go on, or end, behind an address; NAME stands for anybody's own.
                if "NAME" not in address and not address.startswith("http://127.0.0.1"):
                    found.append(Link(address.rstrip(".,;:)")))
    return found


# ---- judging them ------------------------------------------------------------------------------


def trouble_with(link: Link, file: Path) -> str:
    """What is wrong with a link that stands in `file`; an empty text if nothing is."""
    if re.match(r"[a-zA-Z][a-zA-Z+.-]*:|//", link.target):
        return trouble_with_address(link)
    return trouble_with_path(link.target, file)


def trouble_with_address(link: Link) -> str:
    address = urlsplit(link.target)
    if address.scheme != "https":
        return "it does not begin with https://"
    host = address.hostname or ""
    names = host.split(".")
    if not re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", address.netloc) or "" in names:
        return "its host is not the plain name of a server, with a dot"
    if names[-1] in NOBODYS or host.endswith(("example.com", "example.org")):
        return "its host is an example's, and nobody is there"
    if shlex.quote(link.target.replace("#", "", 1)) != link.target.replace("#", "", 1):
        return "copied into a shell, it would break"
    if link.target.endswith((".", ",", ":", "#")) or "//" in address.path:
        return "a sign too many has got into it"
    return trouble_with_rfc(link)


def trouble_with_rfc(link: Link) -> str:
    """The words beside a link to an RFC say where it leads."""
    if "rfc-editor.org" not in link.target:
        return ""
    found = RFC.fullmatch(link.target)
    if not found:
        return "a link to an RFC looks like https://www.rfc-editor.org/rfc/rfc6749#section-4.1"
    number, section = found.groups()
    wanted = f"RFC {number}" + (f", section {section}" if section else "")
    return "" if link.words in (wanted, "") else f"it leads to “{wanted}”, but says “{link.words}”"


def trouble_with_path(target: str, file: Path) -> str:
    path, _, anchor = target.partition("#")
    if path.startswith("/") or "\\" in path or " " in target or not target:
        return "it is not a relative path"
    here = file.relative_to(ROOT).parent.as_posix()
    name = normpath(f"{here}/{unquote(path)}") if path else file.relative_to(ROOT).as_posix()
    if name not in tracked():
        return f"{name} is not in the repository (or git does not know it yet)"
    if anchor and anchor not in anchors_of(ROOT / name):
        return f"{name} has no heading #{anchor}"
    return ""


@cache
def tracked() -> set[str]:
    """The files that git has, exactly as they are spelt, and the folders that they are in."""
    if not (ROOT / ".git").exists():  # a download: then it has what git has
        return {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")}
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert listed.returncode == 0, listed.stderr
    files = {name for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    return files | {parent.as_posix() for name in files for parent in Path(name).parents}


@cache
def anchors_of(file: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    found: list[str] = []
    for token in (token for text in texts_of(file) for token in tokens_in(text)):
        if token["type"] == "heading":
            found.append(anchor(words_of(token), found))
    return set(found)


def anchor(heading: str, before: list[str]) -> str:
    """GitHub's rule: small letters, no punctuation, hyphens for spaces, a number if it repeats."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
    same = sum(re.fullmatch(rf"{re.escape(plain)}(-\d+)?", one) is not None for one in before)
    return f"{plain}-{same}" if same else plain


# ---- the documents -----------------------------------------------------------------------------


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_of_a_document_leads_somewhere(file):
    links = links_of_document(file)
    assert links, "a document without a link: are links still found?"
    wrong = [f"{link.target}: {trouble}" for link in links if (trouble := trouble_with(link, file))]
    assert wrong == []


def test_every_link_in_a_docstring_is_one_that_can_be_followed():
    links = [link for file in MODULES for link in links_in_docstrings(file)]
    assert len(links) > 5, "are links in docstrings still found?"
    assert [
        f"{link.target}: {wrong}" for link in links if (wrong := trouble_with_address(link))
    ] == []


def test_every_lesson_is_linked_from_the_readme_in_order_and_no_other():
    targets = dict.fromkeys(link.target for link in links_of_document(README))
    lessons = [target for target in targets if target.endswith(".ipynb")]
    assert lessons == [f"notebooks/{file.name}" for file in LESSONS]


@pytest.mark.parametrize("number", range(1, len(LESSONS)))
def test_every_lesson_is_linked_at_the_end_of_the_one_before_it(number):
    last = texts_of(LESSONS[number - 1])[-1]
    assert LESSONS[number].name in [link.target for link in links_in(last)]


def test_the_guide_for_instructors_is_linked_from_the_readme():
    assert "notebooks/INSTRUCTORS.md" in [link.target for link in links_of_document(README)]


# ---- the judge is judged -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "trouble"),
    [
        ("http://www.rfc-editor.org/rfc/rfc6749", "https"),
        ("https://localhost/page", "host"),
        ("https://127.0.0.1/page", "host"),
        ("https://www.sqlite.org:443/lang", "host"),
        ("https://ann@www.sqlite.org/lang", "host"),
        ("https://bot.example/oauth", "nobody is there"),
        ("https://www.sqlite.org/a b", "shell"),
        ("https://www.sqlite.org/a?b=1&c=2", "shell"),
        ("https://www.sqlite.org/lang.", "sign too many"),
        ("https://www.sqlite.org//lang", "sign too many"),
        ("https://www.rfc-editor.org/rfc/rfc6749.html#section-4", "looks like"),
        ("https://www.rfc-editor.org/rfc/rfc6749#section-4.1.", "sign too many"),
        ("//www.sqlite.org/lang", "https"),
        ("mailto:ann@example.com", "https"),
        ("no_such_lesson.ipynb", "notebooks/no_such_lesson.ipynb is not in the repository"),
        ("../Botkit/oauth.py", "Botkit/oauth.py is not in the repository"),
        ("../../outside.md", "is not in the repository"),
        ("/README.md", "not a relative path"),
        ("..\\botkit\\oauth.py", "not a relative path"),
        ("", "not a relative path"),
        ("../README.md#go-dead", "README.md has no heading #go-dead"),
        ("../README.md#Go-live", "README.md has no heading #Go-live"),
        ("../README.md#go-live", ""),
        ("../botkit/providers/contract", ""),
        ("https://www.sqlite.org/lang_createindex.html#unique_indexes", ""),
    ],
)
def test_a_broken_link_is_told_from_a_good_one(target, trouble):
    told = trouble_with(Link(target), LESSONS[0])
    assert trouble in told and bool(trouble) == bool(told)


def test_a_link_to_an_rfc_says_where_it_leads():
    address = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1"
    assert trouble_with_rfc(Link(address, "RFC 6749, section 4.1")) == ""
    assert "says “RFC 6749, section 4”" in trouble_with_rfc(Link(address, "RFC 6749, section 4"))


def test_links_are_found_wherever_they_are_written():
    text = (
        "[own](a) ![picture](b.png) <https://c.org/> bare https://d.org/x. [by name][1]\n\n"
        '<details>\n<summary><a href="e">e</a></summary>\n\n- **[f](f)**\n\n</details>\n\n'
        '| t |\n|---|\n| [g](g) <img src="h"> |\n\n`[no](no)`\n\n```\n[no](no)\n```\n\n[1]: i\n'
    )
    targets = [link.target for link in links_in(text)]
    assert targets == ["a", "b.png", "https://c.org/", "https://d.org/x", "i", "e", "f", "g", "h"]


def test_anchors_are_made_as_github_makes_them(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("# Go live\n## Step 1: `run` it, now!\n## Why?\n## Why?\n## a_b – c\n")
    assert anchors_of(file) == {"go-live", "step-1-run-it-now", "why", "why-1", "a_b--c"}
