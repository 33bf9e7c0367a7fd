"""Report the result of a test, line by line, and say where to look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap

from botkit.errors import BotkitError, ProviderRefused
from botkit.oauth import Provider, error_name

WIDTH = 92  # characters of a line as it is shown
# What no test can show, because a wrong value would look the same.
NOT_SEEN = (
    "whether id and name are the right way round; whether the rest of the API is at api_url; what "
    "else a revocation ends (ends); issuer, if the callback brings no iss."
)
# What a practice service that plays a description cannot show, either.
NOT_PLAYED = (
    "whether client_auth, the scopes and the addresses are those of the real service "
    "(only --live can show it); "
)
_SENTENCE = r"(?=.* )[ -~]{1,160}"
_RANDOM = r"[A-Za-z0-9_~+=-]{24,}|(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"
CLIENT = "client_auth, client_id and client_secret"
FIELDS = {  # which fields of a description to look at, by the provider's name for the error
    "invalid_client": CLIENT,
    "incorrect_client_credentials": CLIENT,
    "unauthorized_client": CLIENT,
    "invalid_scope": "scopes",
    "redirect_uri_mismatch": "slug, and at the address that is registered",
}


@dataclass(frozen=True)
class Line:
    """One line: `mark` is ✔ for kept, ✘ for broken, – for not there or not tried."""

    name: str
    mark: str
    text: str

    def __str__(self) -> str:
        return "\n".join(
            wrap(f"{self.mark} {self.name:12} {self.text}", WIDTH, subsequent_indent=" " * 15)
        )


@dataclass(frozen=True, repr=False)
class ContractReport:
    """The result.  A notebook shows its lines, and then what no line can show.

    `report["link"]` is one of them.  `played` says that the service was made of the description.
    """

    lines: tuple[Line, ...]
    played: bool = False

    @property
    def kept(self) -> bool:
        """Whether nothing of the contract is broken."""
        return not self.broken

    @property
    def not_tried(self) -> list[str]:
        """The names of the lines that could not be tried."""
        return [line.name for line in self.lines if line.mark == "–"]

    @property
    def broken(self) -> list[str]:
        """The names of the lines that are broken."""
        return [line.name for line in self.lines if line.mark == "✘"]

    def __getitem__(self, name: str) -> Line:
        return {line.name: line for line in self.lines}[name]

    def __repr__(self) -> str:
        unseen = NOT_PLAYED + NOT_SEEN if self.played else NOT_SEEN
        return "\n".join(map(str, [*self.lines, Line("not seen", "·", unseen)]))


class Broken(Exception):
    """Raised when a line is broken.  The sentence says what was wanted, and what came."""


class NotTried(Exception):
    """Raised when there is nothing to try, or no way to try it."""


def want(condition: object, sentence: str) -> None:
    """Raise `Broken` with this sentence unless the condition holds."""
    if not condition:
        raise Broken(sentence)


@contextmanager
def refused(by_name: type[BotkitError], otherwise: str) -> Iterator[None]:
    """Raise `Broken` unless the code inside raises this error."""
    try:
        yield
    except by_name:
        return
    raise Broken(otherwise)


def in_words(error: BotkitError, fields: str) -> str:
    """Return a sentence about an error, and the fields that may be the cause."""
    happened = str(error)
    if isinstance(error, ProviderRefused) and error.code:
        fields = FIELDS.get(error.code, fields)
        happened += "" if error.code in happened else f" It said {error.code}."
    return look_at(happened, fields)


def look_at(happened: str, fields: str) -> str:
    """Return what happened, and the fields of the description that may be the cause."""
    return f"{happened} Look at {fields}." if fields else happened


def said(provider: Provider, name: object, sentence: object) -> str:
    """Return what a service says about its refusal, if it can be shown.

    Its sentence comes from a stranger.  It is left out if it is no plain sentence, or may contain a
    secret.  Source: RFC 6749, section 5.2.
    """
    words = [f"It said {error_name(name)}"] if name is not None else []
    plain = isinstance(sentence, str) and re.fullmatch(_SENTENCE, sentence)
    if plain and not re.search(_RANDOM, plain[0]) and str(provider.client_secret) not in plain[0]:
        words += [f"“{plain[0].rstrip('.')}”"] if words else [f"It said “{plain[0].rstrip('.')}”"]
    return f"{': '.join(words)}." if words else ""
