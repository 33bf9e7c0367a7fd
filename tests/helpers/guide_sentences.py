"""What botkit can say: every string in its code, and whether a quoted sentence is among them.

A hole of an f-string stands for any words; so does `…` in a quotation.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "botkit"
HOLE = "\0"  # a part of a sentence that the code fills in
ANY = "…"  # the same, in a quotation
MOST = 12  # words that may stand for a hole
NOT_THERE = float("-inf")


@cache
def sayings() -> tuple[tuple[str, ...], ...]:
    """All strings of the package, as words: of the modules, the pages and their scripts."""
    texts = [text for file in PACKAGE.rglob("*.py") for text in strings_of(ast.parse(read(file)))]
    texts += [re.sub(r"\{[{%].*?[}%]\}", HOLE, read(file)) for file in PACKAGE.rglob("*.html")]
    texts += [text for file in PACKAGE.rglob("*.js") for text in re.findall('"(.*?)"', read(file))]
    return tuple({words(re.sub("<[^<>]+>", " ", text)) for text in texts})


def strings_of(tree: ast.AST) -> Iterator[str]:
    """Strings that are used; a docstring says nothing to anybody who runs the code."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", None) for part in node.values)
            yield "".join(part if isinstance(part, str) else HOLE for part in parts)
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from strings_of(part)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield from strings_of(node)


def is_said(quotation: str, among: tuple[tuple[str, ...], ...] | None = None) -> bool:
    """Whether the code says these words in a row, most of them outside of a hole."""
    quoted = words(quotation)
    firm = {word for word in quoted if ANY not in word}
    enough = max(3, 0.65 * len(firm))
    return any(
        common_words(quoted, saying) >= enough
        for saying in (sayings() if among is None else among)
        if len(firm & set(saying)) >= 0.5 * len(firm)  # a first look, because it is quick
    )


def common_words(quoted: tuple[str, ...], saying: tuple[str, ...]) -> float:
    """How many words are the same, where `quoted` stands somewhere in `saying`."""

    @cache
    def most(at: int, there: int) -> float:
        if at == len(quoted):
            return 0
        if there == len(saying):
            return NOT_THERE
        counts = [NOT_THERE]
        if quoted[at] == saying[there]:
            counts.append(1 + most(at + 1, there + 1))
        if HOLE in saying[there]:
            for end in range(at + 1, min(at + MOST, len(quoted)) + 1):
                if fits(saying[there], HOLE, quoted[at:end]):
                    counts.append(most(end, there + 1))
        if ANY in quoted[at]:
            for end in range(there + 1, min(there + MOST, len(saying)) + 1):
                if fits(quoted[at], ANY, saying[there:end]):
                    counts.append(most(at + 1, end))
        return max(counts)

    return max((most(0, start) for start in range(len(saying))), default=NOT_THERE)


def fits(pattern: str, wild: str, some: tuple[str, ...]) -> bool:
    regex = ".*".join(map(re.escape, pattern.split(wild)))
    return re.fullmatch(regex, " ".join(some)) is not None


def words(text: str) -> tuple[str, ...]:
    return tuple(text.replace("**", "").split())


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
