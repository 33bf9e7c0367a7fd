"""The report of an examination, and how a line comes to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap

from botkit.errors import BotkitError, ProviderRefused

WIDTH = 92  # characters of a line as it is shown
CLIENT = "client_auth, client_id and client_secret"
FIELDS = {  # of a description, by the provider's name for the trouble
    "invalid_client": CLIENT,
    "incorrect_client_credentials": CLIENT,
    "unauthorized_client": CLIENT,
    "invalid_scope": "scopes",
    "redirect_uri_mismatch": "slug, and at the address that is registered",
}


@dataclass(frozen=True)
class Line:
    """`mark` is ✔ for kept, ✘ for broken, – for what is not there or could not be tried."""

    name: str
    mark: str
    text: str

    def __str__(self) -> str:
        return "\n".join(
            wrap(f"{self.mark} {self.name:12} {self.text}", WIDTH, subsequent_indent=" " * 15)
        )


@dataclass(frozen=True, repr=False)
class Report:
    """As the last line of a cell it is shown line by line.  `report["link"]` is one line of it."""

    lines: tuple[Line, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing of the contract is broken."""
        return not self.broken

    @property
    def broken(self) -> list[str]:
        """The names of the lines that are broken."""
        return [line.name for line in self.lines if line.mark == "✘"]

    def __getitem__(self, name: str) -> Line:
        return {line.name: line for line in self.lines}[name]

    def __repr__(self) -> str:
        return "\n".join(map(str, self.lines))


class Broken(Exception):
    """Not as it was wanted.  The sentence says what was wanted, and what came."""


class NotTried(Exception):
    """There is nothing to try, or no way to try it."""


def want(condition: object, sentence: str) -> None:
    """Go on if the condition holds; otherwise the line is broken, with this sentence."""
    if not condition:
        raise Broken(sentence)


@contextmanager
def refused(by_name: type[BotkitError], otherwise: str) -> Iterator[None]:
    """What is done here must fail with this error; otherwise the line is broken."""
    try:
        yield
    except by_name:
        return
    raise Broken(otherwise)


def in_words(error: BotkitError, fields: str) -> str:
    """An error of the library, and the fields of the description that it may come from."""
    happened = str(error)
    if isinstance(error, ProviderRefused) and error.code:
        fields = FIELDS.get(error.code, fields)
        happened += "" if error.code in happened else f" It said {error.code}."
    return f"{happened} Look at {fields}." if fields else happened
