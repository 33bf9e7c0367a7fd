"""Write a skill as a class, with a method for each thing that people can say.

    class Repos(Skill):
        \"\"\"I list your repositories.\"\"\"

        word, connects_to = "github", github

        @command("repos", "lists your newest repositories")
        def repos(self, call):
            found = call.get("/user/repos", what="repositories")
            return "\\n".join(plain(repo["name"]) for repo in found)

Start with `Skill.answer`.  A person without a connection gets a link, trouble at the service
becomes a sentence, and what the method returns is said.

Not here: what a method gets (`call.py`), and what all skills have in common (`base.py`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from botkit.chat import Event
from botkit.errors import BotkitError
from botkit.skills.base import ServiceSkill
from botkit.skills.call import Call

Method = TypeVar("Method", bound=Callable[..., Any])
Texts = str | Iterable[str]

TAKEN = ("bot", "chat", "connect", "disconnect", "help", "ringcentral-chatbot")
PLACE = r"[A-Z][A-Z0-9_-]+"  # two letters at least: I and A are words that people say


class NotAText(TypeError):
    """Raised when a method returns something that cannot be said.

    No line of the method is in its traceback, so a program that shows it leaves out ours, too.
    """


def command(pattern: str, what: str) -> Callable[[Method], Method]:
    """Let a method answer what people say.

    `pattern` is what they say, and `what` is what that does; `help` shows both.  Words in CAPITALS
    at the end of the pattern are places, if they have two letters or more.  What is written there
    goes to the method, after `call`: one word each, and to the last one all the rest.  `{word}` and
    `{title}` become those of the skill.  A method can have several commands.
    """

    def mark(method: Method) -> Method:
        known = getattr(method, "answers_to", ())
        method.answers_to = ((pattern, what), *known)  # type: ignore[attr-defined]
        return method

    return mark


@dataclass(frozen=True)
class Command:
    """Something that people can say, and the name of the method that does it."""

    pattern: str
    what: str
    method: str

    @property
    def words(self) -> list[str]:
        """The words that must be said."""
        return [word.lower() for word in self.pattern.split() if not _is_place(word)]

    @property
    def places(self) -> list[str]:
        """The names of the places."""
        return [word.lower() for word in self.pattern.split() if _is_place(word)]

    def read(self, command: str, written: str) -> list[str] | None:
        """Return what is written in the places; None if the message is another command.

        `command` is the message in lower case, without punctuation at its ends, and `written` as it
        was typed.  There are fewer texts than `places` if some are empty.
        """
        said, count = command.split(), len(self.words)
        if said == self.words:
            return []
        if not self.places or said[:count] != self.words:
            return None
        parts = written.split(maxsplit=count + len(self.places) - 1)
        return [one.strip() for one in parts[count:]]


class Skill(ServiceSkill):
    """A skill that is made of commands.  A subclass says about itself:

    `word`: the service in commands, in the callback's path and in the names of the variables.
    `connects_to`: a function that describes the service, such as `botkit.providers.github`.
    Without it the skill needs no service.
    `practice`: what the service answers in practice, such as {"GET /user/repos": [...]}.
    `title`: the name of the service, if the word is not enough.
    The docstring: what the bot says about itself when it enters a chat.
    """

    remove_at = ""
    _methods: ClassVar[tuple[Command, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        """Check the class when it is made, and not when somebody says a command.

        Raises `TypeError`.
        """
        super().__init_subclass__(**more)
        _check_word(cls)
        found = {one.pattern: one for one in cls._methods}
        here: dict[str, str] = {}
        for name, method in vars(cls).items():
            for pattern, what in getattr(method, "answers_to", ()):
                if here.get(pattern, name) != name:
                    raise TypeError(
                        f"{cls.__name__}.{here[pattern]} and {cls.__name__}.{name} both answer "
                        f"“{pattern}”. Take another word for one of them."
                    )
                here[pattern] = name
                found[pattern] = Command(pattern, what, name)
        for one in found.values():
            _check_signature(cls, one)
        cls._methods = tuple(found.values())

    def __init__(self, *parts: Any) -> None:
        if not hasattr(self, "word"):  # it works with no service
            self.word = type(self).__name__.removesuffix("Skill").lower()
        super().__init__(*parts)
        self._commands = [
            Command(self._named(one.pattern), self._named(one.what), one.method)
            for one in self._methods
        ]
        self.commands = {one.pattern: one.what for one in self._commands}
        self.remove_at = self.remove_at or f"in your {self.title} settings"
        if not hasattr(type(self), "introduction"):
            self.introduction = self._named(_docstring(type(self)))

    def _named(self, text: str) -> str:
        return text.replace("{word}", self.word).replace("{title}", self.title)

    def phrases(self) -> Iterable[str]:
        connecting = self.words if self.connects else ()
        return (*(" ".join(one.words) for one in self._commands), *connecting)

    # ---- a message -----------------------------------------------------------------------------

    def answer(self, event: Event, command: str) -> bool:
        with self.replying_errors(event):
            texts = self._texts(Call(self, event), command)
            if texts is None:
                return False
            for text in texts:  # a generator may fail after some of them
                self.reply(event, text)
        return True

    def on_message(self, call: Call) -> Texts | None:
        """Answer what no command has matched; None if it is not for this skill."""
        return None

    def _texts(self, call: Call, command: str) -> Iterator[str] | None:
        """Return what to say to a message, in order; None if it is not for this skill."""
        read = ((one, one.read(command, call.text)) for one in self._commands)
        found = [(one, args) for one, args in read if args is not None]
        if not found:
            with self._noting("on_message", call.text):
                said = self.on_message(call)
            return None if said is None else self._checked("on_message", call.text, lambda: said)
        whole = [(one, args) for one, args in found if len(args) == len(one.places)]
        one, args = max(whole or found, key=lambda each: len(each[0].words))
        if not whole:
            return iter([f"Say **{one.pattern}**: it {one.what}."])
        return self._checked(
            one.method, one.pattern, lambda: getattr(self, one.method)(call, *args)
        )

    def _checked(self, method: str, said: str, run: Callable[[], Any]) -> Iterator[str]:
        """Yield the texts that a method returns.  Raises `NotAText` for anything else."""
        with self._noting(method, said):
            texts = run()
            where = f"{type(self).__name__}.{method}"
            if texts is None:
                raise NotAText(f'{where} returned nothing. Return what to say, or "" for nothing.')
            if isinstance(texts, Generator):
                texts = _with_its_end(texts)
            several = isinstance(texts, Iterable) and not isinstance(texts, str | Mapping)
            for text in texts if several else [texts]:
                if not isinstance(text, str):
                    kind = type(text).__name__
                    kind = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
                    among = " among its texts" if several else ""
                    raise NotAText(f"{where} returned {kind}{among}. Return the text to say.")
                if text:
                    yield text

    @contextmanager
    def _noting(self, method: str, said: str) -> Iterator[None]:
        """Add to an error which method failed, for the person who wrote it."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, BotkitError):
                code = inspect.unwrap(getattr(type(self), method)).__code__
                file = Path(code.co_filename)
                is_a_cell = file.parent.name.startswith("ipykernel_")
                name = "a cell of the notebook" if is_a_cell else file.name
                place = f"{name}, line {code.co_firstlineno}"
                where = f"{type(self).__name__}.{method}"
                error.add_note(f"It was {where} that failed ({place}), on “{said}”.")
            raise


def _is_place(word: str) -> bool:
    return re.fullmatch(PLACE, word) is not None


def _with_its_end(texts: Generator[Any, None, Any]) -> Iterator[Any]:
    """Yield what a generator yields and, as the last, what it returns, which is said as well."""
    last = yield from texts
    if last is not None:
        yield last


def _docstring(skill: type[Skill]) -> str:
    """Return the first paragraph of the docstring of the class, or of one that it extends."""
    own = skill.__mro__[: skill.__mro__.index(Skill)]
    doc = next((inspect.cleandoc(one.__doc__) for one in own if one.__doc__), "I am new here.")
    return doc.partition("\n\n")[0].replace("\n", " ")


def _check_word(skill: type[Skill]) -> None:
    word = getattr(skill, "word", None)
    if word is None:
        if "connects_to" in vars(skill):
            raise TypeError(f'{skill.__name__} does not say its word, such as word = "gitlab".')
    elif word in TAKEN:
        raise TypeError(f"{skill.__name__} has the word {word!r}, which is one of the bot's own.")
    elif not re.fullmatch("[a-z][a-z0-9-]*", word):
        raise TypeError(
            f"{skill.__name__} has the word {word!r}. Write it in small letters, such as "
            '"gitlab", because it is part of an address.'
        )


def _check_signature(skill: type[Skill], one: Command) -> None:
    method = getattr(skill, one.method)
    try:
        inspect.signature(method).bind(None, None, *one.places)
    except TypeError:
        letters = [word for word in one.pattern.split() if re.fullmatch("[A-Z]", word)]
        if letters:
            raise TypeError(
                f"{skill.__name__}.{one.method} answers “{one.pattern}”. One letter is no "
                f"place, so {letters[-1]} is a word to say. Write a longer one, such as NUMBER."
            ) from None
        places = ", ".join(["self", "call", *(place.replace("-", "_") for place in one.places)])
        raise TypeError(
            f"{skill.__name__}.{one.method} answers “{one.pattern}”. "
            f"Write it as def {one.method}({places})."
        ) from None
