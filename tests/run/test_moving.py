"""A bot of the original framework goes on here: its database, its subscription, the way back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import requests

from botkit.bot import Bot
from botkit.run.administration import end_connection, hand_over
from botkit.run.status import status
from botkit.storage import setup_database
from botkit.storage.seal import new_key

TABLES = """
CREATE TABLE bots (id VARCHAR(255) PRIMARY KEY, token JSON, data JSON,
    createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL);
CREATE TABLE services (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255), botId VARCHAR(255),
    groupId VARCHAR(255), userId VARCHAR(255), data JSON,
    createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL);
CREATE TABLE caches (id INTEGER PRIMARY KEY, key VARCHAR(255), value JSON);
"""
MOMENT = "2026-11-24 04:53:25.921 +00:00"


@pytest.fixture
def original(kit, tmp_path):
    """The original's database: Alice's GitHub in her direct chat and, of nobody, in the team."""
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    kit.alice.reads()
    (alice,), (row,) = kit.storage.find_services(), kit.storage.find_bots()
    team = kit.world.ringcentral.find_chat("Team", kit.world.ringcentral.person("Alice")).id
    file = tmp_path / "db.sqlite"
    token = json.dumps({"accessToken": alice.access_token})
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(TABLES)
        bot = (row.id, json.dumps(row.token), None, MOMENT, MOMENT)
        connection.execute("INSERT INTO bots VALUES (?, ?, ?, ?, ?)", bot)
        for chat in (alice.group_id, team, team):
            one = (None, "GitHub", row.id, chat, None, token, MOMENT, MOMENT)
            connection.execute("INSERT INTO services VALUES (?, ?, ?, ?, ?, ?, ?, ?)", one)
    return file


def moved(kit, file):
    """The bot of the same app on that database, with a key of its own."""
    settings = replace(kit.settings, database=f"sqlite:///{file}", secret_keys=(new_key(),))
    bot = Bot(settings, now=kit.clock)
    bot.use_address(kit.address)
    return bot


def test_what_the_page_says_is_what_happens(kit, original):
    old_subscription = kit.storage.find_bots()[0].data["subscriptionId"]
    said = setup_database(f"sqlite:///{original}")
    assert "Kept the newest of several rows for one owner and deleted 1 row." in said
    assert "Marked 2 rows without an owner as shared by the chat." in said
    with closing(moved(kit, original)) as bot:
        # the subscription is taken over
        (one,) = kit.world.ringcentral.webhooks.of(kit.bot_id)
        assert one.status == "Active" and one.id != old_subscription
        # the tokens are encrypted, and nothing else was lost
        with closing(sqlite3.connect(original)) as connection:
            for table in ("bots", "services"):
                columns = "token" if table == "bots" else "data"
                written = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
                assert written and all("sealed" in text for (text,) in written)
            assert connection.execute("SELECT count(*) FROM caches").fetchone() == (0,)
        # what has no person is told of, handed over or ended
        (found,) = status(bot)
        assert found["without_person"] == 2
        direct, team = (service["id"] for service in found["services"])
        (done,) = hand_over(bot, direct, "2101001")
        assert "account alice-practice" in done
        assert end_connection(bot, team) == [
            f"Ended GitHub in chat {found['services'][1]['chat']}. Nothing was revoked, because "
            "another connection uses the same account."
        ]
        assert status(bot)[0]["without_person"] == 0
        (row,) = bot.storage.find_services()
        with bot.services[0].api(row) as api:
            assert api.get("/user").json()["login"] == "alice-practice"


def test_the_copy_is_the_way_back(kit, original, tmp_path):
    copy = tmp_path / "copy.sqlite"
    shutil.copy(original, copy)
    before = copy.read_bytes()
    moved(kit, original).close()
    assert copy.read_bytes() == before
    with closing(sqlite3.connect(copy)) as connection:  # as the original reads it
        (token,) = connection.execute("SELECT data FROM services LIMIT 1").fetchone()
    found = json.loads(token)["accessToken"]
    answer = requests.get(
        f"{kit.github.api_url}/user", headers={"Authorization": f"Bearer {found}"}
    )
    assert answer.json()["login"] == "alice-practice"
