"""Write and read in the practice chat as a person does.

Start with `Person`: `kit.alice.say("profile")` writes to the bot, waits for its reply, and returns
a `Talk`, which a cell shows as chat bubbles.  The display is the same on every run, because labels
replace secrets and addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from botkit.trace import COLUMNS, Labels, in_columns

_LINK = re.compile(r"\[([^\]]*)\]\((https?://[^)\s]+)\)")
_CODE = re.compile(r"\n*\[code\]\n*(.*?)\n*\[/code\]\n*", re.DOTALL)
_MENTION = re.compile(r"!\[:Person\]\(\d+\)")
_DIGITS = re.compile(r"\b\d{3} \d{3}\b")
IN_THE_BOT = "Inside the bot, and not in the chat:"


class ChatMessage(Protocol):
    """A message of the practice chat, as far as it is needed here."""

    @property
    def id(self) -> str: ...
    @property
    def creator(self) -> str: ...
    @property
    def text(self) -> str: ...


class PracticeChat(Protocol):
    """The practice chat, as far as it is needed here."""

    def say(self, person: str, text: str, chat: str = ...) -> ChatMessage: ...

    def posts(self, chat: str = ..., person: str = ..., *, since: str | None = ...) -> Any: ...


@dataclass(frozen=True, repr=False)
class Talk:
    """Some messages of a chat, which a cell shows as chat bubbles.

    `reader` is the person who sees them.  `messages` are pairs of a name and a text in the chat's
    Markdown.  `mishap` is the traceback of what has failed inside the bot at the same time, for the
    person who writes the skill.  Nobody in the chat sees it.
    """

    reader: str
    messages: Sequence[tuple[str, str]]  # who, what
    labels: Labels
    mishap: str = ""

    @property
    def text(self) -> str:
        """The newest message, or an empty string."""
        return self.messages[-1][1] if self.messages else ""

    @property
    def texts(self) -> list[str]:
        """What others have said, oldest first."""
        return [text for who, text in self.messages if who != self.reader]

    def __repr__(self) -> str:
        failed = f"\n\n{IN_THE_BOT}\n{self.mishap}" if self.mishap else ""
        return (self._talk() if self.messages else "(nothing new)") + failed

    def _talk(self) -> str:
        width = max(len(who) for who, _ in self.messages)
        lines = []
        for who, text in self.messages:
            plain = in_columns(self._plain(text), COLUMNS - width - 2)
            first, *rest = plain.splitlines() or [""]
            lines.append(f"{who:>{width}}  {first}")
            lines += [f"{'':{width}}  {line}" for line in rest]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        bubbles = "".join(self._bubble(who, text) for who, text in self.messages)
        bubbles = bubbles or "(nothing new)"
        if self.mishap:
            look = "white-space:pre-wrap;border-left:3px solid #c33;padding-left:8px"
            bubbles += f'<div>{IN_THE_BOT}</div><pre style="{look}">{escape(self.mishap)}</pre>'
        look = "max-width:44em;padding-left:6px"  # where the text of the lesson begins
        return f'<div style="{look}">{bubbles}</div>'

    def _plain(self, text: str) -> str:
        """Return a message for a terminal: a link is its words and where it leads."""
        parts = _CODE.split(text)  # every other one is code, where stars are stars
        for n, words in list(enumerate(parts))[::2]:
            words = _LINK.sub(lambda link: f"{link[1]} → {self._target(link[2])}", words)
            parts[n] = _MENTION.sub("@bot", words.replace("**", ""))
        return self.labels.redact("\n".join(filter(None, parts)))

    def _target(self, url: str) -> str:
        return self.labels.redact(url.partition("?")[0])

    def _bubble(self, who: str, text: str) -> str:
        side, ground = ("flex-end", "#dcebff") if who == self.reader else ("flex-start", "#eef0f3")
        row = f"display:flex;flex-direction:column;align-items:{side};margin:6px 0"
        bubble = f"background:{ground};color:#1a2029;border-radius:12px;padding:8px 12px"
        wrap = "max-width:36em;overflow-wrap:anywhere;white-space:pre-wrap"
        return (
            f'<div style="{row}"><small style="opacity:.75">{escape(who)}</small>'
            f'<div style="{bubble};{wrap}">{self._html(text)}</div></div>'
        )

    def _html(self, text: str) -> str:
        font = "white-space:pre-wrap;font-family:ui-monospace,monospace"
        look = f"margin:6px 0 0;color:#1a2029;background:none;{font}"
        parts = _CODE.split(escape(self.labels.redact(_MENTION.sub("@bot", text)), quote=False))
        parts[::2] = map(self._marked, parts[::2])
        parts[1::2] = [f'<pre style="{look}">{code}</pre>' for code in parts[1::2]]
        return "".join(parts)

    @staticmethod
    def _marked(words: str) -> str:
        """Return links and bold words as HTML.

        A link cannot be clicked here, because its address differs on each run.
        """
        link = r'<span style="color:#0b57c2;text-decoration:underline">\1</span>'
        words = re.sub(r"\[([^\]]*)\]\((‹[^)\s]+|https?://[^)\s]+)\)", link, words)
        return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", words)


def _mention(text: str, chat: str) -> str:
    return text if chat == "direct" else f"@bot {text}"


class Person:
    """A person in the practice chat, with a browser."""

    def __init__(
        self,
        name: str,
        chat: PracticeChat,
        browser: Any,
        settle: Callable[[], None],
        labels: Labels,
        mishap: Callable[[], str] = str,
    ) -> None:
        self.name = name
        self.browser = browser
        self._chat = chat
        self._settle = settle
        self._labels = labels
        self._mishap = mishap
        self._seen: dict[str, str | None] = {}
        self._newest_link = ""

    @property
    def link(self) -> str:
        """The newest link in a message to this person.

        Raises `LookupError` if there is none.
        """
        if not self._newest_link:
            raise LookupError(f"{self.name} has not seen a link yet.")
        return self._newest_link

    def say(self, text: str, *, chat: str = "direct") -> Talk:
        """Write `text`, wait until the bot has finished, and return the new messages.

        `chat` is "direct", the person's own chat with the bot, or "Team", where the bot reads only
        messages with `@bot` in them.
        """
        __tracebackhide__ = True  # for pytest
        self._settle()
        self._news(chat)  # what was there before is not part of this talk
        self._chat.say(self.name, text, chat)
        return self.reads(chat=chat)

    def connects(self, word: str, *, chat: str = "direct") -> Talk:
        """Take the whole trip: ask for a link, open it, approve, and say the code if there is one.

        `word` is the one of the skill, such as "github".  Return what the bot said at the end.
        Raises `LookupError` if the trip leads nowhere.
        """
        __tracebackhide__ = True
        before, asked = self._newest_link, self.say(_mention(f"connect {word}", chat), chat=chat)
        if self._newest_link == before:
            raise LookupError(f"The bot sent no link for {word!r}. It said: {asked.text}")
        page = self.browser.visit(self._newest_link).approve()
        if _DIGITS.search(page.text):
            return self.confirm(page, chat=chat)
        if page.heading != "Connected":
            raise LookupError(f"The trip ended on this page:\n{page}")
        return self.reads(chat=chat)

    def confirm(self, page: Any, *, chat: str = "direct") -> Talk:
        """Say the six digits on `page` to the bot; return the new messages.

        Raises `LookupError` if there are no six digits on the page.
        """
        __tracebackhide__ = True
        found = _DIGITS.search(page.text)
        if found is None:
            raise LookupError(f"There is no code on the page {page.heading!r}.")
        self._labels.label("digits", found[0])  # so that the talk does not show them
        return self.say(_mention(found[0], chat), chat=chat)

    def reads(self, *, chat: str = "direct") -> Talk:
        """Wait until the bot has finished, and return the new messages of a chat."""
        __tracebackhide__ = True
        self._settle()
        return Talk(self.name, self._news(chat), self._labels, self._mishap())

    def _news(self, chat: str) -> list[tuple[str, str]]:
        posts = self._chat.posts(chat, self.name, since=self._seen.get(chat))
        if posts:
            self._seen[chat] = posts[-1].id
        self._find_links(posts if chat == "direct" else [*posts, *self._direct_posts()])
        return [(post.creator, post.text) for post in posts]

    def _direct_posts(self) -> Sequence[ChatMessage]:
        """Return what is in the direct chat, to which a link goes that was asked for elsewhere."""
        try:
            found: Sequence[ChatMessage] = self._chat.posts("direct", self.name)
        except ValueError:  # there is none
            return ()
        return found

    def _find_links(self, posts: Sequence[ChatMessage]) -> None:
        for post in sorted(posts, key=lambda one: int(one.id)):
            for _, link in _LINK.findall(post.text):
                self._newest_link = link

    def __repr__(self) -> str:
        return f"<{self.name}>"
