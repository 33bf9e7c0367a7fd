"""Whole trips, and then every byte that the database has written is searched for a secret."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from botkit.lessons.kit import Kit
from botkit.settings import Settings
from botkit.storage import Storage, new_key

OWNER = {"bot_id": "b", "group_id": "g", "user_id": "u"}
KINDS = ("state", "code", "verifier", "token", "refresh", "secret", "verification", "channel-token")
TABLES = ("bots", "services", "authorizations")


@pytest.fixture
def on_disk(request, database_url):
    """What is on the disk at this moment: all of the database's files, also those beside it."""

    def read() -> bytes:
        found = []
        if database_url.startswith("sqlite"):
            file = Path(database_url.removeprefix("sqlite:///"))
            found = [part.read_bytes() for part in file.parent.glob(f"{file.name}*")]
            assert len(found) >= 2  # the log, too
            return b"".join(found)
        server = request.getfixturevalue("postgresql")
        server.run("CHECKPOINT")
        engine = sa.create_engine(database_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            for table in TABLES:
                rows = connection.exec_driver_sql(f"SELECT t::text FROM {table} t").scalars()
                found += [row.encode() for row in rows]
        for file in (server._folder / "data").rglob("*"):
            if file.is_file() and not file.name.endswith(".pid"):
                found.append(file.read_bytes())
        return b"".join(found)

    return read


@pytest.fixture(params=[False, True], ids=["without confirming", "confirmed in the chat"])
def kit(request, database_url):
    keys = (new_key(),)
    kit = Kit(
        Settings(
            practice=True,
            confirm=request.param,
            database=database_url,
            secret_keys=keys,
            skills=("github", "drive"),
        )
    )
    yield kit
    kit.close()


def connect(kit: Kit, person, words: str, *, finish: bool = True) -> None:
    person.say(words)
    page = person.browser.visit(person.link).approve()
    if kit.settings.confirm and finish:
        person.confirm(page)


def values(found: object):
    """Every text in a nest of dictionaries and lists, with the name that it has there."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from ((name, value),) if isinstance(value, str) else values(value)
    elif isinstance(found, list):
        for value in found:
            yield from values(value)


def secrets_of(kit: Kit) -> set[str]:
    """What the trace has seen and labelled, and what the rows have; percent-encoded forms aside."""
    found = {
        value
        for value, label in kit.labels._labels.items()
        if label.strip("‹›").partition("·")[0] in KINDS and "%" not in value
    }
    rows = [row.data for row in kit.storage.find_services()]
    rows += [part for bot in kit.storage.find_bots() for part in (bot.token, bot.data)]
    found |= {v for name, v in values(rows) if re.search("(?i)token|secret", name)}
    found |= {provider.client_secret for provider in kit.bot.providers}
    found |= {kit.settings.chatbot.client_secret, *kit.settings.secret_keys}
    return {one for one in found if len(one) >= 16}


def test_after_whole_trips_no_secret_is_on_the_disk(kit, on_disk):
    kit.register_callback()
    connect(kit, kit.alice, "profile")
    assert "Here is your GitHub profile" in kit.alice.say("profile").text
    connect(kit, kit.bob, "bind")  # a Drive, with its channels
    kit.world.google.add_file("bob", "report.txt")
    kit.settle()
    kit.clock.advance(minutes=62)  # the access token ends, and is refreshed
    for service in kit.storage.find_services():
        [skill] = [one for one in kit.bot.services if one.provider.name == service.name]
        skill.maintain(service)
    connect(kit, kit.bob, "profile", finish=False)  # with confirm: an answer that waits
    kit.alice.say("disconnect")
    kit.alice.say("profile")  # and a link that waits, with its verifier

    secrets = secrets_of(kit)
    kinds = [kit.labels._labels.get(one, "").strip("‹›").partition("·")[0] for one in secrets]
    assert {"state", "code", "verifier", "token", "refresh", "secret"} <= set(kinds)
    tokens = [row.refresh_token for row in kit.storage.find_services() if row.refresh_token]
    assert tokens and secrets.issuperset(tokens)
    (bot,) = kit.storage.find_bots()
    assert secrets >= {bot.token["access_token"], bot.data["verificationToken"]}
    drive = [row for row in kit.storage.find_services() if row.name == "GoogleDrive"]
    assert drive and {one["token"] for one in drive[0].data["channels"]} <= secrets

    written = on_disk()
    assert kit.bot_id.encode() in written  # an id is no secret
    found = [one for one in secrets if one.encode() in written]
    assert [kit.labels.redact(one) for one in found] == []


def test_the_search_finds_what_is_not_sealed(database_url, on_disk):
    storage = Storage(database_url)
    storage.set_up()
    planted = f"planted-{os.urandom(16).hex()}"
    storage.save_service("GitHub", **OWNER, data={"accessToken": planted})
    assert planted.encode() in on_disk()
    storage.close()
