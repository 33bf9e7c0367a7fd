"""The RingCentral assistant: ask what RingCentral knows of you and your company; change a little.

`company info`, `my business hours`, `set presence busy`: what can be asked stands in
`ringcentral/facts.py`, what can be changed in `ringcentral/edits.py`.  Here both meet the person's
connection, and whatever goes wrong becomes a sentence.

Sources: RingCentral developer guide, "API error codes" and "Rate limits".
"""

from __future__ import annotations

import re

import requests

from botkit.chat import Event
from botkit.errors import (
    BotkitError,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    RateLimited,
    ReconnectNeeded,
)
from botkit.oauth import ApiSession, read_fields
from botkit.skills.base import ServiceSkill
from botkit.skills.ringcentral.edits import HELP, PHRASES, Edit, read_edit
from botkit.skills.ringcentral.facts import FACTS, ME, TOPICS, WAYS, Fact
from botkit.skills.ringcentral.words import Data, at, normal, records, said
from botkit.storage import Service


class AssistantSkill(ServiceSkill):
    word = "ringcentral"
    introduction = "I answer questions about your RingCentral account, and set your presence."
    commands = {
        "help ringcentral": "lists what you can ask about your RingCentral account",
        "personal info": "shows your name, extension and contact details there",
        "set presence busy": "sets your status; **presence** shows it",
    }
    remove_at = "in your RingCentral settings, among the apps that may use your account"

    def answer(self, event: Event, command: str) -> bool:
        command = normal(event.text)
        wish = WAYS.get(command) or read_edit(command)
        if wish is None:
            return False
        if isinstance(wish, str):
            self.say(event, wish)
        elif service := self.found(event):
            with self.telling(event):
                self.say(event, self._reply(event, service, wish))
        return True

    def _reply(self, event: Event, service: Service, wish: Fact | Edit) -> str:
        """What RingCentral answers, or what it refuses, in words.  Raises `ProviderError`."""
        others = not self.chat.group(event.bot_id, event.group_id).is_private
        try:
            with self.api(service) as api:
                if isinstance(wish, Edit):
                    return _change(api, wish)
                return wish.tell(_ask(api, wish.path), others)
        except ReconnectNeeded:
            self._forget(service)
            raise
        except ProviderRefused as error:  # it knows better what to do than "try again"
            return f"{error} {error.advice}".rstrip()

    # ---- help ------------------------------------------------------------------------------

    def help(self, topic: str) -> str | None:
        name = normal(topic)
        if name == self.word:
            topics = [f"* **help {one}**: {_commands_of(one)}" for one in TOPICS]
            return "\n".join(["You can ask RingCentral about:", *topics])
        if name in WAYS:
            name = WAYS[name].topic
        if name not in TOPICS:
            return None
        lines = {fact.command: fact.what for fact in FACTS if fact.topic == name}
        lines |= HELP.get(name, {})
        return "\n".join(f"* **{command}** {what}" for command, what in lines.items())

    def phrases(self) -> list[str]:
        topics = (f"help {topic}" for topic in (self.word, *TOPICS))
        facts = (phrase for fact in FACTS for phrase in (fact.command, normal(fact.command)))
        return [*topics, *facts, *PHRASES, *self.words]

    # ---- the connection --------------------------------------------------------------------

    def connected(self, service: Service) -> None:
        """Say for whom the bot acts now: another person may have pressed Approve."""
        name, number = said(service.account.get("name")) or "somebody", ""
        try:
            with self.api(service) as api:
                number = said(at(_ask(api, ME), "extensionNumber"))
        except BotkitError:  # the name will do
            pass
        extension = f", extension {number}" if number else ""
        self.tell(
            service,
            f"Connected to {self.title}: I now act for **{name}**{extension}. "
            "Say **help ringcentral** to see what you can ask.",
        )

    def _forget(self, service: Service) -> None:
        """Delete the row, unless the person has connected again meanwhile."""
        now = self.storage.get_service(service.id)
        if now is None:
            return
        if (now.data or {}).get("needsReconnect") or now.access_token == service.access_token:
            self.storage.delete_service(now)

    def lost(self, event: Event, error: ReconnectNeeded) -> None:
        self.invite(
            event,
            "I can no longer act for you at RingCentral: your permission has expired or was taken "
            "back. I have removed the connection.",
        )


# ---- RingCentral's API -------------------------------------------------------------------------


def _change(api: ApiSession, edit: Edit) -> str:
    """Look, change, and look again: the answer is what RingCentral says then."""
    _ask(api, edit.path, edit.body(_ask(api, edit.path)))
    try:
        now = _ask(api, edit.path)
    except ReconnectNeeded:
        raise
    except ProviderError as error:
        return f"I have sent the change, but cannot read back what is set now: {error}"
    return edit.outcome(now)


def _ask(api: ApiSession, path: str, body: Data | None = None) -> Data:
    """GET `path`, or PUT `body` there; the members of the answer.  Raises `ProviderError`."""
    answer = api.get(path) if body is None else api.put(path, json=body)
    fields = read_fields(answer)
    if 200 <= answer.status_code < 300 and (fields or body is not None):
        return fields
    raise _trouble(answer, fields)


def _trouble(answer: requests.Response, fields: Data) -> ProviderError:
    """What went wrong, and who can mend it."""
    status, reason = answer.status_code, _reason(fields)
    if status == 403 and reason == "CMN-401":
        return ProviderRefused(
            f"This bot's app is not allowed to do that at RingCentral{_permission(fields)}.",
            advice="The owner of this bot must give the app that permission.",
        )
    if status == 403:
        return ProviderRefused(
            f"RingCentral does not allow you to do that{_permission(fields)}.",
            advice="Your company's administrator at RingCentral must allow it.",
        )
    if status == 404:
        return ProviderRefused("RingCentral has nothing like that for your extension.", advice="")
    if status == 400:
        code = f" ({reason})" if reason else ""
        return ProviderRefused(
            f"RingCentral did not accept that{code}.", advice="Nothing was changed."
        )
    if status == 429:
        return RateLimited(
            "RingCentral asks us to wait.",
            seconds=60,
            advice="Nothing is wrong with your connection. Try again in a minute.",
        )
    if answer.ok:
        return ProviderNonsense("RingCentral sent an answer that cannot be read.")
    return ProviderNonsense(f"RingCentral has a problem of its own (it answered {status}).")


def _reason(fields: Data) -> str:
    """RingCentral's code for an error, such as CMN-408; empty if there is none."""
    codes = [at(one, "errorCode") for one in (fields, *records(fields, "errors"))]
    return next((str(code) for code in codes if re.fullmatch(r"[A-Z]{3}-[0-9]{3}", str(code))), "")


def _permission(fields: Data) -> str:
    """The permission that is missing, if its name looks like one: the rest is strangers' words."""
    reasons = (fields, *records(fields, "errors"))
    told = [str(at(one, "permissionName") or "") for one in reasons]
    told += re.findall(r"\[([^\]]*)\]", str(at(fields, "message")))
    names = (one for one in told if re.fullmatch(r"[A-Z][A-Za-z]{2,39}", one))
    name = next(names, "")
    return f": the permission {name} is missing" if name else ""


def _commands_of(topic: str) -> str:
    commands = [fact.command for fact in FACTS if fact.topic == topic]
    return ", ".join([*commands, *HELP.get(topic, ())])
