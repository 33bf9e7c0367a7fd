"""Setting up: a new database, one of ours, and one that the original framework left behind."""

from __future__ import annotations

import sqlite3

import pytest

from botkit.storage import Storage, setup_database

# As the original framework's ORM (Sequelize) makes them, with the leavings of a few years.
ORIGINAL = """
CREATE TABLE `bots` (`id` VARCHAR(255) PRIMARY KEY, `token` JSON, `data` JSON,
  `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL);
CREATE TABLE `services` (`id` INTEGER PRIMARY KEY AUTOINCREMENT, `name` VARCHAR(255),
  `botId` VARCHAR(255), `groupId` VARCHAR(255), `userId` VARCHAR(255), `data` JSON,
  `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL, `ours` TEXT);
CREATE TABLE `caches` (`key` VARCHAR(255) PRIMARY KEY, `value` JSON,
  `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL);
INSERT INTO bots VALUES ('37', '{"access_token": "bot-token", "owner_id": "37"}', NULL,
  '2020-01-02 03:04:05.678 +00:00', '2020-01-02 03:04:05.678 +00:00');
INSERT INTO caches VALUES ('k', '{"v": 1}',
  '2020-01-02 03:04:05.678 +00:00', '2020-01-02 03:04:05.678 +00:00');
"""
ROW = (
    "INSERT INTO services (name, botId, groupId, userId, data, createdAt, updatedAt, ours)"
    " VALUES (?, '37', ?, ?, ?, ?, ?, 'left alone')"
)
EARLY, LATE = "2021-05-01 10:00:00.000 +00:00", "2026-11-24 04:53:25.921 +00:00"


@pytest.fixture
def original(tmp_path):
    file = tmp_path / "original.sqlite"
    connection = sqlite3.connect(file)
    connection.executescript(ORIGINAL)
    yield connection, f"sqlite:///{file}"
    connection.close()


def add(connection, name, group, user, data, written=LATE):
    connection.execute(ROW, (name, group, user, data, EARLY, written))
    connection.commit()


def test_a_new_database_gets_three_tables_and_says_so(database_url):
    said = setup_database(database_url)
    assert said == [
        "Made the table authorizations.",
        "Made the table bots.",
        "Made the table services.",
    ]


def test_a_second_run_changes_nothing(database_url):
    setup_database(database_url)
    assert setup_database(database_url) == []


def test_an_original_database_opens_and_its_rows_are_found(original):
    connection, url = original
    add(connection, "GitHub", "g", None, '{"accessToken": "old"}')
    said = setup_database(url)
    assert "Marked 1 row without an owner as shared by the chat." in said
    service = Storage(url).find_service("GitHub", bot_id="37", group_id="g")
    assert service.access_token == "old"
    assert service.updated_at.isoformat() == "2026-11-24T04:53:25.921000+00:00"
    assert Storage(url).find_bot("37").token["access_token"] == "bot-token"


def test_a_row_written_by_the_original_after_set_up_is_found_and_upgraded(original):
    connection, url = original
    setup_database(url)
    add(connection, "GitHub", "g", None, '{"accessToken": "old"}')
    storage = Storage(url)
    assert storage.find_service("GitHub", bot_id="37", group_id="g").access_token == "old"
    storage.save_service("GitHub", bot_id="37", group_id="g", data={"more": 1})
    assert connection.execute("SELECT userId, count(*) FROM services").fetchall() == [("", 1)]


def test_of_several_rows_for_one_owner_the_newest_stays(original):
    connection, url = original
    add(connection, "GitHub", "g", None, '{"accessToken": "newest"}', LATE)
    for number in range(31):
        add(connection, "GitHub", "g", None, f'{{"accessToken": "{number}"}}', EARLY)
    add(connection, "GitHub", "other chat", None, '{"accessToken": "other"}')
    said = setup_database(url)
    assert "Kept the newest of several rows for one owner and deleted 31 rows." in said
    rows = connection.execute("SELECT groupId, data FROM services ORDER BY groupId").fetchall()
    assert rows == [("g", '{"accessToken": "newest"}'), ("other chat", '{"accessToken": "other"}')]


def test_after_set_up_the_database_itself_refuses_a_second_row(original):
    connection, url = original
    setup_database(url)
    add(connection, "GitHub", "g", "alice", "{}")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        add(connection, "GitHub", "g", "alice", "{}")


def test_other_tables_and_unknown_columns_are_left_alone(original):
    connection, url = original
    add(connection, "GitHub", "g", "alice", "{}")
    setup_database(url)
    Storage(url).save_service("GitHub", bot_id="37", group_id="g", user_id="alice", data={"a": 1})
    assert connection.execute("SELECT ours FROM services").fetchall() == [("left alone",)]
    assert connection.execute("SELECT value FROM caches").fetchall() == [('{"v": 1}',)]


def test_a_missing_column_is_added(original):
    connection, url = original
    connection.execute("ALTER TABLE services DROP COLUMN data")
    add_without_data = ROW.replace("data, ", "").replace("?, ?, ?, ?, ?, ", "?, ?, ?, ?, ")
    connection.execute(add_without_data, ("GitHub", "g", "alice", EARLY, LATE))
    connection.commit()
    assert "Added the column services.data." in setup_database(url)
    row = Storage(url).save_service(
        "GitHub", bot_id="37", group_id="g", user_id="alice", data={"a": 1}
    )
    assert row.data == {"a": 1}


@pytest.mark.parametrize("data", ["null", None, "{}"])
def test_rows_without_data_are_no_obstacle(original, data):
    connection, url = original
    add(connection, "GitHub", "g", "alice", data)
    setup_database(url)
    owner = {"bot_id": "37", "group_id": "g", "user_id": "alice"}
    storage = Storage(url)
    assert storage.find_service("GitHub", **owner).access_token is None
    assert storage.save_service("GitHub", **owner, data={"a": 1}).data == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [
        '{"accessToken": "t"}',
        '{"tokens": {"access_token": "t"}, "pageToken": "7"}',
        '{"id": "5", "token": {"access_token": "t"}}',
    ],
)
def test_the_token_is_found_in_every_shape_that_the_original_bots_wrote(original, data):
    connection, url = original
    add(connection, "GitHub", "g", "alice", data)
    setup_database(url)
    service = Storage(url).find_service("GitHub", bot_id="37", group_id="g", user_id="alice")
    assert service.access_token == "t"


def test_what_we_write_has_the_originals_form_of_time(original):
    connection, url = original
    setup_database(url)
    Storage(url).save_service("GitHub", bot_id="37", group_id="g", data={})
    (written,) = connection.execute("SELECT createdAt FROM services").fetchone()
    assert len(written) == len(LATE) and written.endswith(" +00:00") and written[10] == " "


def test_a_set_up_that_fails_leaves_the_database_as_it_was(original, monkeypatch):
    connection, url = original
    add(connection, "GitHub", "g", None, "{}")

    def fail(_connection):
        raise RuntimeError("the power is gone")

    monkeypatch.setattr("botkit.database._add_indexes", fail)
    with pytest.raises(RuntimeError, match="the power is gone"):
        setup_database(url)
    assert connection.execute("SELECT userId FROM services").fetchall() == [(None,)]
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
    assert ("authorizations",) not in tables
