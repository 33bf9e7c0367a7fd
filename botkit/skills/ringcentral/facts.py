"""List everything that people can ask the RingCentral assistant, as one table.

Start with `Fact`.  To teach the assistant one more answer, add one more `Fact` to `FACTS`.

Not here: how values are found and worded (`answers.py`), and changes (`edits.py`).

Sources: RingCentral's SDK ringcentral-extensible, `GetAccountInfoResponse`,
`GetExtensionInfoResponse`, `GetUserBusinessHoursResponse`, `CompanyBusinessHours`,
`ExtensionCallerIdInfo`, `PresenceInfoResponse` and `NotificationSettings`.
"""

from __future__ import annotations

from dataclasses import dataclass

from botkit.skills.ringcentral.answers import (
    Row,
    Wording,
    address,
    available,
    caller_id,
    from_utc,
    hours,
    lines,
    notifications,
    period,
    sentence,
    translated,
    unavailable,
)
from botkit.skills.ringcentral.commands import normalize

COMPANY = "/account/~"
ME = "/account/~/extension/~"
PRESENCE = f"{ME}/presence"
NOTIFICATIONS = f"{ME}/notification-settings"

DO_NOT_DISTURB = {
    "TakeAllCalls": "off (all calls ring)",
    "DoNotAcceptAnyCalls": "on (no call rings)",
    "DoNotAcceptDepartmentCalls": "on for calls to your departments",
    "TakeDepartmentCallsOnly": "on, except for calls to your departments",
}
ON_THE_PHONE = {
    "NoCall": "no",
    "CallConnected": "yes",
    "Ringing": "it is ringing",
    "OnHold": "yes, on hold",
    "ParkedCall": "a call is parked",
}
BILLING = "serviceInfo.billingPlan"
ZONE = "regionalSettings.timezone"
GREETINGS = "regionalSettings.greetingLanguage.name regionalSettings.greetingLanguage.localeCode"
ZONE_ROWS = (
    Row("", f"{ZONE}.name"),
    Row("", f"{ZONE}.description"),
    Row("", f"{ZONE}.bias", from_utc),
)


@dataclass(frozen=True)
class Fact:
    """One question: how people ask it, which API path answers it, and the words of the answer.

    `command` is how the help writes it.  `also` are other ways to ask, as `normalize` returns them.
    `path` is below the address of the API.
    """

    topic: str
    command: str
    what: str  # what the command does, for the help
    path: str
    wording: Wording
    also: tuple[str, ...] = ()


FACTS = (
    Fact(
        "company",
        "company info",
        "shows brand, main number, operator and home country",
        COMPANY,
        lines(
            "Your company",
            Row("Brand", "serviceInfo.brand.name"),
            Row("Main number", "mainNumber"),
            Row("Operator extension", "operator.extensionNumber"),
            Row(
                "Home country",
                "regionalSettings.homeCountry.name serviceInfo.brand.homeCountry.name",
            ),
        ),
        ("company", "company information", "company details"),
    ),
    Fact(
        "company",
        "service plan",
        "shows what your company has with RingCentral",
        COMPANY,
        sentence(
            "Your company's service plan",
            Row("", "serviceInfo.servicePlan.name"),
            Row("edition", "serviceInfo.servicePlan.edition"),
        ),
        ("company service plan",),
    ),
    Fact(
        "company",
        "billing plan",
        "shows how your company pays for it",
        COMPANY,
        lines(
            "Your company's billing plan",
            Row("Name", f"{BILLING}.name"),
            Row("Type", f"{BILLING}.type"),
            Row("Period", BILLING, period),
            Row("Phone lines included", f"{BILLING}.includedPhoneLines"),
        ),
        ("company billing plan", "billing"),
    ),
    Fact(
        "company",
        "company time zone",
        "shows where your company's clock stands",
        COMPANY,
        sentence("Your company's time zone", *ZONE_ROWS),
    ),
    Fact(
        "company",
        "company greeting language",
        "shows in which language your company greets callers",
        COMPANY,
        sentence("Your company's greeting language", Row("", GREETINGS)),
        ("company greeting",),
    ),
    Fact(
        "personal",
        "personal info",
        "shows your name, extension and contact details",
        ME,
        lines(
            "Your personal info",
            Row("Name", "name contact.name"),
            Row("Extension", "extensionNumber"),
            Row("Company", "contact.company"),
            Row("Department", "contact.department"),
            Row("Job title", "contact.jobTitle"),
            Row("E-mail", "contact.email", private=True),
            Row("Phone", "contact.businessPhone", private=True),
            Row("Mobile phone", "contact.mobilePhone", private=True),
            Row("Address", "contact.businessAddress", address, private=True),
        ),
        ("personal", "personal information", "personal details", "info"),
    ),
    Fact(
        "personal",
        "time zone",
        "shows where your own clock stands",
        ME,
        sentence("Your time zone", *ZONE_ROWS),
    ),
    Fact(
        "personal",
        "greeting language",
        "shows in which language your callers are greeted",
        ME,
        sentence("Your greeting language", Row("", GREETINGS)),
        ("greeting",),
    ),
    Fact(
        "hours",
        "my business hours",
        "shows when you are there for callers",
        f"{ME}/business-hours",
        hours("Your business hours"),
        ("hours", "personal business hours"),
    ),
    Fact(
        "hours",
        "company business hours",
        "shows when your company is there",
        f"{COMPANY}/business-hours",
        hours("Your company's business hours"),
        ("company hours", "company's business hours", "business hours company"),
    ),
    Fact(
        "services",
        "available services",
        "lists what your extension can do",
        ME,
        available,
        ("services", "services available"),
    ),
    Fact(
        "services",
        "unavailable services",
        "lists what it cannot do, and why",
        ME,
        unavailable,
        ("services unavailable", "services not available"),
    ),
    Fact(
        "caller id",
        "caller id",
        "shows which number people see when you call",
        f"{ME}/caller-id",
        caller_id,
        ("caller id settings", "caller id info"),
    ),
    Fact(
        "presence",
        "presence",
        "shows your status, and whether calls ring",
        PRESENCE,
        lines(
            "Your presence",
            Row("Others see", "presenceStatus", translated({})),
            Row("You have set", "userStatus", translated({})),
            Row("Message", "message"),
            Row("Do not disturb", "dndStatus", translated(DO_NOT_DISTURB)),
            Row("On the phone", "telephonyStatus", translated(ON_THE_PHONE)),
            Row("Rings when a line that you monitor rings", "ringOnMonitoredCall"),
            Row("You can pick up such a call when it is on hold", "pickUpCallsOnHold"),
        ),
        ("presence info", "presence status", "status"),
    ),
    Fact(
        "notifications",
        "notification settings",
        "shows what you are told by e-mail and by SMS",
        NOTIFICATIONS,
        notifications,
        ("notifications", "notification"),
    ),
)

#: Every way to ask, as `normalize` leaves it.
FACT_OF = {way: fact for fact in FACTS for way in (normalize(fact.command), *fact.also)}
TOPICS = tuple(dict.fromkeys(fact.topic for fact in FACTS))
