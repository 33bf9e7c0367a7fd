"""The check of lesson 00: starting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botkit.lessons.check.verdict import verdict, want

if TYPE_CHECKING:
    from botkit.run.doctor.computer import Environment


def environment() -> Environment:
    """Does the kit work here?  One line a check, with the fix below it where one is needed."""
    from botkit.run.doctor.computer import environment as look

    return look()


@verdict
def ask(ask: Callable[..., Any]) -> str:
    """`ask(person, question)` says the question in the chat and returns the bot's answer."""
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
    """Somebody in a chat whose bot repeats everything: as much of a Person as `ask` needs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said: list[str] = []

    def say(self, text: str, *, chat: str = "direct") -> Any:
        self.said.append(text)
        return self._talk((self.name, text), ("Parrot", f"{self.name} said: {text}"))

    def reads(self, *, chat: str = "direct") -> Any:
        return self._talk()  # everything has been read

    def _talk(self, *messages: tuple[str, str]) -> Any:
        from botkit.lessons.people import Talk
        from botkit.trace import Labels

        return Talk(self.name, messages, Labels())
