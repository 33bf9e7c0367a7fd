"""In SQLite the driver executes a statement as SQLAlchemy would: same values, same transactions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam

from botkit.storage import Storage, bots
from botkit.storage.statement import run, run_each
from botkit.storage.tables import columns_of

MOMENT = datetime(2026, 11, 24, 4, 53, 25, 921_000, tzinfo=UTC)
ROW = {"id": "1", "token": None, "data": '{"a": "ü"}', "created_at": MOMENT, "updated_at": MOMENT}
ADD, ALL = sa.insert(bots), sa.select(*columns_of(bots)).order_by(bots.c.id)
CHANGE = sa.update(bots).where(bots.c.id == bindparam("key")).values(token='"fixed"')
AMONG = sa.select(bots.c.id).where(bots.c.id.in_(bindparam("keys", expanding=True)))
REMOVE = sa.delete(bots).returning(bots.c.id, bots.c.created_at)


@pytest.fixture
def storage(database_url):
    storage = Storage(database_url)
    storage.set_up()
    yield storage
    storage.close()


def test_what_one_way_writes_the_other_way_reads(storage):
    with storage._transaction() as connection:
        run(connection, ADD, ROW)
        (read,) = connection.execute(ALL)
        (same,) = run(connection, ALL).rows
    assert read._asdict() == same._asdict() == ROW


def test_a_statement_has_values_of_its_own_and_counts_what_it_changes(storage):
    with storage._transaction() as connection:
        run_each(connection, ADD, [ROW, ROW | {"id": "2"}])
        assert run(connection, CHANGE, {"key": "2"}).count == 1
        assert run(connection, CHANGE, {"key": "3"}).count == 0
        tokens = [(row.id, row.token) for row in run(connection, ALL).rows]
    assert tokens == [("1", None), ("2", '"fixed"')]


def test_an_insert_without_a_column_is_another_text(storage):
    fewer = {name: value for name, value in ROW.items() if name != "data"}
    with storage._transaction() as connection:
        for row in (ROW, fewer | {"id": "2"}, ROW | {"id": "3"}):
            run(connection, ADD, row)
        assert [row.data for row in run(connection, ALL).rows] == [ROW["data"], None, ROW["data"]]


def test_lists_and_what_comes_back_from_a_change(storage):
    with storage._transaction() as connection:
        run_each(connection, ADD, [ROW | {"id": str(number)} for number in range(3)])
        found = run(connection, AMONG, {"keys": ["0", "2", "4"]})
        removed = run(connection, REMOVE)
    assert {row.id for row in found.rows} == {"0", "2"} and found.value() in ("0", "2")
    assert [row.created_at for row in removed.rows] == [MOMENT] * 3
    with storage._reading() as connection:
        assert run(connection, ALL).first() is None and run(connection, ALL).value() is None


def test_after_an_error_nothing_of_it_is_kept(storage):
    with pytest.raises(ZeroDivisionError), storage._transaction() as connection:
        run(connection, ADD, ROW)
        raise ZeroDivisionError
    with storage._transaction() as connection:
        assert run(connection, ALL).rows == []
