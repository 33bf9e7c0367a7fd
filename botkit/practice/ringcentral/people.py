"""List the people of the practice company, as RingCentral has them set up.

Here is only data.
Alice, Bob and Mallory live in three countries, so that a bot that shows one person's settings to
another is found out.  Field names and values are those of RingCentral's SDK.  Phone numbers are
from ranges that are reserved for fiction, and lead nowhere.

Sources: `GetAccountInfoResponse`, `GetExtensionInfoResponse`, `WeeklyScheduleInfo`,
`ExtensionCallerIdInfo`, `PresenceInfoResponse` and `NotificationSettings` in RingCentral's SDK.
"""

from __future__ import annotations

from typing import Any

WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
OPERATOR_ID, OPERATOR_NUMBER = "2101002", "102"  # Bob takes the calls that nobody asked for
FEATURES = (
    "CallForwarding",
    "CallerIdControl",
    "Conferencing",
    "DND",
    "Fax",
    "InternationalCalling",
    "OnDemandCallRecording",
    "Presence",
    "RingOut",
    "SMS",
    "VideoConferencing",
    "Voicemail",
    "VoicemailToText",
    "WebPhone",
)
PLAN, TYPE = "ServicePlanLimitation", "ExtensionTypeLimitation"  # reasons why one is missing


def _country(id_: str, name: str, iso: str, calling: str) -> dict[str, str]:
    return {"id": id_, "name": name, "isoCode": iso, "callingCode": calling}


def _language(id_: str, code: str, name: str) -> dict[str, str]:
    return {"id": id_, "localeCode": code, "name": name}


def _region(
    country: dict[str, str], timezone: tuple[str, ...], language: dict[str, str], time_format: str
) -> dict[str, Any]:
    return {
        "homeCountry": country,
        "timezone": dict(zip(("id", "name", "description", "bias"), timezone, strict=True)),
        "language": language.copy(),
        "greetingLanguage": language.copy(),
        "formattingLocale": language.copy(),
        "timeFormat": time_format,
    }


UNITED_STATES = _country("1", "United States", "US", "1")
AMERICAN = _region(
    UNITED_STATES,
    ("58", "US/Pacific", "Pacific Time (US & Canada)", "-480"),
    _language("1033", "en_US", "English (United States)"),
    "12h",
)
BRITISH = _region(
    _country("224", "United Kingdom", "GB", "44"),
    ("31", "Europe/London", "London", "0"),
    _language("2057", "en_GB", "English (United Kingdom)"),
    "24h",
)
FRENCH = _region(
    _country("75", "France", "FR", "33"),
    ("35", "Europe/Paris", "Paris, Brussels", "60"),
    _language("1036", "fr_FR", "French (France)"),
    "24h",
)


def hours(opens: str, closes: str, days: tuple[str, ...] = WORKDAYS) -> dict[str, Any]:
    """Return a weekly schedule with the same hours each day."""
    return {"schedule": {"weeklyRanges": {day: [{"from": opens, "to": closes}] for day in days}}}


COMPANY: dict[str, Any] = {
    "mainNumber": "+16505550100",
    "serviceInfo": {
        "brand": {"id": "1210", "name": "RingCentral", "homeCountry": UNITED_STATES},
        "contractedCountry": UNITED_STATES.copy(),
        "servicePlan": {"id": "7784", "name": "Practice Plan for Teams", "edition": "Premium"},
        "billingPlan": {
            "id": "8853",
            "name": "Monthly, 10 lines",
            "durationUnit": "Month",
            "duration": 1,
            "type": "Regular",
            "includedPhoneLines": 10,
        },
    },
    "setupWizardState": "Completed",
    "status": "Confirmed",
    "federated": False,
    "regionalSettings": AMERICAN,
}
COMPANY_HOURS = hours("08:00", "18:00")

#: For each person: contact, number, status, region, missing features and own business hours.
PEOPLE: dict[str, dict[str, Any]] = {
    "2101001": {
        "contact": {
            "firstName": "Alice",
            "lastName": "Rivera",
            "jobTitle": "Head of Support",
            "email": "alice@practice.example",
            "businessPhone": "+16505550101",
        },
        "number": "101",
        "status": "Available",
        "region": AMERICAN,
        "missing": {"InternationalCalling": PLAN},
        "hours": hours("09:00", "17:30"),
        "admin": True,
    },
    OPERATOR_ID: {
        "contact": {
            "firstName": "Bob",
            "lastName": "O'Hara",
            "jobTitle": "Night operator",
            "email": "bob@practice.example",
            "businessPhone": "+442079460102",
        },
        "number": OPERATOR_NUMBER,
        "status": "Busy",
        "region": BRITISH,
        "missing": {"Fax": PLAN, "VoicemailToText": PLAN},
        "hours": {"schedule": {}},  # around the clock
        "department": {"id": "2109900", "extensionNumber": "500"},
    },
    "2101003": {
        "contact": {
            "firstName": "Mallory",
            "lastName": "Marsh",
            "jobTitle": "Contractor",
            "email": "mallory@practice.example",
            "businessPhone": "+33199000103",
        },
        "number": "103",
        "status": "Offline",
        "region": FRENCH,
        "missing": {"Conferencing": TYPE, "OnDemandCallRecording": TYPE, "VideoConferencing": TYPE},
        "hours": hours("10:00", "16:00", ("tuesday", "thursday", "saturday")),
    },
}


def presence(user_status: str) -> dict[str, Any]:
    """Return presence as a person has published it; `presenceStatus` follows from it."""
    return {
        "userStatus": user_status,
        "dndStatus": "TakeAllCalls",
        "telephonyStatus": "NoCall",
        "meetingStatus": "Disconnected",
        "message": "",
        "allowSeeMyPresence": True,
        "callerIdVisibility": "All",
        "pickUpCallsOnHold": False,
        "ringOnMonitoredCall": False,
    }


def notifications(email: str) -> dict[str, Any]:
    """Return the settings of a new extension: everything by email and nothing by SMS."""
    by_email: dict[str, Any] = {"notifyByEmail": True, "notifyBySms": False}
    fax = {"includeAttachment": True, "markAsRead": False}
    return {
        "emailAddresses": [email],
        "smsEmailAddresses": [],
        "includeManagers": False,
        "advancedMode": False,
        "voicemails": by_email | fax | {"includeTranscription": False},
        "inboundFaxes": by_email | fax,
        "outboundFaxes": by_email.copy(),
        "inboundTexts": by_email.copy(),
        "missedCalls": by_email.copy(),
    }
