"""Answer questions about a person's RingCentral account, and change a few of its settings.

People say `company info`, `my business hours` or `set presence busy`.  Start here: the skill looks
up the command, calls the API with the person's connection, and replies.

Not here: the table of questions (`facts.py`), the changes (`edits.py`), how a command is read
(`commands.py`), how an answer is worded (`answers.py`), and what API errors mean (`api.py`).
"""

from __future__ import annotations

from botkit.chat import Event
from botkit.errors import (
    BotkitError,
    ProviderError,
    ProviderRefused,
    ReconnectNeeded,
)
from botkit.oauth import ApiSession
from botkit.providers import ringcentral
from botkit.skills.base import ServiceSkill
from botkit.skills.ringcentral.answers import as_text, value_at
from botkit.skills.ringcentral.api import request
from botkit.skills.ringcentral.commands import normalize
from botkit.skills.ringcentral.edits import HELP, PHRASES, Edit, read_edit
from botkit.skills.ringcentral.facts import FACT_OF, FACTS, ME, TOPICS, Fact
from botkit.storage import Service


class AssistantSkill(ServiceSkill):
    word, connects_to = "ringcentral", ringcentral
    introduction = "I answer questions about your RingCentral account, and set your presence."
    commands = {
        "help ringcentral": "lists what you can ask about your RingCentral account",
        "personal info": "shows your name, extension and contact details there",
        "set presence busy": "sets your status; **presence** shows it",
    }
    remove_at = "in your RingCentral settings, among the apps that may use your account"

    def answer(self, event: Event, command: str) -> bool:
        command = normalize(event.text)
        asked = FACT_OF.get(command) or read_edit(command)
        if asked is None:
            return False
        if isinstance(asked, str):
            self.reply(event, asked)
        elif service := self.find_or_send_link(event):
            with self.replying_errors(event):
                self.reply(event, self._ask(event, service, asked))
        return True

    def _ask(self, event: Event, service: Service, asked: Fact | Edit) -> str:
        """Return what RingCentral answers or refuses, in words.  Raises `ProviderError`."""
        others = not self.chat.group(event.bot_id, event.group_id).is_private
        try:
            with self.api(service) as api:
                if isinstance(asked, Edit):
                    return _change(api, asked)
                return asked.wording(request(api, asked.path), others)
        except ReconnectNeeded:
            self._delete_refused(service)
            raise
        except ProviderRefused as error:  # it knows better what to do than "try again"
            return f"{error} {error.advice}".rstrip()

    # ---- help ------------------------------------------------------------------------------

    def help(self, topic: str) -> str | None:
        name = normalize(topic)
        if name == self.word:
            topics = [f"* **help {one}**: {_commands_of(one)}" for one in TOPICS]
            return "\n".join(["You can ask RingCentral about:", *topics])
        if name in FACT_OF:
            name = FACT_OF[name].topic
        if name not in TOPICS:
            return None
        lines = {fact.command: fact.what for fact in FACTS if fact.topic == name}
        lines |= HELP.get(name, {})
        return "\n".join(f"* **{command}** {what}" for command, what in lines.items())

    def phrases(self) -> list[str]:
        topics = (f"help {topic}" for topic in (self.word, *TOPICS))
        facts = (phrase for fact in FACTS for phrase in (fact.command, normalize(fact.command)))
        return [*topics, *facts, *PHRASES, *self.words]

    # ---- the connection --------------------------------------------------------------------

    def on_connected(self, service: Service) -> None:
        """Say whose account the bot uses now: another person may have approved."""
        name, number = as_text(service.account.get("name")) or "somebody", ""
        try:
            with self.api(service) as api:
                number = as_text(value_at(request(api, ME), "extensionNumber"))
        except BotkitError:  # the name will do
            pass
        extension = f", extension {number}" if number else ""
        self.say(
            service,
            f"Connected to {self.title}: I now act for **{name}**{extension}. "
            "Say **help ringcentral** to see what you can ask.",
        )

    def _delete_refused(self, service: Service) -> None:
        """Delete a row whose token was refused, unless the person has connected again."""
        now = self.storage.get_service(service.id)
        if now is None:
            return
        if (now.data or {}).get("needsReconnect") or now.access_token == service.access_token:
            self.storage.delete_service(now)

    def offer_reconnect(self, event: Event, error: ReconnectNeeded) -> None:
        self.send_auth_link(
            event,
            "I can no longer act for you at RingCentral: your permission has expired or was taken "
            "back. I have removed the connection.",
        )


def _change(api: ApiSession, edit: Edit) -> str:
    """Read, change and read again; return what RingCentral says at the end."""
    request(api, edit.path, edit.body(request(api, edit.path)))
    try:
        now = request(api, edit.path)
    except ReconnectNeeded:
        raise
    except ProviderError as error:
        return f"I have sent the change, but cannot read back what is set now: {error}"
    return edit.outcome(now)


def _commands_of(topic: str) -> str:
    commands = [fact.command for fact in FACTS if fact.topic == topic]
    return ", ".join([*commands, *HELP.get(topic, ())])
