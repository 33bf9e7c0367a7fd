"""Replace secrets with labels, such as `‹state·1›`, `‹code·1›` and `‹token·1›`.

Start with `Labels.redact`, for any string.  `show` is for a notebook cell, and `RedactingFilter`
for the log.

The same value always has the same label, so a reader can recognize a code without learning it.
Servers have names, such as `‹GitHub›`, and no ports, so two runs look the same.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus

from botkit.trace.wrapping import DisplayedText, in_columns

#: Parameters that are secret, or differ on every trip, and the word on their label.
KINDS = {
    "state": "state",
    "code": "code",
    "code_challenge": "challenge",
    "code_verifier": "verifier",
    "verifier": "verifier",
    "token": "token",
    "access_token": "token",
    "refresh_token": "refresh",
    "id_token": "id-token",
    "client_secret": "secret",
    "botkit_secret_key": "key",
    "password": "password",
    "api_key": "key",
    "x_api_key": "key",
    "verification_token": "verification",
    "validation_token": "validation",
    "x_goog_channel_id": "channel",
    "x_goog_channel_token": "channel-token",
}
#: Parameters that are not secret, and worth showing of a JSON body with a hundred members.
PLAIN = {
    "client_id", "redirect_uri", "grant_type", "scope", "token_type", "expires_in", "iss", "error",
    "error_description", "message", "login", "name", "text", "eventType",
}  # fmt: skip
_KINDS = {name.replace("_", ""): kind for name, kind in KINDS.items()}
_NAME = "(?P<name>" + "|".join(name.replace("_", "[_-]?") for name in KINDS) + ")"
_COLON = r"\\?[\"']?\s*[:,]\s*b?[\"']?"  # after the name of a header, also in a printed dict
_WORD = r"(?P<value>[^\s\"'<>‹›,;\\]+)"
# state=X in a URL or a form, and state%3DX in a URL inside another
_PARAMETER = (
    rf"(?i)(?:(?<![\w-])|(?<=%3F)|(?<=%26)){_NAME}(?:=|%3D)"
    r"(?P<value>(?:(?!%26)[^&#\s\"'<>()\[\]{}\\‹›])+)(?<![.,;:!?])"
)
# Other ways in which secrets are written: their kind, the pattern, and characters of which the text
# has at least one.  If the kind is empty, the name has it.
_PLACES = (
    # "state": "X" in JSON, in JSON inside of JSON, in a printed dict
    (
        "",
        rf"(?i)(?P<q>\\{{0,7}}[\"']){_NAME}(?P=q)\s*:\s*(?P=q)(?P<value>(?:(?!(?P=q))[^‹›])+)",
        ":",
    ),
    ("", rf"(?i){_NAME}(?:(?<=-token)|(?<=-key)):\s*{_WORD}", ":"),
    ("token", rf"(?i)authorization{_COLON}(?:Bearer|token)\s+{_WORD}", ":,"),
    ("credentials", rf"(?i)authorization{_COLON}Basic\s+{_WORD}", ":,"),
    ("password", r"://[^\s/:@]*:(?!\d+@)(?P<value>[^\s/@‹›]+)(?=@)", "@"),
    # GitHub's and Google's tokens are known by their beginning
    ("refresh", r"(?P<value>ghr_[A-Za-z0-9_]{4,})", "_"),
    ("token", r"(?P<value>(?:gh[opus]_|github_pat_)[A-Za-z0-9_]{4,}|ya29\.[\w.-]{4,})", "_."),
)
_COOKIES = rf"(?i)cookie{_COLON}[^\r\n\"'\\]+"
_COOKIE = (
    r"(?i)(?<=[\s\"':;])(?!(?:path|domain|expires|max-age|samesite)=)[^\s\"'=:;]+=(?P<value>[^;‹]+)"
)
_LABEL = r"‹[^‹›]*›"
_LOOPBACK = r"(?i)(?:https?(?:://|%3A%2F%2F))?(?:127\.0\.0\.1|localhost|\[::1\])(?::|%(?:25)*3A)\d+"
# A value so short or so plain can be a word of a sentence, so it is hidden by name only.
_ORDINARY = r".{0,3}|[A-Za-z]?[a-z]{1,14}"
# An unknown parameter with a value like this is treated as a secret.
_RANDOM = r"(?=\D*\d)[A-Za-z0-9_-]{20,}"


def kind_of(name: str) -> str:
    """Return which kind of secret a parameter of this name has, or an empty string."""
    return _KINDS.get(name.replace("_", "").replace("-", "").lower(), "")


def is_known_name(name: str) -> bool:
    """Return whether a parameter's name is a word of OAuth or of ours, and so no secret itself."""
    return name in PLAIN or kind_of(name) != ""


class Labels:
    """The labels of secrets and the names of servers.

    It is safe to use from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._labels: dict[str, str] = {}  # a value, or its percent-encoded form -> its label
        self._counts: Counter[str] = Counter()
        self._origins: dict[str, str] = {}  # every form of a beginning -> its name

    def label(self, kind: str, value: str) -> str:
        """Return `‹kind·n›`; n counts the values of a kind in the order of their arrival."""
        with self._lock:
            if value and value not in self._labels:
                self._counts[kind] += 1
                coded = value.encode("utf-8", "replace")
                for form in (value, quote(coded, safe=""), quote_plus(coded)):
                    self._labels.setdefault(form, f"‹{kind}·{self._counts[kind]}›")
            return self._labels.get(value, "")

    def forget(self) -> None:
        """Delete all values and count from 1 again.  The names of servers stay."""
        with self._lock:
            self._labels.clear()
            self._counts.clear()

    def name_origin(self, url: str, name: str) -> None:
        """Show `‹name›` instead of the origin of `url`: its scheme, host and port."""
        self.name_beginning("/".join(url.split("/")[:3]), name)

    def name_beginning(self, beginning: str, name: str) -> None:
        """Show `‹name›` instead of this beginning of an address.

        Behind a proxy it is longer than an origin.
        """
        with self._lock:
            self._origins |= dict.fromkeys(_forms(beginning.lower()), name)

    def party(self, url: str) -> str:
        """Return the name of the server that `url` is on, or its host if it has none."""
        origin = self.redact("/".join(url.split("/")[:3]))
        return origin.rpartition("/")[2].rpartition("@")[2].strip("‹›")

    def field(self, name: str, value: str) -> str:
        """Return the value of this parameter or header as one line that may be shown."""
        if name.lower() == "authorization":
            scheme, _, secret = value.rpartition(" ")
            kind = "credentials" if scheme.lower() == "basic" else "token"
            return f"{one_line(scheme)} {self.label(kind, secret)}".lstrip()
        kind = kind_of(name)
        if not kind and name not in PLAIN and re.fullmatch(_RANDOM, value):
            kind = "value"
        return self.label(kind, value) if kind else one_line(self.redact(value))

    def path(self, path: str) -> str:
        """Return the path of a URL as it may be shown.

        A part that looks random, such as a UUID, has a label.
        """
        parts = [self.label("id", p) if re.fullmatch(_RANDOM, p) else p for p in path.split("/")]
        return one_line(self.redact("/".join(parts)))

    def redact(self, text: str, *, own_words: bool = False) -> str:
        """Return `text` with labels instead of secrets and names instead of origins.

        With `own_words` a value that was seen before is hidden only if it looks random, because a
        person may have sent one of our words as a code.
        """
        there = set(text)  # most texts are words, in which no secret can be written
        if not there.isdisjoint("=%"):
            text = re.sub(_PARAMETER, partial(self._swap, decode=unquote_plus), text)
        for kind, place, marks in _PLACES:
            if not there.isdisjoint(marks):
                text = re.sub(place, partial(self._swap, kind=kind), text)
        if not there.isdisjoint(":,"):
            text = re.sub(_COOKIES, lambda m: re.sub(_COOKIE, self._swap_cookie, m[0]), text)
        text = self._replace_known(text, own_words)
        return text if there.isdisjoint(":%=") else self._name_origins(text)

    def _swap(
        self, found: re.Match[str], kind: str = "", decode: Callable[[str], str] = str
    ) -> str:
        start, end = (place - found.start() for place in found.span("value"))
        label = self.label(kind or kind_of(found["name"]), decode(found["value"]))
        return found[0][:start] + label + found[0][end:]

    def _swap_cookie(self, found: re.Match[str]) -> str:
        return self._swap(found, "cookie")

    def _replace_known(self, text: str, own_words: bool) -> str:
        """Replace known values wherever they are, and leave labels unchanged."""
        with self._lock:
            here = {v: label for v, label in self._labels.items() if v in text}
        if not here:
            return text
        random = {v for v in here if re.fullmatch(_RANDOM, v)}
        known = random if own_words else {v for v in here if not re.fullmatch(_ORDINARY, v)}
        pattern = "|".join([_LABEL, *map(re.escape, sorted(known, key=len, reverse=True))])
        return re.sub(pattern, lambda m: m[0] if m[0][0] == "‹" else here[m[0]], text)

    def _name_origins(self, text: str) -> str:
        text = re.sub(r"host='([^']+)', port=(\d+)", r"host='\1:\2'", text)  # urllib3's errors
        lower = text.lower()
        with self._lock:
            here = {form: name for form, name in self._origins.items() if form in lower}
        if here:
            forms = "|".join(map(re.escape, sorted(here, key=len, reverse=True)))
            whole = rf"(?ai:{forms})(?!(?i:[\w@-]|\.\w|(?::|%3A)\d))"
            text = re.sub(whole, lambda m: f"‹{here[m[0].lower()]}›", text)
        return re.sub(_LOOPBACK, "‹loopback›", text)


def _forms(origin: str) -> Iterator[str]:
    """Yield the ways in which an origin is written.

    These are the origin and its host with port: as they are, percent-encoded once, and twice.
    """
    host = origin.partition("://")[2]
    for form in (origin, host) if ":" in host else (origin,):
        once = quote(form, safe="")
        yield from (form, once.lower(), quote(once, safe="").lower())


def one_line(text: str) -> str:
    """Return `text` without line breaks and without invisible characters."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


class RedactingFilter(logging.Filter):
    """A filter that redacts everything that is logged.

    Add it to handlers.  A filter of a logger does not see what its child loggers log.
    """

    def __init__(self, labels: Labels) -> None:
        super().__init__()
        self._labels = labels

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact message, traceback and stack of a record; let every record pass."""
        try:
            message = record.getMessage()
        except Exception:  # its arguments do not fit
            message = str(record.msg)
        record.msg, record.args = self._labels.redact(message), None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        record.exc_text = record.exc_text and self._labels.redact(record.exc_text)
        record.stack_info = record.stack_info and self._labels.redact(record.stack_info)
        return True


def show(value: Any, labels: Labels) -> DisplayedText:
    """Return a value as a notebook cell may show it.

    A URL is taken apart, a dict or list becomes JSON, and anything else is a redacted string.
    """
    if isinstance(value, str) and re.fullmatch(r"https?://\S+", value):
        return DisplayedText(_url_by_parts(value, labels))
    if isinstance(value, Mapping | list | tuple):
        plain = dict(value) if isinstance(value, Mapping) else value
        return DisplayedText(
            labels.redact(json.dumps(plain, indent=2, ensure_ascii=False, default=str))
        )
    return DisplayedText(in_columns(labels.redact(str(value))))


def _url_by_parts(url: str, labels: Labels) -> str:
    address, _, fragment = url.partition("#")
    base, _, query = address.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    names = [labels.redact(one_line(name)) for name, _ in pairs]
    width = max(map(len, names), default=0)
    lines = [labels.redact(base)]
    for mark, name, (key, value) in zip("?" + "&" * len(pairs), names, pairs, strict=False):
        lines.append(f"  {mark} {name:{width}} = {labels.field(key, value)}".rstrip())
    return "\n".join(lines + ([f"  # {labels.redact(fragment)}"] if fragment else []))
