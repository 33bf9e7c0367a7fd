"""List the mutants of the core: small mistakes, each of which a test should notice.

Start with `mutants_of`.  The operators are those of cosmic-ray that `tests/mutants.toml` names, and
`DeleteCall`.  A change that cannot matter makes no mutant: one in a type annotation or a protocol,
which is never evaluated, in a call of the log, of the length of a random name, or of a number that
a file sets for itself, such as a limit of 16.  A test of that would say the number again.

Not here: which tests a mutant is tried with (mutant_runs.py).
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A change of one place: the operator, and which of the places in the file that it can change.

    `lines` are those of the whole statement, because a test may reach it in any of them.
    """

    file: str
    operator: str
    occurrence: int
    line: int
    lines: tuple[int, int]

    def code(self) -> str | None:
        """Return the code of the whole file with this change; None if it is no other program."""
        from cosmic_ray.mutating import mutate_code

        source = (ROOT / self.file).read_text(encoding="utf-8")
        changed = mutate_code(source, operator(self.operator), self.occurrence)
        try:
            same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
        except SyntaxError:
            return None
        return None if same else str(changed)

    def is_one_of(self, equivalents: Iterable[Equivalent]) -> Equivalent | None:
        """Return the one that this mutant is, if nobody could notice it."""
        source = (ROOT / self.file).read_text(encoding="utf-8").splitlines()
        first, last = self.lines
        there = [line.strip() for line in source[first - 1 : last]]
        known = [one for one in equivalents if one.file == self.file and one.line in there]
        code = self.code() if known else None
        changed = zip(source, (code or "").splitlines(), strict=False)
        becomes = {_bare(after) for before, after in changed if before != after}
        return next((one for one in known if _bare(one.becomes) in becomes), None)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.operator} {self.occurrence}"


@dataclass(frozen=True)
class Equivalent:
    """A mutant that nobody could notice: the line, what the mutant makes of it, and why."""

    file: str
    line: str
    becomes: str
    why: str

    def __post_init__(self) -> None:
        lines = (ROOT / self.file).read_text(encoding="utf-8").splitlines()
        if self.line not in map(str.strip, lines):
            raise ValueError(f"tests/mutants.toml: this line of {self.file} is gone: {self.line}")


def _bare(line: str) -> str:
    """Return the line without its spaces: cosmic-ray puts one before a number."""
    return "".join(line.split())


def operator(name: str) -> Any:
    from cosmic_ray.operators.provider import OperatorProvider

    return delete_call() if name == "DeleteCall" else OperatorProvider()[name]()


def delete_call() -> Any:
    """Return an operator that leaves out a call whose result is not used, such as a check."""
    import parso
    from cosmic_ray.operators.operator import Operator

    class DeleteCall(Operator):
        def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
            if node.type in ("atom_expr", "power") and node.parent.type == "simple_stmt":
                last = node.children[-1]
                if last.type == "trailer" and last.children[0].value == "(":
                    yield node.start_pos, node.end_pos

        def mutate(self, node: Any, index: int) -> Any:
            return parso.parse(f"{node.get_first_leaf().prefix}pass")

        @classmethod
        def examples(cls) -> Sequence[Any]:
            return ()

    return DeleteCall()


def mutants_of(file: str, operators: Sequence[str]) -> Iterator[Mutant]:
    """Yield the mutants of a file, which is named from the root of the repository."""
    from cosmic_ray.ast import ast_nodes, get_ast

    source = (ROOT / file).read_text(encoding="utf-8")
    tree = ast.parse(source)
    ignored, statements = list(ignored_places(tree)), list(statements_of(tree))
    calculations = [place_of(node) for node in ast.walk(tree) if isinstance(node, CALCULATIONS)]
    settings = [place_of(node) for node in tree.body if isinstance(node, ast.Assign)]
    nodes = list(ast_nodes(get_ast(source)))
    for name in operators:
        mutation = operator(name)
        starts = [start for node in nodes for start, _ in mutation.mutation_positions(node)]
        for occurrence, start in enumerate(starts):
            # To cosmic-ray also the `*` in a signature multiplies.
            if name.startswith("ReplaceBinary") and not is_in(calculations, start):
                continue
            if name == "NumberReplacer" and is_in(settings, start):
                continue
            if not is_in(ignored, start):
                line = start[0]
                lines = max(one for one in statements if one[0] <= line <= one[1])
                yield Mutant(file, name, occurrence, line, lines)


def sample(mutants: Iterable[Mutant], every: int, seed: int) -> list[Mutant]:
    """Return about one in `every` mutants, in another order; the same ones for the same seed.

    Whether a mutant is chosen does not depend on the others, so a change of the code keeps most.
    """

    def rank(mutant: Mutant) -> int:
        name = f"{seed} {mutant.file} {mutant.operator} {mutant.occurrence}"
        return int(hashlib.sha256(name.encode()).hexdigest(), 16)

    limit = 2**256 // every
    return sorted((mutant for mutant in mutants if rank(mutant) < limit), key=rank)


Point = tuple[int, int]  # line and column
CALCULATIONS = (ast.BinOp, ast.AugAssign)


def is_in(places: Iterable[tuple[Point, Point]], point: Point) -> bool:
    return any(begin <= point < end for begin, end in places)


def place_of(node: Any) -> tuple[Point, Point]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def ignored_places(tree: ast.AST) -> Iterator[tuple[Point, Point]]:
    """Yield where annotations, protocols, and calls of the log and of `secrets` begin and end."""
    for node in ast.walk(tree):
        found: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            found.append(node if isinstance(of, ast.Name) and of.id in ("log", "secrets") else None)
        elif isinstance(node, ast.ClassDef):
            bases = [one.id for one in node.bases if isinstance(one, ast.Name)]
            found += node.body if "Protocol" in bases else []
        yield from (place_of(one) for one in found if one is not None)


def statements_of(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each statement.

    Of one that has others inside, such as `if`, these are the lines of its head.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt | ast.ExceptHandler) and node.end_lineno:
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            inside = [one.lineno - 1 for one in getattr(node, "body", ())]
            yield first, max(first, inside[0]) if inside else node.end_lineno
        yield from statements_of(node)
