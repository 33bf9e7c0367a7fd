"""Reads a web page as a person does: its heading, its lines of text, and what can be pressed.

The eyes of the scripted browser (browser.py).  What a person does not see is left out: scripts,
styles, and everything marked `hidden` or `aria-hidden`.  Fields and buttons outside of a form are
left out, too, for without JavaScript they do nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

Attributes = dict[str, str]

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
UNSEEN = {"noscript", "script", "style", "svg", "template"}
COLLECTED = {"a", "button", "h1", "option", "textarea", "title"}
NOT_IN_THE_TEXT = {"button", "option", "textarea", "title"}
INLINE = {"a", "abbr", "b", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "time"}
CONTROLS = {"button", "input", "option", "select", "textarea"}
SAME_LINE = {"dd", "td", "th"}  # what stands beside, and not below, what came before
# In a line, where a button or a box to choose stands: characters that no page has of its own, and
# how each is shown when it is on and when it is off.
MARKS = {"radio": "\ue000", "checkbox": "\ue001"}
SHOWN = {MARKS["radio"]: ("(•)", "( )"), MARKS["checkbox"]: ("[x]", "[ ]")}


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


class Reader(HTMLParser):
    """Reads `source`, a page whose own address is `url`; the result is in the attributes."""

    def __init__(self, source: str, url: str) -> None:
        super().__init__()
        self.title = ""
        self.heading = ""
        self.lines: list[str] = []
        self.heading_ends = 0  # the number of lines up to the heading
        self.links: list[Link] = []
        self.forms: list[Form] = []
        self.choices: list[Control] = []  # in the lines a MARK stands before each
        self._url = url
        self._line: list[str] = []
        self._unseen: list[str] = []  # the element that hides the present place, once per level
        self._collecting: dict[str, tuple[Attributes, list[str]]] = {}
        self._form: Form | None = None
        self._select: tuple[Attributes, list[Control]] = ({}, [])
        self.feed(source)
        self.close()
        self._end_line()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if self._unseen:
            self._unseen += [tag] if tag == self._unseen[0] else []
            return
        if tag in UNSEEN or "hidden" in has or has.get("aria-hidden") == "true":
            self._unseen = [tag] if tag not in VOID else []
            return
        if tag in SAME_LINE:
            self._line.append(" ")
        elif tag not in INLINE | CONTROLS:
            self._end_line()
        if tag == "form":
            method = "POST" if has.get("method", "").lower() == "post" else "GET"
            self._form = Form(method, urljoin(self._url, has.get("action", "")))
            self.forms.append(self._form)
        elif tag == "input":
            self._input(has)
        elif tag == "select":
            self._select = (has, [])
        elif tag in COLLECTED:
            self.handle_endtag(tag)  # an <option> may end where the next one begins
            self._collecting[tag] = (has, [])

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        data = data.translate(dict.fromkeys(map(ord, SHOWN)))
        for _, pieces in self._collecting.values():
            pieces.append(data)
        if not NOT_IN_THE_TEXT & self._collecting.keys():
            self._line.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            if tag == self._unseen[0]:
                self._unseen.pop()
            return
        if tag == "dt":
            self._line.append(":")
        elif tag not in INLINE | CONTROLS | {"td", "th"}:
            self._end_line()
        if tag == "form":
            self._form = None
        elif tag == "select":
            self.handle_endtag("option")
            self._end_select(*self._select)
        elif tag in self._collecting:
            has, pieces = self._collecting.pop(tag)
            self._collected(tag, has, "".join(pieces))

    def _collected(self, tag: str, has: Attributes, raw: str) -> None:
        text = " ".join(raw.split())
        if tag == "title":
            self.title = self.title or text
        elif tag == "h1" and not self.heading:
            self.heading, self.heading_ends = text, len(self.lines)
        elif tag == "a" and has.get("href"):
            url = urljoin(self._url, has["href"])
            self.links += [Link(text, url)] if url.startswith(("http:", "https:")) else []
        elif tag == "button" and has.get("type", "submit") == "submit":
            self._button(text, has)
        elif tag == "option" and "disabled" not in has:
            value, name = has.get("value", text), self._select[0].get("name", "")
            self._select[1].append(Control(name, value, "choice", "selected" in has))
        elif tag == "textarea":
            self._control(has, raw.removeprefix("\n"), "text")

    def _input(self, has: Attributes) -> None:
        kind = has.get("type", "text").lower()
        if kind in ("radio", "checkbox"):
            choice = self._control(has, has.get("value", "on"), "choice", "checked" in has)
            if choice:
                self.choices.append(choice)
                self._line.append(f"{MARKS[kind]} ")
        elif kind == "submit":
            self._button(has.get("value", "Submit"), has)
        elif kind not in ("button", "reset", "image", "file"):
            self._control(has, has.get("value", ""), "hidden" if kind == "hidden" else "text")

    def _control(self, has: Attributes, value: str, kind: str, on: bool = True) -> Control | None:
        if not self._form or not has.get("name") or "disabled" in has:
            return None
        self._form.controls.append(Control(has["name"], value, kind, on))
        return self._form.controls[-1]

    def _button(self, text: str, has: Attributes) -> None:
        if self._form and "disabled" not in has:
            self._form.buttons.append(Button(text, has.get("name", ""), has.get("value", "")))

    def _end_select(self, has: Attributes, options: list[Control]) -> None:
        """Without a choice of the page's, the first option of a drop-down list is chosen."""
        if options and "multiple" not in has and not any(option.on for option in options):
            options[0].on = True
        if self._form and has.get("name") and "disabled" not in has:
            self._form.controls += options

    def read_lines(self) -> list[str]:
        """The lines, with what is chosen at this moment: (•) and ( ), or [x] and [ ]."""
        choices = iter(self.choices)

        def shown(mark: re.Match[str]) -> str:
            return SHOWN[mark[0]][not next(choices).on]

        return [re.sub("[\ue000\ue001]", shown, line) for line in self.lines]

    def _end_line(self) -> None:
        line = " ".join("".join(self._line).split())
        self.lines += [line] if line else []
        self._line = []
