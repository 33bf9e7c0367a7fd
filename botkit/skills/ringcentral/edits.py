"""Read the changes that people ask for, and word what RingCentral made of them.

Start with `read_edit`, which reads a command into an `Edit`.  The skill reads the present setting,
sends `Edit.body`, and reads again.  `Edit.outcome` says what RingCentral says then, not what was
asked for.

Not here: the requests (`skill.py`, `api.py`), and questions (`facts.py`).

Sources: RingCentral's SDK ringcentral-extensible, `PresenceInfoRequest` and
`NotificationSettingsUpdateRequest`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botkit.skills.ringcentral.answers import (
    CHANNELS,
    KINDS,
    ON_OFF,
    Data,
    as_words,
    translated,
    value_at,
)
from botkit.skills.ringcentral.facts import DO_NOT_DISTURB, NOTIFICATIONS, PRESENCE

VERBS = ("set", "turn", "switch", "change")
STATUSES = {"available": "Available", "busy": "Busy", "offline": "Offline"}
BY_WORD = {word: kind for kind, word in KINDS.items()} | {
    "voicemails": "voicemails",
    "missed call": "missedCalls",
    "fax": "inboundFaxes",
    "faxes": "inboundFaxes",
    "received fax": "inboundFaxes",
    "sent fax": "outboundFaxes",
    "text": "inboundTexts",
}
AROUND = ("notification", "notifications", "by", "via")  # say nothing about the kind

*_FIRST, _LAST = KINDS.values()
EACH_KIND = f"{', '.join(_FIRST)} and {_LAST}"

HELP = {
    "presence": {
        "set presence busy": "sets your status; also **available** and **offline**",
        "do not disturb on": "lets no call ring; **off** lets them ring again",
    },
    "notifications": {
        "email voicemail on": "sends you an e-mail for each voicemail; **off** ends that",
        "sms missed calls off": f"sends no SMS for missed calls. The same for {EACH_KIND}",
    },
}
# Compared with a command that nobody understood.
PHRASES = [f"set presence {status}" for status in STATUSES]
PHRASES += [f"do not disturb {state}" for state in ON_OFF.values()]
PHRASES += [
    f"{channel} {kind} {state}"
    for channel in CHANNELS
    for kind in KINDS.values()
    for state in ON_OFF.values()
]

WHICH_STATUS = (
    "Your status can be Available, Busy or Offline. Say for example **set presence busy**."
)
ON_OR_OFF = "Say **do not disturb on** or **do not disturb off**."
WHICH_KIND = (
    f"I can switch e-mail and SMS on or off for {EACH_KIND}. "
    "Say for example **email voicemail on** or **sms missed calls off**."
)


@dataclass(frozen=True)
class Edit:
    """One change: `name` is what changes, at `member` of what lies at `path`, to `value`."""

    path: str
    member: str
    value: Any
    name: str
    shown: dict[str, str] = field(default_factory=dict)  # RingCentral's names for values, in ours

    def body(self, before: Data) -> dict[str, Any]:
        """Return what to send.

        It is not documented whether a group such as `voicemails` may be sent in part, so it is sent
        as it was, with one member changed.  `includeManagers` turns true when it is left out.
        """
        group, _, last = self.member.rpartition(".")
        if not group:
            return {last: self.value}
        there = value_at(before, group)
        body: dict[str, Any] = {
            group: {**(there if isinstance(there, dict) else {}), last: self.value}
        }
        if isinstance(value_at(before, "includeManagers"), bool):
            body["includeManagers"] = before["includeManagers"]
        return body

    def outcome(self, now: Data) -> str:
        """Return what to say, after `now` was read back."""
        shown = self._words(value_at(now, self.member))
        if not shown:
            return "RingCentral took the change, but does not say what is set now."
        if shown != self._words(self.value):
            return f"RingCentral took the change, but says that {self.name} is **{shown}**."
        return f"{self.name[0].upper()}{self.name[1:]} is now **{shown}**.{self._remark(now)}"

    def _words(self, value: Any) -> str:
        return ON_OFF[value] if isinstance(value, bool) else translated(self.shown)(value)

    def _remark(self, now: Data) -> str:
        """Return what else the person must know about it; often nothing."""
        others = value_at(now, "presenceStatus")
        if self.member == "userStatus" and isinstance(others, str) and others != self.value:
            return f" Others see **{as_words(others)}**."
        if self.member.endswith("notifyBySms") and self.value and _no_number(now, self.member):
            return " But there is no number yet to which it can go: set one at RingCentral."
        return ""


def _no_number(now: Data, member: str) -> bool:
    """Return whether RingCentral says that nobody gets the text messages."""
    group = member.partition(".")[0] + "." if value_at(now, "advancedMode") is True else ""
    names = ("advancedSmsEmailAddresses",) if group else ("smsEmailAddresses", "smsPhoneNumbers")
    lists = [value_at(now, group + name) for name in names]
    return any(isinstance(one, list) for one in lists) and not any(lists)


# ---- from a command ----------------------------------------------------------------------------


def read_edit(command: str) -> Edit | str | None:
    """Return the change that a command asks for, as `normalize` returns it.

    A string says what is missing or wrong in it.  None: it is not a command of this kind.
    """
    verb, *words = command.split() or [""]
    if verb not in VERBS:
        verb, words = "", command.split()
    if words[:1] in (["presence"], ["status"]):
        return _status(" ".join(words[1:]), bool(verb))
    words, on = _without_state(words)
    if words[:3] == ["do", "not", "disturb"]:
        return ON_OR_OFF if on is None or words[3:] else _do_not_disturb(on)
    return _notification(words, on)


def _without_state(words: list[str]) -> tuple[list[str], bool | None]:
    """Return the words without "on" or "off" at the start or the end, and which it was."""
    for place, others in ((words[-1:], words[:-1]), (words[:1], words[1:])):
        if place in (["on"], ["off"]):
            return others, place == ["on"]
    return words, None


def _status(word: str, asked: bool) -> Edit | str | None:
    if word in STATUSES:
        return Edit(PRESENCE, "userStatus", STATUSES[word], "your status")
    return WHICH_STATUS if asked else None


def _do_not_disturb(on: bool) -> Edit:
    value = "DoNotAcceptAnyCalls" if on else "TakeAllCalls"
    return Edit(PRESENCE, "dndStatus", value, "do not disturb", DO_NOT_DISTURB)


def _notification(words: list[str], on: bool | None) -> Edit | str | None:
    channels = [word for word in words if word in CHANNELS]
    kind = BY_WORD.get(" ".join(word for word in words if word not in (*CHANNELS, *AROUND)))
    if not channels or (kind is None and on is None):
        return None  # the person may want to email something else
    if len(channels) > 1 or kind is None or on is None:
        return WHICH_KIND
    flag, channel = CHANNELS[channels[0]]
    return Edit(NOTIFICATIONS, f"{kind}.{flag}", on, f"{channel} for {KINDS[kind]}")
