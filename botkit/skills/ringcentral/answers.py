"""Answers of the assistant that are more than a list of fields: hours, services, numbers.

Each of them is total: whatever RingCentral leaves out or writes differently, a sentence comes out.
"""

from __future__ import annotations

import re
from typing import Any

from botkit.skills.ringcentral.words import (
    APART,
    NOT_SET,
    Data,
    Row,
    Tell,
    at,
    bullets,
    named,
    records,
    said,
    spaced,
)

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_LINES = 100

# What RingCentral can notify of, as we call it, in the order of the answer; and how.
KINDS = {
    "voicemails": "voicemail",
    "missedCalls": "missed calls",
    "inboundFaxes": "received faxes",
    "outboundFaxes": "sent faxes",
    "inboundTexts": "texts",
}
CHANNELS = {"email": ("notifyByEmail", "e-mail"), "sms": ("notifyBySms", "SMS")}
ON_OFF = {True: "on", False: "off"}

# Names of features that are not to be taken apart.
feature = named(
    {
        "CallerIdControl": "Caller ID control",
        "DND": "Do not disturb",
        "HipaaCompliance": "HIPAA compliance",
        "RingOut": "RingOut",
        "SalesForce": "Salesforce",
        "VoipCalling": "VoIP calling",
    }
)


def hours(title: str) -> Tell:
    """A week.  RingCentral says "24 hours, 7 days a week" with an empty schedule."""

    def tell(data: Data, others: bool) -> str:
        schedule = at(data, "schedule")
        week = at(schedule, "weeklyRanges")
        if schedule == {} or week == {}:
            return f"{title}: always (24 hours, 7 days a week)."
        if not isinstance(week, dict):
            return f"{title}: {NOT_SET}."
        return bullets(title, [f"{day} {_one_day(week.get(day.lower()))}" for day in DAYS])

    return tell


def _one_day(intervals: Any) -> str:
    if not intervals:
        return "closed"
    known = [(said(one.get("from")), said(one.get("to"))) for one in records({"_": intervals}, "_")]
    return ", ".join(f"{start}–{end}" for start, end in known if start and end) or NOT_SET


def available(data: Data, others: bool) -> str:
    title, names = "Services available to you", [name for name, _ in _features(data, enabled=True)]
    if not names:
        return f"{title}: {_none_or_not_set(data)}."
    return f"{title} ({len(names)}): {', '.join(_not_too_many(names))}."


def unavailable(data: Data, others: bool) -> str:
    title, lines = "Services unavailable to you", []
    for name, reason in _features(data, enabled=False):
        lines.append(f"{name}: {reason}" if reason else name)
    if not lines:
        return f"{title}: {_none_or_not_set(data)}."
    return bullets(f"{title} ({len(lines)})", _not_too_many(lines))


def _features(data: Data, *, enabled: bool) -> list[tuple[str, str]]:
    """The names of features that are there, or that are not, and why."""
    chosen = [one for one in records(data, "serviceFeatures") if one.get("enabled") is enabled]
    read = [(feature(one.get("featureName")), spaced(one.get("reason")).lower()) for one in chosen]
    return [(name, reason) for name, reason in read if name]


def _none_or_not_set(data: Data) -> str:
    return "none" if isinstance(at(data, "serviceFeatures"), list) else NOT_SET


def _not_too_many(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return lines[:MOST_LINES] + more


def caller_id(data: Data, others: bool) -> str:
    """What the people whom you call see."""
    ways = [(at(one, "device.name"), one) for one in records(data, "byDevice")]
    shown = [f"{said(name) or 'A device'}: {_number(one)}" for name, one in ways]
    for one in records(data, "byFeature"):
        shown.append(f"{feature(one.get('feature')) or 'Another feature'}: {_number(one)}")
    for field, label in (
        ("extensionNameForOutboundCalls", "Your name goes out with calls"),
        ("extensionNumberForInternalCalls", "Colleagues see your extension number"),
    ):
        if isinstance(at(data, field), bool):
            shown.append(f"{label}: {said(at(data, field))}")
    return bullets("Your caller ID", _not_too_many(shown))


def _number(one: Data) -> str:
    kind = at(one, "callerId.type")
    if kind in ("Blocked", "CurrentLocation"):
        return "hidden" if kind == "Blocked" else "the number of the place where you are"
    return said(at(one, "callerId.phoneInfo.phoneNumber")) or NOT_SET


def notifications(data: Data, others: bool) -> str:
    shown = []
    for field, name in KINDS.items():
        flags = ((word, at(data, f"{field}.{flag}")) for flag, word in CHANNELS.values())
        known = [f"{word} {ON_OFF[on]}" for word, on in flags if isinstance(on, bool)]
        if known:
            shown.append(f"{name.capitalize()}: {', '.join(known)}")
    if at(data, "advancedMode") is True:
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
    count, unit = at(data, "duration"), said(at(data, "durationUnit")).lower()
    return f"{said(count)} {unit}{'' if count == 1 else 's'}" if said(count) and unit else ""


def from_utc(minutes: Any) -> str:
    """`-480`, in minutes, as `UTC-08:00`."""
    if not re.fullmatch(r"[+-]?[0-9]{1,4}", str(minutes)):
        return ""
    whole, rest = divmod(abs(int(minutes)), 60)
    return f"UTC{'-' if int(minutes) < 0 else '+'}{whole:02}:{rest:02}"


def address(data: Any) -> str:
    parts = (said(at(data, name)) for name in ("street", "city", "state", "zip", "country"))
    return ", ".join(filter(None, parts))
