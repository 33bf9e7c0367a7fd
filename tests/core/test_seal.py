"""Sealed at rest: what is written, what is read, and what happens with the wrong key."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from botkit.errors import SettingsError, WrongKey
from botkit.lessons.kit import Kit
from botkit.settings import read_keys
from botkit.storage import (
    Authorization,
    Seal,
    Service,
    Storage,
    count_plain_rows,
    do_job,
    new_key,
)

KEY, OTHER = new_key(), new_key()
SECRETS = [f"planted-{name}" for name in ("access", "bot", "verification", "verifier", "answer")]
ALICE = {"bot_id": "b", "group_id": "g", "user_id": "alice"}
LINK = {**ALICE, "provider": "GitHub", "redirect_uri": "https://bot.example.com/github/oauth"}


@pytest.fixture
def opened(database_url, clock):
    """Open the database, which has its tables, with these keys."""
    with closing(Storage(database_url, now=clock)) as storage:
        storage.set_up()
    storages = []

    def opened(*keys: str) -> Storage:
        storages.append(Storage(database_url, now=clock, seal=Seal(keys)))
        return storages[-1]

    yield opened
    for storage in storages:
        storage.close()


def fill(storage: Storage) -> None:
    """Every place where a secret may be."""
    storage.save_service("GitHub", **ALICE, data={"accessToken": SECRETS[0]})
    token = {"access_token": SECRETS[1]}
    storage.save_bot("b", token=token, data={"verificationToken": SECRETS[2]})
    storage.add_authorization("waits", **LINK, verifier=SECRETS[3])
    storage.add_authorization("answered", **LINK, verifier="v" * 43)
    link = storage.claim_authorization("answered", provider="GitHub")
    storage.hold_answer(link, {"code": "428913", "data": {"accessToken": SECRETS[4]}})


def raw(storage: Storage) -> str:
    """Everything in the tables, as it is written."""
    found = []
    with storage._engine.connect() as connection:
        for table in ("bots", "services", "authorizations"):
            columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
            texts = ", ".join(f'CAST("{name}" AS TEXT)' for name in columns)
            rows = connection.exec_driver_sql(f"SELECT {texts} FROM {table} ORDER BY 1")
            found += [json.dumps([table, *row]) for row in rows]
    return "\n".join(found)


def test_every_secret_is_sealed_and_can_be_read_again(opened):
    storage = opened(KEY)
    fill(storage)
    assert not any(secret in raw(storage) for secret in SECRETS)
    again = opened(KEY)
    assert again.find_service("GitHub", **ALICE).access_token == SECRETS[0]
    assert again.find_bot("b").token == {"access_token": SECRETS[1]}
    assert again.find_bot("b").data == {"verificationToken": SECRETS[2]}
    assert again.claim_authorization("waits", provider="GitHub").verifier == SECRETS[3]
    taken = again.try_code("b", "alice", ["428913"]).taken
    assert taken.answer["data"] == {"accessToken": SECRETS[4]}


def test_without_a_seal_everything_is_kept_as_it_is(opened):
    storage = opened()
    fill(storage)
    assert all(secret in raw(storage) for secret in SECRETS)


def plain_rows(storage: Storage) -> int:
    with storage._reading() as connection:
        return count_plain_rows(connection)


def test_rows_with_a_plain_secret_are_counted_in_every_table(opened):
    fill(opened(KEY))
    assert plain_rows(opened()) == 0
    for number, column in enumerate(("bots.token", "bots.data", "services.data")):
        table, name = column.split(".")
        for value, more in (("'null'", 0), ("NULL", 0), ("""'{"a": "b"}'""", 1)):
            with opened(KEY)._writing() as connection:
                connection.exec_driver_sql(f"UPDATE {table} SET {name} = {value}")
            # Both columns of the bot are in one row.
            assert plain_rows(opened()) == (number + 1) // 2 + (more and number != 1), column


def test_a_plain_verifier_and_a_plain_answer_make_plain_rows(opened):
    fill(opened())
    assert plain_rows(opened()) == 4  # the connection, the bot, and a link for each of these
    with opened()._writing() as connection:
        connection.exec_driver_sql("DELETE FROM services")
        connection.exec_driver_sql("DELETE FROM bots")
        connection.exec_driver_sql("UPDATE authorizations SET answer = NULL")
    assert plain_rows(opened()) == 1  # the verifier of the link that waits


def test_nothing_is_no_secret(opened):
    storage = opened(KEY)
    storage.save_bot("b", data={})
    with storage._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT token FROM bots").all() == [(None,)]


@pytest.mark.parametrize("save", ["service", "bot"])
def test_what_was_written_before_the_key_is_read_and_sealed_when_it_is_saved(opened, save):
    fill(opened())
    storage = opened(KEY)
    assert storage.find_service("GitHub", **ALICE).access_token == SECRETS[0]
    assert storage.claim_authorization("waits", provider="GitHub").verifier == SECRETS[3]
    assert SECRETS[0] in raw(storage) and SECRETS[1] in raw(storage)
    if save == "service":  # with what is there already
        storage.save_service("GitHub", **ALICE, data={"accessToken": SECRETS[0]})
        assert SECRETS[0] not in raw(storage)
    else:  # the token is not touched, and sealed with the rest of its row
        storage.save_bot("b", data={"name": "Bot"})
        assert SECRETS[1] not in raw(storage) and SECRETS[2] not in raw(storage)
        assert storage.find_bot("b").token == {"access_token": SECRETS[1]}


def test_a_json_null_of_the_original_framework_is_read(opened):
    storage = opened(KEY)
    storage.save_service("GitHub", **ALICE, data={})
    with storage._writing() as connection:
        connection.exec_driver_sql("UPDATE services SET data = 'null'")
    assert storage.find_service("GitHub", **ALICE).data is None
    storage.save_service("GitHub", **ALICE, data={"accessToken": SECRETS[0]})
    assert storage.find_service("GitHub", **ALICE).access_token == SECRETS[0]


# ---- the wrong key -----------------------------------------------------------------------------

WRITING = {
    "set_up": lambda s: s.set_up(),
    "save_service": lambda s: s.save_service("GitHub", **ALICE, data={"more": 1}),
    "a new service": lambda s: s.save_service("Other", **ALICE, data={"more": 1}),
    "adopt_service": lambda s: s.adopt_service(Service(id=1), user_id="bob"),
    "update_service": lambda s: s.update_service(1, {"more": 1}),
    "delete_service": lambda s: s.delete_service(Service(id=1)),
    "delete_services": lambda s: s.delete_services([Service(id=1)]),
    "delete_group": lambda s: s.delete_group("b", "g"),
    "save_bot": lambda s: s.save_bot("b", token={"access_token": "t"}, data={}),
    "a new bot": lambda s: s.save_bot("c", token={"access_token": "t"}, data={}),
    "update_bot": lambda s: s.update_bot("b", {"more": 1}),
    "delete_bot": lambda s: s.delete_bot("b"),
    "add_authorization": lambda s: s.add_authorization("new", **LINK, verifier="v"),
    "claim_authorization": lambda s: s.claim_authorization("waits", provider="GitHub"),
    "hold_answer": lambda s: s.hold_answer(
        Authorization(*"abcdefg", None, None), {"code": "428913"}
    ),
    "try_code": lambda s: s.try_code("b", "alice", ["428913"]),
    "take_answers": lambda s: s.take_answers(),
    "sweep_links": lambda s: s.sweep_links(),
    "reseal": lambda s: list(s.reseal()),
    "messages.put": lambda s: s.messages.put([do_job("anything")]),
    "messages.claim": lambda s: s.messages.claim("turn"),
    "messages.hold": lambda s: s.messages.hold("key", 60),
}


def test_the_list_has_every_method_that_writes():
    reading = {"check", "close", "count_waiting_links", "find_bot", "find_bots", "find_service"}
    reading |= {"find_services", "get_service", "shares_account"}
    reading |= {"count_services", "each_group", "each_service", "check_authorization", "let_go"}
    reading |= {"bot_ids", "count_without_person", "is_code_awaited", "known_bot"}
    reading |= {"try_to_write"}  # it writes only after a disk was full
    methods = {name for name in dir(Storage) if name[0] != "_" and callable(getattr(Storage, name))}
    written = {name for name in WRITING if not name.startswith(("a new", "messages"))}
    assert methods - reading == written


@pytest.mark.parametrize("keys", [[OTHER], []], ids=["another key", "no key"])
def test_with_the_wrong_key_nothing_is_overwritten(opened, clock, keys):
    fill(opened(KEY))
    before = raw(opened(KEY))
    clock.advance(hours=5)
    for name, write in WRITING.items():
        if name == "set_up" and not keys:
            continue  # this reads no secret and writes none, so it needs no key
        storage = opened(*keys)
        with pytest.raises(WrongKey) as caught:
            write(storage)
        assert "BOTKIT_SECRET_KEY" in caught.value.advice, name
        assert caught.value.__cause__ is None and raw(storage) == before, name
    for read in (Storage.find_services, Storage.find_bots, Storage.check):
        with pytest.raises(WrongKey):
            read(opened(*keys))


def test_the_file_is_the_same_byte_for_byte(sqlite_url, clock):
    with closing(Storage(sqlite_url, now=clock, seal=Seal([KEY]))) as storage:
        storage.set_up()
        fill(storage)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    before = file.read_bytes()
    for write in WRITING.values():
        storage = Storage(sqlite_url, now=clock, seal=Seal([OTHER]))
        with closing(storage), pytest.raises(WrongKey):
            write(storage)
    assert file.read_bytes() == before


@pytest.fixture
def mixed_up(kit, caplog):
    """A kit whose database somebody has sealed with another key meanwhile."""
    kit.alice.say("profile")
    page = kit.alice.browser.visit(kit.alice.link)
    seal = Seal([OTHER, *kit.settings.secret_keys])
    with closing(Storage(kit.settings.database, now=kit.clock, seal=seal)) as storage:
        assert len(list(storage.reseal())) > 1
    return page


def test_the_page_says_it_and_no_traceback(kit, mixed_up, caplog):
    page = mixed_up.approve()
    assert page.status == 503 and "sealed with another key.\nNothing was changed." in page.text
    health = kit.app.test_client().get("/health")
    assert health.status_code == 503 and "BOTKIT_SECRET_KEY" in health.json["advice"]
    assert "Traceback" not in caplog.text


def test_the_chat_says_it_where_the_bots_own_row_can_be_read(kit, caplog):
    kit.alice.say("profile")
    kit.alice.browser.visit(kit.alice.link).approve()
    (row,) = kit.storage.find_services()
    sealed = json.loads(Seal([OTHER]).dumps(row.data))
    with kit.storage._writing() as connection:
        text = sa.text("UPDATE services SET data = :data").bindparams(data=json.dumps(sealed))
        connection.execute(text)
    said = kit.alice.say("profile").text
    assert said.startswith("The database is sealed with another key. Nothing was changed.")
    assert "Traceback" not in caplog.text


def test_a_kit_does_not_start_on_a_database_of_another_key(sqlite_url):
    from botkit.settings import Settings

    with closing(Storage(sqlite_url, seal=Seal([KEY]))) as storage:
        storage.set_up()
        fill(storage)
    with pytest.raises(WrongKey, match="sealed with another key"):
        Kit(Settings(practice=True, database=sqlite_url, secret_keys=(OTHER,)))


# ---- the seal itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, {}, [], "text", 5, {"sealed": 7}, {"a": {"b": ["ü💥"]}}])
def test_what_is_sealed_opens_as_it_was(value):
    seal = Seal([KEY])
    text = seal.dumps(value)
    assert re.fullmatch(r'\{"sealed": "gAAAA[\w=-]+"\}', text)
    assert seal.loads(text) == seal.loads(text.encode()) == value
    assert Seal().loads(Seal().dumps({"plain": 1})) == {"plain": 1}


def test_the_first_key_seals_and_every_key_opens():
    both = Seal([OTHER, KEY])
    assert both.loads(Seal([KEY]).dumps(1)) == 1
    assert Seal([OTHER]).loads(both.dumps(1)) == 1
    assert both.open_text(Seal([KEY]).seal_text("v")) == "v"
    with pytest.raises(WrongKey):
        Seal([KEY]).loads(both.dumps(1))


@pytest.mark.parametrize("damage", [lambda t: t[:-9] + '"}', lambda t: t.replace("gAAAA", "gAAAB")])
def test_what_was_changed_on_the_way_does_not_open(damage):
    with pytest.raises(WrongKey):
        Seal([KEY]).loads(damage(Seal([KEY]).dumps("secret")))


@pytest.mark.parametrize(
    "written",
    ["planted", KEY[:-1], f"{KEY},planted", "ü" * 44, "A" * 44],
    ids=["a word", "one character short", "a word after a key", "not ASCII", "no padding"],
)
def test_a_malformed_key_is_refused_and_not_shown(written):
    with pytest.raises(SettingsError, match="BOTKIT_SECRET_KEY") as caught:
        read_keys(written)
    shown = str(caught.value) + caught.value.advice
    assert "planted" not in shown and KEY[:8] not in shown and "new-key" in shown


def test_keys_may_be_separated_by_commas_and_spaces():
    assert read_keys(f" {KEY}, {OTHER} ") == read_keys(f"{KEY} {OTHER}") == (KEY, OTHER)
    assert read_keys("") == ()


def test_a_seal_shows_no_key():
    assert repr(Seal([KEY])) == "<Seal>"


@pytest.mark.parametrize("text", ["not JSON", "", '{"half": '])
def test_a_text_of_another_program_that_is_no_json_is_a_text(text):
    assert Seal([new_key()]).loads(text) == text
