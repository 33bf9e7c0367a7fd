"""Many people connect at once, and no callback comes to the process that gave the link.

Two gunicorns of two processes each stand on one database, as behind one address.  The chat delivers
to the first, which gives out the links; the browsers are sent to the second; the codes that people
say go to the first again.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from faults_world import SIX_DIGITS, open_storage
from serve_world import free_port
from sizes import Size

PEOPLE = Size(24, nightly=200)


@pytest.fixture
def two_bots(gunicorn, serve, town, database_url):
    """Two gunicorns on one database: their addresses, and the processes."""
    settings, ports = town.settings(serve.address, database_url), (serve.port, free_port())
    bots = [gunicorn(settings, port=port, workers=2)[0] for port in ports]
    town.install(serve.address)
    return [f"http://127.0.0.1:{port}" for port in ports], bots


def visit(address):
    """Open an address as a browser does; the answer, and how many seconds it took."""
    began = time.monotonic()
    answer = requests.get(address, timeout=60)
    return answer, time.monotonic() - began


def everybody(people, say):
    """All say something at the same moment; what the bot answers each of them."""
    for person in people:
        person.write(say[person] if isinstance(say, dict) else say)
    return {person: person.reads() for person in people}


def test_many_people_connect_at_once_each_through_two_processes(two_bots, town, database_url):
    (first, second), bots = two_bots
    people = [town.person(number) for number in range(PEOPLE)]
    links = everybody(people, "profile")
    with ThreadPoolExecutor(4) as pool:
        callbacks = list(pool.map(lambda one: one.approves(links[one], first), people))
    elsewhere = [callback.replace(first, second, 1) for callback in callbacks]
    with ThreadPoolExecutor(PEOPLE) as pool:
        pages, seconds = zip(*pool.map(visit, elsewhere), strict=True)
    assert {page.status_code for page in pages} == {200}
    codes = [SIX_DIGITS.search(page.text)[0] for page in pages]
    for said in everybody(people, dict(zip(people, codes, strict=True))).values():
        assert said.startswith("Connected to GitHub as **alice-practice**"), said

    storage = open_storage(database_url)
    rows = storage.find_services()
    storage.close()
    assert len(rows) == PEOPLE
    assert {row.user_id for row in rows} == {person.user_id for person in people}
    assert len({row.access_token for row in rows}) == PEOPLE
    assert len(town.exchanges) == PEOPLE and set(town.exchanges.values()) == {1}
    for said in everybody(people[:20], "profile").values():
        assert said.startswith("Here is your GitHub profile"), said
    assert {visit(callback)[0].status_code for callback in callbacks[:20]} == {409}
    # A delivery that had not been answered with 200 would have ended this.
    assert town.hears()
    for bot in bots:
        assert "Traceback" not in bot.errors and "Work left undone" not in bot.errors

    half, most = statistics.median(seconds), sorted(seconds)[int(PEOPLE * 0.99)]
    print(f"{PEOPLE} callbacks at once: p50 {half:.2f} s, p99 {most:.2f} s")
