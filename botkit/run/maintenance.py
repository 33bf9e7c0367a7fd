"""Look after the bots in the database.

Start with `maintain`.  It renews and repairs subscriptions, and what the skills need.  It removes
what is gone: deleted bots, connections of chats that a bot has left, old auth links.  Run it every
day, from cron for example.  Two of them can run at the same time.

One answer can be a mistake, so `maintain` removes rows only after RingCentral has said twice that
the thing itself is gone, with `BETWEEN` in between.  A bot is removed only if RingCentral accepts
another bot of this database in the same run.  Where it accepts none, the address of RingCentral may
be wrong, and the owner decides.

Connections are read some hundred at a time, so memory does not grow with them.

Not here: what the owner decides (`administration.py`), and what there is (`status.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botkit.bot import Bot
from botkit.chat import EXTENSION, Event, chat_path, group_members, refusal_of
from botkit.errors import (
    BotGone,
    BotkitError,
    ChatError,
    NotFound,
    ProviderError,
    TryLater,
)
from botkit.run.administration import (
    bot_name,
    end_bot,
    skill_of,
    tell_skills,
    with_connections,
)
from botkit.storage import person_of, read_moment, tables

PATIENCE = 90.0  # seconds; a penalty of RingCentral lasts 60, and nobody waits for us here
BETWEEN = timedelta(hours=20)  # between two answers that count; less than a day, for cron
LEFT = "leftChats"  # where a bot's `data` remembers since when RingCentral does not find a chat
INVALID_URI = "CMN-120"  # RingCentral's code for an address that it does not have at all


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
            done.append(f"{bot_name(row)} is left as it is. {error} {error.advice_at_terminal}")
    for row, said, fresh in gone:
        done.append(_gone(bot, row, said, accepted=accepted, fresh=fresh))
    if count := bot.confirmation.delete_expired():
        done.append(f"Removed {count} that nobody has confirmed in the chat.")
    if count := bot.storage.sweep_links():
        done.append(f"Swept {count} old auth links." if count > 1 else "Swept an old auth link.")
    return done


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
    if now_row is None or refusal is None or not refusal.bot_is_gone:
        return f"{bot_name(row)} is left as it is. It has changed in this moment."
    if not accepted:
        return (
            f"{bot_name(row)} is left as it is. {error} But RingCentral accepts no bot of this "
            "database, so RINGCENTRAL_SERVER may be wrong, and only you can tell. "
            f"{error.advice_at_terminal}"
        )
    if not fresh or bot.storage.now() - refusal.since < BETWEEN:
        hours = int(BETWEEN.total_seconds() // 3600)
        return (
            f"{bot_name(row)} is left as it is. {error} It is removed if RingCentral says so "
            f"again, at least {hours} hours later. {error.advice_at_terminal}"
        )
    count = end_bot(bot, now_row)
    return f"{bot_name(row)} was deleted in RingCentral. Removed it {with_connections(count)}."


def _subscription(bot: Bot, row: tables.Bot) -> list[str]:
    try:
        outcome = bot.installation.ensure(row.id)
    except BotGone:
        raise
    except ChatError as error:
        return [f"{bot_name(row)} has no new subscription. {error} {error.advice_at_terminal}"]
    if outcome == "kept":
        return []
    what = "Renewed the subscription" if outcome == "renewed" else "Made a new subscription"
    return [f"{what} of {bot_name(row)}."]


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
            tell_skills(bot, Event("BotLeftGroup", row.id, group_id))
            count = bot.installation.leave_group(row.id, group_id)
            done.append(
                f"{bot_name(row)} is not in chat {group_id} any more. "
                f"Left it {with_connections(count)}."
            )
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
    skill = skill_of(bot, service)
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
