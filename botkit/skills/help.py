"""The last skill in the row: it greets, helps, connects, and answers what nobody understood.

It knows the other skills, however many there are: one bot with one skill sounds as if it had been
written for that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from botkit.chat import Event
from botkit.skills.base import ServiceSkill

VERBS = ("connect", "disconnect")
NEAR, NEARER = 0.75, 0.85  # how alike two phrases are, from 0 to 1, if one may be meant


class HelpSkill:
    """`skills` are the others, in their order; more may be added to that list later."""

    def __init__(self, skills: Sequence[ServiceSkill]) -> None:
        self._skills = skills

    def handle(self, event: Event, handled: bool) -> bool:
        if handled or not self._skills:
            return False
        if event.kind == "BotJoinGroup":
            self._greet(event)
        elif event.kind == "Message4Bot":
            self._answer(event, event.text.lower().strip(" .!?"))
        else:
            return False
        return True

    # ---- a new chat ------------------------------------------------------------------------

    def _greet(self, event: Event) -> None:
        if event.group_type in ("Everyone", "PersonalChat"):
            return  # nobody in there asked for a bot
        skill, *more = self._skills
        group = skill.chat.group(event.bot_id, event.group_id)
        others = [member for member in group.members if member != event.bot_id]
        hello = " ".join(["Hello!", *(one.introduction for one in self._skills)])
        if more:
            how = "Say" if group.is_direct else "Mention me and say"
            skill.say(event, f"{hello} {how} **help** to begin.")
        elif group.is_direct and len(others) == 1:
            skill.say(event, f"{hello} {skill.invitation(event, others[0])}")
        else:  # a link belongs to one person, and nobody in particular has asked yet
            first = next(iter(skill.commands))
            skill.say(event, f"{hello} Mention me and say **{first}** to begin.")

    # ---- what nobody else has answered -----------------------------------------------------

    def _answer(self, event: Event, command: str) -> None:
        skill, *more = self._skills
        if command == "help":
            skill.say(event, self._help())
        elif command.startswith("help ") and (text := self._help_on(command[5:].strip())):
            skill.say(event, text)
        elif wanted := self._named(command):
            wanted(event)
        elif not more and skill.find(event) is None:
            skill.found(event)
        elif command in VERBS:
            self._which(event, command)
        elif near := self._near(command):
            skill.say(event, f"I did not understand that. Did you mean **{near}**?")
        else:
            skill.say(event, f"I did not understand that.\n{self._help()}")

    def _named(self, command: str) -> Callable[[Event], None] | None:
        """What a command such as `connect github` wants done; a skill may have other words."""
        for skill in self._skills:
            for verb, word in zip(VERBS, skill.words, strict=True):
                if command in (word, f"{verb} {skill.word}", f"{verb} {skill.title.lower()}"):
                    return skill.connect if verb == "connect" else skill.disconnect
        return None

    def _which(self, event: Event, verb: str) -> None:
        """Connect or disconnect what?  That is clear if there is only one."""
        among = [one for one in self._skills if verb == "connect" or one.find(event)]
        if len(among) == 1:
            among[0].connect(event) if verb == "connect" else among[0].disconnect(event)
        else:
            choice = " or ".join(f"**{skill.words[VERBS.index(verb)]}**" for skill in among)
            text = f"Which one? Say {choice}." if among else "You are not connected yet."
            self._skills[0].say(event, text)

    def _help(self) -> str:
        skill, *more = self._skills
        if not more:
            leave = skill.words[1].removesuffix(f" {skill.word}")
            lines = [skill.list_commands(), _leaving(skill, leave)]
        else:
            lines = [line for one in self._skills for line in _section(one)]
        return "\n".join(["I understand:", *lines, "* **help** shows this list"])

    def _help_on(self, topic: str) -> str | None:
        return next((text for skill in self._skills if (text := skill.help(topic))), None)

    def _near(self, command: str) -> str:
        """What the person may have wanted to say; "" if nothing is near.

        First the whole command is compared, then its beginning: arguments may follow.
        """
        phrases = [phrase for skill in self._skills for phrase in skill.phrases()]
        near = get_close_matches(command[:100], [*phrases, *VERBS, "help"], cutoff=NEAR)
        words = command.split()
        for phrase in sorted(phrases, key=len, reverse=True):
            beginning = " ".join(words[: len(phrase.split())])
            near += get_close_matches(beginning, [phrase], cutoff=NEARER)
        return near[0] if near else ""

    def __repr__(self) -> str:
        return "<HelpSkill>"


def _section(skill: ServiceSkill) -> list[str]:
    """The part of the help that belongs to one of several skills."""
    connect, leave = skill.words
    lines = [f"**{skill.title}**", skill.list_commands()]
    if connect not in skill.commands:
        lines.append(f"* **{connect}** connects your account")
    return [*lines, _leaving(skill, leave)]


def _leaving(skill: ServiceSkill, word: str) -> str:
    whose = "the chat's" if skill.shared else "your"
    return f"* **{word}** removes {whose} connection, here and at {skill.title}"
