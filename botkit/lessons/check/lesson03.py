"""Check the exercise of lesson 03: an auth link built by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from botkit.lessons.check.verdict import verdict, want

_LINK_NAMES = ["response_type", "client_id", "redirect_uri", "scope", "state"]


@verdict
def auth_link(build_link: Callable[[str, str, str, Sequence[str], str], str]) -> str:
    """Check a function that builds auth links.

    Some links have plain values, and some have odd characters.
    """
    page, home = "https://provider.example/authorize", "https://bot.example/oauth"
    for address, scopes, state in (
        (home, ["read:user"], "mark-1"),
        (home, ["read:user", "gist"], "mark-2"),
        (f"{home}?chat=7&back=team", ["read:user"], "mark-3"),
        (f"{home}?name=é&sum=1+1", ["read:user", "gist"], "a&b=c+d é%41#e"),
    ):
        wanted = ["code", "bot-7", address, " ".join(scopes), state]
        link = build_link(page, "bot-7", address, scopes, state)
        want(isinstance(link, str), f"a link is a string, but your function returned {link!r}.")
        want(link.startswith(f"{page}?"), f"the link must begin with “{page}?”: “{link}”.")
        want(
            link.isascii() and " " not in link,
            f"a space or a letter like é stands in the link as it is, so it may be cut there or "
            f"read differently: “{link}”.",
        )
        want("#" not in link, f"what comes after a # is never sent to the provider: “{link}”.")
        _compare_parameters(link, dict(zip(_LINK_NAMES, wanted, strict=True)))
    return (
        "Every value arrives as it was, odd characters too. Nobody can add a parameter of their "
        "own to your link."
    )


def _compare_parameters(link: str, wanted: dict[str, str]) -> None:
    pairs = parse_qsl(urlsplit(link).query, keep_blank_values=True)
    found = dict(pairs)
    for name, value in wanted.items():
        got = [v for n, v in pairs if n == name]
        want(len(got) > 0, f"the link has no parameter “{name}”.")
        want(len(got) == 1, f"the link has “{name}” {len(got)} times; providers refuse that.")
        why = ""
        if name == "client_id":
            why = " Use what your function is given."
        elif name == "scope":
            why = " Scopes are one text, with a space between two of them."
        elif unquote_plus(got[0]) == value != got[0]:
            why = " It was encoded twice."
        elif name in ("redirect_uri", "state") and set("&+") & set(value):
            why = " Encode every value: an & ends a parameter, and a + is read as a space."
        want(
            got[0] == value,
            f"the provider reads {name} = “{got[0]}”, but “{value}” was meant.{why}",
        )
    extra = "".join([name for name in found if name not in wanted][:1])
    want(not extra, f"the provider reads one more parameter, “{extra}”. Give these five only.")
