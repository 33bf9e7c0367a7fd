"""Keep one person's RingCentral account: what the API answers, and what it accepts.

A change may name as few fields as it likes.  It is checked as a whole before anything is changed,
put into what was there, and answered with what is there now.

Sources: `PresenceInfoRequest`, `NotificationSettingsUpdateRequest` and the `...Info` types in
RingCentral's SDK.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from botkit.practice.ringcentral.people import FEATURES, PEOPLE, notifications, presence
from botkit.practice.ringcentral.records import ACCOUNT_ID, Person

# As text, because reading it makes a copy ten times as fast as `deepcopy`.
_PEOPLE = {id_: json.dumps(person) for id_, person in PEOPLE.items()}
Rule = Callable[[Any], bool] | Mapping[str, Any]
ACCOUNT = f"/restapi/v1.0/account/{ACCOUNT_ID}"
FOR_DEPARTMENTS = ("DoNotAcceptDepartmentCalls", "TakeDepartmentCallsOnly")


class WrongValue(ValueError):
    """Raised for a value that RingCentral does not take.

    `parameter` names it, with dots between levels.
    """

    def __init__(self, parameter: str) -> None:
        super().__init__(f"Parameter [{parameter}] value is invalid")
        self.parameter = parameter


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _one_of(*known: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in known


PRESENCE_RULES: Mapping[str, Rule] = {
    "userStatus": _one_of("Offline", "Busy", "Available"),
    "dndStatus": _one_of("TakeAllCalls", "DoNotAcceptAnyCalls", *FOR_DEPARTMENTS),
    "message": _text,
    "allowSeeMyPresence": _yes_or_no,
    "callerIdVisibility": _one_of("All", "None", "PermittedUsers"),
    "pickUpCallsOnHold": _yes_or_no,
    "ringOnMonitoredCall": _yes_or_no,
}
_ANY_KIND: Mapping[str, Rule] = {
    "notifyByEmail": _yes_or_no,
    "notifyBySms": _yes_or_no,
    "advancedEmailAddresses": _texts,
    "advancedSmsEmailAddresses": _texts,
}
_FAX: Mapping[str, Rule] = {
    **_ANY_KIND,
    "includeAttachment": _yes_or_no,
    "markAsRead": _yes_or_no,
}
NOTIFICATION_RULES: Mapping[str, Rule] = {
    "emailAddresses": _texts,
    "smsEmailAddresses": _texts,
    "smsPhoneNumbers": _texts,
    "includeManagers": _yes_or_no,
    "advancedMode": _yes_or_no,
    "voicemails": {**_FAX, "includeTranscription": _yes_or_no},
    "inboundFaxes": _FAX,
    "outboundFaxes": _ANY_KIND,
    "inboundTexts": _ANY_KIND,
    "missedCalls": _ANY_KIND,
}


@dataclass
class PersonSettings:
    """What belongs to one person, as JSON without addresses.  A test may read and change it."""

    extension: dict[str, Any]
    business_hours: dict[str, Any]
    caller_id: dict[str, Any]
    presence: dict[str, Any]
    notifications: dict[str, Any]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    # ---- as the API answers --------------------------------------------------------------------

    def uri(self, server: str, more: str = "") -> str:
        return f"{server}{ACCOUNT}/extension/{self.extension['id']}{more}"

    def extension_info(self, server: str) -> dict[str, Any]:
        """Return `GetExtensionInfoResponse`.  Here, and only here, the id is a number."""
        account = {"account": {"id": ACCOUNT_ID, "uri": server + ACCOUNT}}
        return {"uri": self.uri(server)} | deepcopy(self.extension) | account

    def presence_info(self, server: str) -> dict[str, Any]:
        """Return `PresenceInfoResponse`, with the status that others see."""
        with self._lock:
            now = self.presence.copy()
        id_, number = self.extension["id"], self.extension["extensionNumber"]
        who = {"id": id_, "uri": self.uri(server), "extensionNumber": number}
        seen = {"presenceStatus": _seen_by_others(now), "extension": who}
        return {"uri": self.uri(server, "/presence")} | now | seen

    def notification_settings(self, server: str) -> dict[str, Any]:
        """Return `NotificationSettings`."""
        with self._lock:
            now = deepcopy(self.notifications)
        return {"uri": self.uri(server, "/notification-settings")} | now

    # ---- changes -------------------------------------------------------------------------------

    def change_presence(self, sent: dict[str, Any]) -> None:
        """Take over the fields that are named.  Raises `WrongValue`, and then changes nothing."""
        if sent.get("dndStatus") in FOR_DEPARTMENTS and not self.extension.get("departments"):
            raise WrongValue("dndStatus")
        with self._lock:
            self.presence = _merged(self.presence, sent, PRESENCE_RULES)

    def change_notifications(self, sent: dict[str, Any]) -> None:
        """Take over the fields that are named.  Raises `WrongValue`, and then changes nothing."""
        with self._lock:
            self.notifications = _merged(self.notifications, sent, NOTIFICATION_RULES)


def settings_of(person: Person) -> PersonSettings:
    """Return the person's settings as they are on the first day."""
    data = json.loads(_PEOPLE[person.id])
    contact = data["contact"]
    return PersonSettings(
        extension=_extension(person, data),
        business_hours=data["hours"],
        caller_id=_caller_id(person, contact["businessPhone"]),
        presence=presence(data["status"]),
        notifications=notifications(contact["email"]),
    )


def _extension(person: Person, data: dict[str, Any]) -> dict[str, Any]:
    contact, missing = data["contact"], data["missing"]
    features = [{"featureName": name, "enabled": name not in missing} for name in FEATURES]
    for feature in features:
        if not feature["enabled"]:
            feature["reason"] = missing[feature["featureName"]]
    return {
        "id": int(person.id),
        "extensionNumber": data["number"],
        "name": f"{contact['firstName']} {contact['lastName']}",
        "type": "User",
        "status": "Enabled",
        "hidden": False,
        "setupWizardState": "Completed",
        "contact": contact | {"company": "Practice Company"},
        "departments": [data["department"]] if "department" in data else [],
        "permissions": {
            "admin": {"enabled": data.get("admin", False)},
            "internationalCalling": {"enabled": "InternationalCalling" not in missing},
        },
        "regionalSettings": data["region"],
        "serviceFeatures": features,
    }


def _caller_id(person: Person, phone: str) -> dict[str, Any]:
    def own() -> dict[str, Any]:
        return {"type": "PhoneNumber", "phoneInfo": {"id": f"{person.id}1", "phoneNumber": phone}}

    device = {"id": f"{person.id}2", "name": f"{person.name}'s desk phone"}
    return {
        "byDevice": [{"device": device, "callerId": own()}],
        "byFeature": [
            {"feature": "RingOut", "callerId": own()},
            {"feature": "MobileApp", "callerId": own()},
            {"feature": "FaxNumber", "callerId": {"type": "Blocked"}},
        ],
        "extensionNameForOutboundCalls": True,
        "extensionNumberForInternalCalls": True,
    }


def _seen_by_others(now: dict[str, Any]) -> str:
    if now["userStatus"] == "Offline":
        return "Offline"
    free = (now["userStatus"], now["telephonyStatus"]) == ("Available", "NoCall")
    return "Available" if free and now["dndStatus"] != "DoNotAcceptAnyCalls" else "Busy"


def _merged(
    stored: Mapping[str, Any], sent: Mapping[str, Any], rules: Mapping[str, Rule], path: str = ""
) -> dict[str, Any]:
    """Return `stored` with what was `sent`.  Fields that no rule knows are ignored."""
    merged = dict(stored)
    for name, rule in rules.items():
        if name not in sent:
            continue
        value = sent[name]
        if callable(rule):
            if not rule(value):
                raise WrongValue(path + name)
            merged[name] = value
        elif isinstance(value, dict):
            merged[name] = _merged(stored.get(name, {}), value, rule, f"{path}{name}.")
        else:
            raise WrongValue(path + name)
    return merged
