"""Two transactions on one row in PostgreSQL: the second waits, and goes on from what the first did.

In SQLite a writer has the whole file for itself, so there is nothing to interleave.
"""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from serve_world import wait_until

from botkit.errors import StorageError
from botkit.storage import Storage, authorizations, bots, services

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
LINK = {"provider": "GitHub", "redirect_uri": "https://bot.example/github/oauth", "verifier": "v"}
WAITING = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def storage(postgresql_url):
    storage = Storage(postgresql_url)
    storage.set_up()
    yield storage
    storage.close()


@pytest.fixture
def first(postgresql_url):
    """Somebody else's transaction.  It is kept as soon as anybody waits for it."""
    engine = sa.create_engine(postgresql_url)
    threads = []

    def begin(change):
        connection = engine.connect()
        assert connection.execute(change).rowcount == 1
        threads.append(threading.Thread(target=commit, args=(connection,)))
        threads[-1].start()

    def commit(connection):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            wait_until(lambda: other.scalar(WAITING))
        connection.commit()
        connection.close()

    yield begin
    for thread in threads:
        thread.join()
    engine.dispose()


THEIRS = '{"theirs": 1}'
OURS = {"ours": 2}
BOTH = {"theirs": 1, "ours": 2}


def test_saving_a_service_keeps_what_was_written_in_the_meantime(storage, first):
    storage.save_service("GitHub", **ALICE, data={})
    first(sa.update(services).values(data=THEIRS))
    assert storage.save_service("GitHub", **ALICE, data=OURS).data == BOTH
    assert storage.find_service("GitHub", **ALICE).data == BOTH


def test_saving_a_service_that_somebody_else_has_just_made_keeps_theirs(
    storage, first, monkeypatch
):
    """They make it after we have looked, and change it before we look again."""
    found = storage._service_of
    looks = []

    def look(connection, *names, **owner):
        looks.append(owner)
        if len(looks) == 2:
            first(sa.update(services).values(data=THEIRS))
        row = found(connection, *names, **owner)
        if len(looks) == 1:
            monkeypatch.setattr(storage, "_service_of", found)
            storage.save_service("GitHub", **ALICE, data={})
            monkeypatch.setattr(storage, "_service_of", look)
        return row

    monkeypatch.setattr(storage, "_service_of", look)
    assert storage.save_service("GitHub", **ALICE, data=OURS).data == BOTH
    assert len(looks) == 2


def test_a_late_answer_is_merged_with_what_was_written_in_the_meantime(storage, first):
    row = storage.save_service("GitHub", **ALICE, data={})
    first(sa.update(services).values(data=THEIRS))
    assert storage.update_service(row.id, OURS).data == BOTH


def test_a_late_answer_is_not_written_over_tokens_that_came_in_the_meantime(storage, first):
    row = storage.save_service("GitHub", **ALICE, data={"accessToken": "old"})
    first(sa.update(services).values(data='{"accessToken": "new"}'))
    assert storage.update_service(row, {"accessToken": "late"}) is None
    assert storage.get_service(row.id).access_token == "new"


def test_a_row_that_gets_an_owner_keeps_what_was_written_in_the_meantime(storage, first):
    row = storage.save_service("GitHub", **(ALICE | {"user_id": ""}), data={})
    first(sa.update(services).values(data=THEIRS))
    adopted = storage.adopt_service(row, user_id="alice")
    assert (adopted.user_id, adopted.data) == ("alice", {"theirs": 1})
    assert storage.find_service("GitHub", **ALICE).data == {"theirs": 1}


def test_a_newer_connection_is_not_deleted(storage, first):
    row = storage.save_service("GitHub", **ALICE, data={"accessToken": "old"})
    first(sa.update(services).values(data='{"accessToken": "new"}'))
    assert not storage.delete_service(row)
    assert storage.get_service(row.id).access_token == "new"


def test_saving_a_bot_keeps_what_was_written_in_the_meantime(storage, first):
    storage.save_bot("bot", data={})
    first(sa.update(bots).values(data=THEIRS))
    assert storage.save_bot("bot", data=OURS).data == BOTH


def test_saving_a_bot_that_somebody_else_has_just_made_keeps_theirs(storage, first, monkeypatch):
    """They make it after we have looked, and change it before we look again."""
    found = storage._row
    looks = []

    def look(connection, table, key, **how):
        looks.append(key)
        if len(looks) == 2:
            first(sa.update(bots).values(data=THEIRS))
        row = found(connection, table, key, **how)
        if len(looks) == 1:
            monkeypatch.setattr(storage, "_row", found)
            storage.save_bot("bot", data={})
            monkeypatch.setattr(storage, "_row", look)
        return row

    monkeypatch.setattr(storage, "_row", look)
    assert storage.save_bot("bot", data=OURS).data == BOTH
    assert len(looks) == 2


def test_a_bot_is_updated_with_what_was_written_in_the_meantime(storage, first):
    storage.save_bot("bot", data={})
    first(sa.update(bots).values(data=THEIRS))
    assert storage.update_bot("bot", OURS).data == BOTH


def test_a_bot_that_got_a_new_token_in_the_meantime_is_not_deleted(storage, first):
    bot = storage.save_bot("bot", token={"access_token": "old"}, data={})
    first(sa.update(bots).values(token='{"access_token": "new"}'))
    assert not storage.delete_bot(bot)
    assert storage.find_bot("bot").token == {"access_token": "new"}


def test_an_answer_is_not_lost_without_a_word_if_its_link_goes(storage, first):
    storage.add_authorization("state", **LINK, **ALICE)
    link = storage.claim_authorization("state", provider="GitHub")
    first(sa.delete(authorizations))
    with pytest.raises(StorageError, match="removed in the same moment"):
        storage.hold_answer(link, {"code": "111111"})


def test_one_code_takes_one_answer_once(storage, first):
    storage.add_authorization("state", **LINK, **ALICE)
    storage.hold_answer(storage.claim_authorization("state", provider="GitHub"), {"code": "111111"})
    first(sa.update(authorizations).values(answer=None))
    assert storage.try_code(ALICE["bot_id"], ALICE["user_id"], ["111111"]) is None
