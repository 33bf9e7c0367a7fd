"""Word what RingCentral answers.

`lines` and `sentence` make the answers of most facts, from rows.  Answers that are more than a list
of fields have a function each: hours, services, numbers, notifications.

RingCentral may leave out any field of any answer.  So every value is looked up step by step, a row
without a value is left out, and every function returns a sentence, whatever it is given.

Not here: which answer belongs to which question (`facts.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from botkit.chat import plain

LONGEST = 300  # characters of one value
MOST_LINES = 100
NOT_SET = "not set"
APART = "I tell contact details only in a chat with you alone."
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# What RingCentral can notify of, in our words and in the order of the answer; and by what.
KINDS = {
    "voicemails": "voicemail",
    "missedCalls": "missed calls",
    "inboundFaxes": "received faxes",
    "outboundFaxes": "sent faxes",
    "inboundTexts": "texts",
}
CHANNELS = {"email": ("notifyByEmail", "e-mail"), "sms": ("notifyBySms", "SMS")}
ON_OFF = {True: "on", False: "off"}


Data = Mapping[str, Any]
#: Words an answer.  The second argument says whether other people read the chat.
Wording = Callable[[Data, bool], str]


# ---- what RingCentral says ---------------------------------------------------------------------


def value_at(data: Any, path: str) -> Any:
    """Return the value at a path such as `serviceInfo.brand.name`; None if there is none."""
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def records(data: Any, path: str) -> list[Data]:
    """Return the objects in the list at a path; an empty list if there is no list."""
    found = value_at(data, path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def as_text(value: Any) -> str:
    """Return a value as people read it; empty if there is nothing to read."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(filter(None, map(as_text, value)))[:LONGEST]
    if isinstance(value, float) and not isfinite(value):
        return ""
    text = " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
    return str(plain(text if len(text) <= LONGEST else f"{text[:LONGEST]}…"))


def as_words(value: Any) -> str:
    """Return one of RingCentral's names as words: `CallForwarding` becomes `Call forwarding`."""
    if not isinstance(value, str):
        return ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", value).split()
    small = [word if word.isupper() else word.lower() for word in words[1:]]
    return as_text(" ".join([*words[:1], *small]))


def translated(names: Mapping[str, str]) -> Callable[[Any], str]:
    """Return a function that puts RingCentral's names into ours; an unknown one into words."""
    return lambda value: (
        names[value] if isinstance(value, str) and value in names else as_words(value)
    )


# ---- lines -----------------------------------------------------------------------------------


class Row(NamedTuple):
    """One line of an answer.

    `paths` are tried in turn, and `how` words the value.  A `private` line is shown only in a chat
    that nobody else reads.
    """

    label: str
    paths: str  # separated by spaces
    how: Callable[[Any], str] = as_text
    private: bool = False

    def value(self, data: Data) -> str:
        found = (self.how(value_at(data, path)) for path in self.paths.split())
        return next(filter(None, found), "")


def lines(title: str, *rows: Row) -> Wording:
    """Return a wording with a line for each value."""

    def word(data: Data, others: bool) -> str:
        known = [(row, value) for row in rows if (value := row.value(data))]
        shown = [f"{row.label}: {value}" for row, value in known if not (row.private and others)]
        return bullets(title, shown + [APART] * (len(shown) < len(known)))

    return word


def sentence(title: str, *rows: Row) -> Wording:
    """Return a wording with all values in one sentence, each after its label if it has one."""

    def word(data: Data, others: bool) -> str:
        parts = [f"{row.label} {value}".strip() for row in rows if (value := row.value(data))]
        return f"{title}: {', '.join(parts) or NOT_SET}."

    return word


def bullets(title: str, lines: list[str]) -> str:
    """Return a title, and a list of `lines`."""
    return "\n* ".join([f"{title}:", *lines]) if lines else f"{title}: {NOT_SET}."


# ---- answers with a shape of their own --------------------------------------------------------

# Names of features that are more than their words.
feature = translated(
    {
        "CallerIdControl": "Caller ID control",
        "DND": "Do not disturb",
        "HipaaCompliance": "HIPAA compliance",
        "RingOut": "RingOut",
        "SalesForce": "Salesforce",
        "VoipCalling": "VoIP calling",
    }
)


def hours(title: str) -> Wording:
    """Return a wording for a week; an empty schedule means always open."""

    def word(data: Data, others: bool) -> str:
        schedule = value_at(data, "schedule")
        week = value_at(schedule, "weeklyRanges")
        if schedule == {} or week == {}:
            return f"{title}: always (24 hours, 7 days a week)."
        if not isinstance(week, dict):
            return f"{title}: {NOT_SET}."
        return bullets(title, [f"{day} {_one_day(week.get(day.lower()))}" for day in DAYS])

    return word


def _one_day(intervals: Any) -> str:
    if not intervals:
        return "closed"
    known = []
    for one in records({"_": intervals}, "_"):
        start, end = as_text(one.get("from")), as_text(one.get("to"))
        if start and end:
            known.append(f"{start}–{end}")
    return ", ".join(known) or NOT_SET


def available(data: Data, others: bool) -> str:
    """List the services that the person has."""
    title, names = "Services available to you", [name for name, _ in _features(data, enabled=True)]
    if not names:
        return f"{title}: {_none_or_not_set(data)}."
    return f"{title} ({len(names)}): {', '.join(_not_too_many(names))}."


def unavailable(data: Data, others: bool) -> str:
    """List the services that the person does not have, each with the reason."""
    title, lines = "Services unavailable to you", []
    for name, reason in _features(data, enabled=False):
        lines.append(f"{name}: {reason}" if reason else name)
    if not lines:
        return f"{title}: {_none_or_not_set(data)}."
    return bullets(f"{title} ({len(lines)})", _not_too_many(lines))


def _features(data: Data, *, enabled: bool) -> list[tuple[str, str]]:
    """Return the names of features that are enabled, or that are not, each with the reason."""
    chosen = [one for one in records(data, "serviceFeatures") if one.get("enabled") is enabled]
    found = []
    for one in chosen:
        if name := feature(one.get("featureName")):
            found.append((name, as_words(one.get("reason")).lower()))
    return found


def _none_or_not_set(data: Data) -> str:
    return "none" if isinstance(value_at(data, "serviceFeatures"), list) else NOT_SET


def _not_too_many(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return lines[:MOST_LINES] + more


def caller_id(data: Data, others: bool) -> str:
    """List the numbers that people see when the person calls them."""
    ways = [(value_at(one, "device.name"), one) for one in records(data, "byDevice")]
    shown = [f"{as_text(name) or 'A device'}: {_number(one)}" for name, one in ways]
    for one in records(data, "byFeature"):
        shown.append(f"{feature(one.get('feature')) or 'Another feature'}: {_number(one)}")
    for field, label in (
        ("extensionNameForOutboundCalls", "Your name goes out with calls"),
        ("extensionNumberForInternalCalls", "Colleagues see your extension number"),
    ):
        if isinstance(value_at(data, field), bool):
            shown.append(f"{label}: {as_text(value_at(data, field))}")
    return bullets("Your caller ID", _not_too_many(shown))


def _number(one: Data) -> str:
    kind = value_at(one, "callerId.type")
    if kind in ("Blocked", "CurrentLocation"):
        return "hidden" if kind == "Blocked" else "the number of the place where you are"
    return as_text(value_at(one, "callerId.phoneInfo.phoneNumber")) or NOT_SET


def notifications(data: Data, others: bool) -> str:
    """List what the person is notified of, and where that goes."""
    shown = []
    for field, name in KINDS.items():
        flags = ((word, value_at(data, f"{field}.{flag}")) for flag, word in CHANNELS.values())
        known = [f"{word} {ON_OFF[on]}" for word, on in flags if isinstance(on, bool)]
        if known:
            shown.append(f"{name.capitalize()}: {', '.join(known)}")
    if value_at(data, "advancedMode") is True:
        shown.append("Each kind goes to addresses of its own.")
    elif addresses := [
        f"{word} goes to: {where}"
        for word, fields in (
            ("E-mail", "emailAddresses"),
            ("SMS", "smsEmailAddresses smsPhoneNumbers"),
        )
        if (where := Row("", fields).value(data))
    ]:
        shown += [APART] if others else addresses
    return bullets("Your notifications", shown)


def period(data: Any) -> str:
    """Return a duration, such as `1 month`; empty if it is not known."""
    count, unit = value_at(data, "duration"), as_text(value_at(data, "durationUnit")).lower()
    return f"{as_text(count)} {unit}{'' if count == 1 else 's'}" if as_text(count) and unit else ""


def from_utc(minutes: Any) -> str:
    """Return an offset in minutes, such as -480, as `UTC-08:00`."""
    if not re.fullmatch(r"[+-]?[0-9]{1,4}", str(minutes)):
        return ""
    whole, rest = divmod(abs(int(minutes)), 60)
    return f"UTC{'-' if int(minutes) < 0 else '+'}{whole:02}:{rest:02}"


def address(data: Any) -> str:
    """Return an address in one line; empty if it is not known."""
    parts = (
        as_text(value_at(data, name)) for name in ("street", "city", "state", "zip", "country")
    )
    return ", ".join(filter(None, parts))
