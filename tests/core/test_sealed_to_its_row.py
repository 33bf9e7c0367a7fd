"""A sealed value belongs to its row; what was moved or planted there is refused."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from botkit.errors import SealBroken, StorageError, WrongKey
from botkit.storage import Seal, Storage, authorizations, bots, new_key, services

KEY, NEWER = new_key(), new_key()
ALICE = {"bot_id": "b", "group_id": "g", "user_id": "alice"}
MALLORY = ALICE | {"user_id": "mallory"}
LINK = {"provider": "GitHub", "redirect_uri": "https://bot.example.com/github/oauth"}


@pytest.fixture
def opened(database_url, clock):
    storages = []

    def opened(*keys: str) -> Storage:
        storages.append(Storage(database_url, now=clock, seal=Seal(keys)))
        return storages[-1]

    yield opened
    for storage in storages:
        storage.close()


@pytest.fixture
def storage(opened) -> Storage:
    storage = opened(KEY)
    storage.set_up()
    for owner in (ALICE, MALLORY):
        storage.save_service("GitHub", **owner, data={"accessToken": owner["user_id"]})
        storage.add_authorization(owner["user_id"], **LINK, **owner, verifier="v")
    for bot_id in "bc":
        storage.save_bot(bot_id, token={"access_token": bot_id}, data={"name": bot_id})
    return storage


def run(storage: Storage, statement: sa.Executable):
    with storage._engine.begin() as connection:
        return connection.execute(statement)


def move(storage: Storage, column: sa.Column, here: sa.ColumnElement, there: sa.ColumnElement):
    """Copy a value from one row to another, as somebody with access to the database can."""
    value = storage_value(storage, column, here)
    run(storage, sa.update(column.table).where(there).values({column.key: value}))


def storage_value(storage: Storage, column: sa.Column, where: sa.ColumnElement) -> str:
    return run(storage, sa.select(sa.cast(column, sa.Text)).where(where)).scalar_one()


def test_a_token_that_was_moved_to_another_persons_row_is_refused(storage):
    move(storage, services.c.data, services.c.user_id == "alice", services.c.user_id == "mallory")
    with pytest.raises(SealBroken, match="table services") as caught:
        storage.find_service("GitHub", **MALLORY)
    assert "delete that row" in caught.value.advice
    assert storage.find_service("GitHub", **ALICE).access_token == "alice"


@pytest.mark.parametrize("column", ["name", "bot_id", "group_id", "user_id"])
def test_a_row_that_was_given_to_somebody_else_is_refused(storage, column):
    of_alice = services.c.user_id == "alice"
    run(storage, sa.update(services).where(of_alice).values({column: "another"}))
    owner = {"name": "GitHub", **ALICE, column: "another"}
    with pytest.raises(SealBroken):
        storage.find_service(owner.pop("name"), **owner)


def test_a_value_that_was_moved_to_another_column_or_table_is_refused(storage):
    move(storage, bots.c.token, bots.c.id == "b", bots.c.id == "c")
    with pytest.raises(SealBroken, match="table bots"):
        storage.find_bot("c")
    token = storage_value(storage, bots.c.token, bots.c.id == "b")
    run(storage, sa.update(bots).where(bots.c.id == "b").values(data=token))
    with pytest.raises(SealBroken):
        storage.find_bot("b")
    run(storage, sa.update(services).values(data=token))
    with pytest.raises(SealBroken):
        storage.find_services()


@pytest.mark.parametrize("column", ["provider", "bot_id", "group_id", "user_id"])
def test_a_link_that_was_given_to_somebody_else_cannot_be_used_and_stays(storage, column):
    run(storage, sa.update(authorizations).values({column: "another"}))
    provider = "another" if column == "provider" else "GitHub"
    for _ in range(2):  # nothing is written by the first
        with pytest.raises(SealBroken):
            storage.claim_authorization("alice", provider=provider)


def test_a_row_that_botkit_gives_to_a_person_is_sealed_for_them(storage):
    row = storage.save_service("Drive", bot_id="b", group_id="g", data={"accessToken": "t"})
    storage.adopt_service(row, user_id="alice")
    assert storage.find_service("Drive", **ALICE).access_token == "t"


@pytest.mark.parametrize("broken", [1, 3])
def test_connections_that_cannot_be_read_are_passed_over_and_named_once(
    storage, monkeypatch, caplog, broken
):
    """They are read three at a time, so three of them are a whole piece."""
    monkeypatch.setattr("botkit.storage.store.PIECE", 3)
    for number in range(9):
        owner = {"bot_id": "many", "group_id": "g", "user_id": str(number)}
        storage.save_service("GitHub", **owner, data={"accessToken": "t"})
    ids = [row.id for row in storage.find_services(bot_id="many")]
    lost = ids[3 : 3 + broken]
    move(storage, services.c.data, services.c.id == ids[0], services.c.id.in_(lost))
    for _ in range(2):
        seen = [row.id for row in storage.each_service(bot_id="many")]
        assert seen == [row_id for row_id in ids if row_id not in lost]
    named = re.findall(r"Row (\d+) of the table services is passed over", caplog.text)
    assert named == [str(row_id) for row_id in lost]


@pytest.mark.parametrize("again", [False, True], ids=["the bot runs", "the bot was started again"])
def test_plain_values_are_refused_where_everything_has_been_sealed(storage, opened, again):
    storage = opened(KEY) if again else storage
    run(storage, sa.update(services).values(data='{"accessToken": "planted"}'))
    run(storage, sa.update(bots).values(token='{"access_token": "planted"}'))
    run(storage, sa.update(authorizations).values(verifier="planted"))
    for look in (
        storage.find_services,
        storage.find_bots,
        lambda: storage.claim_authorization("alice", provider="GitHub"),
        lambda: storage.save_service("GitHub", **ALICE, data={"more": 1}),
        lambda: list(storage.reseal()),
    ):
        with pytest.raises(SealBroken, match="not sealed as this bot does it"):
            look()
    storage.set_up()  # and setting up again does not make them good
    with pytest.raises(SealBroken):
        storage.find_services()


def test_a_row_that_is_refused_does_not_keep_the_bot_from_starting(storage, opened):
    run(storage, sa.update(services).values(data='{"accessToken": "planted"}'))
    assert opened(KEY).set_up() == []
    opened(KEY).check()
    assert opened(KEY).find_bot("b").token == {"access_token": "b"}


def test_the_mark_cannot_be_made_without_the_key(opened, database_url, clock):
    with closing(Storage(database_url, now=clock)) as plain:
        plain.set_up()
        plain.save_service("GitHub", **ALICE, data={"accessToken": "plain"})
        run(plain, sa.text("INSERT INTO seals (id) VALUES ('seals')"))
    assert opened(KEY).find_service("GitHub", **ALICE).access_token == "plain"


# ---- what older versions wrote -------------------------------------------------------------------


def first_edition(storage: Storage, data: dict) -> None:
    """A database as the first edition left it: sealed, and bound to nothing."""
    sealed = {"sealed": Fernet(KEY).encrypt(json.dumps(data).encode()).decode()}
    run(storage, sa.update(services).values(data=json.dumps(sealed), grant=None))
    run(storage, sa.text("DELETE FROM seals"))


def bound(storage: Storage) -> bool:
    with storage._reading() as connection:
        return storage._is_all_bound(connection)


def test_old_seals_are_read_and_renewed_with_the_next_save(storage, opened):
    first_edition(storage, {"accessToken": "old"})
    storage = opened(KEY)
    assert storage.find_service("GitHub", **ALICE).access_token == "old"
    storage.save_service("GitHub", **ALICE, data={"more": 1})
    move(storage, services.c.data, services.c.user_id == "alice", services.c.user_id == "mallory")
    with pytest.raises(SealBroken):  # it is bound to Alice's row now
        storage.find_service("GitHub", **MALLORY)


@pytest.mark.parametrize("how", ["set_up", "reseal"])
def test_starting_or_rotating_seals_all_old_rows_once_and_then_refuses_them(storage, opened, how):
    first_edition(storage, {"accessToken": "old", "account": {"id": "7"}})
    old = storage_value(storage, services.c.data, services.c.user_id == "alice")
    storage = opened(KEY)
    if how == "set_up":
        assert storage.set_up() == ["Sealed 2 rows of an older version again."]
    else:
        assert len(list(storage.reseal())) > 2
    assert storage.set_up() == [] and bound(storage)
    row = storage.find_service("GitHub", **ALICE)
    assert row.access_token == "old" and storage.shares_account(row, ["GitHub"])
    run(storage, sa.update(services).values(data=old))
    with pytest.raises(SealBroken):
        opened(KEY).find_services()


def test_a_single_row_of_an_older_version_is_told_as_one(storage, opened):
    first_edition(storage, {"accessToken": "old"})
    run(storage, sa.delete(services).where(services.c.user_id == "mallory"))
    assert opened(KEY).set_up() == ["Sealed 1 row of an older version again."]


def test_a_sealed_row_without_the_hash_of_its_account_gets_it_at_the_next_start(storage, opened):
    row = storage.save_service("GitHub", **ALICE, data=account("7"))
    run(storage, sa.update(services).values(grant=None))
    run(storage, sa.text("DELETE FROM seals"))
    assert opened(KEY).set_up() == []  # nothing had to be sealed
    written = storage_value(storage, services.c.grant, services.c.id == row.id)
    assert [written] == Seal([KEY]).hashes("GitHub\n7")


def test_rows_of_a_lost_key_are_left_and_do_not_keep_the_bot_from_starting(storage, opened):
    first_edition(storage, {"accessToken": "old"})
    lost = json.loads(Seal([new_key()]).dumps({"accessToken": "lost"}))
    run(storage, sa.update(services).where(services.c.id == 1).values(data=json.dumps(lost)))
    storage = opened(KEY)
    storage._key_fits = True  # so many rows came after it that no sample finds it
    assert storage._complete_rows() == 1
    assert not bound(storage)  # with the old key beside the new one, the next start does the rest
    with pytest.raises(WrongKey):
        storage.get_service(1)
    assert storage.get_service(2).access_token == "old"


def test_after_a_rotation_the_newer_key_alone_knows_that_all_is_sealed(storage, opened):
    list(opened(NEWER, KEY).reseal())
    assert bound(opened(NEWER))
    row = opened(NEWER).find_service("GitHub", **ALICE)
    assert row.access_token == "alice"
    with pytest.raises(StorageError):
        opened(KEY).find_services()


# ---- whose account it is -------------------------------------------------------------------------


def account(number: object) -> dict:
    return {"accessToken": "t", "account": {"id": number, "name": "x"}}


def test_connections_of_one_account_are_found_whatever_else_differs(storage):
    here = storage.save_service("GitHub", **ALICE, data=account("7"))
    assert not storage.shares_account(here, ["GitHub"])
    far = {"bot_id": "x", "group_id": "y", "user_id": "z"}
    storage.save_service("GitHub", **far, data=account("7"))
    assert storage.shares_account(here, ["GitHub"])
    assert not storage.shares_account(here, ["GoogleDrive"])
    assert not storage.shares_account(here, ["GitHub"], leaving={"bot_id": "x"})
    assert storage.shares_account(here, ["GitHub"], leaving={"bot_id": "x", "group_id": "g"})
    storage.save_service("GitHub", **far, data=account("8"))
    assert not storage.shares_account(here, ["GitHub"])


def test_the_hash_of_an_account_says_nothing_without_the_key(storage, opened):
    row = storage.save_service("GitHub", **ALICE, data=account("7"))
    written = storage_value(storage, services.c.grant, services.c.id == row.id)
    assert len(written) == 43 and written not in Seal().hashes("GitHub\n7")
    assert written in Seal([NEWER, KEY]).hashes("GitHub\n7")


def test_with_a_newer_key_rows_of_the_older_one_are_still_found(storage, opened):
    storage.save_service("GitHub", **ALICE, data=account("7"))
    both = opened(NEWER, KEY)
    mine = both.save_service("GitHub", **MALLORY, data=account("7"))
    assert both.shares_account(mine, ["GitHub"])


def test_what_another_program_wrote_since_the_start_is_found_too(opened, database_url, clock):
    plain = opened()
    plain.set_up()
    here = plain.save_service("GitHub", **ALICE, data=account("7"))
    now = clock()
    for user_id, text in (("1", '{"account": {"id": 7}}'), ("2", "not JSON"), ("3", "null")):
        values = {"name": "GitHub", **ALICE, "user_id": user_id, "data": text}
        if text != "not JSON" or database_url.startswith("sqlite"):
            run(plain, sa.insert(services).values(**values, created_at=now, updated_at=now))
    assert plain.shares_account(here, ["GitHub"])
    assert not plain.shares_account(here, ["GoogleDrive"])
    alone = plain.save_service("GitHub", **MALLORY, data=account("9"))
    assert not plain.shares_account(alone, ["GitHub"])
