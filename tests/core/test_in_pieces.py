"""Tables with many rows: read in pieces, counted by the database, led by an index."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from botkit.storage import Storage, authorizations


@pytest.fixture
def pieces_of_three(monkeypatch):
    monkeypatch.setattr("botkit.storage.store.PIECE", 3)


def fill(storage, count):
    """So many connections of bot "b", half of them in chat "0", and one of another bot."""
    storage.save_service("GitHub", bot_id="another", group_id="0", data={})
    for number in range(count):
        owner = {"bot_id": "b", "group_id": str(number % 2), "user_id": str(number)}
        storage.save_service("GitHub", **owner, data={"accessToken": f"t{number}"})


@pytest.mark.parametrize("count", [0, 2, 3, 8])
def test_all_connections_of_a_bot_come_once_and_in_order(storage, pieces_of_three, count):
    fill(storage, count)
    tokens = [row.access_token for row in storage.each_service(bot_id="b")]
    assert tokens == [f"t{number}" for number in range(count)]
    there = [row.user_id for row in storage.each_service(bot_id="b", group_id="1")]
    assert there == [str(number) for number in range(count) if number % 2]


def test_a_row_that_goes_while_others_are_read_hides_none_of_them(storage, pieces_of_three):
    fill(storage, 8)
    seen = []
    for row in storage.each_service(bot_id="b"):
        seen.append(row.user_id)
        storage.delete_service(row)
    assert seen == list("01234567") and storage.count_services("b") == 0


def test_the_chats_of_a_bot_come_once_each(storage):
    fill(storage, 6)
    for group_id in ("", "another"):
        storage.save_service("GitHub", bot_id="b", group_id=group_id, data={})
    assert list(storage.each_group("b")) == ["0", "1", "another"]
    assert list(storage.each_group("nobody")) == []


def test_the_connections_of_a_bot_are_counted(storage):
    fill(storage, 5)
    assert [storage.count_services(bot_id) for bot_id in ("b", "another", "nobody")] == [5, 1, 0]


def test_connections_without_a_person_are_counted_in_all_or_of_one_bot(storage):
    fill(storage, 2)
    for name, bot_id in (("GitHub", "b"), ("Drive", "b"), ("Other", "b"), ("Drive", "another")):
        storage.save_service(name, bot_id=bot_id, group_id="team", data={})
    assert storage.count_without_person(["GitHub", "Drive"]) == 4
    assert storage.count_without_person(["GitHub", "Drive"], "b") == 2
    assert storage.count_without_person(["Drive"], "another") == 1
    assert storage.count_without_person(["GitHub"], "nobody") == 0


READERS = {
    "a piece": lambda s: list(s.each_service(bot_id="b")),
    "a piece of a chat": lambda s: list(s.each_service(bot_id="b", group_id="0")),
    "the first": lambda s: s.find_services(bot_id="b", limit=100),
    "the chats": lambda s: list(s.each_group("b")),
    "a count": lambda s: s.count_services("b"),
}


@pytest.mark.parametrize("what", READERS)
def test_an_index_leads_to_them_without_sorting(tmp_path, what):
    storage = Storage(f"sqlite:///{tmp_path}/database.sqlite")
    storage.set_up()
    fill(storage, 4)
    asked = []

    @sa.event.listens_for(storage._engine, "before_cursor_execute")
    def remember(_connection, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    READERS[what](storage)
    with storage._engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values).all())
            for one, values in list(asked)
        ]
    storage.close()
    assert plans and all("SEARCH services USING" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)


def test_answers_that_wait_are_taken_some_at_a_time(storage, pieces_of_three):
    for number in range(8):
        where = {"bot_id": "b", "group_id": "g", "user_id": str(number)}
        link = storage.add_authorization(
            f"state-{number}", provider="GitHub", **where, redirect_uri="http://a", verifier="v"
        )
        storage.hold_answer(link, {"code": str(number)})
    pieces = [len(storage.take_answers(bot_id="b")) for _ in range(4)]
    assert pieces == [3, 3, 2, 0]


def add_links(storage, *numbers):
    for number in numbers:
        where = {"bot_id": "b", "group_id": "g", "user_id": "u", "redirect_uri": "http://a"}
        storage.add_authorization(str(number), provider="GitHub", **where, verifier="v")


def links(storage):
    with storage._engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(authorizations))


def test_old_links_go_some_at_a_time_and_all_of_them(storage, clock, pieces_of_three):
    add_links(storage, *range(8))
    clock.advance(hours=2)
    left = []
    for number in range(8, 11):
        add_links(storage, number)
        left.append(links(storage))
    assert left == [6, 4, 3]  # each new link takes three old ones with it, while there are any


def test_a_sweep_of_everything_takes_as_many_pieces_as_it_needs(storage, clock, pieces_of_three):
    add_links(storage, *range(8))
    clock.advance(hours=2)
    assert storage.sweep_links() == 8 and links(storage) == 0


def listen(storage, hear):
    """Let `hear` get every statement: from SQLite itself, where the driver gets most of them."""
    if storage.is_postgresql:
        sa.event.listen(storage._engine, "before_cursor_execute", lambda *event: hear(event[2]))
        return
    with storage._engine.connect() as connection:  # the pool has this one only
        connection.connection.driver_connection.set_trace_callback(hear)


def test_links_in_one_minute_sweep_once(storage, clock):
    asked = []
    listen(storage, lambda statement: asked.append(statement[:6]))
    add_links(storage, 1, 2, 3)
    assert asked.count("INSERT") == 3 and asked.count("DELETE") == 1
    clock.advance(minutes=1)
    add_links(storage, 4, 5)
    assert asked.count("DELETE") == 2
