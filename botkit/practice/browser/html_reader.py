"""Read a web page as a person does: its heading, its lines of text, and what can be clicked.

The scripted browser (`browser.py`) uses it.  What a person does not see is left out: scripts,
styles, and everything marked `hidden` or `aria-hidden`.  Fields and buttons outside of a form are
left out too, because without JavaScript they do nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement, PreformattedString

UNSEEN = ("noscript", "script", "style", "svg", "template")
NOT_IN_THE_TEXT = {"button", "option", "textarea", "title"}
INLINE = {"a", "abbr", "b", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "time"}
CONTROLS = {"button", "input", "option", "select", "textarea"}
SAME_LINE = {"dd", "td", "th"}  # what stands beside, and not below, what came before
MARKS = {"radio": ("(•) ", "( ) "), "checkbox": ("[x] ", "[ ] ")}  # when it is on, when it is off
FIELDS = ("input", "select", "textarea", "button")
WITHOUT_A_VALUE = ("button", "reset", "image", "file")  # what an input of this type sends: nothing
BREAK, HEADING_BREAK = object(), object()  # where a line ends; where the heading ends


@dataclass(frozen=True)
class Link:
    """A link to another page."""

    text: str
    url: str = field(repr=False)


@dataclass
class Control:
    """A field of a form, or one of the choices that a field offers.  What is `on` is sent."""

    name: str
    value: str = field(repr=False)
    kind: str  # "hidden", "text" or "choice"
    on: bool = True


@dataclass(frozen=True)
class Button:
    """A button that sends its form."""

    text: str
    name: str
    value: str = field(repr=False)


@dataclass
class Form:
    """A form: where it goes, how, and what it sends."""

    method: str
    url: str = field(repr=False)
    controls: list[Control] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


class Reader:
    """Reads `source`, a page whose own address is `url`; the result is in the attributes."""

    def __init__(self, source: str, url: str) -> None:
        # Beautiful Soup would print a warning about a text that looks like an address, and about
        # XHTML.  With a tag in front it does not.
        page = BeautifulSoup(f"<html>{source}", "html.parser")
        for unseen in page.select(f"{', '.join(UNSEEN)}, [hidden], [aria-hidden=true]"):
            unseen.extract()
        self._page = page
        self._choices: dict[int, tuple[str, Control]] = {}  # by the id of the element
        self._heading = page.h1
        self.title, self.heading = _text(page.title), _text(self._heading)
        links = [(_text(a), urljoin(url, _get(a, "href"))) for a in page("a") if _get(a, "href")]
        self.links = [Link(*link) for link in links if link[1].startswith(("http:", "https:"))]
        self.forms = [self._form(form, url) for form in page("form")]
        self.heading_ends = 0  # the number of lines up to the heading
        self.read_lines()

    def read_lines(self) -> list[str]:
        """Return the lines with what is chosen at this moment: (•) and ( ), or [x] and [ ]."""
        lines, line = [], ""
        for piece in [*self._pieces(), BREAK]:
            if isinstance(piece, str):
                line += piece
                continue
            lines += [shown] if (shown := " ".join(line.split())) else []
            line = ""
            if piece is HEADING_BREAK:
                self.heading_ends = len(lines)
        return lines

    def _pieces(self) -> Iterator[str | object]:
        """Yield the texts of the page in order, with marks, and a `BREAK` wherever a line ends."""
        todo: list[PageElement | str | object] = [*reversed(self._page.contents)]
        while todo:  # without recursion, so that no page is nested too deeply
            one = todo.pop()
            if not isinstance(one, Tag):
                if not isinstance(one, PreformattedString):  # such as a comment
                    yield one
            elif one.name not in NOT_IN_THE_TEXT:
                inline = one.name in INLINE | CONTROLS
                yield " " if one.name in SAME_LINE else "" if inline else BREAK
                if id(one) in self._choices:
                    kind, choice = self._choices[id(one)]
                    yield MARKS[kind][not choice.on]
                todo.append(self._end_of(one, inline))
                todo += reversed(one.contents)

    def _end_of(self, tag: Tag, inline: bool) -> str | object:
        if tag is self._heading:
            return HEADING_BREAK
        if tag.name == "dt":
            return ":"
        return "" if inline or tag.name in ("td", "th") else BREAK

    def _form(self, form: Tag, url: str) -> Form:
        method = "POST" if _get(form, "method").lower() == "post" else "GET"
        found = Form(method, urljoin(url, _get(form, "action")))
        for one in form(FIELDS):
            name, kind = _get(one, "name"), _get(one, "type").lower()
            if _is(one, "disabled"):
                continue
            if one.name == "button":
                if kind in ("", "submit"):
                    found.buttons.append(Button(_text(one), name, _get(one, "value")))
            elif one.name == "input" and kind == "submit":
                text = _get(one, "value", "Submit")
                found.buttons.append(Button(text, name, _get(one, "value")))
            elif name and kind not in WITHOUT_A_VALUE:
                found.controls += self._controls(one, name, kind)
        return found

    def _controls(self, one: Tag, name: str, kind: str) -> list[Control]:
        """Return what a field sends: one control, or one for each of its choices."""
        if one.name == "textarea":
            return [Control(name, one.get_text().removeprefix("\n"), "text")]
        if one.name == "select":
            options = [option for option in one("option") if not _is(option, "disabled")]
            choices = [
                Control(
                    name, _get(option, "value", _text(option)), "choice", _is(option, "selected")
                )
                for option in options
            ]
            if choices and not _is(one, "multiple") and not any(choice.on for choice in choices):
                choices[0].on = True  # as a drop-down list does
            return choices
        if kind in MARKS:
            choice = Control(name, _get(one, "value", "on"), "choice", _is(one, "checked"))
            self._choices[id(one)] = kind, choice
            return [choice]
        return [Control(name, _get(one, "value"), "hidden" if kind == "hidden" else "text")]


def _get(tag: Tag, name: str, missing: str = "") -> str:
    return str(tag.get(name, missing))


def _is(tag: Tag, name: str) -> bool:
    return name in tag.attrs


def _text(tag: Tag | None) -> str:
    return " ".join(tag.get_text().split()) if tag else ""
