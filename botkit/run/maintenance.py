"""Look after the bots in the database, and report on them.

Start with `maintain`.  It renews and repairs subscriptions, and what the skills need.  It removes
what is gone: deleted bots, connections of chats that a bot has left, old auth links.  Run it every
day, from cron for example.  Two of them can run at the same time.  `status` changes nothing.
`remove_bot`, `hand_over` and `end_connection` do what the owner of the bot says.

One answer can be a mistake, so `maintain` removes rows only after RingCentral has said twice that
the thing itself is gone, with `BETWEEN` in between.  A bot is removed only if RingCentral accepts
another bot of this database in the same run.  Where it accepts none, the address of RingCentral may
be wrong, and the owner decides.

Connections are read some hundred at a time and counted by the database, so memory does not grow
with them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any, TypedDict

from botkit.bot import SKILLS, Bot
from botkit.chat import EXTENSION, Event, chat_path, group_members, not_here, refusal_of, webhook_of
from botkit.errors import (
    BotGone,
    BotkitError,
    ChatError,
    NotFound,
    ProviderError,
    SealBroken,
    StorageError,
    TryLater,
    WrongKey,
)
from botkit.oauth import fetch_account
from botkit.skills import ServiceSkill, run_skills
from botkit.storage import COUNTED, person_of, read_moment, tables

log = logging.getLogger("botkit")

PATIENCE = 90.0  # seconds; a penalty of RingCentral lasts 60, and nobody waits for us here
BETWEEN = timedelta(hours=20)  # between two answers that count; less than a day, for cron
LEFT = "leftChats"  # where a bot's `data` remembers since when RingCentral does not find a chat
INVALID_URI = "CMN-120"  # RingCentral's code for an address that it does not have at all
LATE_SECONDS = 60.0  # that a message may wait before somebody should look
MOST_SHOWN = 100  # connections of a bot in its status, unless all are wanted


def maintain(bot: Bot) -> list[str]:
    """Look after every bot in the database; return a sentence for each thing done.

    An error with one bot becomes a sentence, and the other bots are still looked after.  Raises
    `StorageError`.
    """
    done: list[str] = []
    gone: list[tuple[tables.Bot, BotGone, bool]] = []
    accepted = False
    for row in bot.storage.find_bots():
        fresh = _may_ask(bot, row)
        try:
            owner = bot.chat.call(
                row.id, "GET", EXTENSION, patience=PATIENCE, although_refused=fresh
            )
            accepted = True
            bot.installation.learn_account(row, owner)
            done += _subscription(bot, row)
            done += _left_groups(bot, row)
            done += _connections(bot, row)
        except BotGone as error:
            gone.append((row, error, fresh))
        except ChatError as error:
            done.append(f"{_name(row)} is left as it is. {error} {error.advice_at_terminal}")
    for row, said, fresh in gone:
        done.append(_gone(bot, row, said, accepted=accepted, fresh=fresh))
    if count := bot.confirmation.delete_expired():
        done.append(f"Removed {count} that nobody has confirmed in the chat.")
    if count := bot.storage.sweep_links():
        done.append(f"Swept {count} old auth links." if count > 1 else "Swept an old auth link.")
    return done


def remove_bot(bot: Bot, bot_id: str) -> list[str]:
    """Remove a bot with its connections, which end at their services too; say what was done.

    It works whatever RingCentral says about the bot.  Raises `InstallRefused` if there is no such
    bot, and `StorageError`.
    """
    if bot_id not in bot.storage.bot_ids():
        raise not_here(bot_id)
    try:
        row = bot.storage.find_bot(bot_id) or tables.Bot(bot_id)
    except (SealBroken, WrongKey):  # it can be removed all the same
        row = tables.Bot(bot_id)
    done = []
    try:
        bot.installation.subscription.end(bot_id)
    except BotkitError as error:
        done.append(f"Its subscription at RingCentral could not be ended. {error}")
    count = _end_bot(bot, bot_id)
    return [f"Removed {_name(row)} {_with(count)}.", *done]


def hand_over(bot: Bot, service_id: int, user_id: str) -> list[str]:
    """Give a connection without a person to the person whose it is; say what was done.

    The original framework wrote such rows.  In a direct chat the person gets it with the next
    message, but in a team only the owner of the bot can say whose it is.  Raises `StorageError`,
    or `ChatError` if that person is not in the chat.
    """
    service = _connection(bot, service_id)
    skill = _skill_of(bot, service)
    if skill is not None and skill.shared:
        raise StorageError(
            f"{skill.title} belongs to the whole chat, and not to one person.",
            advice="Nothing was changed.",
        )
    place = service.bot_id or "", service.group_id or ""
    try:
        if bot.chat.has_left(*place, user_id):
            happened = f"Person {user_id} is not in chat {service.group_id}."
            raise ChatError(happened, advice="Nothing was changed.")
    except NotFound:
        raise ChatError(
            f"The bot is not in chat {service.group_id}, so nobody can use this connection.",
            advice=f"To end it, run: python -m botkit end-connection {service_id}",
        ) from None
    service = bot.storage.adopt_service(service, user_id=user_id)
    account = service.account
    if skill is not None and not account:
        with suppress(ProviderError):
            account = fetch_account(skill.provider, service.access_token or "") or {}
            bot.storage.update_service(service, {"account": account})
    whose = f", account {account['name']}," if account.get("name") else ""
    return [f"{service.name}{whose} in chat {service.group_id} belongs to person {user_id} now."]


def end_connection(bot: Bot, service_id: int) -> list[str]:
    """End a connection, at its service too; say what was done.  Raises `StorageError`."""
    service = _connection(bot, service_id)
    skill = _skill_of(bot, service)
    if skill is None:
        bot.storage.delete_service(service)
        return [
            f"Deleted {service.name} in chat {service.group_id}. Its service was not told, because "
            "BOTKIT_SKILLS leaves it out."
        ]
    ended = f"Ended {skill.title} in chat {service.group_id}."
    try:
        others = skill.end(service)
    except TryLater:
        return ["Another process works with this connection. Nothing was changed. Try again."]
    except ProviderError as error:
        return [f"{ended} But: {error} The person can remove the app {skill.remove_at}."]
    if others:
        return [f"{ended} Nothing was revoked, because another connection uses the same account."]
    return [ended]


def _connection(bot: Bot, service_id: int) -> tables.Service:
    service = bot.storage.get_service(service_id)
    if service is None:
        raise StorageError(
            f"There is no connection {service_id} in this database.",
            advice="To see the connections and their numbers, run: python -m botkit status --all",
        )
    return service


def _skill_of(bot: Bot, service: tables.Service) -> ServiceSkill | None:
    return next((one for one in bot.services if one.provider.name == service.name), None)


def personal_names() -> list[str]:
    """Return the names of the services whose connections belong to one person."""
    personal = (skill for skill in SKILLS.values() if not skill.shared)
    return [skill.connects_to("", "").name for skill in personal]


def _may_ask(bot: Bot, row: tables.Bot) -> bool:
    """Return whether RingCentral may be asked about this token, also if it was refused before."""
    refusal = refusal_of(row.data)
    return refusal is None or bot.storage.now() - refusal.asked >= BETWEEN


def _gone(bot: Bot, row: tables.Bot, error: BotGone, *, accepted: bool, fresh: bool) -> str:
    """Remove a bot that RingCentral says is deleted, if that is certain; say what was done.

    `fresh`: RingCentral said it in this run.  `accepted`: it accepts another bot in this run.
    """
    now_row = bot.storage.find_bot(row.id)
    refusal = refusal_of(now_row.data) if now_row else None
    if refusal is None or not refusal.bot_is_gone:
        return f"{_name(row)} is left as it is. It has changed in this moment."
    if not accepted:
        return (
            f"{_name(row)} is left as it is. {error} But RingCentral accepts no bot of this "
            "database, so RINGCENTRAL_SERVER may be wrong, and only you can tell. "
            f"{error.advice_at_terminal}"
        )
    if not fresh or bot.storage.now() - refusal.since < BETWEEN:
        hours = int(BETWEEN.total_seconds() // 3600)
        return (
            f"{_name(row)} is left as it is. {error} It is removed if RingCentral says so again, "
            f"at least {hours} hours later. {error.advice_at_terminal}"
        )
    count = _end_bot(bot, row.id)
    return f"{_name(row)} was deleted in RingCentral. Removed it {_with(count)}."


def _end_bot(bot: Bot, bot_id: str) -> int:
    _tell_skills(bot, Event("BotRemoved", bot_id))
    return bot.installation.remove(bot_id)


def _tell_skills(bot: Bot, event: Event) -> None:
    """Let the skills end what they have at their services, while the connections are there."""
    try:
        run_skills(bot.skills, event)
    except BotkitError as error:
        log.warning("A skill could not end its work: %s", error)


def _subscription(bot: Bot, row: tables.Bot) -> list[str]:
    try:
        outcome = bot.installation.subscription.ensure(row.id)
    except BotGone:
        raise
    except ChatError as error:
        return [f"{_name(row)} has no new subscription. {error} {error.advice_at_terminal}"]
    if outcome == "kept":
        return []
    what = "Renewed the subscription" if outcome == "renewed" else "Made a new subscription"
    return [f"{what} of {_name(row)}."]


def _left_groups(bot: Bot, row: tables.Bot) -> list[str]:
    """End what belongs to chats, or to people in them, that are gone and were gone a while ago.

    The chat counts as gone if RingCentral does not find it, and a person who is not in the list of
    its members.
    """
    done, now = [], bot.storage.now()
    found = (row.data or {}).get(LEFT)
    before = found if isinstance(found, dict) else {}
    missing: dict[str, str] = {}
    for group_id in bot.storage.each_group(row.id):
        try:
            answer = bot.chat.call(row.id, "GET", chat_path(group_id), patience=PATIENCE)
            for service in _of_people_who_left(bot, row.id, group_id, answer):
                key = f"{group_id}/{person_of(service)}"
                since = read_moment(before.get(key)) or now
                if now - since < BETWEEN:
                    missing[key] = since.isoformat()
                else:
                    done += _end_connection(bot, service)
        except NotFound as error:
            if error.code in ("", INVALID_URI):  # somebody else may have answered
                continue
            since = read_moment(before.get(group_id)) or now
            if now - since < BETWEEN:
                missing[group_id] = since.isoformat()
                continue
            _tell_skills(bot, Event("BotLeftGroup", row.id, group_id))
            count = bot.installation.leave_group(row.id, group_id)
            done.append(f"{_name(row)} is not in chat {group_id} any more. Left it {_with(count)}.")
    if missing != before:
        bot.storage.update_bot(row.id, {LEFT: missing or None})
    return done


def _of_people_who_left(
    bot: Bot, bot_id: str, group_id: str, answer: dict[str, Any]
) -> Iterator[tables.Service]:
    """Yield the connections in a chat whose people are not in it.

    A list of members counts only if it has the bot: the chat leaves long ones out.
    """
    members = group_members(answer)
    if bot_id in members:
        for service in bot.storage.each_service(bot_id=bot_id, group_id=group_id):
            if person_of(service) not in ("", *members):
                yield service


def _end_connection(bot: Bot, service: tables.Service) -> list[str]:
    """End the connection of a person who has left its chat; say what was done."""
    skill = _skill_of(bot, service)
    if skill is None:
        return []
    ended = f"Ended {skill.title} in chat {service.group_id}: its person has left that chat."
    try:
        skill.end(service)
    except TryLater:
        return []
    except BotkitError as error:
        return [f"{ended} But: {error}"]
    return [ended]


def _connections(bot: Bot, row: tables.Bot) -> list[str]:
    """Let the skills look after their connections, such as renewing a channel."""
    done = []
    skills = {skill.provider.name: skill for skill in bot.services}
    for service in bot.storage.each_service(bot_id=row.id):
        skill = skills.get(service.name or "")
        if skill is None:
            continue
        try:
            done += skill.maintain(service)
        except (ProviderError, ChatError, TryLater) as error:
            done.append(f"{skill.title} in chat {service.group_id} has to wait. {error}")
    return done


def _name(row: tables.Bot) -> str:
    name = (row.data or {}).get("name")
    return f"Bot {row.id} ({name})" if name else f"Bot {row.id}"


def _with(count: int) -> str:
    return "with its one connection" if count == 1 else f"with its {count} connections"


# ---- status ------------------------------------------------------------------------------------


class ServiceStatus(TypedDict):
    """A connection without its secrets.

    `id` is the number that `hand-over` and `end-connection` want.  Times are ISO 8601.  `expires`
    is None if it never expires.  `trouble` says why it cannot be used; "" if it can.
    """

    id: int
    service: str
    account: str
    chat: str
    person: str  # "" if the whole chat shares it
    since: str
    expires: str | None
    trouble: str


class BotStatus(TypedDict):
    """A bot without its secrets.

    `account` is the RingCentral account that it belongs to; "" if that is not known.
    `subscription` is RingCentral's word (Active, Blacklisted), "none" or "unknown".  `ends` is a
    time in ISO 8601.  `services` are the oldest connections, and `connections` is how many there
    are, of which `without_person` nobody can use, because only a person could.  Both numbers and
    `waiting_links` are counted up to 10,001, which means more than 10,000.
    `waiting` counts messages without an answer and replies that were not said, `oldest` is the age
    of the oldest one, and `silent` is how long RingCentral wants the bot to be silent, both in
    seconds.
    """

    id: str
    name: str
    account: str
    subscription: str
    ends: str | None
    address: str
    trouble: str
    waiting_links: int
    waiting: int
    oldest: float
    silent: float
    connections: int
    without_person: int
    services: list[ServiceStatus]


class Status(list[BotStatus]):
    """All bots: printed, they are text for people; `json.dumps` makes JSON of them."""

    def __repr__(self) -> str:
        return "\n".join(line for one in self for line in _lines(one)) or "No bot is installed."


def status(bot: Bot, *, most: int | None = MOST_SHOWN) -> Status:
    """Every bot and what people have connected through it.  Shows no secret.

    Of each bot's connections the oldest `most` are shown; None shows all, and counts all.  Else it
    takes no longer when there are a million.

    RingCentral is asked about the subscriptions.  Nothing is changed, but a bot whose token
    RingCentral refuses is remembered as such.  Raises `StorageError`.
    """
    known: dict[str, tables.Bot] = {}
    with suppress(SealBroken):  # then none can be read, and each says so
        known = {row.id: row for row in bot.storage.find_bots()}
    return Status(
        _bot_status(bot, known[bot_id], most) if bot_id in known else _unreadable(bot, bot_id)
        for bot_id in bot.storage.bot_ids()
    )


def _unreadable(bot: Bot, bot_id: str) -> BotStatus:
    """Return the status of a bot whose row cannot be read."""
    try:
        bot.storage.find_bot(bot_id)
        trouble = "Its row has changed in this moment."
    except StorageError as error:
        trouble = f"{error} To remove this bot, run: python -m botkit remove-bot {bot_id}"
    waiting, oldest = bot.storage.messages.of_bot(bot_id)
    return BotStatus(
        id=bot_id,
        name="",
        account="",
        subscription="unknown",
        ends=None,
        address="",
        trouble=trouble,
        waiting_links=bot.storage.count_waiting_links(bot_id),
        waiting=waiting,
        oldest=oldest,
        silent=bot.storage.messages.pause_left(bot_id),
        connections=bot.storage.count_services(bot_id),
        without_person=bot.storage.count_without_person(personal_names(), bot_id),
        services=[],
    )


def _bot_status(bot: Bot, row: tables.Bot, most: int | None) -> BotStatus:
    data = row.data or {}
    found: dict[str, Any] = {}
    trouble, word = "", "none"
    try:
        for one in bot.installation.subscription.find(row.id):
            if not found or one.get("id") == data.get("subscriptionId"):
                found, word = one, str(one.get("status") or "unknown")
    except ChatError as error:
        trouble, word = f"{error} {error.advice_at_terminal}", "unknown"
    waiting, oldest = bot.storage.messages.of_bot(row.id)
    rows = islice(bot.storage.each_service(bot_id=row.id, piece=most), most)
    shown = [_service_status(bot, one) for one in rows]
    return BotStatus(
        id=row.id,
        name=str(data.get("name") or ""),
        account=str(data.get("account") or ""),
        subscription=word,
        ends=found.get("expirationTime") or (data.get("subscriptionEnds") if trouble else None),
        address=webhook_of(found),
        trouble=trouble,
        waiting_links=bot.storage.count_waiting_links(row.id),
        waiting=waiting,
        oldest=oldest,
        silent=bot.storage.messages.pause_left(row.id),
        connections=len(shown) if most is None else bot.storage.count_services(row.id),
        without_person=bot.storage.count_without_person(personal_names(), row.id),
        services=shown,
    )


def _service_status(bot: Bot, row: tables.Service) -> ServiceStatus:
    return ServiceStatus(
        id=row.id,
        service=row.name or "",
        account=str(row.account.get("name") or ""),
        chat=row.group_id or "",
        person=row.user_id or "",
        since=row.created_at.isoformat(timespec="seconds") if row.created_at else "",
        expires=(row.data or {}).get("expiresAt"),
        trouble=_trouble_of(bot, row),
    )


def _trouble_of(bot: Bot, row: tables.Service) -> str:
    skill = _skill_of(bot, row)
    if skill is None:
        return "its skill is not in BOTKIT_SKILLS"
    if not skill.shared and not row.user_id:
        return "it has no person"
    if (row.data or {}).get("needsReconnect"):
        return "its service refuses it, so the person must connect again"
    return ""


def _lines(one: BotStatus) -> list[str]:
    ends = f", until {one['ends']}" if one["ends"] else ""
    to = f", to {one['address']}" if one["address"] else ""
    lines = [
        f"Bot {one['id']} ({one['name'] or 'without a name'})",
        f"  subscription: {one['subscription']}{ends}{to}",
    ]
    if one["trouble"]:
        lines.append(f"  trouble: {one['trouble']}")
    elif one["subscription"] != "Active":
        lines.append("    It gets no messages. To renew it, run: python -m botkit maintain")
    lines.append(f"  waiting auth links: {_counted(one['waiting_links'])}")
    if one["waiting"]:
        oldest = f"the oldest for {one['oldest']:.0f} seconds"
        lines.append(f"  messages without an answer, and replies: {one['waiting']}, {oldest}")
        if one["oldest"] > LATE_SECONDS and not one["silent"]:
            lines.append("    Nobody answers them. Does the bot run? python -m botkit serve")
    if one["silent"]:
        lines.append(f"  RingCentral wants it to be silent for {one['silent']:.0f} seconds")
    shown, there = len(one["services"]), one["connections"]
    lines.append(f"  connections: {_counted(there) if there > shown else shown or 'none'}")
    lines += [_line_of(service) for service in one["services"]]
    if there > shown:
        more = _counted(there, besides=shown)
        lines.append(f"    and {more} more. To see all, run: python -m botkit status --all")
    if one["without_person"]:
        lines.append(f"  {without_person(one['without_person'])}")
    return lines


def _counted(many: int, *, besides: int = 0) -> str:
    """Return how many there are `besides` some; the database counts up to `COUNTED` + 1."""
    return f"more than {COUNTED - besides:,}" if many > COUNTED else f"{many - besides}"


def _line_of(one: ServiceStatus) -> str:
    person = f"person {one['person']}" if one["person"] else "everybody there"
    trouble = f". Trouble: {one['trouble']}" if one["trouble"] else ""
    return (
        f"    {one['service']}, account {one['account'] or 'unknown'}: {person} in chat "
        f"{one['chat']}, connection {one['id']}, since {one['since']}, "
        f"{'until ' + one['expires'] if one['expires'] else 'does not expire'}{trouble}"
    )


def without_person(count: int) -> str:
    """Return what the owner of a bot can do about connections that have no person."""
    have = "One connection has" if count == 1 else f"{_counted(count)} connections have"
    return (
        f"{have} no person, so nobody can use or end them. In a direct chat, the person there gets "
        "theirs with the next message. Hand over those of a team with: python -m botkit hand-over "
        "CONNECTION PERSON. Or end them with: python -m botkit end-connection CONNECTION"
    )
