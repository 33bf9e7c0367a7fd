"""Compare providers in a table made of their descriptions.

    compare(kit.bot.providers)

Start with `ROWS`, which has one function for each row.  Of an address the table has only the path,
because the host changes nothing in the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from urllib.parse import urlsplit

from botkit.oauth import Provider, callback_path

NONE = "–"


def _path(url: str | None) -> str:
    if not url:
        return NONE
    # Behind a proxy, the path begins with the proxy's part, which ends in the port.
    return re.sub(r"^(?:/.*)?/(?:proxy|at)/[0-9]{4,5}(?=/)", "", urlsplit(url).path)


def _revoke(provider: Provider) -> str:
    if provider.revocation is None:
        return NONE
    path = _path(provider.revocation.url).replace(provider.client_id or NONE, "{client_id}")
    return f"{provider.revocation.method} {path}"


def _ends(provider: Provider) -> str:
    ends = provider.revocation.ends if provider.revocation else NONE
    return {"everything": "all that was granted", "connection": "this connection"}.get(ends, ends)


def _scopes(provider: Provider) -> str:
    return " ".join(scope.rpartition("/")[2] for scope in provider.scopes) or NONE


def _extra(provider: Provider) -> str:
    return " ".join(f"{name}={value}" for name, value in provider.authorize_params.items()) or NONE


ROWS: Mapping[str, Callable[[Provider], str]] = {
    "1 authorize at": lambda provider: _path(provider.authorize_url),
    "1 scopes": _scopes,
    "1 extra parameters": _extra,
    "2 callback": callback_path,
    "2 iss must match": lambda provider: "yes" if provider.issuer else NONE,
    "2 token from": lambda provider: _path(provider.token_url),
    "2 client secret in": lambda provider: {"body": "the body", "basic": "the header"}[
        provider.client_auth
    ],
    "2 scopes come with": lambda provider: {" ": "spaces", ",": "commas"}.get(
        provider.scope_separator, provider.scope_separator
    ),
    "2 whose account": lambda provider: _path(provider.account_url),
    "3 API below": lambda provider: _path(provider.api_url) or "/",
    "end: revoke with": _revoke,
    "end: what ends": _ends,
}


class Comparison:
    """A table with a column for each provider, which a cell shows.

    `names` are the headings, and `rows` has the cells of each row.
    """

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.names = [provider.called for provider in providers]
        self.rows = {name: [value(one) for one in providers] for name, value in ROWS.items()}

    @property
    def different(self) -> list[str]:
        """The names of the rows in which the providers differ."""
        return [name for name, cells in self.rows.items() if len(set(cells)) > 1]

    def __repr__(self) -> str:
        lines = [["", *self.names], *([name, *cells] for name, cells in self.rows.items())]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        return "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        head = "".join(_cell("th", name, "col") for name in ("step", *self.names))
        body = "".join(
            f"<tr>{_cell('th', name, 'row')}{''.join(_cell('td', cell) for cell in cells)}</tr>"
            for name, cells in self.rows.items()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, text: str, heads: str = "") -> str:
    """Return a cell; `heads` is `col` or `row` for a heading."""
    inner = escape(text).replace("/", "/<wbr>")  # where a long path may be broken
    scope, wrap = (f' scope="{heads}"', "nowrap") if heads else ("", "normal")
    return f'<{tag}{scope} style="text-align:left;white-space:{wrap}">{inner}</{tag}>'


def compare(providers: Sequence[Provider]) -> Comparison:
    """Return the table for these providers, in this order."""
    return Comparison(providers)
