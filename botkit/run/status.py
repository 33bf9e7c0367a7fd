"""Show every bot in the database, and what people have connected through it.

Start with `status`, which changes nothing.  Printed, it is text for people, and each trouble is
followed by the command that helps.

Not here: those commands (`administration.py`, `maintenance.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, TypedDict

from botkit.bot import SKILLS, Bot, skill_named
from botkit.chat import webhook_of
from botkit.errors import BotkitError, ChatError, SealBroken, StorageError
from botkit.providers import describe_service
from botkit.run.administration import skill_of
from botkit.settings import place_of
from botkit.storage import COUNTED, tables

LATE_SECONDS = 60.0  # that a message may wait before somebody should look
MOST_SHOWN = 100  # connections of a bot, unless all are wanted


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
    one = _counted_status(bot, bot_id)
    one["trouble"] = trouble
    return one


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
    rows = islice(bot.storage.each_service(bot_id=row.id, piece=most), most)
    shown = [_service_status(bot, one) for one in rows]
    told = _counted_status(bot, row.id)
    told["name"], told["account"] = str(data.get("name") or ""), str(data.get("account") or "")
    told["subscription"], told["address"], told["trouble"] = word, webhook_of(found), trouble
    told["ends"] = found.get("expirationTime") or (
        data.get("subscriptionEnds") if trouble else None
    )
    told["services"] = shown
    if most is None:
        told["connections"] = len(shown)  # exactly
    return told


def _counted_status(bot: Bot, bot_id: str) -> BotStatus:
    """Return what the database counts; nothing else is known yet."""
    waiting, oldest = bot.storage.messages.of_bot(bot_id)
    return BotStatus(
        id=bot_id,
        name="",
        account="",
        subscription="unknown",
        ends=None,
        address="",
        trouble="",
        waiting_links=bot.storage.count_waiting_links(bot_id),
        waiting=waiting,
        oldest=oldest,
        silent=bot.storage.messages.pause_left(bot_id),
        connections=bot.storage.count_services(bot_id),
        without_person=bot.storage.count_without_person(_personal(bot), bot_id),
        services=[],
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
    skill = skill_of(bot, row)
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


def personal_names(skills: Iterable[str] = ()) -> list[str]:
    """Return the names of the services whose connections belong to one person.

    They are those of botkit's own skills, and of `skills`, which the settings name.  A skill that
    cannot be described now is left out.
    """
    names = list[str]()
    for skill in map(skill_named, dict.fromkeys([*SKILLS, *skills])):
        if place_of(skill) is not None and not skill.shared:
            with suppress(BotkitError):
                names.append(describe_service(skill.connects_to, "", "").name)
    return names


def _personal(bot: Bot) -> list[str]:
    """Return the same for a bot, whose own skills are described already."""
    own = (one.provider.name for one in bot.added if one.connects and not one.shared)
    return list(dict.fromkeys([*personal_names(), *own]))
