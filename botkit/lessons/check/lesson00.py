"""Check this computer, and the first exercise of lesson 00."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.verdict import verdict, want

if TYPE_CHECKING:
    from botkit.run.doctor.computer import Environment


def environment() -> Environment:
    """Return whether the kit works here: a line for each check, with a fix below."""
    from botkit.run.doctor.computer import environment as look

    return look()


@verdict
def ask(ask: Callable[..., Any]) -> str:
    """Check `ask(person, question)`, which returns the bot's answer to a question."""
    for name, question in (("Carol", "help"), ("Dan", "What is a bot?")):
        person = TestPerson(name)
        answer = ask(person, question)
        call = f"The check called ask({name.lower()}, {question!r})"
        silent = f"{name} said nothing in the chat. {call}, with a test person of its own"
        want(bool(person.said), f"{silent}: use `person`.")
        said = " and ".join(map(repr, person.said))
        want(person.said == [question], f"{name} was to say {question!r}, but said {said}.")
        none = "your function returned None. End it with `return ...`: print only shows a text."
        want(answer is not None, none)
        whole = hasattr(answer, "messages")
        want(not whole, "your function returned the whole talk. Its newest message is `talk.text`.")
        wanted = f"{name} said: {question}"
        want(answer == wanted, f"the bot answered {wanted!r}, but you returned {answer!r}.")
    return "Your function asks the bot, and brings back the answer, for anybody in the chat."


class TestPerson:
    """A person in a chat whose bot repeats everything, for the check of `ask`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said: list[str] = []

    def say(self, text: str, *, chat: str = "direct") -> Any:
        """Remember `text`; return it with the bot's answer."""
        self.said.append(text)
        return self._talk((self.name, text), ("Parrot", f"{self.name} said: {text}"))

    def reads(self, *, chat: str = "direct") -> Any:
        """Return no messages, because everything has been read."""
        return self._talk()

    def _talk(self, *messages: tuple[str, str]) -> Any:
        from botkit.lessons.people import Talk
        from botkit.trace import Labels

        return Talk(self.name, messages, Labels())
