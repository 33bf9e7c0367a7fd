"""Keep the cells of the practice spreadsheets, and enter values into them.

A cell holds text, a number or a truth value, and a formula when one was entered.  Of formulas only
sums and products of numbers are worked out (`=1+2`); any other shows `#NAME?`.

Source: the reference of the Sheets API, "ValueInputOption" and "ValueRenderOption".
"""

from __future__ import annotations

import ast
import math
import operator
import re
from dataclasses import dataclass, field

ROWS, COLUMNS = 1000, 26  # of a new sheet

Value = str | int | float | bool
Rows = list[list[Value | None]]
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Cell:
    """`value` is what is seen; `formula` is what was entered, if that was one."""

    value: Value
    formula: str | None = None

    def render(self, option: str) -> Value:
        """Return the cell as the `valueRenderOption` wants it."""
        if option == "FORMULA":
            return self.formula or self.value
        if option == "UNFORMATTED_VALUE":
            return self.value
        if isinstance(self.value, bool):
            return str(self.value).upper()
        return f"{self.value:.10g}" if isinstance(self.value, float) else str(self.value)


def enter(value: Value, option: str) -> Cell:
    """Return the cell that comes of `value` under the `valueInputOption` RAW or USER_ENTERED."""
    if option == "RAW" or not isinstance(value, str):
        return Cell(value)
    if value.startswith("="):
        return Cell(_work_out(value[1:]), value)
    if value.startswith("'"):  # a person's way to say: this is text
        return Cell(value[1:])
    if value.upper() in ("TRUE", "FALSE"):
        return Cell(value.upper() == "TRUE")
    if re.fullmatch(r"[+-]?\d{1,15}", value, re.ASCII):
        return Cell(int(value))
    if re.fullmatch(r"[+-]?\d{1,15}\.\d{1,15}", value, re.ASCII):
        return Cell(float(value))
    return Cell(value)


def _work_out(formula: str) -> Value:
    try:
        result = _number(ast.parse(formula.strip(), mode="eval").body)
    except ZeroDivisionError:
        return "#DIV/0!"
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return "#NAME?"
    if not math.isfinite(result):
        return "#NUM!"
    return int(result) if result.is_integer() else result


def _number(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        result: float = _OPERATORS[type(node.op)](_number(node.left), _number(node.right))
        return result
    raise ValueError("This is more than numbers.")


@dataclass
class Sheet:
    """One sheet (tab) of a spreadsheet.  Cells are found by row and column, from 1."""

    id: int
    title: str
    rows: int = ROWS
    columns: int = COLUMNS
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict, repr=False)

    def write(self, top: int, left: int, rows: Rows, option: str) -> int:
        """Enter values from this cell on, and return how many.

        None leaves a cell as it is, "" empties it.
        """
        count = 0
        for row, values in enumerate(rows, top):
            for column, value in enumerate(values, left):
                count += value is not None
                if value == "":
                    self.cells.pop((row, column), None)
                elif value is not None:
                    self.cells[row, column] = enter(value, option)
                    self.rows, self.columns = max(self.rows, row), max(self.columns, column)
        return count

    def insert_rows(self, before: int, count: int) -> None:
        """Insert empty rows; what was there moves down."""
        self.cells = {
            (row + count if row >= before else row, column): cell
            for (row, column), cell in self.cells.items()
        }
        self.rows += count
