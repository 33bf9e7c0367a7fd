"""Answer what no other skill understood: greet, help, connect and disconnect.

Start with `HelpSkill.handle`.  The skill knows the other skills, however many there are.  With one
skill, a bot speaks as if it had been written for that skill alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from botkit.chat import Event
from botkit.skills.base import ServiceSkill

VERBS = ("connect", "disconnect")
LONGEST = 100  # characters that are compared; comparing takes long, and a phrase is short
NEAR = 0.75  # how alike a command and a phrase must be, from 0 to 1
NEARER = 0.85  # the same, where only the beginning of the command is compared


class HelpSkill:
    """The last skill in the list; `skills` are the others, and the list may grow."""

    def __init__(self, skills: Sequence[ServiceSkill]) -> None:
        self._skills = skills

    @property
    def _services(self) -> list[ServiceSkill]:
        """The skills for which people connect an account."""
        return [one for one in self._skills if one.connects]

    def handle(self, event: Event, handled: bool) -> bool:
        """Greet a new chat, and answer every message that is left."""
        if handled or not self._skills:
            return False
        if event.kind == "BotJoinGroup":
            self._greet(event)
        elif event.kind == "Message4Bot":
            self._answer(event, event.command)
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
            skill.reply(event, f"{hello} {how} **help** to begin.")
        elif skill.connects and group.is_private and len(others) == 1:
            skill.reply(event, f"{hello} {skill.auth_link_sentence(event, others[0])}")
        else:  # a link belongs to one person, and nobody in particular has asked yet
            first = next(iter(skill.commands))
            skill.reply(event, f"{hello} Mention me and say **{first}** to begin.")

    # ---- what nobody else has answered -----------------------------------------------------

    def _answer(self, event: Event, command: str) -> None:
        skill, *more = self._skills
        if command == "help":
            skill.reply(event, self._list_all())
        elif command.startswith("help ") and (text := self._help_on(command[5:].strip())):
            skill.reply(event, text)
        elif wanted := self._connect_or_disconnect(command):
            wanted(event)
        elif not more and skill.connects and skill.find_or_send_link(event) is None:
            return  # it has asked the person to connect first
        elif command in VERBS:
            self._ask_which(event, command)
        elif near := self._closest_phrase(command):
            skill.reply(event, f"I did not understand that. Did you mean **{near}**?")
        else:
            skill.reply(event, f"I did not understand that.\n{self._list_all()}")

    def _connect_or_disconnect(self, command: str) -> Callable[[Event], None] | None:
        """Return what a command such as `connect github` asks for; None if it is another one."""
        for skill in self._services:
            for verb, word in zip(VERBS, skill.words, strict=True):
                if command in (word, f"{verb} {skill.word}", f"{verb} {skill.title.lower()}"):
                    return skill.connect if verb == "connect" else skill.disconnect
        return None

    def _ask_which(self, event: Event, verb: str) -> None:
        """Ask what to connect or disconnect, or do it if only one skill is possible."""
        among = [one for one in self._services if verb == "connect" or one.find(event)]
        if len(among) == 1:
            among[0].connect(event) if verb == "connect" else among[0].disconnect(event)
        else:
            choice = " or ".join(f"**{skill.words[VERBS.index(verb)]}**" for skill in among)
            text = f"Which one? Say {choice}." if among else "You are not connected yet."
            self._skills[0].reply(event, text)

    def _list_all(self) -> str:
        skill, *more = self._skills
        if not more:
            leave = skill.words[1].removesuffix(f" {skill.word}")
            lines = [skill.list_commands()]
            lines += [_disconnect_line(skill, leave)] if skill.connects else []
        else:
            lines = [line for one in self._skills for line in _section(one)]
        return "\n".join(["I understand:", *lines, "* **help** shows this list"])

    def _help_on(self, topic: str) -> str | None:
        return next((text for skill in self._skills if (text := skill.help(topic))), None)

    def _closest_phrase(self, command: str) -> str:
        """Return the phrase that the person may have meant; "" if there is none.

        First the whole command is compared, then its beginning: arguments may follow.
        """
        phrases = [phrase for skill in self._skills for phrase in skill.phrases()]
        near = get_close_matches(command[:LONGEST], [*phrases, *VERBS, "help"], cutoff=NEAR)
        words = command.split()
        for phrase in sorted(phrases, key=len, reverse=True):
            beginning = " ".join(words[: len(phrase.split())])[:LONGEST]
            near += get_close_matches(beginning, [phrase], cutoff=NEARER)
        return near[0] if near else ""


def _section(skill: ServiceSkill) -> list[str]:
    """Return the part of the help about one of several skills."""
    connect, leave = skill.words
    lines = [f"**{skill.title}**", skill.list_commands()]
    if not skill.connects:
        return lines
    if connect not in skill.commands:
        lines.append(f"* **{connect}** connects your account")
    return [*lines, _disconnect_line(skill, leave)]


def _disconnect_line(skill: ServiceSkill, word: str) -> str:
    whose = "the chat's" if skill.shared else "your"
    return f"* **{word}** removes {whose} connection, here and at {skill.title}"
