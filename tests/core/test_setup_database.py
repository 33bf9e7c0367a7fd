"""Setting up: a new database, one of ours, and one that the original framework left behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from botkit.storage import (
    Job,
    Seal,
    Storage,
    authorizations,
    bots,
    new_key,
    services,
    setup_database,
)
from botkit.storage.tables import holds, jobs, lanes, seen

# As the original framework's ORM (Sequelize) makes them, with the leavings of a few years.
ORIGINAL = """
CREATE TABLE "bots" ("id" VARCHAR(255) PRIMARY KEY, "token" JSON, "data" JSON,
  "createdAt" {moment} NOT NULL, "updatedAt" {moment} NOT NULL);
CREATE TABLE "services" ("id" {number}, "name" VARCHAR(255),
  "botId" VARCHAR(255), "groupId" VARCHAR(255), "userId" VARCHAR(255), "data" JSON,
  "createdAt" {moment} NOT NULL, "updatedAt" {moment} NOT NULL, "ours" TEXT);
CREATE TABLE "caches" ("key" VARCHAR(255) PRIMARY KEY, "value" JSON,
  "createdAt" {moment} NOT NULL, "updatedAt" {moment} NOT NULL);
INSERT INTO "bots" VALUES ('37', '{{"access_token": "bot-token", "owner_id": "37"}}', NULL,
  '2020-01-02 03:04:05.678 +00:00', '2020-01-02 03:04:05.678 +00:00');
INSERT INTO "caches" VALUES ('k', '{{"v": 1}}',
  '2020-01-02 03:04:05.678 +00:00', '2020-01-02 03:04:05.678 +00:00')
"""
TYPES = {
    "sqlite": {"moment": "DATETIME", "number": "INTEGER PRIMARY KEY AUTOINCREMENT"},
    "postgresql": {"moment": "TIMESTAMP WITH TIME ZONE", "number": "SERIAL PRIMARY KEY"},
}
EARLY, LATE = "2021-05-01 10:00:00.000 +00:00", "2026-11-24 04:53:25.921 +00:00"
TOKENS = 'SELECT "groupId", "data" ->> \'accessToken\' FROM "services" ORDER BY "groupId"'
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Original:
    """A database of the original framework's, and a connection to it that is not ours."""

    def __init__(self, url):
        self.url = url
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        self.connection = engine.connect()
        for statement in ORIGINAL.format(**TYPES[engine.dialect.name]).split(";"):
            self.run(statement)

    def run(self, statement):
        return self.connection.exec_driver_sql(statement)

    def ask(self, query):
        return [tuple(row) for row in self.run(query)]

    def add(self, name, group, user, data, written=LATE):
        """A row as the original writes it; without `data` if that is `...`."""
        values = {"name": name, "botId": "37", "groupId": group, "userId": user, "data": data}
        values |= {"createdAt": EARLY, "updatedAt": written, "ours": "left alone"}
        values = {name: value for name, value in values.items() if value is not ...}
        # As text, for what stands in a row is the original's affair and not our types'.
        literals = ["NULL" if value is None else f"'{value}'" for value in values.values()]
        columns = ", ".join(f'"{column}"' for column in values)
        self.run(f'INSERT INTO "services" ({columns}) VALUES ({", ".join(literals)})')


@pytest.fixture
def original(database_url):
    original = Original(database_url)
    yield original
    original.connection.close()


def test_a_new_database_gets_three_tables_and_says_so(database_url):
    said = setup_database(database_url)
    assert said == [
        "Made the table authorizations.",
        "Made the table bots.",
        "Made the table services.",
    ]


def test_a_new_database_has_the_same_tables_as_one_that_was_completed(database_url):
    def plain(index):
        options = index.get("dialect_options", {})
        return index | {"dialect_options": {name: str(one) for name, one in options.items()}}

    def tables():
        inspector = sa.inspect(engine)
        return {
            name: (
                [{**column, "type": str(column["type"])} for column in inspector.get_columns(name)],
                inspector.get_pk_constraint(name),
                sorted(map(plain, inspector.get_indexes(name)), key=lambda one: one["name"]),
            )
            for name in inspector.get_table_names()
        }

    engine = sa.create_engine(database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    Storage(database_url, seal=Seal([new_key()])).set_up()
    made = tables()
    with engine.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP TABLE {name}")
        connection.exec_driver_sql("CREATE TABLE caches (id INTEGER)")
    Storage(database_url, seal=Seal([new_key()])).set_up()
    assert len(made) == 8
    assert {name: there for name, there in tables().items() if name != "caches"} == made


def test_an_empty_database_is_not_searched_for_what_is_missing(database_url):
    asked, storage = [], Storage(database_url, seal=Seal([new_key()]))
    sa.event.listen(storage._engine, "after_cursor_execute", lambda *given: asked.append(given[2]))
    storage.set_up()
    assert len([one for one in asked if not one.lstrip().startswith("CREATE ")]) <= 5


def test_a_second_run_changes_nothing(database_url):
    setup_database(database_url)
    assert setup_database(database_url) == []


def test_of_eight_that_set_up_an_empty_database_at_once_one_does_it(database_url):
    start = threading.Barrier(8)

    def set_up(_):
        start.wait()
        return setup_database(database_url)

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(set_up, range(8)), key=len)
    assert [len(sentences) for sentences in said] == [0] * 7 + [3]


def test_an_original_database_opens_and_its_rows_are_found(original):
    original.add("GitHub", "g", None, '{"accessToken": "old"}')
    said = setup_database(original.url)
    assert "Marked 1 row without an owner as shared by the chat." in said
    service = Storage(original.url).find_service("GitHub", bot_id="37", group_id="g")
    assert service.access_token == "old"
    assert service.updated_at.isoformat() == "2026-11-24T04:53:25.921000+00:00"
    assert Storage(original.url).find_bot("37").token["access_token"] == "bot-token"


def test_a_row_written_by_the_original_after_set_up_is_found_and_upgraded(original):
    setup_database(original.url)
    original.add("GitHub", "g", None, '{"accessToken": "old"}')
    storage = Storage(original.url)
    assert storage.find_service("GitHub", bot_id="37", group_id="g").access_token == "old"
    storage.save_service("GitHub", bot_id="37", group_id="g", data={"more": 1})
    assert original.ask('SELECT "userId" FROM "services"') == [("",)]


def test_of_several_rows_for_one_owner_the_newest_stays(original):
    original.add("GitHub", "g", None, '{"accessToken": "newest"}', LATE)
    for number in range(31):
        original.add("GitHub", "g", None, f'{{"accessToken": "{number}"}}', EARLY)
    original.add("GitHub", "other chat", None, '{"accessToken": "other"}')
    said = setup_database(original.url)
    assert "Kept the newest of several rows for one owner and deleted 31 rows." in said
    assert original.ask(TOKENS) == [("g", "newest"), ("other chat", "other")]


def test_owners_with_several_rows_take_nothing_from_others_in_their_chat(original):
    for user in ("alice", "bob", None):
        original.add("GitHub", "g", user, f'{{"accessToken": "newest of {user}"}}', LATE)
        original.add("GitHub", "g", user, '{"accessToken": "old"}', EARLY)
    original.add("GitHub", "g", "carol", '{"accessToken": "carol"}')
    assert any("and deleted 3 rows." in sentence for sentence in setup_database(original.url))
    left = sorted(token for _, token in original.ask(TOKENS))
    assert left == ["carol", "newest of None", "newest of alice", "newest of bob"]


def test_after_set_up_the_database_itself_refuses_a_second_row(original):
    setup_database(original.url)
    original.add("GitHub", "g", "alice", "{}")
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)unique"):
        original.add("GitHub", "g", "alice", "{}")


WHO, WHEN = ["bot_id", "group_id", "user_id"], ["created_at", "updated_at"]
REQUIRED = [*((bots, name) for name in WHEN), *((services, name) for name in WHEN)]
REQUIRED += [(authorizations, name) for name in (*WHO, "provider", "redirect_uri", "verifier")]
REQUIRED += [(authorizations, "created_at"), (authorizations, "expires_at")]
REQUIRED += [(lanes, name) for name in ("pool", "bot_id", "due", "tries")]
REQUIRED += [(jobs, name) for name in ("lane", "body", "due", "created_at")]
REQUIRED += [(seen, "at"), (holds, "until")]


@pytest.mark.parametrize(("table", "name"), REQUIRED, ids=lambda one: str(one))
def test_a_new_database_refuses_a_row_without_what_every_row_has(storage, table, name):
    storage.save_bot("b", data={})
    storage.save_service("GitHub", bot_id="b", group_id="g", data={})
    place = {"bot_id": "b", "group_id": "g", "user_id": "u", "provider": "GitHub"}
    storage.add_authorization("state", **place, redirect_uri="https://b.example/", verifier="v")
    storage.messages.put([Job("turn", "in:b:g", "b", {}, key="delivery")])
    storage.messages.pause("b", 60)
    new = sa.null() if name == "body" else None  # None would be the null of JSON
    with pytest.raises(sa.exc.IntegrityError), storage._engine.begin() as connection:
        connection.execute(sa.update(table).values({name: new}))


def test_other_tables_and_unknown_columns_are_left_alone(original):
    original.add("GitHub", "g", "alice", "{}")
    setup_database(original.url)
    Storage(original.url).save_service(
        "GitHub", bot_id="37", group_id="g", user_id="alice", data={"a": 1}
    )
    assert original.ask('SELECT "ours" FROM "services"') == [("left alone",)]
    assert original.ask('SELECT "value" ->> \'v\' FROM "caches"') in ([(1,)], [("1",)])


def test_a_missing_column_is_added(original):
    original.run('ALTER TABLE "services" DROP COLUMN "data"')
    original.add("GitHub", "g", "alice", ...)
    assert "Added the column services.data." in setup_database(original.url)
    row = Storage(original.url).save_service(
        "GitHub", bot_id="37", group_id="g", user_id="alice", data={"a": 1}
    )
    assert row.data == {"a": 1}


@pytest.mark.parametrize("data", ["null", None, "{}"])
def test_rows_without_data_are_no_obstacle(original, data):
    original.add("GitHub", "g", "alice", data)
    setup_database(original.url)
    owner = {"bot_id": "37", "group_id": "g", "user_id": "alice"}
    storage = Storage(original.url)
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
    original.add("GitHub", "g", "alice", data)
    setup_database(original.url)
    service = Storage(original.url).find_service(
        "GitHub", bot_id="37", group_id="g", user_id="alice"
    )
    assert service.access_token == "t"


@only_sqlite
def test_what_we_write_has_the_originals_form_of_time(original):
    setup_database(original.url)
    Storage(original.url).save_service("GitHub", bot_id="37", group_id="g", data={})
    ((written,),) = original.ask('SELECT "createdAt" FROM "services"')
    assert len(written) == len(LATE) and written.endswith(" +00:00") and written[10] == " "


def test_a_set_up_that_fails_leaves_the_database_as_it_was(original, monkeypatch):
    original.add("GitHub", "g", None, "{}")

    def fail(_connection):
        raise RuntimeError("the power is gone")

    monkeypatch.setattr("botkit.storage.setup._add_indexes", fail)
    with pytest.raises(RuntimeError, match="the power is gone"):
        setup_database(original.url)
    assert original.ask('SELECT "userId" FROM "services"') == [(None,)]
    assert not sa.inspect(original.connection).has_table("authorizations")


def test_a_column_that_may_not_be_empty_is_added_for_the_rows_that_are_there(original):
    original.run('ALTER TABLE "services" DROP COLUMN "updatedAt"')
    original.add("GitHub", "g", "alice", '{"accessToken": "t"}', written=...)
    assert "Added the column services.updatedAt." in setup_database(original.url)
    owner = {"bot_id": "37", "group_id": "g", "user_id": "alice"}
    service = Storage(original.url).find_service("GitHub", **owner)
    assert (service.access_token, service.updated_at) == ("t", None)


def test_a_row_without_a_date_is_older_than_one_that_has_a_date(original):
    moment = TYPES[original.connection.dialect.name]["moment"]
    original.run('ALTER TABLE "services" DROP COLUMN "updatedAt"')
    original.run(f'ALTER TABLE "services" ADD COLUMN "updatedAt" {moment}')
    for token, written in [("dated", LATE), ("undated", None), ("early", EARLY)]:
        original.add("GitHub", "g", None, f'{{"accessToken": "{token}"}}', written)
    said = setup_database(original.url)
    assert "Kept the newest of several rows for one owner and deleted 2 rows." in said
    assert original.ask(TOKENS) == [("g", "dated")]


# ---- with a key ----------------------------------------------------------------------------------

OLD_SHAPES = {
    "GitHub": '{"accessToken": "t", "account": {"id": "7"}}',
    "GoogleDrive": '{"tokens": {"access_token": "t"}, "pageToken": "7"}',
    "RingCentral": '{"id": "5", "token": {"access_token": "t"}}',
    "nothing": "null",
    "no data": None,
    "a list": "[1, 2]",
}


def test_an_original_database_is_sealed_at_the_first_start_and_told_in_a_sentence_each(original):
    for name, data in OLD_SHAPES.items():
        original.add(name, "g", None, data)
    original.add("GitHub", "g", None, '{"accessToken": "older"}', EARLY)
    storage = Storage(original.url, seal=Seal([new_key()]))
    assert storage.set_up() == [
        "Made the table authorizations.",
        "Added the column services.grant.",
        "Kept the newest of several rows for one owner and deleted 1 row.",
        "Marked 6 rows without an owner as shared by the chat.",
        "Added the index services_in_chat.",
        "Added the index services_of_bot.",
        "Added the index services_of_grant.",
        "Added the index services_one_per_owner.",
        "Added the index services_without_person.",
        "Sealed 5 rows of an older version again.",
    ]
    assert storage.set_up() == []
    where = {"bot_id": "37", "group_id": "g"}
    for name in ("GitHub", "GoogleDrive", "RingCentral"):
        assert storage.find_service(name, **where).access_token == "t"
    assert storage.find_service("a list", **where).data == {"unreadable": [1, 2]}
    assert storage.find_service("nothing", **where).data is None
    assert storage.find_bot("37").token["access_token"] == "bot-token"
    written = original.ask('SELECT CAST("data" AS TEXT) FROM "services" WHERE "data" IS NOT NULL')
    assert all(text == "null" or text.startswith('{"sealed": ') for (text,) in written)
    storage.close()


def test_a_set_up_that_was_stopped_in_the_middle_goes_on_with_the_next(original, monkeypatch):
    for number in range(5):
        original.add("GitHub", str(number), None, f'{{"accessToken": "{number}"}}')
    seal = Seal([new_key()])
    monkeypatch.setattr("botkit.storage.database.PIECE", 2)
    storage, write, count = Storage(original.url, seal=seal), Storage._write_again, [0]

    def stop(*arguments):
        count[0] += 1
        if count[0] == 4:
            raise RuntimeError("the power is gone")
        return write(*arguments)

    monkeypatch.setattr(Storage, "_write_again", stop)
    with pytest.raises(RuntimeError):
        storage.set_up()
    monkeypatch.setattr(Storage, "_write_again", write)
    again = Storage(original.url, seal=seal)
    assert again.set_up()[-1].startswith("Sealed ")
    assert [row.access_token for row in again.find_services()] == list("01234")
    assert again.set_up() == []


def test_setting_up_again_reads_no_rows_however_many_there_are(database_url):
    storage = Storage(database_url, seal=Seal([new_key()]))
    storage.set_up()
    for number in range(30):
        storage.save_service("GitHub", bot_id="b", group_id="g", user_id=str(number), data={})
    opened = []

    @sa.event.listens_for(storage._engine, "after_cursor_execute")
    def count(_connection, cursor, statement, *_):
        opened.append(statement)

    assert storage.set_up() == []
    # The newest of each table, to prove the key; the rest are questions about tables and indexes.
    about_rows = [one for one in opened if one.startswith("SELECT services.id AS id")]
    assert len(about_rows) == 1 and "LIMIT" in about_rows[0]
    assert not any("GROUP BY services." in one for one in opened)


def test_many_rows_go_in_pieces(storage, monkeypatch):
    monkeypatch.setattr("botkit.storage.store.PIECE", 3)
    for number in range(8):
        owner = {"bot_id": "b", "group_id": str(number % 2), "user_id": str(number)}
        storage.save_service("GitHub", **owner, data={})
    storage.save_service("GitHub", bot_id="another", group_id="1", data={})
    storage.delete_group("b", "1")
    assert [row.user_id for row in storage.find_services(bot_id="b")] == list("0246")
    storage.delete_bot("b")
    assert [row.bot_id for row in storage.find_services()] == ["another"]
