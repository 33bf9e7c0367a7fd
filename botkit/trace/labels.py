"""Labels: what is shown in the place of a secret.

A secret gets its label the first time it is seen: `‹state·1›`, `‹code·1›`, `‹token·1›`.  The same
value always gets the same label, so one can see that this is the same code again without learning
it.  Servers are shown by name, `‹GitHub›`, never by port: two runs look alike.

`Labels.redact` is for any text, `show` for a notebook cell, `RedactingFilter` for the log.
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

from botkit.trace.wrapping import Shown, in_columns

#: Parameters that are secret, or belong to one trip only, and the word on their label.
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
#: Parameters that are not: these of a JSON body are worth showing, of its perhaps hundred members.
PLAIN = {
    "client_id", "redirect_uri", "grant_type", "scope", "token_type", "expires_in", "iss", "error",
    "error_description", "message", "login", "name", "text", "eventType",
}  # fmt: skip
_KINDS = {name.replace("_", ""): kind for name, kind in KINDS.items()}
_NAME = "(?P<name>" + "|".join(name.replace("_", "[_-]?") for name in KINDS) + ")"
_COLON = r"\\?[\"']?\s*[:,]\s*b?[\"']?"  # after the name of a header, also in a printed dict
_WORD = r"(?P<value>[^\s\"'<>‹›,;\\]+)"
# state=X in a URL or a form, and state%3DX in a URL inside of another
_PARAMETER = (
    rf"(?i)(?:(?<![\w-])|(?<=%3F)|(?<=%26)){_NAME}(?:=|%3D)"
    r"(?P<value>(?:(?!%26)[^&#\s\"'<>()\[\]{}\\‹›])+)(?<![.,;:!?])"
)
# Where else secrets stand, and their kind; where that is empty, the name tells it.
_PLACES = (
    # "state": "X" in JSON, in JSON inside of JSON, in a printed dict
    ("", rf"(?i)(?P<q>\\{{0,7}}[\"']){_NAME}(?P=q)\s*:\s*(?P=q)(?P<value>(?:(?!(?P=q))[^‹›])+)"),
    ("", rf"(?i){_NAME}(?:(?<=-token)|(?<=-key)):\s*{_WORD}"),
    ("token", rf"(?i)authorization{_COLON}(?:Bearer|token)\s+{_WORD}"),
    ("credentials", rf"(?i)authorization{_COLON}Basic\s+{_WORD}"),
    ("password", r"://[^\s/:@]*:(?!\d+@)(?P<value>[^\s/@‹›]+)(?=@)"),
    # GitHub's and Google's tokens are known by their beginning
    ("refresh", r"(?P<value>ghr_[A-Za-z0-9_]{4,})"),
    ("token", r"(?P<value>(?:gh[opus]_|github_pat_)[A-Za-z0-9_]{4,}|ya29\.[\w.-]{4,})"),
)
_COOKIES = rf"(?i)cookie{_COLON}[^\r\n\"'\\]+"
_COOKIE = (
    r"(?i)(?<=[\s\"':;])(?!(?:path|domain|expires|max-age|samesite)=)[^\s\"'=:;]+=(?P<value>[^;‹]+)"
)
_LABEL = r"‹[^‹›]*›"
_LOOPBACK = r"(?i)(?:https?(?:://|%3A%2F%2F))?(?:127\.0\.0\.1|localhost|\[::1\])(?::|%(?:25)*3A)\d+"
# A value so short or so plain is a word of its own in other texts: it is hidden by name only.
_ORDINARY = r".{0,3}|[A-Za-z]?[a-z]{1,14}"
# An unknown parameter with such a value is taken for a secret.
_RANDOM = r"(?=\D*\d)[A-Za-z0-9_-]{20,}"


def kind_of(name: str) -> str:
    """The kind of secret that a parameter of this name holds; empty if it holds none."""
    return _KINDS.get(name.replace("_", "").replace("-", "").lower(), "")


class Labels:
    """Labels for secrets and names for servers, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._labels: dict[str, str] = {}  # a value, or its percent-encoded form -> its label
        self._counts: Counter[str] = Counter()
        self._origins: dict[str, str] = {}

    def label(self, kind: str, value: str) -> str:
        """`‹kind·n›`; n counts the values of a kind in the order of first sight."""
        with self._lock:
            if value and value not in self._labels:
                self._counts[kind] += 1
                coded = value.encode("utf-8", "replace")
                for form in (value, quote(coded, safe=""), quote_plus(coded)):
                    self._labels.setdefault(form, f"‹{kind}·{self._counts[kind]}›")
            return self._labels.get(value, "")

    def forget(self) -> None:
        """Forget all values and count from 1 again; the names of origins stay."""
        with self._lock:
            self._labels.clear()
            self._counts.clear()

    def name_origin(self, url: str, name: str) -> None:
        """Show the origin of `url` (its scheme, host and port) as `‹name›` from now on."""
        self.name_beginning("/".join(url.split("/")[:3]), name)

    def name_beginning(self, beginning: str, name: str) -> None:
        """Show `‹name›` wherever an address begins so: behind a proxy, more than an origin."""
        with self._lock:
            self._origins[beginning.lower()] = name

    def party(self, url: str) -> str:
        """Whose server `url` is on: its name, or else its host."""
        origin = self.redact("/".join(url.split("/")[:3]))
        return origin.rpartition("/")[2].rpartition("@")[2].strip("‹›")

    def field(self, name: str, value: str) -> str:
        """The value of a parameter or header of this name, as it may be shown on one line."""
        if name.lower() == "authorization":
            scheme, _, secret = value.rpartition(" ")
            kind = "credentials" if scheme.lower() == "basic" else "token"
            return f"{one_line(scheme)} {self.label(kind, secret)}".lstrip()
        kind = kind_of(name)
        if not kind and name not in PLAIN and re.fullmatch(_RANDOM, value):
            kind = "value"
        return self.label(kind, value) if kind else one_line(self.redact(value))

    def path(self, path: str) -> str:
        """The path of a URL.  A part that looks random, such as a uuid, is labelled too."""
        parts = [self.label("id", p) if re.fullmatch(_RANDOM, p) else p for p in path.split("/")]
        return one_line(self.redact("/".join(parts)))

    def redact(self, text: str, *, own_words: bool = False) -> str:
        """`text` with labels in place of secrets and names in place of origins.

        In `own_words` a value that was seen before is hidden only if it looks random: somebody may
        have sent one of our words as a code.
        """
        text = re.sub(_PARAMETER, partial(self._swap, decode=unquote_plus), text)
        for kind, place in _PLACES:
            text = re.sub(place, partial(self._swap, kind=kind), text)
        text = re.sub(_COOKIES, lambda m: re.sub(_COOKIE, self._swap_cookie, m[0]), text)
        return self._name_origins(self._replace_known(text, own_words))

    def _swap(
        self, found: re.Match[str], kind: str = "", decode: Callable[[str], str] = str
    ) -> str:
        start, end = (place - found.start() for place in found.span("value"))
        label = self.label(kind or kind_of(found["name"]), decode(found["value"]))
        return found[0][:start] + label + found[0][end:]

    def _swap_cookie(self, found: re.Match[str]) -> str:
        return self._swap(found, "cookie")

    def _replace_known(self, text: str, own_words: bool) -> str:
        """Known values, wherever they are.  What is a label already stays as it is."""
        with self._lock:
            here = {v: label for v, label in self._labels.items() if v in text}
        random = {v for v in here if re.fullmatch(_RANDOM, v)}
        known = random if own_words else {v for v in here if not re.fullmatch(_ORDINARY, v)}
        pattern = "|".join([_LABEL, *map(re.escape, sorted(known, key=len, reverse=True))])
        return re.sub(pattern, lambda m: m[0] if m[0][0] == "‹" else here[m[0]], text)

    def _name_origins(self, text: str) -> str:
        text = re.sub(r"host='([^']+)', port=(\d+)", r"host='\1:\2'", text)  # urllib3's errors
        with self._lock:
            names = {form: n for origin, n in self._origins.items() for form in _forms(origin)}
        if names:
            forms = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            whole = rf"(?i)(?:{forms})(?![\w@-]|\.\w|(?::|%3A)\d)"
            text = re.sub(whole, lambda m: f"‹{names[m[0].lower()]}›", text)
        return re.sub(_LOOPBACK, "‹loopback›", text)

    def __repr__(self) -> str:
        return "<Labels>"


def _forms(origin: str) -> Iterator[str]:
    """An origin as it is and percent-encoded once and twice; the same of host and port alone."""
    host = origin.partition("://")[2]
    for form in (origin, host) if ":" in host else (origin,):
        once = quote(form, safe="")
        yield from (form, once.lower(), quote(once, safe="").lower())


def one_line(text: str) -> str:
    """`text` without line breaks and without characters that cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class RedactingFilter(logging.Filter):
    """Redacts all that is logged.  Put it on handlers: a logger's filter misses its children."""

    def __init__(self, labels: Labels) -> None:
        super().__init__()
        self._labels = labels

    def filter(self, record: logging.LogRecord) -> bool:
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


def show(value: Any, labels: Labels) -> Shown:
    """`value` as it may be shown: a URL part by part, a dict or list as JSON, all else as text."""
    if isinstance(value, str) and re.fullmatch(r"https?://\S+", value):
        return Shown(_url_by_parts(value, labels))
    if isinstance(value, Mapping | list | tuple):
        plain = dict(value) if isinstance(value, Mapping) else value
        return Shown(labels.redact(json.dumps(plain, indent=2, ensure_ascii=False, default=str)))
    return Shown(in_columns(labels.redact(str(value))))


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
