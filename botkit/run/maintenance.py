"""What has to be done for a living bot from time to time, and how it is.

`maintain` renews and repairs subscriptions, and what the skills need renewed.  It removes what is
dead: bots that were deleted, connections of chats that the bot has left, old links.  Run it every
day, from cron for instance; it may run twice at once.  `status` only looks.
"""

from __future__ import annotations

from typing import Any, TypedDict

from botkit.bot import Bot
from botkit.chat import EXTENSION, webhook_of
from botkit.errors import BotGone, ChatError, NotFound, ProviderError
from botkit.storage import tables

PATIENCE = 90.0  # seconds; a penalty of RingCentral lasts 60, and nobody waits for us here


def maintain(bot: Bot) -> list[str]:
    """Look after every bot in the database; return a sentence for each thing that was done.

    Trouble with one bot is a sentence too, and does not keep the others waiting.  Raises
    `StorageError`.
    """
    done = []
    for row in bot.storage.find_bots():
        try:
            bot.chat.call(row.id, "GET", EXTENSION, patience=PATIENCE)
            done += _subscription(bot, row)
            done += _left_groups(bot, row)
            done += _connections(bot, row)
        except BotGone:
            count = bot.installation.remove(row.id)
            done.append(f"{_name(row)} was deleted in RingCentral. Removed it {_with(count)}.")
        except ChatError as error:
            done.append(f"{_name(row)} is left as it is. {error} {error.advice}")
    if count := bot.confirmation.delete_expired():
        done.append(f"Removed {count} that nobody has confirmed in the chat.")
    if count := bot.storage.sweep_links():
        done.append(f"Swept {count} old auth links." if count > 1 else "Swept an old auth link.")
    return done


def _subscription(bot: Bot, row: tables.Bot) -> list[str]:
    try:
        outcome = bot.installation.subscription.ensure(row.id)
    except BotGone:
        raise
    except ChatError as error:
        return [f"{_name(row)} has no new subscription. {error} {error.advice}"]
    if outcome == "kept":
        return []
    what = "Renewed the subscription" if outcome == "renewed" else "Made a new subscription"
    return [f"{what} of {_name(row)}."]


def _left_groups(bot: Bot, row: tables.Bot) -> list[str]:
    done = []
    for group_id in dict.fromkeys(one.group_id for one in bot.storage.find_services(bot_id=row.id)):
        path = f"/team-messaging/v1/chats/{group_id}"
        try:
            if group_id:
                bot.chat.call(row.id, "GET", path, patience=PATIENCE)
        except NotFound:
            count = bot.installation.leave_group(row.id, group_id or "")
            done.append(f"{_name(row)} is not in chat {group_id} any more. Left it {_with(count)}.")
    return done


def _connections(bot: Bot, row: tables.Bot) -> list[str]:
    """What the skills do for their connections, such as renewing a channel."""
    done = []
    skills = {skill.provider.name: skill for skill in bot.services}
    for service in bot.storage.find_services(bot_id=row.id):
        skill = skills.get(service.name or "")
        if skill is None:
            continue
        try:
            done += skill.maintain(service)
        except (ProviderError, ChatError) as error:
            done.append(f"{skill.title} in chat {service.group_id} has to wait. {error}")
    return done


def _name(row: tables.Bot) -> str:
    name = (row.data or {}).get("name")
    return f"Bot {row.id} ({name})" if name else f"Bot {row.id}"


def _with(count: int) -> str:
    return "with its one connection" if count == 1 else f"with its {count} connections"


# ---- how it is ---------------------------------------------------------------------------------


class ServiceStatus(TypedDict):
    """A connection, without its secrets.  Times are ISO 8601; `expires` is None for never."""

    service: str
    account: str
    chat: str
    person: str  # "" if the whole chat shares it
    since: str
    expires: str | None


class BotStatus(TypedDict):
    """A bot: `subscription` is RingCentral's word (Active, Blacklisted), "none" or "unknown"."""

    id: str
    name: str
    subscription: str
    ends: str | None
    address: str
    trouble: str
    waiting_links: int
    services: list[ServiceStatus]


class Status(list[BotStatus]):
    """All bots; printed it is a text for people, and `json.dumps` makes JSON of it."""

    def __repr__(self) -> str:
        return "\n".join(line for one in self for line in _lines(one)) or "No bot is installed."


def status(bot: Bot) -> Status:
    """Every bot and what people have connected through it.  Changes nothing, shows no secret.

    RingCentral is asked about the subscriptions.  Raises `StorageError`.
    """
    return Status(_bot_status(bot, row) for row in bot.storage.find_bots())


def _bot_status(bot: Bot, row: tables.Bot) -> BotStatus:
    data = row.data or {}
    found: dict[str, Any] = {}
    trouble, word = "", "none"
    try:
        for one in bot.installation.subscription.find(row.id):
            if not found or one.get("id") == data.get("subscriptionId"):
                found, word = one, str(one.get("status") or "unknown")
    except ChatError as error:
        trouble, word = f"{error} {error.advice}", "unknown"
    return BotStatus(
        id=row.id,
        name=str(data.get("name") or ""),
        subscription=word,
        ends=found.get("expirationTime") or (data.get("subscriptionEnds") if trouble else None),
        address=webhook_of(found),
        trouble=trouble,
        waiting_links=bot.storage.count_waiting_links(row.id),
        services=[_service_status(one) for one in bot.storage.find_services(bot_id=row.id)],
    )


def _service_status(row: tables.Service) -> ServiceStatus:
    return ServiceStatus(
        service=row.name or "",
        account=str(row.account.get("name") or ""),
        chat=row.group_id or "",
        person=row.user_id or "",
        since=row.created_at.isoformat(timespec="seconds"),
        expires=(row.data or {}).get("expiresAt"),
    )


def _lines(one: BotStatus) -> list[str]:
    ends = f", until {one['ends']}" if one["ends"] else ""
    to = f", to {one['address']}" if one["address"] else ""
    lines = [
        f"Bot {one['id']} ({one['name'] or 'without a name'})",
        f"  subscription: {one['subscription']}{ends}{to}",
    ]
    if one["trouble"]:
        lines.append(f"  trouble: {one['trouble']}")
    lines.append(f"  waiting auth links: {one['waiting_links']}")
    lines.append(f"  connections: {len(one['services']) or 'none'}")
    for service in one["services"]:
        person = f"person {service['person']}" if service["person"] else "everybody there"
        lines.append(
            f"    {service['service']}, account {service['account'] or 'unknown'}: {person} in "
            f"chat {service['chat']}, since {service['since']}, "
            f"{'until ' + service['expires'] if service['expires'] else 'does not expire'}"
        )
    return lines
