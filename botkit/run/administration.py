"""Do what only the owner of a bot can decide: remove a bot, hand a connection over, end one.

Start with `remove_bot`.  What `maintain` also needs comes last.

Not here: what is removed without being asked (`maintenance.py`), and how the owner finds out what
there is (`status.py`).
"""

from __future__ import annotations

import logging
from contextlib import suppress

from botkit.bot import Bot
from botkit.chat import Event, not_here
from botkit.errors import (
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
from botkit.storage import tables

log = logging.getLogger("botkit")


def remove_bot(bot: Bot, bot_id: str) -> list[str]:
    """Remove a bot with its connections, which end at their services too; say what was done.

    It works whatever RingCentral says about the bot.  Raises `InstallRefused` if there is no such
    bot, and `StorageError`.
    """
    if bot_id not in bot.storage.bot_ids():
        raise not_here(bot_id)
    row: tables.Bot | None = None
    with suppress(SealBroken, WrongKey):  # it can be removed all the same
        row = bot.storage.find_bot(bot_id)
    done = []
    try:
        bot.installation.subscription.end(bot_id)
    except BotkitError as error:
        done.append(f"Its subscription at RingCentral could not be ended. {error}")
    count = end_bot(bot, row or bot_id)
    return [f"Removed {bot_name(row or tables.Bot(bot_id))} {with_connections(count)}.", *done]


def hand_over(bot: Bot, service_id: int, user_id: str) -> list[str]:
    """Give a connection without a person to the person whose it is; say what was done.

    The original framework wrote such rows.  In a direct chat the person gets it with the next
    message, but in a team only the owner of the bot can say whose it is.  Raises `StorageError`,
    or `ChatError` if that person is not in the chat.
    """
    service = _connection(bot, service_id)
    skill = skill_of(bot, service)
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
    skill = skill_of(bot, service)
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


def skill_of(bot: Bot, service: tables.Service) -> ServiceSkill | None:
    """Return the skill that a connection is for; None if the settings leave it out."""
    return next((one for one in bot.services if one.provider.name == service.name), None)


def end_bot(bot: Bot, row: tables.Bot | str) -> int:
    """End and delete all that belongs to a bot; return how many connections it had.

    `row` is as for `Installation.remove`.
    """
    tell_skills(bot, Event("BotRemoved", row.id if isinstance(row, tables.Bot) else row))
    return bot.installation.remove(row)


def tell_skills(bot: Bot, event: Event) -> None:
    """Let the skills end what they have at their services, while the connections are there."""
    try:
        run_skills(bot.skills, event)
    except BotkitError as error:
        log.warning("A skill could not end its work: %s", error)


def bot_name(row: tables.Bot) -> str:
    """Return how a bot is called in a sentence."""
    name = (row.data or {}).get("name")
    return f"Bot {row.id} ({name})" if name else f"Bot {row.id}"


def with_connections(count: int) -> str:
    """Return the end of a sentence about a bot or a chat that is removed."""
    return "with its one connection" if count == 1 else f"with its {count} connections"
